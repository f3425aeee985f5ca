//! Identity: signing in, credentials, the account, staff, organisations, and the right to bid.

mod api_tokens;
mod consents;
mod invitations;
mod organisations;
mod profile;
mod rights;
mod second_factor;
mod sessions;
mod sign_in;
mod staff;
mod suspension;
mod tokens;

use serde_json::{Value, json};

use crate::harness::{Answer, Call, Person, TestApp};

/// A sign-in under way.
struct Started {
    /// `name=value` of the cookie that binds it to the browser.
    cookie: String,
    /// GitHub's page.
    location: String,
}

/// The input of a sign-up.
fn sign_up_input(app: &TestApp, roles: &[&str], email: &str) -> Value {
    json!({
        "roles": roles,
        "display_name": "Somebody",
        "contact_email": email,
        "accept_terms_version": app.services.ctx.policy.consents.terms.version,
    })
}

/// The codes of the bad fields by their pointers.
fn pointers(answer: &Answer) -> Vec<String> {
    let errors = answer.at("/errors");
    let errors = errors.as_array().expect("errors");
    errors.iter().map(|error| error["pointer"].as_str().expect("a pointer").to_owned()).collect()
}

impl TestApp {
    /// Begins a sign-in in a new browser.
    async fn begin(&self, query: &str) -> Started {
        let start = self.get(&format!("/v1/auth/github/start{query}")).expect(302).await;
        let cookie = start.header("set-cookie").expect("a cookie");
        Started {
            cookie: cookie.split(';').next().expect("name=value").to_owned(),
            location: start.header("location").expect("a location").to_owned(),
        }
    }

    /// Chooses at GitHub (`login=…` or `deny=1`); answers the path to which GitHub sends the browser back.
    async fn choose(&self, started: &Started, choice: &str) -> String {
        let page = self.http.get(format!("{}&{choice}", started.location)).send().await.expect("GitHub");
        assert_eq!(page.status(), 302, "{choice}");
        let back = page.headers()["location"].to_str().expect("a location");
        back.strip_prefix(&self.base).expect("back to the service").to_owned()
    }

    /// Comes back from GitHub in the browser in which the sign-in began.
    fn come_back<'a>(&'a self, started: &Started, path: &str) -> Call<'a> {
        self.get(path).header("cookie", &started.cookie)
    }

    /// Signs a persona in as a browser; answers the session's cookie value.
    async fn browser(&self, login: &str) -> String {
        let started = self.begin("").await;
        let path = self.choose(&started, &format!("login={login}")).await;
        let done = self.come_back(&started, &path).expect(302).await;
        let cookie = done.header("set-cookie").expect("a cookie");
        let pair = cookie.split(';').next().expect("name=value");
        pair.strip_prefix("__Host-session=").expect("the session cookie").to_owned()
    }

    /// Shows a refresh token.
    fn refresh(&self, token: &str) -> Call<'_> {
        let body = json!({ "grant_type": "refresh_token", "refresh_token": token });
        self.post("/v1/auth/token").json(body)
    }

    /// Makes an API token with these scopes that lasts ten days; answers its secret and its id.
    async fn api_token(&self, person: &Person, scopes: &[&str]) -> (String, String) {
        let input = json!({
            "name": "of a test", "scopes": scopes, "expires_at": self.now() + chrono::Duration::days(10),
        });
        let made = self.post("/v1/me/tokens").by(person).json(input).expect(201).await;
        (made.text_at("/token"), made.id())
    }

    /// Invites somebody to the organisation of `owner` and lets them accept.
    pub async fn join(&self, owner: &Person, invited: &Person, role: &str) {
        let path = format!("/v1/organisations/{}/invitations", owner.organisation());
        let email = self.get("/v1/me").by(invited).expect(200).await.text_at("/contact_email");
        let invite = json!({ "email": email, "role": role });
        self.post(&path).by(owner).json(invite).expect(201).await;
        self.work().await;
        let token = self.invitation_token().await;
        let accept = json!({ "token": token });
        self.post("/v1/organisation_invitations/accept").by(invited).json(accept).expect(200).await;
    }
}
