//! Invitations from a ranking: their life, cool-down and capacity.

use serde_json::{Value, json};

use super::{Given, Made, listed, shown};
use crate::harness::{Answer, Person, TestApp};
use crate::market::bid_on;

async fn invite(app: &TestApp, client: &Person, ranking: &Answer, developer: &str, expect: u16) -> Answer {
    let body =
        json!({ "developer_id": developer, "message": "You stand high for our importer; would you bid?" });
    let path = format!("/v1/matches/{}/invitations", ranking.id());
    app.post(&path).by(client).json(body).expect(expect).await
}

async fn answer(app: &TestApp, person: &Made, invitation: &str, verb: &str, body: Option<Value>) {
    let call = app.with_cookie(app.post(&format!("/v1/invitations/{invitation}/{verb}")), &person.cookie);
    match body {
        Some(body) => call.json(body).expect(200).await,
        None => call.expect(200).await,
    };
}

#[tokio::test]
async fn an_invitation_from_a_ranking_is_accepted_and_bid_upon() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let people = app.pool(&[Given::default(), Given::default()]).await;
    let project = listed(&app, &client, "Reconcile three ledgers", json!({})).await;
    let ranking = app.ranked(&client, &project).await;
    let first = shown(&ranking)[0].clone();
    let person = people.iter().find(|one| one.id == first).unwrap();
    let invited = invite(&app, &client, &ranking, &first, 201).await;
    assert_eq!((invited.at("/place"), invited.at("/developer_id")), (json!(1), json!(first)));
    let mine = app.with_cookie(app.get("/v1/me/invitations"), &person.cookie).expect(200).await;
    assert_eq!(mine.at("/data/0/id"), invited.at("/id"));
    // Who is invited already is not shown again, and is told so.
    app.columns_are_fresh().await;
    assert!(!shown(&app.ranked(&client, &project).await).contains(&first));
    let own = app.with_cookie(app.get("/v1/me/matches"), &person.cookie).expect(200).await;
    assert_eq!(own.at("/data/0/blockers/0/code"), "invited");
    answer(&app, person, &invited.id(), "accept", None).await;
    let seen = app.get(&project).expect(200).await.json();
    let bid = app.with_cookie(app.post(&format!("{project}/bids")), &person.cookie);
    bid.json(bid_on(&seen)).expect(201).await;
    assert_eq!(app.number("SELECT count(*) AS n FROM match_invitations WHERE place = 1").await, 1);
    // Who was not shown cannot be invited from it.
    let stranger = app.sign_up("dev-dora", &["developer"]).await;
    let refused = invite(&app, &client, &ranking, &stranger.id, 422).await;
    assert_eq!(refused.at("/errors/0/pointer"), "/developer_id");
    app.stop().await;
}

#[tokio::test]
async fn who_declined_a_client_is_left_in_peace_for_a_time() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let people = app.pool(&[Given::default()]).await;
    let project = listed(&app, &client, "Reconcile three ledgers", json!({})).await;
    let next = listed(&app, &client, "Reconcile four ledgers", json!({})).await;
    let ranking = app.ranked(&client, &project).await;
    let for_next = app.ranked(&client, &next).await;
    let invited = invite(&app, &client, &ranking, &people[0].id, 201).await;
    answer(&app, &people[0], &invited.id(), "decline", Some(json!({ "reason": "Booked until March." })))
        .await;
    let refused = invite(&app, &client, &for_next, &people[0].id, 409).await;
    assert_eq!(refused.code(), "state_conflict");
    assert_eq!(app.ranked(&client, &next).await.at("/feasible"), 0);
    let own = app.with_cookie(app.get("/v1/me/matches"), &people[0].cookie).expect(200).await;
    assert_eq!(own.at("/data/0/blockers/0/code"), "declined");
    app.sql("UPDATE invitations SET updated_at = updated_at - interval '61 days'").await.unwrap();
    assert_eq!(app.ranked(&client, &next).await.at("/feasible"), 1);
    app.stop().await;
}

#[tokio::test]
async fn nobody_is_asked_ten_times_at_once() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let people = app.pool(&[Given::default()]).await;
    let most = app.services.ctx.policy.matching.max_open_invitations;
    let mut rankings = Vec::new();
    for at in 0..=most {
        let project = listed(&app, &client, &format!("Reconcile ledger number {at}"), json!({})).await;
        app.columns_are_fresh().await;
        rankings.push((app.ranked(&client, &project).await, project));
    }
    let (last, project) = rankings.pop().unwrap();
    for (ranking, _) in &rankings {
        invite(&app, &client, ranking, &people[0].id, 201).await;
    }
    invite(&app, &client, &last, &people[0].id, 409).await;
    assert_eq!(app.ranked(&client, &project).await.at("/stale"), 1);
    app.columns_are_fresh().await;
    let now = app.ranked(&client, &project).await;
    assert_eq!((now.at("/feasible"), now.at("/stale")), (json!(0), json!(0)));
    let own = app.with_cookie(app.get("/v1/me/matches"), &people[0].cookie).expect(200).await;
    assert!(own.text.contains("\"code\":\"invitations\""), "{own}");
    app.stop().await;
}
