//! Drafts, readiness, submission.

use serde_json::json;

use super::{complete, complete_with};
use crate::harness::TestApp;

#[tokio::test]
async fn a_client_writes_a_draft_and_is_told_all_that_submission_wants() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let bare = json!({
        "title": "Reconcile three ledgers",
        "description": "Finance reconciles by hand; we want a service that imports, matches and reports.",
    });
    let draft = app.draft(&client, bare).await;
    assert_eq!(draft.text_at("/state"), "draft");
    assert_eq!(draft.at("/allowed_actions"), json!(["edit", "withdraw"]));
    let path = format!("/v1/projects/{}", draft.id());

    let readiness = app.get(&format!("{path}/readiness")).by(&client).expect(200).await;
    let signals: Vec<String> = readiness
        .at("/signals")
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["signal"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        signals,
        [
            "outcome_stated",
            "deliverables_checkable",
            "budget_fits",
            "dates_plausible",
            "skills_named",
            "client_verified",
            "decision_maker_named",
            "prior_outcomes"
        ]
    );
    let missing: Vec<_> =
        readiness.at("/missing").as_array().unwrap().iter().map(|m| m["code"].clone()).collect();
    assert_eq!(
        missing,
        [
            "budget_in_range",
            "milestones_complete",
            "skills_named",
            "effort_stated",
            "dates_plausible",
            "outcome_stated"
        ]
    );

    let refused = app.act(&client, &path, "submit").await;
    refused.assert_status(409);
    assert_eq!(refused.code(), "guard_failed");
    assert_eq!(refused.at("/why_not").as_array().unwrap().len(), missing.len());

    let complete = complete("Reconcile three ledgers");
    let seen = app.get(&path).by(&client).expect(200).await.etag();
    let edited = app.patch(&path).by(&client).if_match(&seen).json(complete).expect(200).await;
    assert_eq!(edited.at("/skills/1/skill"), "postgresql", "aliases become the taxonomy's slug");
    let readiness = app.get(&format!("{path}/readiness")).by(&client).expect(200).await;
    assert_eq!(readiness.at("/ready"), true);
    let submitted = app.act(&client, &path, "submit").await;
    assert_eq!(submitted.text_at("/state"), "submitted");
    assert!(submitted.at("/curation_due_at").is_string());
}

#[tokio::test]
async fn all_bad_fields_are_told_at_once() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let path = format!("/v1/organisations/{}/projects", client.organisation());
    let bad = complete_with(
        "Short",
        json!({
            "effort_hours": 0,
            "time_zone_need": { "time_zone": "Mars/Olympus", "overlap_hours": 12 },
            "decision_maker": "Eve\u{202E}lyn",
        }),
    );
    let refused = app.post(&path).by(&client).json(bad).expect(422).await;
    let pointers: Vec<String> = refused
        .at("/errors")
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["pointer"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        pointers,
        [
            "/decision_maker",
            "/effort_hours",
            "/time_zone_need/overlap_hours",
            "/time_zone_need/time_zone",
            "/title"
        ]
    );

    let unknown = complete_with(
        "Reconcile three ledgers",
        json!({ "skills": [
        { "skill": "rust", "level": "expert", "must": true },
        { "skill": "basket-weaving", "level": "expert", "must": true },
        { "skill": "rust-lang", "level": "expert", "must": true } ] }),
    );
    let refused = app.post(&path).by(&client).json(unknown).expect(422).await;
    assert_eq!(refused.at("/errors/0/pointer"), "/skills/1/skill");
    assert_eq!(refused.at("/errors/1/code"), "duplicate");

    let extra = complete_with("Reconcile three ledgers", json!({ "boost": true }));
    let refused = app.post(&path).by(&client).json(extra).expect(422).await;
    assert_eq!(refused.at("/errors/0/pointer"), "/boost");
    for body in ["[]", "{", "null", "{\"title\":\"a\\u0000b\"}"] {
        let answer = app.post(&path).by(&client).body("application/json", body).send().await;
        assert!((400..=422).contains(&answer.status), "{answer}");
    }
    app.post(&path).by(&client).body("text/plain", "{}").expect(415).await;
}

#[tokio::test]
async fn the_budget_is_held_to_its_range_at_the_dated_rate() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    for (amount, currency, fits) in [
        (499_999, "USD", false),
        (500_000, "USD", true),
        (5_000_000, "USD", true),
        (5_000_001, "USD", false),
        (1_000_000, "EUR", true),
        (5_000, "JPY", false),
        (1_500_000, "JPY", true),
        (5_000_000, "KWD", true),
    ] {
        let content = complete_with(
            "Reconcile three ledgers",
            json!({
                "budget": { "amount": amount, "currency": currency },
                "effort_hours": 20,
            }),
        );
        let draft = app.draft(&client, content).await;
        let readiness =
            app.get(&format!("/v1/projects/{}/readiness", draft.id())).by(&client).expect(200).await;
        let blocked = readiness
            .at("/missing")
            .as_array()
            .unwrap()
            .iter()
            .any(|missing| missing["code"] == "budget_in_range");
        assert_eq!(blocked, !fits, "{amount} {currency}: {readiness}");
        assert!(draft.at("/rate_date").is_string());
    }
}

