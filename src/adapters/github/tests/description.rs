//! The sandbox against GitHub's own description of its REST API.

use std::path::PathBuf;

use secrecy::ExposeSecret;
use serde_json::Value;

use super::Stage;
use super::schema::{faults, resolve};
use crate::github::sandbox::personas;

fn description() -> Option<Value> {
    let path = match std::env::var_os("ASSAY_GITHUB_DESCRIPTION") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../target/github-description/api.github.com.json"),
    };
    let text = std::fs::read(path).ok()?;
    Some(serde_json::from_slice(&text).unwrap())
}

/// One kind of question: the path in the description, the path here, and what is expected.
struct Question {
    described: &'static str,
    path: String,
    signed_in: bool,
    etag: Option<String>,
    status: u16,
}

fn ask(described: &'static str, path: impl Into<String>) -> Question {
    Question { described, path: path.into(), signed_in: true, etag: None, status: 200 }
}

struct Contract {
    stage: Stage,
    description: Value,
    token: String,
    checked: usize,
    undescribed: Vec<String>,
}

impl Contract {
    /// Asks, checks the body against the schema of the operation and status, and gives it back with its `ETag`.
    async fn check(&mut self, question: Question) -> (Value, Option<String>) {
        let url = self.stage.server.base_url().join(&format!("/api{}", question.path)).unwrap();
        let mut request = self.stage.http.get(url);
        if question.signed_in {
            request = request.bearer_auth(&self.token);
        }
        if let Some(etag) = &question.etag {
            request = request.header("if-none-match", etag);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        assert_eq!(status, question.status, "{}", question.path);
        let etag = answer.headers().get("etag").map(|etag| etag.to_str().unwrap().to_owned());
        let content_type = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        let text = answer.text().await.unwrap();

        let responses = &self.description["paths"][question.described]["get"]["responses"];
        assert!(responses.is_object(), "{} is not described", question.described);
        let response = resolve(&self.description, &responses[status.to_string()]);
        let schema = &response["content"]["application/json"]["schema"];
        if text.is_empty() {
            assert!(schema.is_null() && response.is_object(), "{}: {status} without a body", question.path);
            self.checked += 1;
            return (Value::Null, etag);
        }
        assert!(content_type.is_some_and(|kind| kind.starts_with("application/json")));
        let body: Value = serde_json::from_str(&text).unwrap();
        if schema.is_null() {
            self.undescribed.push(format!("{} {status}", question.described));
            return (body, etag);
        }
        let found = faults(&self.description, schema, &body);
        assert!(found.is_empty(), "{} {status}: {:#?}", question.path, &found[..found.len().min(10)]);
        self.checked += 1;
        (body, etag)
    }

    async fn page_through(&mut self, described: &'static str, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        for page in 1.. {
            let joint = if path.contains('?') { '&' } else { '?' };
            let (body, _) =
                self.check(ask(described, format!("{path}{joint}per_page=100&page={page}"))).await;
            let count = body.as_array().unwrap().len();
            items.extend(body.as_array().unwrap().iter().cloned());
            if count < 100 {
                break;
            }
        }
        items
    }
}

