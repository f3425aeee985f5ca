//! The columns of a process: fresh within a second, the same in every process, built anew each day.

use std::time::{Duration, Instant};

use assay::app::server;
use assay::app::services::Services;
use serde_json::{Value, json};

use super::{Given, listed, shown};
use crate::harness::TestApp;

#[tokio::test]
async fn a_change_is_visible_within_a_second_of_its_event() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let people = app.pool(&[Given::default(), Given::default()]).await;
    let project = listed(&app, &client, "Reconcile three ledgers", json!({})).await;
    assert_eq!(shown(&app.ranked(&client, &project).await).len(), 2);
    for paused in [true, false, true] {
        let call = app.with_cookie(app.put("/v1/me/match_preferences"), &people[0].cookie);
        call.json(json!({ "paused": paused })).expect(200).await;
        // The worker numbers the event; from then on it is on its way.
        app.work().await;
        let started = Instant::now();
        loop {
            let ranking = app.ranked(&client, &project).await;
            let there = shown(&ranking).contains(&people[0].id);
            // Leaving is seen at once: the tables are asked. For coming back the columns must have heard of it.
            if there != paused && (!paused || ranking.at("/stale") == 0) {
                break;
            }
            assert!(started.elapsed() < Duration::from_secs(1), "not seen after {:?}", started.elapsed());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn what_the_columns_have_not_heard_of_is_found_in_the_tables() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let people = app.pool(&[Given::default(), Given::default(), Given::default()]).await;
    let project = listed(&app, &client, "Reconcile three ledgers", json!({})).await;
    // The event of it is written, and not numbered yet: no process can have heard of it.
    let call = app.with_cookie(app.put("/v1/me/match_preferences"), &people[1].cookie);
    call.json(json!({ "paused": true })).expect(200).await;
    let ranking = app.ranked(&client, &project).await;
    assert_eq!(shown(&ranking).len(), 2);
    assert!(!shown(&ranking).contains(&people[1].id));
    assert_eq!((ranking.at("/stale"), ranking.at("/feasible")), (json!(1), json!(2)));

    // Of the end of an approval no event tells at all: it comes with the clock.
    let uuid = people[2].id.trim_start_matches("acc_");
    let soon = format!(
        "UPDATE approvals SET expires_at = now() + interval '90 minutes' WHERE account_id = '{uuid}'"
    );
    app.sql(&soon).await.unwrap();
    let call = app.with_cookie(app.put("/v1/me/match_preferences"), &people[2].cookie);
    call.json(json!({ "paused": false })).expect(200).await;
    app.columns_are_fresh().await;
    assert!(shown(&app.ranked(&client, &project).await).contains(&people[2].id));
    app.advance(Duration::from_secs(2 * 3_600)).await;
    let ranking = app.ranked(&client, &project).await;
    assert!(!shown(&ranking).contains(&people[2].id), "{ranking}");
    app.stop().await;
}

#[tokio::test]
async fn processes_agree() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let given: Vec<Given> = (0..30).map(|at| Given { rate: 50 + at % 4, ..Given::default() }).collect();
    let people = app.pool(&given[..20]).await;
    let project = listed(&app, &client, "Reconcile three ledgers", json!({})).await;
    app.ranked(&client, &project).await;
    // Rows come in another order where they come later: these are appended here, and sorted in the other process.
    app.pool(&given[20..]).await;
    let call = app.with_cookie(app.put("/v1/me/match_preferences"), &people[3].cookie);
    call.json(json!({ "weekly_hours": 30 })).expect(200).await;
    app.columns_are_fresh().await;
    // From now on asking takes nothing from anybody.
    app.ranked(&client, &project).await;
    app.columns_are_fresh().await;
    let one = app.ranked(&client, &project).await;

    let listener = server::listen("127.0.0.1", 0, "server.port").expect("a port");
    let services = Services::start(app.services.ctx.clone(), app.services.providers.clone())
        .await
        .expect("another service");
    let api = server::serve_api(&services, listener).expect("another server");
    let token = app.walk_sign_in("carl-client").await.text_at("/access_token");
    let started = Instant::now();
    let other: Value = loop {
        let url = format!("http://{}{project}/matches", api.address);
        let body = reqwest::Body::from(json!({ "depth": 50 }).to_string());
        let sent =
            app.http.post(url).bearer_auth(&token).header("content-type", "application/json").body(body);
        let answer = sent.send().await.expect("an answer");
        if answer.status() == 201 {
            break serde_json::from_str(&answer.text().await.expect("a text")).expect("JSON");
        }
        assert_eq!(answer.status(), 503, "while the developers are being read");
        assert!(started.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(other["places"], one.at("/places"));
    assert_eq!(other["places"].as_array().unwrap().len(), 30);
    api.stop(true).await;
    app.stop().await;
}

#[tokio::test]
async fn another_day_means_other_columns() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    app.pool(&[Given::default()]).await;
    let project = listed(&app, &client, "Reconcile three ledgers", json!({})).await;
    app.advance_days(1).await;
    app.columns_are_fresh().await;
    assert_eq!(shown(&app.ranked(&client, &project).await).len(), 1);
    app.stop().await;
}

/// Approved developers, made at once: they want $60 an hour and know Rust and seven skills more.
async fn many(app: &TestApp, count: usize) {
    let each = format!(
        "(SELECT ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid AS id, n FROM generate_series(1, {count}) n) e"
    );
    for statement in [
        format!(
            "INSERT INTO accounts (id, github_id, login, status, roles, display_name, contact_email, github_emails,
                 terms_version, time_zone, version, created_at, updated_at)
             SELECT id, 8000000 + n, 'many-' || n, 'active', '{{developer}}', 'Many ' || n, 'm' || n || '@example.org', '[]',
                 '2026-11-01', 'Europe/Copenhagen', 1, now(), now() FROM {each}"
        ),
        format!(
            "INSERT INTO applications (id, account_id, state, tracks, languages, rate_amount, rate_currency, hours_per_week,
                 policy_version, created_at, updated_at)
             SELECT id, id, 'approved', '{{backend}}', '[]', 6000, 'USD', 40, (SELECT version FROM policies LIMIT 1), now(), now()
             FROM {each}"
        ),
        format!(
            "INSERT INTO approvals (id, application_id, account_id, state, granted_by_id, granted_at, expires_at, reason, policy_version)
             SELECT id, id, id, 'active', id, now(), now() + interval '400 days', 'Approved for a test.',
                 (SELECT version FROM policies LIMIT 1) FROM {each}"
        ),
        format!(
            "INSERT INTO portfolio_skills (account_id, skill, derived, claimed, removed, pull_requests, updated_at)
             SELECT id, s.slug, true, false, false, 9, now()
             FROM {each} CROSS JOIN (SELECT slug FROM skills ORDER BY slug = 'rust' DESC LIMIT 8) s"
        ),
        "ANALYZE".to_owned(),
    ] {
        app.sql(&statement).await.unwrap();
    }
}

#[tokio::test]
async fn thousands_are_read_page_by_page() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    many(&app, 5_000).await;
    let project = listed(&app, &client, "Reconcile three ledgers", json!({})).await;
    app.advance_days(1).await;
    app.columns_are_fresh().await;
    let ranking = app.ranked(&client, &project).await;
    assert_eq!((ranking.at("/feasible"), shown(&ranking).len()), (json!(5_000), 50), "{ranking}");
    app.stop().await;
}
