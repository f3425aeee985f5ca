//! People: signed in by walking the real road over HTTP, signed up, approved, verified, appointed.

use std::sync::{Mutex, PoisonError};

use assay::app::domains;
use assay_kernel::Permission;
use chrono::{DateTime, Duration, Utc};
use serde_json::json;

use super::app::TestApp;
use super::call::Answer;

/// Somebody who has signed in.
#[derive(Debug)]
pub struct Person {
    /// GitHub login of a persona of the sandbox.
    pub login: String,
    /// Their account.
    pub id: String,
    /// Their organisation, for clients.
    pub organisation: Option<String>,
    /// The card of their organisation, for clients.
    pub method: Option<String>,
    token: Mutex<(String, DateTime<Utc>)>,
}

impl Person {
    /// The organisation of a client.
    pub fn organisation(&self) -> &str {
        self.organisation.as_deref().expect("a client of `TestApp::client`")
    }

    /// The card of a client's organisation.
    pub fn method(&self) -> &str {
        self.method.as_deref().expect("a client of `TestApp::client`")
    }

    /// An access token that holds, unless it has become too old.
    pub(super) fn token_at(&self, now: DateTime<Utc>) -> Option<String> {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        (now - token.1 < Duration::minutes(8)).then(|| token.0.clone())
    }

    pub(super) fn renew(&self, token: String, now: DateTime<Utc>) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = (token, now);
    }
}

impl TestApp {
    /// Walks the sign-in in the mode `token`; the answer has the tokens.
    pub async fn walk_sign_in(&self, login: &str) -> Answer {
        let start = self.get("/v1/auth/github/start?mode=token").expect(302).await;
        let cookie = start
            .header("set-cookie")
            .and_then(|cookie| cookie.split(';').next())
            .expect("a cookie")
            .to_owned();
        let authorize = format!("{}&login={login}", start.header("location").expect("a location"));
        let at_github = self.http.get(&authorize).send().await.expect("the sandbox GitHub answers");
        assert_eq!(at_github.status(), 302, "is there a persona {login}?");
        let back = at_github.headers()["location"].to_str().expect("a location").to_owned();
        let path = back
            .strip_prefix(&self.services.ctx.config.public_url())
            .expect("back to the service")
            .to_owned();
        self.get(&path).header("cookie", &cookie).expect(200).await
    }

    /// Signs a persona in; they may not have signed up.
    pub async fn sign_in(&self, login: &str) -> Person {
        let tokens = self.walk_sign_in(login).await;
        Person {
            login: login.to_owned(),
            id: tokens.text_at("/account_id"),
            organisation: None,
            method: None,
            token: Mutex::new((tokens.text_at("/access_token"), self.now())),
        }
    }

    /// Signs a persona in and up, unless they have signed up before.
    pub async fn sign_up(&self, login: &str, roles: &[&str]) -> Person {
        let person = self.sign_in(login).await;
        let me = self.get("/v1/me").by(&person).expect(200).await;
        if me.text_at("/status") == "pending" {
            let input = json!({
                "roles": roles,
                "display_name": format!("{login} of the tests"),
                "contact_email": me.at("/verified_emails/0/email"),
                "accept_terms_version": self.services.ctx.policy.consents.terms.version,
                "accept_product_mail_version": self.services.ctx.policy.consents.product_mail.version,
            });
            self.post("/v1/me/sign_up").by(&person).json(input).expect(200).await;
        }
        person
    }

    /// A developer who has what submission wants: consent, an item in the portfolio.
    pub async fn candidate(&self, login: &str) -> Person {
        let person = self.sign_up(login, &["developer"]).await;
        let version = &self.services.ctx.policy.consents.vetting.version;
        let consent = json!({ "version": version });
        self.put("/v1/me/consents/vetting").by(&person).json(consent).expect(200).await;
        self.portfolio_item(&person).await;
        person
    }

    /// A developer who is approved: over the fast lane, the shortest way there is.
    pub async fn developer(&self, login: &str) -> Person {
        let person = self.candidate(login).await;
        self.approve(&person).await;
        person
    }

    /// Walks a candidate from an application to the approval. Answers the application.
    pub async fn approve(&self, person: &Person) -> Answer {
        let founder = self.founder().await;
        let claim = json!({ "platform": "Elsewhere", "finished_projects": 64, "rating_hundredths": 492,
            "links": ["https://elsewhere.example/profile"] });
        let content = json!({ "tracks": ["backend"], "fast_lane": claim });
        let made = self.post("/v1/applications").by(person).json(content).expect(201).await;
        let act = |verb: &str| self.post(&format!("/v1/applications/{}/{verb}", made.id()));
        let sent = act("submit").by(person).if_match(&made.etag()).expect(200).await;
        let reason = json!({ "reason": "Approved for a test." });
        let confirm = act("confirm_fast_lane").by(&founder).if_match(&sent.etag());
        let ready = confirm.json(reason.clone()).expect(200).await;
        act("override_approval").by(&founder).if_match(&ready.etag()).json(reason).expect(200).await
    }

    /// A client with an organisation that a curator has verified, and a card that pays.
    pub async fn client(&self, login: &str) -> Person {
        let mut person = self.client_without_method(login).await;
        person.method = Some(self.add_method(&person, "card", "pm_card_visa").await);
        person
    }

    /// The same without the card.
    pub async fn client_without_method(&self, login: &str) -> Person {
        let mut person = self.sign_up(login, &["client"]).await;
        let input =
            json!({ "name": format!("{login} Ltd"), "country": "DK", "website": "https://example.com" });
        let made = self.post("/v1/organisations").by(&person).json(input).expect(201).await;
        let curator = self.founder().await;
        self.post(&format!("/v1/organisations/{}/verify", made.id()))
            .by(&curator)
            .if_match(&made.etag())
            .json(json!({ "reason": "Checked for a test." }))
            .expect(200)
            .await;
        person.organisation = Some(made.id());
        person
    }

    /// A staff member with this permission and no other, by the bootstrap of the command line.
    pub async fn staff(&self, login: &str, permission: Permission) -> Person {
        let person = self.sign_up(login, &["developer"]).await;
        domains::set_permission(self.ctx(), login, permission, true)
            .await
            .expect("the permission is granted");
        person
    }

    /// The staff member who makes the other fixtures: admin, curator and reviewer.
    async fn founder(&self) -> Person {
        self.staff("staff-rosa", Permission::Admin).await;
        self.staff("staff-rosa", Permission::Reviewer).await;
        self.staff("staff-rosa", Permission::Curator).await
    }

    /// The service's time.
    pub fn now(&self) -> DateTime<Utc> {
        self.services.ctx.clock.now()
    }
}