#[tokio::test]
async fn a_stranger_sees_no_draft_and_a_viewer_changes_none() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let other = app.client("claire-client").await;
    let draft = app.draft(&client, complete("Reconcile three ledgers")).await;
    let path = format!("/v1/projects/{}", draft.id());
    app.get(&path).expect(404).await;
    app.get(&path).by(&other).expect(404).await;
    app.patch(&path).by(&other).if_match(&draft.etag()).json(json!({})).expect(404).await;
    app.post(&format!("{path}/submit")).by(&other).if_match(&draft.etag()).expect(404).await;
    app.get(&format!("{path}/readiness")).by(&other).expect(404).await;
    let foreign = format!("/v1/organisations/{}/projects", client.organisation());
    app.post(&foreign).by(&other).json(complete("Reconcile three ledgers")).expect(404).await;
    let mine = app.get("/v1/me/projects").by(&client).expect(200).await;
    assert_eq!(mine.at("/data/0/id"), draft.id());
    assert_eq!(app.get("/v1/me/projects").by(&other).expect(200).await.at("/data"), json!([]));
}

#[tokio::test]
async fn what_was_seen_decides_what_may_be_changed() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let draft = app.draft(&client, complete("Reconcile three ledgers")).await;
    let path = format!("/v1/projects/{}", draft.id());
    app.patch(&path).by(&client).json(json!({ "title": "Another title" })).expect(428).await;
    let edited = app
        .patch(&path)
        .by(&client)
        .if_match(&draft.etag())
        .json(json!({ "title": "Another title" }))
        .expect(200)
        .await;
    app.patch(&path)
        .by(&client)
        .if_match(&draft.etag())
        .json(json!({ "title": "A third title" }))
        .expect(412)
        .await;
    let unchanged = app.get(&path).by(&client).header("if-none-match", &edited.etag()).send().await;
    assert_eq!(unchanged.status, 304);
    assert_eq!(unchanged.text, "");

    // A merge patch removes with null, and milestones that carry their ids stay the same ones.
    let milestones = edited.at("/milestones");
    let patch = json!({ "outcome": null, "milestones": [milestones[1], milestones[0]] });
    let patched = app.patch(&path).by(&client).if_match(&edited.etag()).json(patch).expect(200).await;
    assert!(patched.at("/outcome").is_null());
    assert_eq!(patched.at("/milestones/0/id"), milestones[1]["id"]);
    assert_eq!(patched.at("/milestones/1/deliverables"), milestones[0]["deliverables"]);
}

#[tokio::test]
async fn a_repeated_request_with_one_key_makes_one_project() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let path = format!("/v1/organisations/{}/projects", client.organisation());
    let post = || app.post(&path).by(&client).key("draft-1").json(complete("Reconcile three ledgers"));
    let first = post().expect(201).await;
    let again = post().expect(201).await;
    assert_eq!(first.text, again.text);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.header("location"), first.header("location"));
    let other =
        app.post(&path).by(&client).key("draft-1").json(complete("Reconcile four ledgers")).expect(422).await;
    assert_eq!(other.code(), "idempotency_key_reused");
    assert_eq!(
        app.get("/v1/me/projects").by(&client).expect(200).await.at("/data").as_array().unwrap().len(),
        1
    );

    // Many at once: one project, every answer the same or "in flight".
    let calls: Vec<_> = (0..8)
        .map(|_| app.post(&path).by(&client).key("draft-2").json(complete("Reconcile five ledgers")).send())
        .collect();
    let answers = futures_util::future::join_all(calls).await;
    let made: std::collections::BTreeSet<String> =
        answers.iter().filter(|a| a.status == 201).map(|answer| answer.id()).collect();
    assert_eq!(made.len(), 1);
    assert!(answers.iter().all(|a| a.status == 201 || a.code() == "idempotency_in_flight"));
}

#[tokio::test]
async fn a_confidential_text_is_for_approved_developers() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let developer = app.developer("dev-dora").await;
    let newcomer = app.sign_up("newton-newcomer", &["developer"]).await;
    let content = complete_with(
        "Reconcile three ledgers",
        json!({
            "confidentiality": "vetted_only",
            "description": format!("{} The secret ingredient is quicksilver.", "Public words about ledgers. ".repeat(15)),
        }),
    );
    let shown = app.listed(&client, content).await;
    assert_eq!(shown["redacted"], true);
    assert!(!shown.to_string().contains("quicksilver"));
    assert_eq!(shown["milestones"][0]["deliverables"][0]["specification"], "");
    let path = format!("/v1/projects/{}", shown["id"].as_str().unwrap());
    assert_eq!(app.get(&path).by(&newcomer).expect(200).await.at("/redacted"), true);
    let full = app.get(&path).by(&developer).expect(200).await;
    assert!(full.text.contains("quicksilver"));
    assert!(full.at("/decision_maker").is_null());
    assert_eq!(app.get("/v1/projects?q=quicksilver").expect(200).await.at("/data"), json!([]));
}
