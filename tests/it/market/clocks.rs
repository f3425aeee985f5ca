//! Every deadline of the market, tested by moving the clock.

use assay_kernel::Permission;
use serde_json::json;

use super::{bid_on, complete};
use crate::harness::TestApp;

#[tokio::test]
async fn a_listing_runs_out_after_thirty_days_with_a_warning_five_days_before() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let developer = app.developer("dev-dora").await;
    let project = app.listed(&client, complete("Reconcile three ledgers")).await;
    let path = format!("/v1/projects/{}", project["id"].as_str().unwrap());
    app.advance_days(25).await;
    app.work().await;
    assert!(app.get("/sandbox/mail").send_unchecked().await.text.contains("Reconcile three ledgers"));
    let feed = app.get("/v1/events?limit=100").by(&client).expect(200).await;
    assert!(feed.text.contains("project.expiring"), "{feed}");
    let bid = app.post(&format!("{path}/bids")).by(&developer).json(bid_on(&project)).expect(201).await;
    app.advance_days(5).await;
    app.get(&path).expect(404).await;
    assert_eq!(app.get(&path).by(&client).expect(200).await.text_at("/state"), "expired");
    let ended = app.get(&format!("/v1/bids/{}", bid.id())).by(&developer).expect(200).await;
    assert_eq!(ended.text_at("/state"), "expired");
    assert_eq!(app.get("/v1/projects").expect(200).await.at("/data"), json!([]));
    let again = app.act(&client, &path, "relist").await;
    assert_eq!(again.text_at("/state"), "draft");
}

#[tokio::test]
async fn a_listing_pauses_when_bids_wait_ten_days_for_the_client() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let developer = app.developer("dev-dora").await;
    let project = app.listed(&client, complete("Reconcile three ledgers")).await;
    let path = format!("/v1/projects/{}", project["id"].as_str().unwrap());
    let bid = app.post(&format!("{path}/bids")).by(&developer).json(bid_on(&project)).expect(201).await;
    app.advance_days(9).await;
    app.act(&client, &format!("/v1/bids/{}", bid.id()), "shortlist").await.assert_status(200);
    app.advance_days(9).await;
    assert_eq!(app.get(&path).expect(200).await.text_at("/state"), "shortlisting");
    app.advance_days(1).await;
    app.get(&path).expect(404).await;
    assert_eq!(app.get(&path).by(&developer).expect(200).await.text_at("/state"), "paused");
    let resumed = app.act(&client, &path, "resume").await;
    assert_eq!(resumed.text_at("/state"), "listed");
    app.get(&path).expect(200).await;
}

#[tokio::test]
async fn a_listing_without_bids_does_not_pause() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let project = app.listed(&client, complete("Reconcile three ledgers")).await;
    app.advance_days(21).await;
    app.get(&format!("/v1/projects/{}", project["id"].as_str().unwrap())).expect(200).await;
}

#[tokio::test]
async fn staff_are_told_when_curation_is_late() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let sam = app.staff("staff-sam", Permission::Curator).await;
    let draft = app.draft(&client, complete("Reconcile three ledgers")).await;
    app.act(&client, &format!("/v1/projects/{}", draft.id()), "submit").await.assert_status(200);
    app.advance_days(4).await;
    app.work().await;
    let feed = app.get("/v1/events?limit=100").by(&sam).expect(200).await;
    assert!(feed.text.contains("project.curation_overdue"), "{feed}");
    assert!(!app.get("/v1/events?limit=100").by(&client).expect(200).await.text.contains("curation_overdue"));
}

#[tokio::test]
async fn an_invitation_stands_for_seven_days() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let developer = app.developer("dev-dora").await;
    let late = app.developer("dev-deniz").await;
    let stranger = app.developer("ada-oss").await;
    let project = app.listed(&client, complete("Reconcile three ledgers")).await;
    let path = format!("/v1/projects/{}/invitations", project["id"].as_str().unwrap());
    let invite =
        |id: &str| json!({ "developer_id": id, "message": "Your importer is close to what we need." });
    let first = app.post(&path).by(&client).json(invite(&developer.id)).expect(201).await;
    let second = app.post(&path).by(&client).json(invite(&late.id)).expect(201).await;
    assert_eq!(app.post(&path).by(&client).json(invite(&late.id)).expect(409).await.code(), "already_exists");
    app.get(&format!("/v1/invitations/{}", first.id())).by(&stranger).expect(404).await;

    let viewed = app.get(&format!("/v1/invitations/{}", first.id())).by(&developer).expect(200).await;
    assert_eq!(viewed.text_at("/state"), "viewed");
    app.post(&format!("/v1/invitations/{}/accept", first.id())).by(&developer).expect(200).await;
    let bid = app
        .post(&format!("/v1/projects/{}/bids", project["id"].as_str().unwrap()))
        .by(&developer)
        .json(bid_on(&project))
        .expect(201)
        .await;
    assert_eq!(bid.text_at("/invitation_id"), first.id());

    app.advance_days(7).await;
    let expired = app.get(&format!("/v1/invitations/{}", second.id())).by(&late).expect(200).await;
    assert_eq!(expired.text_at("/state"), "expired");
    let answer = app.post(&format!("/v1/invitations/{}/accept", second.id())).by(&late).expect(409).await;
    assert_eq!(answer.code(), "state_conflict");
    let mine = app.get("/v1/me/invitations").by(&late).expect(200).await;
    assert_eq!(mine.at("/data/0/id"), second.id());
}

#[tokio::test]
async fn an_approval_that_lapses_ends_bidding() {
    let app = TestApp::start().await;
    let developer = app.developer("dev-dora").await;
    app.advance_days(549).await;
    let client = app.client("carl-client").await;
    let listed = {
        let content = super::complete_with(
            "Reconcile three ledgers",
            json!({
            "starts_on": (app.now() + chrono::Duration::days(30)).date_naive().to_string() }),
        );
        app.listed(&client, content).await
    };
    let path = format!("/v1/projects/{}/bids", listed["id"].as_str().unwrap());
    let mut bid = bid_on(&listed);
    bid["starts_on"] = json!((app.now() + chrono::Duration::days(40)).date_naive().to_string());
    let refused = app.post(&path).by(&developer).json(bid).expect(409).await;
    assert_eq!(refused.at("/why_not/0/code"), "developer_approved");
}
