//! Control shown by a file.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::harness::{Answer, Person, TestApp};

const PATH: &str = "/.well-known/assay-challenge.txt";

/// A site with one file, whose text can be changed.
struct Site {
    host: String,
    text: Arc<Mutex<Option<String>>>,
}

impl Site {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let text = Arc::new(Mutex::new(None::<String>));
        let shown = text.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4_096];
                let read = stream.read(&mut request).await.unwrap_or(0);
                let wanted = String::from_utf8_lossy(&request[..read]).starts_with(&format!("GET {PATH} "));
                let answer = match shown.lock().unwrap().clone().filter(|_| wanted) {
                    Some(text) => format!(
                        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
                        text.len()
                    ),
                    None => {
                        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()
                    }
                };
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { host, text }
    }

    fn put(&self, text: &str) {
        *self.text.lock().unwrap() = Some(text.to_owned());
    }
}

async fn website(app: &TestApp, person: &Person, url: &str) -> String {
    let item = json!({ "kind": "website", "title": "My own site", "url": url });
    let made = app.post("/v1/portfolio/items").by(person).json(item).expect(201).await;
    format!("/v1/portfolio/items/{}", made.id())
}

async fn verify(app: &TestApp, person: &Person, item: &str) -> Answer {
    app.advance(Duration::from_secs(31)).await;
    let asked = app.post(&format!("{item}/verify")).by(person).expect(202).await;
    assert_eq!(asked.text_at("/challenge/state"), "checking");
    app.work().await;
    app.get(item).by(person).expect(200).await
}

#[tokio::test]
async fn a_file_on_the_site_raises_the_item() {
    let site = Site::start().await;
    let trusted = format!("[\"{}\"]", site.host);
    let app = TestApp::start_with(&[("sites.trusted", &trusted)]).await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let item = website(&app, &dora, &format!("http://{}/work?x=1#top", site.host)).await;
    app.post(&format!("{item}/verify")).by(&dora).expect(409).await;
    let challenged = app.post(&format!("{item}/challenge")).by(&dora).expect(200).await;
    assert_eq!(challenged.text_at("/challenge/url"), format!("http://{}{PATH}", site.host));
    assert_eq!(challenged.text_at("/challenge/state"), "open");
    let token = challenged.text_at("/challenge/token");

    let missing = verify(&app, &dora, &item).await;
    assert_eq!(missing.text_at("/challenge/state"), "failed");
    assert!(missing.text_at("/challenge/failure").contains("404"), "{missing}");
    assert_eq!(missing.text_at("/level"), "claimed");
    let hasty = app.post(&format!("{item}/verify")).by(&dora).expect(409).await;
    assert_eq!(hasty.code(), "limit_reached");

    site.put("something else");
    assert_eq!(verify(&app, &dora, &item).await.text_at("/challenge/state"), "failed");
    site.put(&format!("{token}\n"));
    let met = verify(&app, &dora, &item).await;
    assert_eq!(met.text_at("/challenge/state"), "met");
    assert_eq!(met.text_at("/level"), "platform_verified");
    assert!(met.text_at("/verified_by").contains(PATH) && met.at("/verified_at").is_string());
    assert_eq!(app.events_of(&dora, "portfolio.item_verified").await.len(), 1);
    app.post(&format!("{item}/challenge")).by(&dora).expect(409).await;

    // Nobody else sees the token, nor can they ask for a challenge.
    let deniz = app.sign_up("dev-deniz", &["developer"]).await;
    app.post(&format!("{item}/challenge")).by(&deniz).expect(404).await;
    app.post(&format!("{item}/verify")).by(&deniz).expect(404).await;
    app.patch(&item).by(&dora).if_match(&met.etag()).json(json!({ "public": true })).expect(200).await;
    let seen = app.get(&format!("/v1/developers/{}/portfolio", dora.id)).by(&deniz).expect(200).await;
    assert_eq!(seen.at("/data/0/challenge"), Value::Null);
    assert!(!seen.text.contains(&token));
    app.stop().await;
}

