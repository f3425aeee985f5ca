//! Bids: who may, the caps, sealing, revisions, comparison.

use serde_json::{Value, json};

use super::{bid_on, complete};
use crate::harness::TestApp;

#[tokio::test]
async fn only_an_approved_developer_bids() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let project = app.listed(&client, complete("Reconcile three ledgers")).await;
    let path = format!("/v1/projects/{}/bids", project["id"].as_str().unwrap());
    let newcomer = app.sign_up("newton-newcomer", &["developer"]).await;
    let refused = app.post(&path).by(&newcomer).json(bid_on(&project)).expect(409).await;
    assert_eq!(refused.at("/why_not/0/code"), "developer_approved");
    app.post(&path).by(&client).json(bid_on(&project)).expect(403).await;
    app.post(&path).json(bid_on(&project)).expect(401).await;

    let developer = app.developer("dev-dora").await;
    let bid = app.post(&path).by(&developer).json(bid_on(&project)).expect(201).await;
    assert_eq!(bid.text_at("/state"), "submitted");
    assert_eq!(bid.at("/quote/price"), json!({ "amount": 1_080_000, "currency": "USD" }));
    assert_eq!(bid.at("/quote/client_fee/amount"), 162_000);
    assert_eq!(bid.at("/quote/client_total/amount"), 1_242_000);
    assert_eq!(bid.at("/quote/developer_net/amount"), 1_080_000);
    let second = app.post(&path).by(&developer).json(bid_on(&project)).expect(409).await;
    assert_eq!(second.code(), "already_exists");
}

#[tokio::test]
async fn a_bid_answers_every_milestone_and_every_deliverable() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let developer = app.developer("dev-dora").await;
    let project = app.listed(&client, complete("Reconcile three ledgers")).await;
    let path = format!("/v1/projects/{}/bids", project["id"].as_str().unwrap());
    let mut bid = bid_on(&project);
    bid["prices"].as_array_mut().unwrap().pop();
    bid["approaches"][0]["deliverable_id"] = bid["approaches"][1]["deliverable_id"].clone();
    let refused = app.post(&path).by(&developer).json(bid).expect(422).await;
    let found: Vec<(String, String)> = refused
        .at("/errors")
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["pointer"].as_str().unwrap().into(), e["code"].as_str().unwrap().into()))
        .collect();
    assert_eq!(
        found,
        [
            ("/prices".into(), "required".into()),
            ("/approaches/1/deliverable_id".into(), "duplicate".into()),
            ("/approaches".into(), "required".into()),
        ]
    );
    let mut late = bid_on(&project);
    late["starts_on"] = json!("2020-01-01");
    assert_eq!(
        app.post(&path).by(&developer).json(late).expect(422).await.at("/errors/0/pointer"),
        "/starts_on"
    );
}

#[tokio::test]
async fn bids_are_sealed_and_compared_by_the_client() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let dora = app.developer("dev-dora").await;
    let deniz = app.developer("dev-deniz").await;
    let project = app.listed(&client, complete("Reconcile three ledgers")).await;
    let path = format!("/v1/projects/{}/bids", project["id"].as_str().unwrap());
    let first = app.post(&path).by(&dora).json(bid_on(&project)).expect(201).await;
    let mut cheaper = bid_on(&project);
    cheaper["prices"][0]["amount"] = json!(500_000);
    let second = app.post(&path).by(&deniz).json(cheaper).expect(201).await;

    let theirs = format!("/v1/bids/{}", first.id());
    app.get(&theirs).by(&deniz).expect(404).await;
    app.get(&format!("{theirs}/revisions")).by(&deniz).expect(404).await;
    app.post(&format!("{theirs}/withdraw")).by(&deniz).if_match("*").expect(404).await;
    app.get(&path).by(&deniz).expect(403).await;
    app.get(&path).expect(401).await;
    app.work().await;
    let feed = app.get("/v1/events?limit=100").by(&deniz).expect(200).await;
    assert!(!feed.text.contains(&first.id()) && feed.text.contains(&second.id()));

    let compared = app.get(&format!("{path}?compare")).by(&client).expect(200).await;
    assert_eq!(compared.at("/data").as_array().unwrap().len(), 2);
    let prices = compared.at("/comparison/milestones/0/prices");
    assert_eq!(
        prices[0],
        json!({ "bid_id": first.id(), "amount": { "amount": 630_000, "currency": "USD" } })
    );
    assert_eq!(prices[1]["amount"]["amount"], 500_000);
    assert_eq!(compared.at("/comparison/deliverables").as_array().unwrap().len(), 3);
    assert_eq!(compared.at("/data/0/developer/login"), "dev-dora");
}

