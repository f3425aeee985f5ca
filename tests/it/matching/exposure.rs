//! Exposure over many rankings, and the market's metrics.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Given, listed, shown};
use crate::harness::TestApp;

#[tokio::test]
async fn exposure_goes_round_and_counts_once_a_day() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let people = app.pool(&vec![Given::default(); 30]).await;
    let mut first_tens = Vec::new();
    let mut projects = Vec::new();
    for at in 0..4 {
        let project = listed(&app, &client, &format!("Reconcile ledger number {at}"), json!({})).await;
        app.columns_are_fresh().await;
        let ranking = app.ranked(&client, &project).await;
        first_tens.push(shown(&ranking)[..10].iter().cloned().collect::<BTreeSet<String>>());
        projects.push(project);
    }
    // All thirty are alike: who was shown before makes room.
    assert!(
        first_tens[0].is_disjoint(&first_tens[1]) && first_tens[1].is_disjoint(&first_tens[2]),
        "{first_tens:?}"
    );
    let all: BTreeSet<&String> = first_tens.iter().flatten().collect();
    assert_eq!(all.len(), 30);

    // Asking again takes nothing from anybody.
    app.columns_are_fresh().await;
    let booked = "SELECT count(*) AS n FROM impressions";
    let before = app.number(booked).await;
    let again = app.ranked(&client, &projects[3]).await;
    app.columns_are_fresh().await;
    let once_more = app.ranked(&client, &projects[3]).await;
    assert_eq!(app.number(booked).await, before);
    assert_eq!(again.at("/places"), once_more.at("/places"));

    // Each sees where they were shown, and nobody else's.
    let mut seen = 0;
    for person in &people {
        let own = app.with_cookie(app.get("/v1/me/impressions?limit=100"), &person.cookie).expect(200).await;
        let own = own.at("/data").as_array().unwrap().clone();
        let expected = first_tens.iter().filter(|ten| ten.contains(&person.id)).count();
        assert_eq!(own.len(), expected);
        assert!(own.iter().all(|one| one["place"].as_i64().unwrap() <= 10));
        seen += own.len();
    }
    assert_eq!(seen, 40);
    app.stop().await;
}

/// Two days, and what is done once a day.
async fn days_go_by(app: &TestApp) {
    app.advance_days(2).await;
    assay::app::worker::schedule_housekeeping(app.ctx()).await.expect("the jobs are enqueued");
    app.work().await;
}

#[tokio::test]
async fn metrics_tell_of_the_whole_and_of_no_small_group() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let none = app.get("/v1/metrics/market").expect(200).await;
    assert_eq!((none.at("/as_of"), none.at("/exposure/gini")), (json!(null), json!(null)));
    app.pool(&vec![Given::default(); 5]).await;
    let project = listed(&app, &client, "Reconcile three ledgers", json!({})).await;
    app.ranked(&client, &project).await;
    days_go_by(&app).await;
    let few = app.get("/v1/metrics/market").expect(200).await;
    assert!(few.at("/as_of").is_string(), "{few}");
    for path in ["/developers", "/exposure/gini", "/newcomers/pool_share", "/earnings/top_decile_share"] {
        assert!(few.at(path).is_null(), "{path}: {few}");
    }
    app.pool(&vec![Given::default(); 15]).await;
    app.ranked(&client, &project).await;
    days_go_by(&app).await;
    let many = app.get("/v1/metrics/market").expect(200).await;
    assert_eq!(many.at("/developers"), 20);
    let gini = many.at("/exposure/gini").as_f64().expect("a number");
    assert!((0.0..0.9).contains(&gini), "{many}");
    assert!(many.at("/exposure/top_decile_share").as_f64().unwrap() < 0.5, "{many}");
    // Everybody is a newcomer, so there is no group to set them against; nobody has earned anything.
    assert!(many.at("/newcomers/exposure_share").is_null() && many.at("/earnings/gini").is_null(), "{many}");
    assert_eq!(many.at("/newcomers/still_waiting_share"), 1.0);
    app.stop().await;
}
