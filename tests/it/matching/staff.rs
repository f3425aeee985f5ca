//! Staff leave somebody out, with a reason; nobody is pushed up.

use assay_kernel::Permission;
use serde_json::json;

use super::{Given, listed, shown};
use crate::harness::TestApp;

#[tokio::test]
async fn an_exclusion_has_a_reason_that_its_developer_reads_and_an_end() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let curator = app.staff("staff-sam", Permission::Curator).await;
    let people = app.pool(&[Given::default(), Given::default()]).await;
    let project = listed(&app, &client, "Reconcile three ledgers", json!({})).await;
    let reason = "A concern about integrity is being looked into.";
    let general = json!({ "developer_id": people[0].id, "reason": reason });
    let made = app.post("/v1/matches/exclusions").by(&curator).json(general).expect(201).await;
    app.columns_are_fresh().await;
    assert_eq!(shown(&app.ranked(&client, &project).await), [people[1].id.clone()]);
    let mine = app.with_cookie(app.get("/v1/me/matches"), &people[0].cookie).expect(200).await;
    assert_eq!(mine.at("/data/0/blockers/0/code"), "excluded");
    assert!(mine.text.contains(reason), "{mine}");
    let event = app.with_cookie(app.get("/v1/events?after=0"), &people[0].cookie).expect(200).await;
    assert!(event.text.contains("match_exclusion.created"), "{event}");

    let lift = format!("/v1/matches/exclusions/{}/lift", made.id());
    let why = json!({ "reason": "The concern came to nothing." });
    app.post(&lift).by(&curator).json(why.clone()).expect(428).await;
    app.post(&lift).by(&curator).if_match("\"9\"").json(why.clone()).expect(412).await;
    app.post(&lift).by(&curator).if_match(&made.etag()).json(why.clone()).expect(200).await;
    let again = app.post(&lift).by(&curator).if_match("\"2\"").json(why).expect(409).await;
    assert_eq!(again.code(), "state_conflict");
    app.columns_are_fresh().await;
    assert_eq!(shown(&app.ranked(&client, &project).await).len(), 2);
    let list = app.get("/v1/matches/exclusions").by(&curator).expect(200).await;
    assert_eq!(list.at("/data/0/lift_reason"), "The concern came to nothing.");
    assert_eq!(
        app.number("SELECT count(*) AS n FROM audit_log WHERE action LIKE 'match_exclusion.%'").await,
        2
    );
    app.stop().await;
}

#[tokio::test]
async fn an_exclusion_may_be_from_one_project_and_for_a_time() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let curator = app.staff("staff-sam", Permission::Curator).await;
    let people = app.pool(&[Given::default(), Given::default()]).await;
    let one = listed(&app, &client, "Reconcile three ledgers", json!({})).await;
    let other = listed(&app, &client, "Reconcile four ledgers", json!({})).await;
    let until = (app.now() + chrono::Duration::days(3)).to_rfc3339();
    let body = json!({ "developer_id": people[0].id, "project_id": one.rsplit('/').next().unwrap(),
        "reason": "Works for a rival of this client.", "until": until });
    app.post("/v1/matches/exclusions").by(&curator).json(body.clone()).expect(201).await;
    assert_eq!(shown(&app.ranked(&client, &one).await), [people[1].id.clone()]);
    assert_eq!(shown(&app.ranked(&client, &other).await).len(), 2);
    app.advance_days(4).await;
    app.columns_are_fresh().await;
    assert_eq!(shown(&app.ranked(&client, &one).await).len(), 2);

    let refused = |field: &'static str, body: serde_json::Value| {
        let call = app.post("/v1/matches/exclusions").by(&curator).json(body).expect(422);
        async move { assert_eq!(call.await.at("/errors/0/pointer"), field) }
    };
    refused("/until", body).await;
    let reason = "Nobody can decide about themselves.";
    refused("/developer_id", json!({ "developer_id": curator.id, "reason": reason })).await;
    let nobody = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b";
    refused("/developer_id", json!({ "developer_id": nobody, "reason": reason })).await;
    let nothing = "prj_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b";
    refused("/project_id", json!({ "developer_id": people[0].id, "project_id": nothing, "reason": reason }))
        .await;
    refused("/reason", json!({ "developer_id": people[0].id, "reason": "No." })).await;
    app.stop().await;
}
