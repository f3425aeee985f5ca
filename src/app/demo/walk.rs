//! Requests to the service, people who are signed in, and the steps as they are told.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::header::{CONTENT_TYPE, COOKIE, ETAG, IF_MATCH, LOCATION, SET_COOKIE};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::service::{Service, program};
use crate::app::boot::{Failure, Outcome};

/// An answer that was the right one.
pub struct Answer {
    /// Its body.
    pub body: Value,
    /// Its entity tag.
    pub etag: Option<String>,
}

impl Answer {
    /// A text in it, by JSON Pointer.
    pub fn text(&self, pointer: &str) -> Outcome<String> {
        let found = self.body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        found.ok_or_else(|| Failure(format!("the answer has no {pointer}: {}", self.body)))
    }

    /// An instant in it, by JSON Pointer.
    pub fn time(&self, pointer: &str) -> Outcome<DateTime<Utc>> {
        self.text(pointer)?.parse().map_err(told)
    }

    /// Demands a text in it.
    pub fn demand(&self, pointer: &str, wanted: &str) -> Outcome {
        let got = self.text(pointer)?;
        if got == wanted {
            Ok(())
        } else {
            Err(Failure(format!("{pointer} should be {wanted}, it is {got}")))
        }
    }

    /// A list in it, by JSON Pointer.
    pub fn list(&self, pointer: &str) -> Vec<Value> {
        self.body.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default()
    }
}

/// Who walks: their name for the reader and their tokens.
pub struct Person {
    /// Their login at the sandbox GitHub.
    pub login: &'static str,
    /// Their account.
    pub account: String,
    /// Their address.
    pub email: String,
    tokens: RefCell<Tokens>,
}

/// What somebody is signed in with, and after how many moves of the clock.
struct Tokens {
    access: String,
    refresh: String,
    moves: u32,
}

/// The walk: where the service is, and how many steps were made.
pub struct Walk<'a> {
    url: &'a str,
    /// The service's data folder.
    pub folder: &'a Path,
    http: reqwest::Client,
    step: Cell<u32>,
    moves: Cell<u32>,
    keys: Cell<u32>,
}

