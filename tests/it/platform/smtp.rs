//! Mail against a server that others wrote (aiosmtpd). `scripts/long-suite` starts it and names its folder in
//! `ASSAY_SMTP_STAND_IN`; what its mailboxes do is told in `scripts/stand-ins/smtp.py`.

use std::path::PathBuf;
use std::time::Duration;

use assay_kernel::Permission;
use serde_json::{Value, json};

use crate::harness::{Person, TestApp};

struct Server {
    folder: PathBuf,
    name: &'static str,
}

impl Server {
    fn of(name: &'static str) -> Option<Self> {
        let Some(folder) = std::env::var_os("ASSAY_SMTP_STAND_IN") else {
            println!("skipped: run scripts/long-suite");
            return None;
        };
        Some(Self { folder: folder.into(), name })
    }

    async fn app(&self, tls_ca: &str) -> TestApp {
        let urls = std::fs::read(self.folder.join("urls.json")).expect("the servers' URLs");
        let urls: Value = serde_json::from_slice(&urls).expect("JSON");
        TestApp::start_with(&[
            ("mail.smtp_url", &format!("\"{}\"", urls[self.name].as_str().expect("a URL"))),
            ("mail.tls_ca", &format!("\"{tls_ca}\"")),
        ])
        .await
    }

    fn ca(&self) -> String {
        self.folder.join("ca.pem").to_string_lossy().into_owned()
    }

    /// The `Message-ID`s of the mails taken for an address.
    fn taken(&self, address: &str) -> Vec<String> {
        let header = |mail: &str, name: &str| {
            let line = mail.lines().find(|line| line.starts_with(name)).expect("the header");
            line[name.len()..].trim().to_owned()
        };
        let files = std::fs::read_dir(self.folder.join("inbox")).expect("the inbox");
        files
            .map(|file| file.expect("a file").path())
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(self.name)))
            .map(|path| String::from_utf8(std::fs::read(path).expect("a mail")).expect("text"))
            .filter(|mail| header(mail, "To:") == address)
            .map(|mail| header(&mail, "Message-ID:"))
            .collect()
    }
}

async fn invite(app: &TestApp, client: &Person, email: &str) {
    let path = format!("/v1/organisations/{}/invitations", client.organisation());
    app.post(&path).by(client).json(json!({ "email": email, "role": "hirer" })).expect(201).await;
}

#[tokio::test]
async fn mail_goes_out_plain_to_this_machine() {
    let Some(server) = Server::of("plain") else { return };
    let app = server.app("").await;
    let client = app.client("carl-client").await;
    // A name beyond ASCII, in subject and body.
    let name = json!({ "name": "Løve & Søn — “Bücher”" });
    let path = format!("/v1/organisations/{}", client.organisation());
    let seen = app.get(&path).by(&client).expect(200).await;
    let patch = app.patch(&path).by(&client).if_match(&seen.etag()).json(name);
    patch.header("content-type", "application/merge-patch+json").expect(200).await;
    invite(&app, &client, "claire@example.com").await;
    app.work().await;
    assert_eq!(server.taken("claire@example.com").len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn what_can_pass_is_tried_again_and_what_cannot_is_dead() {
    let Some(server) = Server::of("starttls") else { return };
    let app = server.app(&server.ca()).await;
    let client = app.client("carl-client").await;
    for email in ["claire@example.com", "later@example.com", "dropped@example.com"] {
        invite(&app, &client, email).await;
    }
    app.work().await;
    assert_eq!(server.taken("claire@example.com").len(), 1);
    assert_eq!(server.taken("later@example.com").len(), 0, "451 at first");
    app.advance(Duration::from_secs(3_600)).await;
    assert_eq!(server.taken("later@example.com").len(), 1);
    // The server had it before the connection broke; who gets it twice sees one Message-ID.
    let twice = server.taken("dropped@example.com");
    assert_eq!((twice.len(), &twice[0]), (2, &twice[1]));

    invite(&app, &client, "never@example.com").await;
    let admin = app.staff("staff-rosa", Permission::Admin).await;
    let dead = async || app.get("/v1/jobs?state=dead").by(&admin).expect(200).await.at("/data");
    assert_eq!(dead().await, json!([]));
    app.work_with_failures().await;
    let dead = dead().await;
    assert_eq!((dead[0]["kind"].as_str(), dead[0]["attempts"].as_i64()), (Some("mail.send"), Some(1)));
    assert!(dead[0]["last_error"].as_str().unwrap().contains("refuses the mail (550)"), "{dead}");
}

#[tokio::test]
async fn tls_from_the_first_byte_works_too() {
    let Some(server) = Server::of("tls") else { return };
    let app = server.app(&server.ca()).await;
    let client = app.client("carl-client").await;
    invite(&app, &client, "claire@example.com").await;
    app.work().await;
    assert_eq!(server.taken("claire@example.com").len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_server_that_cannot_prove_itself_gets_no_mail() {
    let Some(server) = Server::of("starttls") else { return };
    let app = server.app("").await;
    let client = app.client("carl-client").await;
    invite(&app, &client, "doubt@example.com").await;
    app.work().await;
    assert_eq!(server.taken("doubt@example.com").len(), 0);
    let waiting = app.dump("jobs").await;
    assert!(
        waiting.contains("mail.send") && waiting.contains("the mail server does not take mail now"),
        "{waiting}"
    );
}