#[tokio::test]
async fn a_challenge_expires_and_a_new_one_has_another_token() {
    let site = Site::start().await;
    let trusted = format!("[\"{}\"]", site.host);
    let app = TestApp::start_with(&[("sites.trusted", &trusted)]).await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let item = website(&app, &dora, &format!("http://{}/", site.host)).await;
    let first = app.post(&format!("{item}/challenge")).by(&dora).expect(200).await;
    site.put(&first.text_at("/challenge/token"));
    app.advance_days(8).await;
    let late = app.post(&format!("{item}/verify")).by(&dora).expect(409).await;
    assert!(late.text_at("/detail").contains("expired"), "{late}");
    let second = app.post(&format!("{item}/challenge")).by(&dora).expect(200).await;
    assert_ne!(second.text_at("/challenge/token"), first.text_at("/challenge/token"));
    assert_eq!(
        verify(&app, &dora, &item).await.text_at("/challenge/state"),
        "failed",
        "the old token does not do"
    );
    app.stop().await;
}

#[tokio::test]
async fn a_site_inside_is_never_asked() {
    let site = Site::start().await;
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let inside = json!({ "kind": "website", "title": "Inside", "url": format!("http://{}/", site.host) });
    app.post("/v1/portfolio/items").by(&dora).json(inside).expect(422).await;
    // A public form whose name leads to this machine.
    let item = website(&app, &dora, "https://localhost.localdomain/").await;
    app.post(&format!("{item}/challenge")).by(&dora).expect(200).await;
    let looked = verify(&app, &dora, &item).await;
    assert_eq!(looked.text_at("/challenge/state"), "failed");
    assert!(looked.text_at("/challenge/failure").contains("public address"), "{looked}");
    app.stop().await;
}

#[tokio::test]
async fn a_file_in_the_repository_raises_the_item() {
    // The sandbox's pages are on http, so its place must be trusted before it is there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let trusted = format!("[\"127.0.0.1:{port}\"]");
    let app = TestApp::start_with(&[("sites.trusted", &trusted), ("github.sandbox_port", &port)]).await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let url = app.github.base_url().join("/papercut-labs/form-builder").unwrap();
    let item = json!({ "kind": "repository", "title": "Form builder", "url": url.as_str() });
    let made = app.post("/v1/portfolio/items").by(&dora).json(item).expect(201).await;
    let item = format!("/v1/portfolio/items/{}", made.id());
    let challenged = app.post(&format!("{item}/challenge")).by(&dora).expect(200).await;
    assert_eq!(challenged.text_at("/challenge/place"), "repository");
    assert!(
        challenged
            .text_at("/challenge/url")
            .ends_with("/papercut-labs/form-builder/blob/HEAD/assay-challenge.txt")
    );
    let failed = verify(&app, &dora, &item).await;
    assert!(failed.text_at("/challenge/failure").contains("no such file"), "{failed}");
    let files = json!({ "assay-challenge.txt": challenged.text_at("/challenge/token") });
    app.github(
        "/_sandbox/repositories",
        json!({ "full_name": "papercut-labs/form-builder", "files": files }),
    )
    .await;
    let met = verify(&app, &dora, &item).await;
    assert_eq!(met.text_at("/level"), "platform_verified", "{met}");
    app.stop().await;
}

#[tokio::test]
async fn imported_items_need_no_challenge() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    app.imported(&dora).await;
    let id = app.items(&dora, "").await[0]["id"].as_str().unwrap().to_owned();
    app.post(&format!("/v1/portfolio/items/{id}/challenge")).by(&dora).expect(409).await;
    let item = json!({ "kind": "manual", "title": "No link at all" });
    let made = app.post("/v1/portfolio/items").by(&dora).json(item).expect(201).await;
    app.post(&format!("/v1/portfolio/items/{}/challenge", made.id())).by(&dora).expect(409).await;
    app.stop().await;
}
