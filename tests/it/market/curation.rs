//! Curation: the queue, notes, listing, rejection, appeals.

use assay_kernel::Permission;
use serde_json::json;

use super::complete;
use crate::harness::TestApp;

#[tokio::test]
async fn staff_ask_for_changes_and_then_list() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let sam = app.staff("staff-sam", Permission::Curator).await;
    let draft = app.draft(&client, complete("Reconcile three ledgers")).await;
    let path = format!("/v1/projects/{}", draft.id());
    app.act(&client, &path, "submit").await.assert_status(200);

    let queue = app.get("/v1/staff/curation").by(&sam).expect(200).await;
    assert_eq!(queue.at("/data/0/id"), draft.id());
    let claimed = app.post(&format!("{path}/claim")).by(&sam).expect(200).await;
    assert_eq!(claimed.text_at("/state"), "in_curation");
    assert!(claimed.at("/allowed_actions").as_array().unwrap().contains(&json!("list")));

    let other = app.staff("staff-rosa", Permission::Curator).await;
    let blocked = app.act(&other, &path, "list").await;
    assert_eq!((blocked.status, blocked.at("/why_not/0/code")), (409, json!("claimed_by_caller")));

    let astray = json!({ "reason": "Two checks need a criterion.", "notes": [{ "pointer": "/milestones/7/title", "note": "Say more." }] });
    let refused = app.act_with(&sam, &path, "request_changes", astray).await;
    assert_eq!((refused.status, refused.at("/errors/0/pointer")), (422, json!("/notes/0/pointer")));
    let notes = json!({ "reason": "One check needs a criterion that both sides can see.", "notes": [
        { "pointer": "/milestones/0/deliverables/1/acceptance", "note": "Say which month." } ] });
    let asked = app.act_with(&sam, &path, "request_changes", notes).await;
    assert_eq!(asked.text_at("/state"), "changes_requested");

    let decisions = app.get(&format!("{path}/decisions")).by(&client).expect(200).await;
    assert_eq!(decisions.at("/data/0/notes/0/note"), "Say which month.");
    let seen = app.get(&path).by(&client).expect(200).await;
    app.patch(&path)
        .by(&client)
        .if_match(&seen.etag())
        .json(json!({ "duration_days": 70 }))
        .expect(200)
        .await;
    app.act(&client, &path, "submit").await.assert_status(200);
    app.post(&format!("{path}/claim")).by(&sam).expect(200).await;
    let listed = app.act(&sam, &path, "list").await;
    assert_eq!(listed.text_at("/state"), "listed");
    app.get(&path).expect(200).await;

    app.work().await;
    let subjects = app.get("/sandbox/mail").send_unchecked().await.text;
    assert!(subjects.contains("Reconcile three ledgers"), "the client gets mail: {subjects}");
    let events = app.get("/v1/events?limit=100").by(&client).expect(200).await;
    let kinds: Vec<_> = events
        .at("/data")
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["kind"].as_str().unwrap().to_owned())
        .collect();
    for kind in ["project.created", "project.submitted", "project.changes_requested", "project.listed"] {
        assert!(kinds.iter().any(|k| k == kind), "{kind} is missing in {kinds:?}");
    }
}

#[tokio::test]
async fn an_unverified_client_is_not_listed_and_a_curator_keeps_away_from_their_own_house() {
    let app = TestApp::start().await;
    let sam = app.staff("staff-sam", Permission::Curator).await;
    let mut client = app.sign_up("claire-client", &["client"]).await;
    let house = json!({ "name": "Unseen Ltd", "country": "DK", "website": "https://example.com" });
    client.organisation = Some(app.post("/v1/organisations").by(&client).json(house).expect(201).await.id());
    let draft = app.draft(&client, complete("Reconcile three ledgers")).await;
    let path = format!("/v1/projects/{}", draft.id());
    app.act(&client, &path, "submit").await.assert_status(200);
    app.post(&format!("{path}/claim")).by(&sam).expect(200).await;
    let blocked = app.act(&sam, &path, "list").await;
    assert_eq!((blocked.status, blocked.at("/why_not/0/code")), (409, json!("client_verified")));
}

