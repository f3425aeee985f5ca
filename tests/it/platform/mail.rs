//! Mail of the sandbox.

use serde_json::{Value, json};

use crate::harness::TestApp;

#[tokio::test]
async fn an_invitation_is_mailed_and_can_be_read_in_the_sandbox() {
    let app = TestApp::start().await;
    let carl = app.sign_up("carl-client", &["client"]).await;
    assert_eq!(app.get("/sandbox/mail").expect(200).await.at("/data"), json!([]));
    // A name that tries what a name can try.
    let name = "Løve & <b>Søn</b> \"=?utf-8?q?x?=\" Bcc: eve@example.com";
    let content = json!({ "name": name, "country": "DK" });
    let made = app.post("/v1/organisations").by(&carl).json(content).expect(201).await;
    let path = format!("/v1/organisations/{}/invitations", made.id());
    let invite = json!({ "email": "claire@atelierdubois.example", "role": "hirer" });
    app.post(&path).by(&carl).json(invite).expect(201).await;
    // It is sent after the transaction, by the worker.
    assert_eq!(app.get("/sandbox/mail").expect(200).await.at("/data"), json!([]));
    app.work().await;

    let list = app.get("/sandbox/mail").expect(200).await;
    assert_eq!(list.at("/data").as_array().unwrap().len(), 1);
    assert_eq!(list.text_at("/data/0/to"), "claire@atelierdubois.example");
    let id = list.text_at("/data/0/id");
    let mail = app.get(&format!("/sandbox/mail/{id}")).expect(200).await;
    assert_eq!(mail.text_at("/subject"), format!("Invitation to join {name} on Assay"));
    assert!(mail.text_at("/text").contains(name), "{mail}");
    let html = mail.text_at("/html");
    assert!(!html.contains("<b>Søn") && html.contains("S&#248;n") | html.contains("Søn"), "{html}");
    assert!(
        mail.text_at("/text").contains(&format!("{}/v1/organisation_invitations/accept?token=", app.base))
    );

    // The message as it would have been sent: one recipient, the headers that we wrote, no others.
    let folder = app.services.sandbox.mail.clone().expect("a folder");
    let source = std::fs::read_to_string(folder.join(format!("{id}.eml"))).expect("the message");
    let head = source.split("\r\n\r\n").next().unwrap();
    let names: Vec<&str> = head
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']))
        .filter_map(|line| line.split(':').next())
        .collect();
    assert_eq!(names, ["From", "To", "Subject", "Message-ID", "Date", "MIME-Version", "Content-Type"]);
    assert!(head.contains("\r\nTo: claire@atelierdubois.example\r\n"), "{head}");
    for missing in ["x", "00000000000000000000000000000000", "..%2F..%2Fsecrets", "%2Fetc%2Fpasswd"] {
        app.get(&format!("/sandbox/mail/{missing}")).expect(404).await;
    }
    app.stop().await;
}

#[tokio::test]
async fn nothing_that_people_write_adds_a_header() {
    let app = TestApp::start().await;
    let carl = app.client("carl-client").await;
    let evil = "x\r\nBcc: eve@example.com";
    for name in [evil, "a\nb", "a\rb", "a\u{85}b", "a\u{2028}b", "a\u{0}b"] {
        let content = json!({ "name": name, "country": "DK" });
        app.post("/v1/organisations").by(&carl).json(content).expect(422).await;
    }
    let path = format!("/v1/organisations/{}/invitations", carl.organisation());
    for email in [
        "claire@example.com\r\nBcc: eve@example.com",
        "claire@example.com\n",
        "claire@example.com, eve@example.com",
        "\"a\r\nBcc: eve@example.com\"@example.com",
        "Claire <claire@example.com>",
        "claire@example.com%0ABcc:eve@example.com",
    ] {
        let invite = json!({ "email": email, "role": "hirer" });
        app.post(&path).by(&carl).json(invite).expect(422).await;
    }
    app.work().await;
    assert_eq!(app.get("/sandbox/mail").expect(200).await.at("/data"), Value::Array(Vec::new()));
    app.stop().await;
}

#[tokio::test]
async fn a_refused_invitation_mails_nobody() {
    let app = TestApp::start().await;
    let carl = app.client("carl-client").await;
    let path = format!("/v1/organisations/{}/invitations", carl.organisation());
    let invite = || {
        let invite = json!({ "email": "claire@atelierdubois.example", "role": "hirer" });
        app.post(&path).by(&carl).json(invite)
    };
    let tries = (0..4).map(|_| invite().send());
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert!(answers.iter().all(|answer| matches!(answer.status, 201 | 409)));
    app.work().await;
    assert_eq!(app.get("/sandbox/mail").expect(200).await.at("/data").as_array().unwrap().len(), 1);
    app.stop().await;
}
