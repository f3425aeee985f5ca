//! The reviewers' side: the queue, claims, decisions.

use assay_kernel::Permission;
use serde_json::{Value, json};

use super::{adverse, content};
use crate::harness::TestApp;

#[tokio::test]
async fn the_queue_is_ordered_by_due_time_and_filtered() {
    let app = TestApp::start().await;
    let (sam, rosa) = app.reviewers().await;
    let mut paths = Vec::new();
    for login in ["dev-dora", "dev-deniz", "ada-oss"] {
        let person = app.candidate(login).await;
        paths.push(app.submitted(&person).await);
    }
    app.post(&format!("{}/claim", paths[1])).by(&sam).expect(200).await;
    let list = async |query: &str| -> Vec<String> {
        let page = app.get(&format!("/v1/applications/queue{query}")).by(&rosa).expect(200).await.at("/data");
        page.as_array()
            .unwrap()
            .iter()
            .map(|one| format!("/v1/applications/{}", one["id"].as_str().unwrap()))
            .collect()
    };
    assert_eq!(list("").await, paths);
    assert_eq!(list("?state=submitted").await, [paths[0].clone(), paths[2].clone()]);
    assert_eq!(list(&format!("?claimed_by={}", sam.id)).await, [paths[1].clone()]);
    assert_eq!(list("?overdue=false").await, paths);
    assert!(list("?overdue=true").await.is_empty() && list("?fast_lane=true").await.is_empty());
    let first = app.get("/v1/applications/queue?limit=2").by(&rosa).expect(200).await;
    assert_eq!(first.text_at("/data/1/claimed_by"), sam.id);
    let cursor = first.text_at("/next_cursor");
    assert_eq!(list(&format!("?limit=2&cursor={cursor}")).await, [paths[2].clone()]);
    app.get(&format!("/v1/applications/queue?state=submitted&cursor={cursor}")).by(&rosa).expect(400).await;
    app.get("/v1/applications/queue?state=draft").by(&rosa).expect(400).await;
    app.stop().await;
}

#[tokio::test]
async fn only_the_reviewer_who_claimed_decides_and_notes_point_into_the_application() {
    let app = TestApp::start().await;
    let (sam, rosa) = app.reviewers().await;
    let curator = app.staff("claire-client", Permission::Curator).await;
    let dora = app.candidate("dev-dora").await;
    let path = app.in_screening(&dora, &sam).await;
    app.get(&path).by(&curator).expect(404).await;
    let taken = app.post(&format!("{path}/claim")).by(&rosa).expect(409).await;
    assert_eq!(taken.code(), "state_conflict");
    let seen = app.get(&path).by(&rosa).expect(200).await;
    assert_eq!(seen.at("/allowed_actions"), json!(["release"]));
    assert_eq!(seen.text_at("/staff/claimed_by"), sam.id);
    for (verb, body) in [
        ("pass", Value::Null),
        ("decline", adverse("other")),
        ("reject_integrity", adverse("false_identity")),
    ] {
        let refused = app.act_with(&rosa, &path, verb, body).await;
        assert_eq!(refused.code(), "guard_failed", "{verb}");
    }
    let notes = |pointer: &str| json!({ "reason": "Two things are unclear.", "notes": [{ "pointer": pointer, "note": "What?" }] });
    let astray = app.act_with(&sam, &path, "request_changes", notes("/salary")).await;
    assert_eq!((astray.status, astray.at("/errors/0/pointer")), (422, json!("/notes/0/pointer")));
    let swapped = app.act_with(&sam, &path, "decline", adverse("false_identity")).await;
    assert_eq!(swapped.at("/errors/0/pointer"), "/reason_code");
    let swapped = app.act_with(&sam, &path, "reject_integrity", adverse("track_mismatch")).await;
    assert_eq!(swapped.at("/errors/0/code"), "inconsistent");
    let mut bare = adverse("other");
    bare["evidence"] = json!([]);
    assert_eq!(app.act_with(&sam, &path, "decline", bare).await.at("/errors/0/pointer"), "/evidence");
    let mut vague = adverse("other");
    vague["evidence"][0]["source"] = json!("I saw it");
    assert_eq!(
        app.act_with(&sam, &path, "decline", vague).await.at("/errors/0/pointer"),
        "/evidence/0/source"
    );

    app.post(&format!("{path}/release")).by(&sam).expect(200).await;
    app.post(&format!("{path}/claim")).by(&rosa).expect(200).await;
    app.post(&format!("{path}/pass")).by(&rosa).expect(428).await;
    app.post(&format!("{path}/pass")).by(&rosa).if_match("\"1\"").expect(412).await;
    assert_eq!(app.act(&rosa, &path, "pass").await.text_at("/state"), "assessment_ready");
    // What comes to light later counts too.
    let caught = app.act_with(&sam, &path, "reject_integrity", adverse("another_persons_work")).await;
    assert_eq!(caught.text_at("/state"), "rejected_integrity");
    app.stop().await;
}

