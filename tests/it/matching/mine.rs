//! What a developer sees of their own matches.

use serde_json::json;

use super::{Given, listed};
use crate::harness::TestApp;

#[tokio::test]
async fn a_developer_sees_where_they_stand_what_keeps_them_out_and_what_would_move_them() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let people = app
        .pool(&[
            Given::default(),
            Given { skills: vec![("rust", 9)], ..Given::default() },
            Given { skills: vec![("rust", 9), ("postgresql", 9)], ..Given::default() },
            Given { skills: vec![("rust", 9), ("postgresql", 0)], rate: 50, ..Given::default() },
        ])
        .await;
    let fits = listed(&app, &client, "Reconcile three ledgers", json!({})).await;
    let cheap = json!({ "effort_hours": 240 });
    let pays_fifty = listed(&app, &client, "Reconcile it for less money", cheap).await;
    let two = json!({ "skills": [
        { "skill": "rust", "level": "expert", "must": true }, { "skill": "terraform", "level": "working", "must": true } ] });
    let needs_more = listed(&app, &client, "Reconcile it in the cloud", two).await;
    app.columns_are_fresh().await;

    let mine = app.with_cookie(app.get("/v1/me/matches"), &people[0].cookie).expect(200).await;
    let rows = mine.at("/data").as_array().unwrap().clone();
    let of = |project: &str| {
        let id = project.rsplit('/').next().unwrap();
        rows.iter().find(|row| row["project_id"] == id).unwrap_or_else(|| panic!("{id} in {mine}")).clone()
    };
    let first = of(&fits);
    assert_eq!(
        (&first["feasible"], &first["of"], &first["place"]),
        (&json!(true), &json!(4), &json!(4)),
        "{mine}"
    );
    let would = first["counterfactual"].as_str().unwrap();
    assert!(would.starts_with("Level 4 in `rust` would move you from 4 to "), "{would}");
    assert!(first["explanation"]["parts"].as_array().unwrap().len() > 5);

    let second = of(&pays_fifty);
    assert_eq!(second["feasible"], false);
    assert_eq!(
        second["blockers"],
        json!([{ "code": "rate", "detail": "You ask $60 an hour; the project pays $50 at most." }])
    );
    let would = second["counterfactual"].as_str().unwrap();
    assert!(would.starts_with("At the rate that the project pays you would stand in place "), "{would}");

    let third = of(&needs_more);
    assert_eq!(third["blockers"][0]["code"], "skill");
    assert!(
        third["counterfactual"]
            .as_str()
            .unwrap()
            .starts_with("With that skill you would stand in place 1 of 1")
    );
    assert!(third["place"].is_null() && third["explanation"].is_null());

    // Nothing of the others.
    for other in &people[1..] {
        assert!(!mine.text.contains(&other.id), "{mine}");
    }
    app.stop().await;
}

#[tokio::test]
async fn what_somebody_says_of_their_capacity_counts() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let people = app.pool(&[Given::default(), Given::default()]).await;
    let project = listed(&app, &client, "Reconcile three ledgers", json!({})).await;
    let cookie = &people[0].cookie;
    let before = app.with_cookie(app.get("/v1/me/match_preferences"), cookie).expect(200).await;
    assert_eq!((before.at("/version"), before.at("/paused")), (json!(0), json!(false)));
    let put =
        |said: serde_json::Value| app.with_cookie(app.put("/v1/me/match_preferences"), cookie).json(said);
    for (said, code) in [
        (json!({ "rate_per_hour": { "amount": 8_000, "currency": "USD" } }), "rate"),
        (json!({ "weekly_hours": 10 }), "weekly_hours"),
        (json!({ "available_from": "2027-05-01" }), "start"),
        (json!({ "paused": true }), "paused"),
    ] {
        put(said).expect(200).await;
        app.columns_are_fresh().await;
        assert_eq!(app.ranked(&client, &project).await.at("/feasible"), 1);
        let mine = app.with_cookie(app.get("/v1/me/matches"), cookie).expect(200).await;
        assert_eq!(mine.at("/data/0/blockers/0/code"), code, "{mine}");
    }
    let said = put(json!({ "rate_per_hour": { "amount": 6_000, "currency": "EUR" } })).expect(200).await;
    assert_eq!((said.at("/version"), said.at("/rate_per_hour/currency")), (json!(5), json!("EUR")));
    app.columns_are_fresh().await;
    assert_eq!(app.ranked(&client, &project).await.at("/feasible"), 2);
    let wrong = put(json!({ "weekly_hours": 61 })).expect(422).await;
    assert_eq!(wrong.at("/errors/0/pointer"), "/weekly_hours");
    app.stop().await;
}

#[tokio::test]
async fn who_is_not_approved_is_not_matched() {
    let app = TestApp::start().await;
    let stranger = app.sign_up("dev-dora", &["developer"]).await;
    app.get("/v1/me/matches").by(&stranger).expect(403).await;
    let client = app.client("carl-client").await;
    app.get("/v1/me/matches").by(&client).expect(403).await;
    app.stop().await;
}
