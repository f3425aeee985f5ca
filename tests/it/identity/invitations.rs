//! Invitations to organisations, by e-mail.

use serde_json::json;

use crate::harness::{Answer, Person, TestApp};

const ACCEPT: &str = "/v1/organisation_invitations/accept";
const CLAIRE: &str = "claire@atelierdubois.example";

async fn invite(app: &TestApp, owner: &Person, email: &str) -> Answer {
    let path = format!("/v1/organisations/{}/invitations", owner.organisation());
    app.post(&path).by(owner).json(json!({ "email": email, "role": "hirer" })).send().await
}

async fn invited(app: &TestApp, owner: &Person, email: &str) -> (String, String) {
    let made = invite(app, owner, email).await;
    made.assert_status(201);
    app.work().await;
    (format!("/v1/organisation_invitations/{}", made.id()), app.invitation_token().await)
}

async fn accept(app: &TestApp, person: &Person, token: &str) -> Answer {
    app.post(ACCEPT).by(person).json(json!({ "token": token })).send().await
}

#[tokio::test]
async fn only_the_invited_person_accepts_and_only_once() {
    let app = TestApp::start().await;
    let carl = app.client("carl-client").await;
    let claire = app.sign_up("claire-client", &["client"]).await;
    let pia = app.sign_up("private-pia", &["client"]).await;
    let (path, token) = invited(&app, &carl, &CLAIRE.to_uppercase()).await;

    // The secret is in the mail alone.
    let seen = app.get(&path).by(&carl).expect(200).await;
    assert!(!seen.text.contains(&token), "{seen}");
    assert_eq!(seen.at("/allowed_actions"), json!(["revoke"]));
    app.get(&path).by(&claire).expect(404).await;
    let preview = app.get(&format!("{ACCEPT}?token={token}")).expect(200).await;
    assert_eq!(preview.text_at("/organisation"), "carl-client Ltd");
    assert_eq!(preview.text_at("/state"), "sent");
    assert_eq!(preview.header("cache-control"), Some("no-store"));

    // A forwarded link is nothing in other hands.
    for person in [&pia, &carl] {
        let refused = accept(&app, person, &token).await;
        assert_eq!((refused.status, refused.code().as_str()), (404, "not_found"));
    }
    app.post(ACCEPT).json(json!({ "token": token })).expect(401).await;
    for junk in ["x".to_owned(), "A".repeat(43), format!("{token}x")] {
        assert_eq!(accept(&app, &claire, &junk).await.status, 404);
        app.get(&format!("{ACCEPT}?token={junk}")).expect(404).await;
    }

    let tries = (0..4).map(|_| accept(&app, &claire, &token));
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!((refused.status, refused.code().as_str()), (409, "state_conflict"));
    }
    let mine = app.get("/v1/organisations").by(&claire).expect(200).await;
    assert_eq!(
        (mine.at("/data/0/id"), mine.at("/data/0/your_role")),
        (json!(carl.organisation()), json!("hirer"))
    );
    let seen = app.get(&path).by(&carl).expect(200).await;
    assert_eq!((seen.text_at("/state"), seen.at("/allowed_actions")), ("accepted".into(), json!([])));
    app.post(&format!("{path}/revoke")).by(&carl).expect(409).await;
    app.stop().await;
}

#[tokio::test]
async fn an_address_that_github_did_not_verify_opens_nothing() {
    let app = TestApp::start().await;
    let carl = app.client("carl-client").await;
    let pia = app.sign_up("private-pia", &["client"]).await;
    for unverified in ["pia.old@rossi.example", "pia@rossi.example.evil.example"] {
        let (_, token) = invited(&app, &carl, unverified).await;
        assert_eq!(accept(&app, &pia, &token).await.status, 404);
    }
    let (_, token) = invited(&app, &carl, "pia@rossi.example").await;
    assert_eq!(accept(&app, &pia, &token).await.status, 200);
}

