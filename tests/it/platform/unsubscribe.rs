//! Mail that people can do without: consent, preferences, one-click unsubscribe.

use serde_json::json;

use crate::harness::{Person, TestApp};
use crate::market::complete;

/// What was mailed about invitations to bid: id and text.
async fn invitations(app: &TestApp) -> Vec<(String, String)> {
    app.work().await;
    let mut found = Vec::new();
    for mail in app.get("/sandbox/mail").expect(200).await.at("/data").as_array().unwrap() {
        if mail["subject"].as_str().unwrap().starts_with("Invitation to bid") {
            let id = mail["id"].as_str().unwrap();
            let text = app.get(&format!("/sandbox/mail/{id}")).expect(200).await.text_at("/text");
            found.push((id.to_owned(), text));
        }
    }
    found
}

/// Invites the developer to bid on a new project.
async fn invite(app: &TestApp, client: &Person, developer: &Person, title: &str) {
    let project = app.listed(client, complete(title)).await;
    let path = format!("/v1/projects/{}/invitations", project["id"].as_str().unwrap());
    let input = json!({ "developer_id": developer.id, "message": "Your parser work fits." });
    app.post(&path).by(client).json(input).expect(201).await;
}

fn link(app: &TestApp, text: &str) -> String {
    let url = text.split("No more mail about invitations to bid: ").nth(1).expect("a link");
    url.trim().strip_prefix(&app.base).expect("at the service").to_owned()
}

#[tokio::test]
async fn one_click_in_an_invitation_stops_invitations_and_nothing_else() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let dora = app.developer("dev-dora").await;
    invite(&app, &client, &dora, "First project").await;
    let mails = invitations(&app).await;
    assert_eq!(mails.len(), 1);
    let (id, text) = &mails[0];
    let folder = app.services.sandbox.mail.clone().expect("a folder");
    let source = std::fs::read_to_string(folder.join(format!("{id}.eml"))).expect("the message");
    let link = link(&app, text);
    assert!(source.starts_with(&format!("List-Unsubscribe: <{}{link}>\r\n", app.base)), "{source}");
    assert!(source.contains("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"), "{source}");

    // Looking is not clicking.
    let page = app.get(&link).header("accept", "text/html,*/*").expect(200).await;
    assert!(page.text.contains("<form method=\"post\">"), "{page}");
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    let wants = async || app.get("/v1/me/mail_preferences").by(&dora).expect(200).await.at("/invitations");
    assert_eq!(wants().await, true);
    // As mail programs post (RFC 8058), twice, without any credential.
    for _ in 0..2 {
        let form = "List-Unsubscribe=One-Click";
        app.post(&link).body("application/x-www-form-urlencoded", form).expect(200).await;
    }
    assert_eq!(wants().await, false);
    invite(&app, &client, &dora, "Second project").await;
    assert_eq!(invitations(&app).await.len(), 1, "no second mail");
    let seen = app.get("/v1/me/invitations").by(&dora).expect(200).await;
    assert_eq!(seen.at("/data").as_array().unwrap().len(), 2, "the invitation itself is there");

    let preferences = app.get("/v1/me/mail_preferences").by(&dora).expect(200).await;
    assert_eq!(preferences.at("/reminders"), true);
    let on = json!({ "invitations": true });
    let patch =
        |etag: String| app.patch("/v1/me/mail_preferences").by(&dora).if_match(&etag).json(on.clone());
    let merge = "application/merge-patch+json";
    patch(preferences.etag()).header("content-type", merge).expect(200).await;
    patch(preferences.etag()).header("content-type", merge).expect(412).await;
    invite(&app, &client, &dora, "Third project").await;
    assert_eq!(invitations(&app).await.len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn a_mail_waiting_when_the_consent_is_taken_back_is_not_sent() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let dora = app.developer("dev-dora").await;
    app.work().await;
    invite(&app, &client, &dora, "First project").await;
    app.delete("/v1/me/consents/product_mail").by(&dora).expect(200).await;
    assert_eq!(invitations(&app).await, []);
    assert_eq!(app.get("/v1/me/mail_preferences").by(&dora).expect(200).await.at("/consent_given"), false);
    app.stop().await;
}

#[tokio::test]
async fn a_link_works_whole_and_for_its_own_person_only() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let dora = app.developer("dev-dora").await;
    invite(&app, &client, &dora, "First project").await;
    let link = link(&app, &invitations(&app).await[0].1);
    let (path, token) = link.split_once("token=").unwrap();
    let mut bytes = token.as_bytes().to_vec();
    bytes[3] = if bytes[3] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(bytes).unwrap();
    for token in [&token[..token.len() - 2], &forged, "", "x", &"A".repeat(43)] {
        app.get(&format!("{path}token={token}")).expect(404).await;
        app.post(&format!("{path}token={token}")).expect(404).await;
    }
    app.post(path.trim_end_matches('?')).expect(400).await;
    assert_eq!(app.get("/v1/me/mail_preferences").by(&dora).expect(200).await.at("/invitations"), true);
    app.stop().await;
}

#[tokio::test]
async fn what_a_waiting_mail_says_cannot_be_read_in_the_queue() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let path = format!("/v1/organisations/{}/invitations", client.organisation());
    let invite = json!({ "email": "claire@atelierdubois.example", "role": "hirer" });
    app.post(&path).by(&client).json(invite).expect(201).await;
    let queue = app.dump("jobs").await;
    assert!(queue.contains("mail.send"), "{queue}");
    assert!(!queue.contains("atelierdubois") && !queue.contains("token="), "{queue}");
    app.stop().await;
}