impl<'a> Walk<'a> {
    /// At the beginning.
    pub fn new(service: &'a Service, folder: &'a Path) -> Outcome<Self> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(20))
            .build()
            .map_err(told)?;
        Ok(Self {
            url: &service.url,
            folder,
            http,
            step: Cell::new(0),
            moves: Cell::new(0),
            keys: Cell::new(0),
        })
    }

    /// Tells a step.
    pub fn say(&self, text: &str) {
        self.step.set(self.step.get().saturating_add(1));
        println!("{:>3}. {text}", self.step.get());
    }

    /// GitHub's sign-in as a script walks it.
    async fn sign_in(&self, login: &str) -> Outcome<Answer> {
        let start = self.fetch(&format!("{}/v1/auth/github/start?mode=token", self.url), None).await?;
        let cookie = header(&start, SET_COOKIE.as_str())?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let at_github =
            self.fetch(&format!("{}&login={login}", header(&start, LOCATION.as_str())?), None).await?;
        let back = self.fetch(&header(&at_github, LOCATION.as_str())?, Some(&cookie)).await?;
        right(back, 200).await
    }

    /// Signs somebody in anew.
    pub async fn again(&self, person: &Person) -> Outcome {
        let tokens = self.sign_in(person.login).await?;
        person.tokens.replace(self.tokens(&tokens)?);
        Ok(())
    }

    /// The sign-in, then the sign-up.
    pub async fn join(&self, login: &'static str, role: &str) -> Outcome<Person> {
        let tokens = self.sign_in(login).await?;
        let account = tokens.text("/account_id")?;
        let held = RefCell::new(self.tokens(&tokens)?);
        let mut person = Person { login, account, email: String::new(), tokens: held };

        let me = self.get(&person, "/v1/me").await?;
        person.email = me.text("/verified_emails/0/email")?;
        let terms = self.get(&person, "/v1/policy").await?.text("/consents/terms/version")?;
        let sign_up = json!({
            "roles": [role],
            "display_name": login,
            "contact_email": person.email,
            "accept_terms_version": terms,
        });
        self.post(&person, "/v1/me/sign_up", 200, sign_up).await?;
        self.say(&format!("{login} signs in with GitHub and signs up as {role}: {}", person.account));
        Ok(person)
    }

    fn tokens(&self, answer: &Answer) -> Outcome<Tokens> {
        let (access, refresh) = (answer.text("/access_token")?, answer.text("/refresh_token")?);
        Ok(Tokens { access, refresh, moves: self.moves.get() })
    }

    /// Somebody's access token; a new one of the same session when the clock was moved, by which old ones run out.
    pub async fn token(&self, person: &Person) -> Outcome<String> {
        let refresh = {
            let held = person.tokens.borrow();
            if held.moves == self.moves.get() {
                return Ok(held.access.clone());
            }
            held.refresh.clone()
        };
        let body = json!({ "grant_type": "refresh_token", "refresh_token": refresh });
        let request = self.http.post(format!("{}/v1/auth/token", self.url)).json(&body);
        let tokens = self.tokens(&right(request.send().await.map_err(told)?, 200).await?)?;
        let access = tokens.access.clone();
        person.tokens.replace(tokens);
        Ok(access)
    }

    /// The service's time.
    pub async fn now(&self) -> Outcome<DateTime<Utc>> {
        right(self.fetch(&format!("{}/sandbox/clock", self.url), None).await?, 200).await?.time("/now")
    }

    /// Moves the service's clock to an instant.
    pub async fn move_clock(&self, to: DateTime<Utc>) -> Outcome {
        let url = format!("{}/sandbox/clock", self.url);
        let seconds = (to - self.now().await?).num_seconds();
        let moved = self.http.post(&url).json(&json!({ "advance_seconds": seconds })).send();
        right(moved.await.map_err(told)?, 200).await?;
        self.moves.set(self.moves.get().saturating_add(1));
        self.say(&format!("the clock is moved to {}", to.to_rfc3339_opts(SecondsFormat::Secs, true)));
        Ok(())
    }

    /// A mail to somebody that the worker has yet to write, by its subject.
    pub async fn mail(&self, to: &str, subject: &str) -> Outcome<Answer> {
        for _ in 0..150 {
            let all = self.fetch(&format!("{}/sandbox/mail", self.url), None).await?;
            let all = right(all, 200).await?.body;
            let all = all["data"].as_array().cloned().unwrap_or_default();
            let found = all.iter().find(|mail| mail["to"] == to && mail["subject"] == subject);
            if let Some(id) = found.and_then(|mail| mail["id"].as_str()) {
                return right(self.fetch(&format!("{}/sandbox/mail/{id}", self.url), None).await?, 200).await;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(Failure(format!("no mail to {to} with the subject {subject}")))
    }

    /// The bootstrap of the command line, while the service runs.
    pub fn appoint(&self, person: &Person, permission: &str) -> Outcome {
        let mut command = program(self.folder)?;
        let done = command.args(["staff", "grant", person.login, permission]).output()?;
        if !done.status.success() {
            return Err(Failure(String::from_utf8_lossy(&done.stderr).trim().to_owned()));
        }
        self.say(&format!("assay staff grant {} {permission}", person.login));
        Ok(())
    }

    /// What is somewhere, for nobody in particular.
    pub async fn fetch(&self, url: &str, cookie: Option<&str>) -> Outcome<Response> {
        let mut request = self.http.get(url);
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        request.send().await.map_err(told)
    }

    /// Sends a request; what is to be done goes under a key of its own.
    pub async fn send(
        &self,
        method: Method,
        person: &Person,
        path: &str,
        etag: Option<&str>,
        body: Value,
    ) -> Outcome<Response> {
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.url))
            .bearer_auth(self.token(person).await?);
        if method == Method::POST {
            self.keys.set(self.keys.get().saturating_add(1));
            request = request.header("idempotency-key", format!("demo-{}", self.keys.get()));
        }
        if let Some(etag) = etag {
            request = request.header(IF_MATCH, etag);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        request.send().await.map_err(told)
    }

    /// What there is to read.
    pub async fn get(&self, person: &Person, path: &str) -> Outcome<Answer> {
        right(self.send(Method::GET, person, path, None, Value::Null).await?, 200).await
    }

    /// An answer of the right status.
    pub async fn post(&self, person: &Person, path: &str, status: u16, body: Value) -> Outcome<Answer> {
        right(self.send(Method::POST, person, path, None, body).await?, status).await
    }

    /// A replacement of what was seen.
    pub async fn put(&self, person: &Person, path: &str, etag: Option<&str>, body: Value) -> Outcome<Answer> {
        right(self.send(Method::PUT, person, path, etag, body).await?, 200).await
    }

    /// A JSON Merge Patch of what was seen.
    pub async fn patch(
        &self,
        person: &Person,
        path: &str,
        etag: Option<&str>,
        patch: &Value,
    ) -> Outcome<Answer> {
        let request = self
            .http
            .patch(format!("{}{path}", self.url))
            .bearer_auth(self.token(person).await?)
            .header(IF_MATCH, etag.unwrap_or_default())
            .header(CONTENT_TYPE, "application/merge-patch+json")
            .body(patch.to_string());
        right(request.send().await.map_err(told)?, 200).await
    }

    /// A request that must be refused.
    pub async fn refused(&self, person: &Person, method: Method, path: &str, status: u16) -> Outcome {
        right(self.send(method, person, path, None, Value::Null).await?, status).await.map(drop)
    }

    /// An act on a thing as it was seen.
    pub async fn act(
        &self,
        person: &Person,
        thing: &str,
        verb: &str,
        etag: Option<&str>,
        body: Value,
    ) -> Outcome<Answer> {
        right(self.send(Method::POST, person, &format!("{thing}/{verb}"), etag, body).await?, 200).await
    }

    /// The same on a thing as it is now.
    pub async fn act_on_latest(
        &self,
        person: &Person,
        thing: &str,
        verb: &str,
        body: Value,
    ) -> Outcome<Answer> {
        let seen = self.get(person, thing).await?;
        self.act(person, thing, verb, seen.etag.as_deref(), body).await
    }
}

/// What went wrong, in its own words.
pub fn told(error: impl std::fmt::Display) -> Failure {
    Failure(error.to_string())
}

fn header(response: &Response, name: &str) -> Outcome<String> {
    let value = response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    value.ok_or_else(|| {
        Failure(format!("{} answers {} without {name}", response.url().path(), response.status()))
    })
}

/// The answer, if it is the right one.
pub async fn right(response: Response, status: u16) -> Outcome<Answer> {
    let place = response.url().path().to_owned();
    let got = response.status().as_u16();
    let etag = response.headers().get(ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let text = response.text().await.map_err(told)?;
    if got != status {
        return Err(Failure(format!("{place} should answer {status}, it answers {got}: {text}")));
    }
    Ok(Answer { body: serde_json::from_str(&text).unwrap_or_default(), etag })
}
