//! The developer's side: drafts, guards, submission, withdrawal, who sees what.

use assay_kernel::Permission;
use serde_json::{Value, json};

use super::content;
use crate::harness::TestApp;

#[tokio::test]
async fn submission_tells_everything_that_is_missing_at_once_and_so_does_readiness_before() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let made = app.post("/v1/applications").by(&dora).json(json!({})).expect(201).await;
    let path = format!("/v1/applications/{}", made.id());
    let missing = ["portfolio_item", "consents_current", "track_chosen"];
    let codes = |list: Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
    };
    let readiness = app.get(&format!("{path}/readiness")).by(&dora).expect(200).await;
    assert_eq!(readiness.at("/ready"), json!(false));
    assert_eq!(codes(readiness.at("/missing")), missing);
    let refused = app.act(&dora, &path, "submit").await;
    refused.assert_status(409);
    assert_eq!(refused.code(), "guard_failed");
    assert_eq!(codes(refused.at("/why_not")), missing);
    assert!(refused.text.contains("`vetting`"), "{refused}");

    // Without GitHub nothing goes either.
    app.sql("DELETE FROM github_tokens").await.expect("no tokens");
    let readiness = app.get(&format!("{path}/readiness")).by(&dora).expect(200).await;
    assert_eq!(readiness.at("/missing/0/code"), "github_linked");

    let dora = app.candidate("dev-dora").await;
    let tracks = json!({ "tracks": ["backend"] });
    let seen = app.get(&path).by(&dora).expect(200).await;
    let edit = app.patch(&path).by(&dora).if_match(&seen.etag());
    edit.body("application/merge-patch+json", tracks.to_string()).expect(200).await;
    let readiness = app.get(&format!("{path}/readiness")).by(&dora).expect(200).await;
    assert_eq!(readiness.at("/missing"), json!([]));
    app.act(&dora, &path, "submit").await.assert_status(200);
    app.stop().await;
}

#[tokio::test]
async fn a_draft_is_the_developers_own_and_changed_by_merge_patch() {
    let app = TestApp::start().await;
    let dora = app.candidate("dev-dora").await;
    let deniz = app.candidate("dev-deniz").await;
    let (sam, _) = app.reviewers().await;
    let path = app.application(&dora).await;
    let draft = app.get(&path).by(&dora).expect(200).await;
    assert_eq!(draft.at("/allowed_actions"), json!(["edit", "submit", "withdraw"]));
    assert_eq!(draft.at("/rate_per_hour"), json!({ "amount": 9_000, "currency": "EUR" }));
    assert_eq!((draft.at("/staff"), draft.at("/decision")), (Value::Null, Value::Null));
    for stranger in [&deniz, &sam] {
        app.get(&path).by(stranger).expect(404).await;
        app.get(&format!("{path}/readiness")).by(stranger).expect(404).await;
        app.get(&format!("{path}/decisions")).by(stranger).expect(404).await;
        app.post(&format!("{path}/submit")).by(stranger).if_match("*").expect(404).await;
        app.post(&format!("{path}/withdraw")).by(stranger).if_match("*").expect(404).await;
    }
    app.post(&format!("{path}/claim")).by(&sam).expect(404).await;

    let patch = |body: Value| {
        let call = app.patch(&path).by(&dora).if_match(&draft.etag());
        call.body("application/merge-patch+json", body.to_string())
    };
    app.patch(&path).by(&dora).body("application/merge-patch+json", "{}").expect(428).await;
    let bad = patch(json!({ "tracks": ["carpentry"], "hours_per_week": 30 })).expect(422).await;
    assert_eq!(bad.at("/errors/0/pointer"), "/tracks/0");
    let bad = patch(json!({ "hours_per_week": 0, "rate_per_hour": { "amount": -1, "currency": "USD" } }));
    assert_eq!(bad.expect(422).await.at("/errors").as_array().unwrap().len(), 2);
    patch(json!({ "salary": 1 })).expect(422).await;
    let small = json!({ "fast_lane": { "platform": "Elsewhere", "finished_projects": 49,
        "rating_hundredths": 480, "links": ["https://elsewhere.example/me"] } });
    assert_eq!(patch(small).expect(422).await.at("/errors/0/pointer"), "/fast_lane/finished_projects");
    let edited = patch(json!({ "statement": null, "tracks": ["security"] })).expect(200).await;
    assert_eq!((edited.at("/statement"), edited.at("/tracks")), (Value::Null, json!(["security"])));
    assert_eq!(edited.at("/hours_per_week"), 30);
    patch(json!({ "hours_per_week": 10 })).expect(412).await;

    let other = app.post("/v1/applications").by(&dora).json(content()).expect(409).await;
    assert_eq!(other.code(), "already_exists");
    app.act(&dora, &path, "withdraw").await.assert_status(200);
    app.act(&dora, &path, "withdraw").await.assert_status(409);
    let again = app.application(&dora).await;
    let mine = app.get("/v1/me/applications?limit=1").by(&dora).expect(200).await;
    assert!(again.ends_with(&mine.text_at("/data/0/id")));
    let next = format!("/v1/me/applications?limit=1&cursor={}", mine.text_at("/next_cursor"));
    assert_eq!(app.get(&next).by(&dora).expect(200).await.text_at("/data/0/state"), "withdrawn");
    app.get(&next).by(&deniz).expect(400).await;
    app.stop().await;
}