#[tokio::test]
async fn nobody_screens_themselves() {
    let app = TestApp::start().await;
    let sam = app.candidate("staff-sam").await;
    app.staff("staff-sam", Permission::Reviewer).await;
    app.staff("staff-sam", Permission::Admin).await;
    let path = app.submitted(&sam).await;
    assert_eq!(app.post(&format!("{path}/claim")).by(&sam).expect(403).await.code(), "forbidden");
    let rosa = app.staff("staff-rosa", Permission::Reviewer).await;
    app.post(&format!("{path}/claim")).by(&rosa).expect(200).await;
    app.act(&rosa, &path, "pass").await.assert_status(200);
    let reason = json!({ "reason": "I am as good as they come." });
    assert_eq!(app.act_with(&sam, &path, "override_approval", reason).await.code(), "forbidden");
    // The database holds it too.
    let own = "UPDATE applications SET state = 'screening', reviewer_id = account_id, claimed_until = now()";
    assert!(app.sql(own).await.unwrap_err().to_string().contains("applications_no_own_screening"));
    app.stop().await;
}

#[tokio::test]
async fn the_fast_lane_skips_the_queue_but_not_the_assessment() {
    let app = TestApp::start().await;
    let (sam, rosa) = app.reviewers().await;
    let dora = app.candidate("dev-dora").await;
    let plain = app.candidate("dev-deniz").await;
    let mut wanted = content();
    wanted["fast_lane"] = json!({ "platform": "Elsewhere", "finished_projects": 50, "rating_hundredths": 480,
        "links": ["https://elsewhere.example/me"] });
    let made = app.post("/v1/applications").by(&dora).json(wanted).expect(201).await;
    let path = format!("/v1/applications/{}", made.id());
    app.act(&dora, &path, "submit").await.assert_status(200);
    let other = app.submitted(&plain).await;
    let reason = json!({ "reason": "Fifty projects at 4.8; the profile links back." });
    let refused = app.act_with(&sam, &other, "confirm_fast_lane", reason.clone()).await;
    assert_eq!(refused.at("/why_not/0/code"), "fast_lane_claimed");
    let fast = app.get("/v1/applications/queue?fast_lane=true").by(&sam).expect(200).await;
    assert_eq!(fast.at("/data").as_array().unwrap().len(), 1);

    app.post(&format!("{path}/claim")).by(&sam).expect(200).await;
    let refused = app.act_with(&rosa, &path, "confirm_fast_lane", reason.clone()).await;
    assert_eq!(refused.at("/why_not/0/code"), "not_claimed_by_another");
    let ready = app.act_with(&sam, &path, "confirm_fast_lane", reason).await;
    assert_eq!(ready.text_at("/state"), "assessment_ready");
    assert!(ready.at("/fast_lane_confirmed_at").is_string());
    let mine = app.get(&path).by(&dora).expect(200).await;
    assert_eq!(mine.at("/allowed_actions"), json!(["withdraw"]));
    app.get("/v1/me/approval").by(&dora).expect(404).await;
    app.stop().await;
}