#[tokio::test]
async fn a_client_who_cannot_pay_is_told_early_and_is_not_listed() {
    let app = TestApp::start().await;
    let sam = app.staff("staff-sam", Permission::Curator).await;
    let client = app.client_without_method("carl-client").await;
    let draft = app.draft(&client, complete("Reconcile three ledgers")).await;
    assert_eq!(draft.at("/before_listing/0/code"), "payment_method_verified");
    let path = format!("/v1/projects/{}", draft.id());
    let readiness = app.get(&format!("{path}/readiness")).by(&client).expect(200).await;
    assert_eq!((readiness.at("/ready"), readiness.at("/missing")), (json!(true), json!([])));
    assert_eq!(readiness.at("/before_listing/0/code"), "payment_method_verified");
    assert_eq!(readiness.at("/signals/5/ok"), false);
    let sent = app.act(&client, &path, "submit").await;
    assert_eq!((sent.text_at("/state"), sent.at("/why_not")), ("submitted".to_owned(), json!([])));
    assert_eq!(sent.at("/before_listing/0/code"), "payment_method_verified");

    let claimed = app.post(&format!("{path}/claim")).by(&sam).expect(200).await;
    assert_eq!(claimed.at("/why_not/0/code"), "payment_method_verified");
    let blocked = app.act(&sam, &path, "list").await;
    assert_eq!((blocked.status, blocked.code().as_str()), (409, "guard_failed"));
    assert_eq!(blocked.at("/why_not/0/code"), "payment_method_verified");

    // One that is being set up is none yet; one that was taken away is none any more.
    let methods = format!("/v1/organisations/{}/payment_methods", client.organisation());
    app.post(&methods).by(&client).json(json!({ "kind": "bank_debit" })).expect(201).await;
    let card = app.add_method(&client, "card", "pm_card_visa").await;
    app.delete(&format!("/v1/payment_methods/{card}")).by(&client).if_match("*").expect(204).await;
    assert_eq!(app.act(&sam, &path, "list").await.status, 409);
    app.add_method(&client, "card", "pm_card_visa").await;
    assert_eq!(app.get(&path).by(&client).expect(200).await.at("/before_listing"), json!([]));
    let listed = app.act(&sam, &path, "list").await;
    assert_eq!((listed.text_at("/state"), listed.at("/before_listing")), ("listed".to_owned(), json!([])));
    app.stop().await;
}

#[tokio::test]
async fn a_rejection_is_appealed_and_answered_by_somebody_else() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let sam = app.staff("staff-sam", Permission::Curator).await;
    app.staff("staff-sam", Permission::Reviewer).await;
    let draft = app.draft(&client, complete("Reconcile three ledgers")).await;
    let path = format!("/v1/projects/{}", draft.id());
    app.act(&client, &path, "submit").await.assert_status(200);
    app.post(&format!("{path}/claim")).by(&sam).expect(200).await;
    let reason = json!({ "reason_code": "not_a_project", "reason": "This describes a full-time hire." });
    let rejected = app.act_with(&sam, &path, "reject", reason).await;
    assert_eq!(rejected.text_at("/state"), "rejected");

    let why = json!({ "text": "It names three deliverables with checks; nobody is hired." });
    let appeal = app.post(&format!("{path}/appeal")).by(&client).json(why.clone()).expect(201).await;
    let again = app.post(&format!("{path}/appeal")).by(&client).json(why).expect(409).await;
    assert_eq!(again.code(), "already_exists");

    let decide = format!("/v1/curation_appeals/{}/decide", appeal.id());
    let overturn = json!({ "outcome": "overturn", "reason": "The deliverables are concrete enough." });
    let own = app.post(&decide).by(&sam).if_match(&appeal.etag()).json(overturn.clone()).expect(403).await;
    assert_eq!(own.code(), "forbidden");
    let rosa = app.staff("staff-rosa", Permission::Reviewer).await;
    assert_eq!(
        app.get("/v1/staff/curation_appeals").by(&rosa).expect(200).await.at("/data/0/id"),
        appeal.id()
    );
    let decided = app.post(&decide).by(&rosa).if_match(&appeal.etag()).json(overturn).expect(200).await;
    assert_eq!(decided.text_at("/state"), "overturned");
    assert_eq!(app.get(&path).by(&client).expect(200).await.text_at("/state"), "submitted");

    // Another curator reads it now.
    app.post(&format!("{path}/claim")).by(&sam).expect(403).await;
    app.staff("staff-rosa", Permission::Curator).await;
    app.post(&format!("{path}/claim")).by(&rosa).expect(200).await;
}

#[tokio::test]
async fn a_removed_listing_is_gone_and_its_bids_are_closed() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let developer = app.developer("dev-dora").await;
    let project = app.listed(&client, complete("Reconcile three ledgers")).await;
    let path = format!("/v1/projects/{}", project["id"].as_str().unwrap());
    let bid =
        app.post(&format!("{path}/bids")).by(&developer).json(super::bid_on(&project)).expect(201).await;
    let sam = app.staff("staff-sam", Permission::Curator).await;
    let reason = json!({ "reason_code": "duplicate", "reason": "The same project is listed twice." });
    app.act_with(&sam, &path, "remove", reason).await.assert_status(200);
    app.get(&path).expect(404).await;
    assert_eq!(app.get("/v1/projects").expect(200).await.at("/data"), json!([]));
    let closed = app.get(&format!("/v1/bids/{}", bid.id())).by(&developer).expect(200).await;
    assert_eq!(closed.text_at("/state"), "closed");
}