#[tokio::test]
async fn an_invitation_ends_after_a_week() {
    let app = TestApp::start().await;
    let carl = app.client("carl-client").await;
    let claire = app.sign_up("claire-client", &["client"]).await;
    let (path, token) = invited(&app, &carl, CLAIRE).await;
    app.advance_days(6).await;
    assert_eq!(app.get(&path).by(&carl).expect(200).await.text_at("/state"), "sent");
    app.advance_days(2).await;
    let ended = app.get(&path).by(&carl).expect(200).await;
    assert_eq!((ended.text_at("/state"), ended.at("/allowed_actions")), ("expired".into(), json!([])));
    assert_eq!(ended.at("/version"), 2, "the timer wrote it down");
    let refused = accept(&app, &claire, &token).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "state_conflict"));
    assert_eq!(app.get(&format!("{ACCEPT}?token={token}")).expect(200).await.text_at("/state"), "expired");
    let events = app.get("/v1/events?limit=100").by(&carl).expect(200).await.at("/data");
    let expired =
        events.as_array().unwrap().iter().filter(|one| one["kind"] == "organisation_invitation.expired");
    assert_eq!(expired.count(), 1);
    // The address is free again.
    let (_, token) = invited(&app, &carl, CLAIRE).await;
    assert_eq!(accept(&app, &claire, &token).await.status, 200);
    app.stop().await;
}

#[tokio::test]
async fn a_late_timer_lets_nobody_in() {
    let app = TestApp::start().await;
    let carl = app.client("carl-client").await;
    let claire = app.sign_up("claire-client", &["client"]).await;
    let (path, token) = invited(&app, &carl, CLAIRE).await;
    // The clock moves, the worker sleeps.
    app.post("/sandbox/clock").json(json!({ "advance": "P8D" })).expect(200).await;
    assert_eq!(app.get(&path).by(&carl).expect(200).await.text_at("/state"), "expired");
    assert_eq!(accept(&app, &claire, &token).await.status, 409);
    app.post(&format!("{path}/revoke")).by(&carl).expect(409).await;
    let (_, token) = invited(&app, &carl, CLAIRE).await;
    assert_eq!(accept(&app, &claire, &token).await.status, 200);
    app.stop().await;
}

#[tokio::test]
async fn an_owner_takes_an_invitation_back() {
    let app = TestApp::start().await;
    let carl = app.client("carl-client").await;
    let claire = app.sign_up("claire-client", &["client"]).await;
    let (path, token) = invited(&app, &carl, CLAIRE).await;
    let twice = invite(&app, &carl, &CLAIRE.replace("claire", "Claire")).await;
    assert_eq!((twice.status, twice.code().as_str()), (409, "already_exists"));
    app.post(&format!("{path}/revoke")).by(&claire).expect(404).await;
    let revoked = app.post(&format!("{path}/revoke")).by(&carl).expect(200).await;
    assert_eq!(revoked.text_at("/state"), "revoked");
    assert_eq!(accept(&app, &claire, &token).await.status, 409);
    app.post(&format!("{path}/revoke")).by(&carl).expect(409).await;

    // Accepting and taking back at once: one of the two.
    for _ in 0..3 {
        let (path, token) = invited(&app, &carl, CLAIRE).await;
        let revoke = app.post(&format!("{path}/revoke")).by(&carl).send();
        let (taken, given) = futures_util::join!(accept(&app, &claire, &token), revoke);
        assert!(matches!((taken.status, given.status), (200, 409) | (409, 200)), "{taken}\n{given}");
        if taken.status == 200 {
            let member = format!("/v1/organisations/{}/members/{}", carl.organisation(), claire.id);
            app.delete(&member).by(&carl).if_match("*").expect(204).await;
        }
    }
    for bad in ["", "claire", "a@b@c", "a@b.example\r\nBcc: eve@example.com", "Claire <c@d.example>"] {
        assert_eq!(invite(&app, &carl, bad).await.status, 422, "{bad}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_developer_accepts_after_becoming_a_client() {
    let app = TestApp::start().await;
    let carl = app.client("carl-client").await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let (_, token) = invited(&app, &carl, "dora@mensah.example").await;
    let refused = accept(&app, &dora, &token).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "forbidden"));
    let tag = app.get("/v1/me").by(&dora).expect(200).await.etag();
    let both = json!({ "roles": ["developer", "client"] });
    app.patch("/v1/me").by(&dora).if_match(&tag).json(both).expect(200).await;
    assert_eq!(accept(&app, &dora, &token).await.status, 200);
    // A member who is invited again is told.
    let (_, token) = invited(&app, &carl, "dora@mensah.example").await;
    let again = accept(&app, &dora, &token).await;
    assert_eq!((again.status, again.code().as_str()), (409, "already_exists"));
}
