//! One request and its answer.

use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::app::TestApp;
use super::people::Person;
use super::spec;

/// A request on its way. Send it with [`Call::expect`] or [`Call::send`].
#[must_use]
pub struct Call<'a> {
    app: &'a TestApp,
    method: Method,
    path: String,
    person: Option<&'a Person>,
    /// Is there a key, or should there be none?
    keyed: bool,
    builder: reqwest::RequestBuilder,
}

impl<'a> Call<'a> {
    pub(super) fn new(app: &'a TestApp, method: Method, path: &str) -> Self {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", app.base) };
        let builder = app.http.request(method.clone(), url);
        Self { app, method, path: path.to_owned(), person: None, keyed: false, builder }
    }

    /// Sent by this person. Who was signed in long ago (the clock may have been moved) signs in again first.
    pub fn by(mut self, person: &'a Person) -> Self {
        self.person = Some(person);
        self
    }

    /// With this bearer token.
    pub fn bearer(mut self, token: &str) -> Self {
        self.builder = self.builder.bearer_auth(token);
        self
    }

    /// With this JSON body.
    pub fn json(mut self, body: Value) -> Self {
        self.builder = self.builder.json(&body);
        self
    }

    /// With this body as it is.
    pub fn body(mut self, content_type: &str, body: impl Into<reqwest::Body>) -> Self {
        self.builder = self.builder.header("content-type", content_type).body(body);
        self
    }

    /// With this header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// Only if the thing is as it was when it had this entity tag.
    pub fn if_match(self, etag: &str) -> Self {
        self.header("if-match", etag)
    }

    /// Under this idempotency key.
    pub fn key(mut self, key: &str) -> Self {
        self.keyed = true;
        self.header("idempotency-key", key)
    }

    /// Without a key, also where one is demanded; else such a request gets one of its own.
    pub fn without_key(mut self) -> Self {
        self.keyed = true;
        self
    }

    /// Sends it and checks the answer against the description.
    pub async fn send(self) -> Answer {
        let checks = self.app.checks_answers;
        let answer = self.answer().await;
        assert!(answer.status != 500, "{answer}");
        if checks {
            let content_type = answer.header("content-type");
            spec::check(answer.method.as_str(), &answer.path, answer.status, content_type);
            assert!(answer.header("x-request-id").is_some(), "{answer} has no request id");
        }
        answer
    }

    /// Sends it to a service that may die meanwhile: nothing when no whole answer came.
    pub async fn attempt(self) -> Option<Answer> {
        self.try_answer().await.ok()
    }

    async fn answer(self) -> Answer {
        self.try_answer().await.expect("the service answers")
    }

    async fn try_answer(mut self) -> reqwest::Result<Answer> {
        static KEYS: AtomicU32 = AtomicU32::new(0);
        if !self.keyed && spec::demands_key(self.method.as_str(), &self.path) {
            let key = format!("it-{}", KEYS.fetch_add(1, Ordering::Relaxed));
            self.builder = self.builder.header("idempotency-key", key);
        }
        if let Some(person) = self.person {
            let token = match person.token_at(self.app.now()) {
                Some(token) => token,
                None => {
                    // Boxed: a sign-in is made of calls.
                    let tokens = Box::pin(self.app.walk_sign_in(&person.login)).await;
                    let token = tokens.text_at("/access_token");
                    person.renew(token.clone(), self.app.now());
                    token
                }
            };
            self.builder = self.builder.bearer_auth(token);
        }
        let response = self.builder.send().await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await?;
        Ok(Answer { method: self.method, path: self.path, status, headers, text })
    }

    /// Sends it without holding the answer to the description (304, for example, is nowhere declared).
    pub async fn send_unchecked(self) -> Answer {
        self.answer().await
    }

    /// Sends it and demands the status.
    #[track_caller]
    pub fn expect(self, status: u16) -> impl Future<Output = Answer> + use<'a> {
        let place = std::panic::Location::caller();
        async move {
            let answer = self.send().await;
            assert!(answer.status == status, "{place}: wanted {status}, got {answer}");
            answer
        }
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    method: Method,
    path: String,
    /// The status.
    pub status: u16,
    headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{self} is not JSON: {error}"))
    }

    /// A member of the body by JSON Pointer.
    pub fn at(&self, pointer: &str) -> Value {
        self.json().pointer(pointer).cloned().unwrap_or_else(|| panic!("{self} has no {pointer}"))
    }

    /// A text in the body by JSON Pointer.
    pub fn text_at(&self, pointer: &str) -> String {
        self.at(pointer).as_str().unwrap_or_else(|| panic!("{self}: {pointer} is no text")).to_owned()
    }

    /// Demands the status.
    #[track_caller]
    pub fn assert_status(&self, status: u16) {
        assert!(self.status == status, "wanted {status}, got {self}");
    }

    /// The thing's id.
    pub fn id(&self) -> String {
        self.text_at("/id")
    }

    /// The problem's code.
    pub fn code(&self) -> String {
        self.text_at("/code")
    }

    /// The thing's entity tag.
    pub fn etag(&self) -> String {
        self.header("etag").unwrap_or_else(|| panic!("{self} has no ETag")).to_owned()
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text: String = self.text.chars().take(2_000).collect();
        write!(f, "{} {} → {} {text}", self.method, self.path, self.status)
    }
}