#[tokio::test]
async fn sandbox_answers_follow_githubs_description() {
    let Some(description) = description() else {
        println!("skipped: run scripts/github-description");
        return;
    };
    let stage = Stage::new();
    let mut contract =
        Contract { stage, description, token: String::new(), checked: 0, undescribed: Vec::new() };
    for persona in personas() {
        let login = persona.login;
        for name in [Some(login), persona.former].into_iter().flatten() {
            contract.token = contract.stage.sign_in(name).await.token.expose_secret().to_owned();
            let (user, etag) = contract.check(ask("/user", "/user")).await;
            assert_eq!(user["id"], persona.id);
            contract.check(Question { etag, status: 304, ..ask("/user", "/user") }).await;
        }
        let (_, etag) = contract.check(ask("/user/emails", "/user/emails")).await;
        contract.check(Question { etag, status: 304, ..ask("/user/emails", "/user/emails") }).await;
        let (_, etag) = contract.check(ask("/user/orgs", "/user/orgs")).await;
        contract.check(Question { etag, status: 304, ..ask("/user/orgs", "/user/orgs") }).await;
        contract.check(ask("/users/{username}", format!("/users/{login}"))).await;
        contract
            .check(Question { signed_in: false, ..ask("/users/{username}", format!("/users/{login}")) })
            .await;
        contract.check(ask("/user/{account_id}", format!("/user/{}", persona.id))).await;
        contract.check(ask("/users/{username}/orgs", format!("/users/{login}/orgs"))).await;
        let repos = contract.page_through("/users/{username}/repos", &format!("/users/{login}/repos")).await;
        for repo in &repos {
            let name = repo["full_name"].as_str().unwrap();
            contract.check(ask("/repos/{owner}/{repo}", format!("/repos/{name}"))).await;
            contract.check(ask("/repos/{owner}/{repo}/languages", format!("/repos/{name}/languages"))).await;
            contract
                .check(ask("/repos/{owner}/{repo}/contributors", format!("/repos/{name}/contributors")))
                .await;
        }
        let q = format!(
            "/search/issues?q=is:pr+is:public+reviewed-by:{login}+-author:{login}+updated:>=2020-01-01"
        );
        let (found, _) = contract.check(ask("/search/issues", q)).await;
        for pull in found["items"].as_array().unwrap() {
            assert_ne!(pull["user"]["login"], login);
        }
        let q = format!("/search/issues?q=is:pr+is:merged+author:{login}+-user:{login}&per_page=100");
        let (found, etag) = contract.check(ask("/search/issues", q.clone())).await;
        contract.check(Question { etag, status: 304, ..ask("/search/issues", q) }).await;
        for pull in found["items"].as_array().unwrap() {
            assert_eq!(pull["user"]["login"], login);
        }
    }
    for status in [401] {
        for path in ["/user", "/user/emails", "/user/orgs"] {
            contract.check(Question { signed_in: false, status, ..ask(path, path) }).await;
        }
    }
    contract.check(Question { status: 404, ..ask("/users/{username}", "/users/nobody-here") }).await;
    contract.check(Question { status: 404, ..ask("/repos/{owner}/{repo}", "/repos/dev-dora/nothing") }).await;
    let nothing = "/repos/dev-dora/nothing/contributors";
    contract.check(Question { status: 404, ..ask("/repos/{owner}/{repo}/contributors", nothing) }).await;
    let moved = "/repos/rita-before/offline-first";
    contract.check(Question { status: 301, ..ask("/repos/{owner}/{repo}", moved) }).await;
    let unknown = "/search/issues?q=author:nobody-here";
    contract.check(Question { status: 422, ..ask("/search/issues", unknown) }).await;

    let change = serde_json::json!({ "full_name": "dev-dora/a11y-forms", "files": { "note.txt": "x" }, "mirror": true, "template": true });
    let url = contract.stage.server.base_url().join("/_sandbox/repositories").unwrap();
    assert!(contract.stage.http.post(url).json(&change).send().await.unwrap().status().is_success());
    contract.check(ask("/repos/{owner}/{repo}", "/repos/dev-dora/a11y-forms")).await;
    let contents = "/repos/{owner}/{repo}/contents/{path}";
    contract.check(ask(contents, "/repos/dev-dora/a11y-forms/contents/note.txt")).await;
    let missing = "/repos/dev-dora/a11y-forms/contents/nothing.txt";
    contract.check(Question { status: 404, ..ask(contents, missing) }).await;

    contract.token = contract.stage.sign_in_with("dev-dora", "").await;
    contract.check(ask("/user", "/user")).await;
    contract.check(Question { status: 404, ..ask("/user/emails", "/user/emails") }).await;
    contract.token = "gho_0000".to_owned();
    contract.check(Question { status: 401, ..ask("/user", "/user") }).await;

    assert!(contract.undescribed.is_empty(), "{:?}", contract.undescribed);
    println!("{} answers follow GitHub's description", contract.checked);
    assert!(contract.checked > 1_000);
}