#[tokio::test]
async fn a_bid_is_revised_and_its_revisions_are_kept() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let developer = app.developer("dev-dora").await;
    let project = app.listed(&client, complete("Reconcile three ledgers")).await;
    let path = format!("/v1/projects/{}/bids", project["id"].as_str().unwrap());
    let draft =
        app.post(&format!("{path}?draft=true")).by(&developer).json(bid_on(&project)).expect(201).await;
    assert_eq!(draft.text_at("/state"), "draft");
    let mine = format!("/v1/bids/{}", draft.id());
    app.get(&mine).by(&client).expect(404).await;
    assert_eq!(app.get(&path).by(&client).expect(200).await.at("/data"), json!([]));
    app.act(&developer, &mine, "submit").await.assert_status(200);

    let seen = app.get(&mine).by(&developer).expect(200).await;
    let mut prices = seen.at("/prices");
    prices[0]["amount"] = json!(600_000);
    let patch = json!({ "prices": prices, "risks": [] });
    let revised = app.patch(&mine).by(&developer).if_match(&seen.etag()).json(patch).expect(200).await;
    assert_eq!(revised.at("/revision"), 2);
    let revisions = app.get(&format!("{mine}/revisions")).by(&client).expect(200).await;
    assert_eq!(revisions.at("/data/0/prices/0/amount"), 630_000);
    assert_eq!(revisions.at("/data/1/prices/0/amount"), 600_000);
    app.patch(&mine).by(&developer).if_match(&revised.etag()).json(json!({ "boost": 1 })).expect(422).await;
}

#[tokio::test]
async fn twenty_developers_bid_at_once_and_twelve_get_a_place() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let project = app.listed(&client, complete("Reconcile three ledgers")).await;
    let path = format!("/v1/projects/{}/bids", project["id"].as_str().unwrap());
    let crowd = app.crowd(20).await;
    let calls = crowd
        .iter()
        .map(|(_, cookie)| app.with_cookie(app.post(&path), cookie).json(bid_on(&project)).expect(201));
    let answers = futures_util::future::join_all(calls).await;
    let in_state = |state: &str| answers.iter().filter(|a| a.text_at("/state") == state).count();
    assert_eq!((in_state("submitted"), in_state("waitlisted")), (12, 8));

    // A place that becomes free goes to the one who has waited longest.
    let page = app.get(&format!("{path}?limit=100")).by(&client).expect(200).await.at("/data");
    let waiting: Vec<&Value> =
        page.as_array().unwrap().iter().filter(|b| b["state"] == "waitlisted").collect();
    let leaver = page.as_array().unwrap().iter().find(|b| b["state"] == "submitted").unwrap();
    let leaver_cookie =
        &crowd.iter().find(|(id, _)| *id == leaver["developer"]["id"].as_str().unwrap()).unwrap().1;
    let leave = format!("/v1/bids/{}/withdraw", leaver["id"].as_str().unwrap());
    app.with_cookie(app.post(&leave), leaver_cookie).if_match("*").expect(200).await;
    let promoted =
        app.get(&format!("/v1/bids/{}", waiting[0]["id"].as_str().unwrap())).by(&client).expect(200).await;
    assert_eq!(promoted.text_at("/state"), "submitted");
    let page = app.get(&format!("{path}?limit=100&state=waitlisted")).by(&client).expect(200).await;
    assert_eq!(page.at("/data").as_array().unwrap().len(), 7);
}

#[tokio::test]
async fn a_developer_has_eight_live_bids_and_gets_a_place_back() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let mut projects = Vec::new();
    for n in 0..10 {
        projects.push(app.listed(&client, complete(&format!("Reconcile ledger number {n}"))).await);
    }
    let (_, cookie) = app.crowd(1).await.remove(0);
    let bid = |project: &Value| {
        let path = format!("/v1/projects/{}/bids", project["id"].as_str().unwrap());
        app.with_cookie(app.post(&path), &cookie).json(bid_on(project)).send()
    };
    // All at once: the counter, not a look beforehand, holds the cap.
    let answers = futures_util::future::join_all(projects.iter().map(bid)).await;
    let placed: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(placed.len(), 8);
    assert!(answers.iter().filter(|a| a.status != 201).all(|a| a.code() == "limit_reached"));

    let withdraw = format!("/v1/bids/{}/withdraw", placed[0].id());
    app.with_cookie(app.post(&withdraw), &cookie).if_match("*").expect(200).await;
    let refused = answers.iter().position(|answer| answer.status != 201).unwrap();
    bid(&projects[refused]).await.assert_status(201);
}

#[tokio::test]
async fn a_client_declines_with_a_reason_that_the_developer_reads() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let developer = app.developer("dev-dora").await;
    let project = app.listed(&client, complete("Reconcile three ledgers")).await;
    let path = format!("/v1/projects/{}/bids", project["id"].as_str().unwrap());
    let bid = app.post(&path).by(&developer).json(bid_on(&project)).expect(201).await;
    let theirs = format!("/v1/bids/{}", bid.id());
    let declined =
        app.act_with(&client, &theirs, "decline", json!({ "reason": "We need CAMT.053 experience." })).await;
    assert_eq!(declined.text_at("/state"), "declined");
    let read = app.get(&theirs).by(&developer).expect(200).await;
    assert_eq!(read.text_at("/reason"), "We need CAMT.053 experience.");
    assert_eq!(read.at("/allowed_actions"), json!([]));
    let conflict = app.act(&developer, &theirs, "withdraw").await;
    assert_eq!((conflict.status, conflict.code().as_str()), (409, "state_conflict"));
    assert_eq!(conflict.at("/allowed_actions"), json!([]));
    // The place is free again: the developer may bid once more.
    app.post(&path).by(&developer).json(bid_on(&project)).expect(201).await;
}