#[tokio::test]
async fn clients_do_not_apply_and_a_key_makes_a_repeat_safe() {
    let app = TestApp::start().await;
    let carl = app.sign_up("carl-client", &["client"]).await;
    app.post("/v1/applications").by(&carl).json(content()).expect(403).await;
    let dora = app.candidate("dev-dora").await;
    let apply = || app.post("/v1/applications").by(&dora).json(content()).key("apply-once");
    let (first, again) = (apply().expect(201).await, apply().expect(201).await);
    assert_eq!(first.id(), again.id());
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    app.stop().await;
}

#[tokio::test]
async fn families_are_listed_as_tracks() {
    let app = TestApp::start().await;
    let families = app.get("/v1/skill_families").expect(200).await;
    assert!(families.at("/data").as_array().unwrap().iter().any(|family| family["slug"] == "backend"));
    app.stop().await;
}

#[tokio::test]
async fn the_road_from_an_application_to_a_bid() {
    use crate::market::{bid_on, complete};
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let dora = app.candidate("dev-dora").await;
    let (sam, rosa) = app.reviewers().await;

    // Changes are wanted, and made.
    let path = app.in_screening(&dora, &sam).await;
    let changes = json!({ "reason": "Tell us which part was yours.",
        "notes": [{ "pointer": "/statement", "note": "Say which part of the system was yours." }] });
    let asked = app.act_with(&sam, &path, "request_changes", changes).await;
    assert_eq!(asked.text_at("/state"), "changes_requested");
    let seen = app.get(&path).by(&dora).expect(200).await;
    assert_eq!(seen.text_at("/decision/notes/0/pointer"), "/statement");
    assert_eq!(seen.at("/allowed_actions"), json!(["edit", "submit", "withdraw"]));
    let better = json!({ "statement": "The ledger's import and its tests were mine, from the first line." });
    let edit = app.patch(&path).by(&dora).if_match(&seen.etag());
    edit.body("application/merge-patch+json", better.to_string()).expect(200).await;
    app.act(&dora, &path, "submit").await.assert_status(200);

    // Declined by one reviewer, overturned by another.
    app.post(&format!("{path}/claim")).by(&sam).expect(200).await;
    let declined = app.act_with(&sam, &path, "decline", super::adverse("insufficient_evidence")).await;
    assert_eq!(declined.text_at("/state"), "not_ready");
    let decision = format!("/v1/decisions/{}", declined.text_at("/decision/id"));
    let appeal = app.appealed(&dora, &decision).await;
    assert_eq!(app.post(&format!("{appeal}/claim")).by(&sam).expect(409).await.code(), "guard_failed");
    app.post(&format!("{appeal}/claim")).by(&rosa).expect(200).await;
    let answered = app.act_with(&rosa, &appeal, "decide", super::answer("overturn")).await;
    assert_eq!(answered.text_at("/state"), "overturned");
    assert_eq!(app.state(&dora, &path).await, "submitted");

    // Screened by another than the one who declined, and approved by the word of an admin.
    let refused = app.post(&format!("{path}/claim")).by(&sam).expect(409).await;
    assert_eq!(refused.at("/why_not/0/code"), "not_overturned");
    app.post(&format!("{path}/claim")).by(&rosa).expect(200).await;
    app.act(&rosa, &path, "pass").await.assert_status(200);
    let listed = app.listed(&client, complete("Reconcile three ledgers")).await;
    let bids = format!("/v1/projects/{}/bids", listed["id"].as_str().unwrap());
    let early = app.post(&bids).by(&dora).json(bid_on(&listed)).expect(409).await;
    assert_eq!(early.at("/why_not/0/code"), "developer_approved");
    app.staff("staff-rosa", Permission::Admin).await;
    let reason = json!({ "reason": "Two interviews and a paid trial, all good." });
    app.post(&format!("{path}/override_approval"))
        .by(&sam)
        .if_match("*")
        .json(reason.clone())
        .expect(403)
        .await;
    let approved = app.act_with(&rosa, &path, "override_approval", reason).await;
    assert_eq!(approved.text_at("/state"), "approved");
    let approval = app.get("/v1/me/approval").by(&dora).expect(200).await;
    assert_eq!(approval.id(), approved.text_at("/approval_id"));
    app.post(&bids).by(&dora).json(bid_on(&listed)).expect(201).await;

    // The person reads every decision, but not who made it, nor what staff said among themselves.
    let read = app.get(&format!("{path}/decisions")).by(&dora).expect(200).await;
    let kinds: Vec<Value> =
        read.at("/data").as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
    assert_eq!(kinds, ["approved", "passed", "not_ready", "changes_requested"]);
    assert!(!read.text.contains(&sam.id) && !read.text.contains("paid trial"), "{read}");
    assert!(read.at("/data/2/overturned_at").is_string() && read.at("/data/2/appeal_id").is_string());
    let staff = app.get(&format!("{path}/decisions")).by(&rosa).expect(200).await;
    assert_eq!(staff.text_at("/data/2/decided_by"), sam.id);
    assert!(staff.text_at("/data/0/staff_reason").contains("paid trial"));
    let log = app.get(&format!("/v1/audit?subject={}", approved.id())).by(&rosa).expect(200).await;
    assert_eq!(log.text_at("/data/0/action"), "vetting.approved");
    assert!(log.text_at("/data/0/reason").contains("paid trial"));

    let kinds = app.kinds(&dora).await;
    for kind in [
        "application.changes_requested",
        "application.declined",
        "appeal.decided",
        "application.reopened",
        "application.passed",
        "application.approved",
        "approval.granted",
    ] {
        assert!(kinds.iter().any(|known| known == kind), "{kind} is not in {kinds:?}");
    }
    app.stop().await;
}
