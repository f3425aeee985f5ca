//! Imports and re-imports.

use std::collections::BTreeSet;

use assay::app::worker;
use serde_json::{Value, json};

use super::PAUSE;
use crate::harness::{Person, TestApp};

/// What must not change or double: source keys with what the person and GitHub say of them.
pub async fn snapshot(app: &TestApp, person: &Person) -> Vec<Value> {
    let mut items = app.items(person, "").await;
    items.sort_by_key(|item| item["source"]["key"].to_string());
    items
        .into_iter()
        .map(|item| {
            json!([
                item["id"],
                item["source"],
                item["title"],
                item["marks"],
                item["computed"],
                item["withdrawn_at"]
            ])
        })
        .collect()
}

#[tokio::test]
async fn the_large_portfolio_is_imported_again_for_a_few_requests() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada-oss", &["developer"]).await;
    app.asked().await;
    let first = app.imported(&ada).await;
    let (asked, paths) = app.asked().await;
    assert_eq!(first.at("/requests"), asked, "the import tells how often it asked");
    assert!((250..320).contains(&asked), "{asked}: {paths}");
    assert_eq!(first.at("/counts/pull_requests"), 340);
    assert_eq!(first.at("/counts/reviews"), 103);
    assert_eq!(first.at("/counts/contributions"), 6);
    assert_eq!(first.at("/warnings"), json!([]));
    let before = snapshot(&app, &ada).await;
    let keys: BTreeSet<String> = before.iter().map(|item| item[1]["key"].to_string()).collect();
    assert_eq!((before.len(), keys.len()), (257, 257), "250 repositories, 6 contributions, reviews");

    app.advance(PAUSE).await;
    app.asked().await;
    let started = std::time::Instant::now();
    let again = app.imported(&ada).await;
    let took = started.elapsed();
    let (asked, paths) = app.asked().await;
    println!("again: {asked} requests, {} unchanged, {took:?}", again.at("/unchanged"));
    assert!(asked < 50, "{asked}: {paths}");
    assert!(took.as_secs() < 5, "{took:?}");
    assert_eq!(again.at("/counts/languages"), 0);
    assert_eq!(again.at("/counts/repositories"), 250);
    assert!(again.at("/unchanged").as_u64().unwrap() >= 8, "{again}");
    assert_eq!(snapshot(&app, &ada).await, before);
    app.stop().await;
}

#[tokio::test]
async fn only_what_was_pushed_to_is_read_again() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    app.imported(&dora).await;
    app.advance(PAUSE).await;
    app.github("/_sandbox/repositories", json!({ "full_name": "dev-dora/clinic-booking", "pushed": true }))
        .await;
    app.asked().await;
    let again = app.imported(&dora).await;
    assert_eq!(again.at("/counts/languages"), 1);
    let (_, paths) = app.asked().await;
    let languages: Vec<&String> =
        paths.as_object().unwrap().keys().filter(|p| p.ends_with("/languages")).collect();
    assert_eq!(languages, ["GET /api/repos/dev-dora/clinic-booking/languages"]);
    app.stop().await;
}

#[tokio::test]
async fn progress_is_visible_while_an_import_runs() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let asked = app.post("/v1/portfolio/imports").by(&dora).expect(202).await;
    assert_eq!(asked.text_at("/state"), "queued");
    assert_eq!((asked.at("/step_number"), asked.at("/steps")), (1.into(), 10.into()));
    let path = asked.header("location").unwrap().to_owned();
    // Repositories of others are looked at late: there the import is stopped, and looked at.
    app.github(
        "/_sandbox/faults",
        json!({ "kind": "primary_rate_limit", "seconds": 1_800, "path_prefix": "/api/repos/papercut-labs" }),
    )
    .await;
    app.work().await;
    let running = app.get(&path).by(&dora).expect(200).await;
    assert_eq!(running.text_at("/state"), "running");
    assert_eq!(running.text_at("/step"), "contributions");
    assert_eq!(running.at("/step_number"), 8);
    assert_eq!(running.at("/counts/repositories"), 19);
    assert_eq!(running.at("/counts/pull_requests"), 12);
    assert!(running.at("/finished_at").is_null() && running.at("/resumes_at").is_string(), "{running}");

    // One import at a time: another call gives the one under way.
    let same = app.post("/v1/portfolio/imports").by(&dora).expect(202).await;
    assert_eq!(same.id(), asked.id());
    app.advance(std::time::Duration::from_secs(1_900)).await;
    let done = app.get(&path).by(&dora).expect(200).await;
    assert_eq!(done.text_at("/state"), "completed");
    assert_eq!(done.at("/resumes_at"), Value::Null);
    let list = app.get("/v1/portfolio/imports").by(&dora).expect(200).await;
    assert_eq!(list.at("/data").as_array().unwrap().len(), 1);
    assert_eq!(list.text_at("/data/0/id"), asked.id());
    app.stop().await;
}

#[tokio::test]
async fn there_is_a_pause_between_imports() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    app.imported(&dora).await;
    let refused = app.post("/v1/portfolio/imports").by(&dora).expect(409).await;
    assert_eq!(refused.code(), "limit_reached");
    let wait: u64 = refused.header("retry-after").expect("when to come back").parse().unwrap();
    assert!((3_500..=3_601).contains(&wait), "{wait}");
    app.advance(PAUSE).await;
    app.imported(&dora).await;
    let list = app.get("/v1/portfolio/imports?limit=1").by(&dora).expect(200).await;
    let next = list.text_at("/next_cursor");
    let rest = app.get(&format!("/v1/portfolio/imports?limit=1&cursor={next}")).by(&dora).expect(200).await;
    assert_ne!(rest.text_at("/data/0/id"), list.text_at("/data/0/id"));
    assert!(rest.at("/next_cursor").is_null());
    app.stop().await;
}

#[tokio::test]
async fn two_requests_at_once_make_one_import() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let ask = || app.post("/v1/portfolio/imports").by(&dora).expect(202);
    let (one, two, three) = tokio::join!(ask(), ask(), ask());
    assert_eq!(one.id(), two.id());
    assert_eq!(one.id(), three.id());
    app.stop().await;
}

#[tokio::test]
async fn what_vanishes_or_turns_private_is_withdrawn_and_can_come_back() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    app.imported(&dora).await;
    let item = |items: &[Value], title: &str| {
        items.iter().find(|item| item["title"] == title).unwrap_or_else(|| panic!("{title}")).clone()
    };
    let change = async |order: Value| app.github("/_sandbox/repositories", order).await;
    change(json!({ "full_name": "dev-dora/contrast-check", "gone": true })).await;
    change(json!({ "full_name": "dev-dora/clinic-booking", "private": true })).await;
    change(json!({ "full_name": "papercut-labs/design-tokens", "gone": true })).await;
    app.advance(PAUSE).await;
    let again = app.imported(&dora).await;
    assert_eq!(again.at("/counts/withdrawn"), 3);
    let items = app.items(&dora, "").await;
    for title in ["dev-dora/contrast-check", "dev-dora/clinic-booking", "papercut-labs/design-tokens"] {
        let gone = item(&items, title);
        assert_eq!(gone["withdrawn_reason"], "GitHub no longer has it.", "{title}");
        assert!(gone["withdrawn_at"].is_string());
    }
    assert_eq!(app.items(&dora, "&withdrawn=true").await.len(), 3);
    let portfolio = app.get("/v1/portfolio").by(&dora).expect(200).await;
    assert_eq!(super::signal(&portfolio, "merged_elsewhere")["inputs"]["pull_requests"], 8);

    change(json!({ "full_name": "dev-dora/contrast-check", "gone": false })).await;
    change(json!({ "full_name": "papercut-labs/design-tokens", "gone": false })).await;
    app.advance(PAUSE).await;
    app.imported(&dora).await;
    assert_eq!(app.items(&dora, "&withdrawn=true").await.len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_private_repository_is_refused_even_when_github_shows_it() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let exposed = json!({ "full_name": "dev-dora/clinic-booking", "exposed": true });
    app.github("/_sandbox/repositories", exposed).await;
    let import = app.imported(&dora).await;
    assert_eq!(import.text_at("/warnings/0/code"), "private_refused");
    let items = app.items(&dora, "").await;
    assert!(!items.iter().any(|item| item.to_string().contains("clinic-booking")));
    app.stop().await;
}

#[tokio::test]
async fn templates_mirrors_and_archives_are_marked_and_do_not_count() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    for (name, mark) in
        [("a11y-forms", "template"), ("clinic-booking", "mirror"), ("contrast-check", "archived")]
    {
        app.github("/_sandbox/repositories", json!({ "full_name": format!("dev-dora/{name}"), mark: true }))
            .await;
    }
    app.imported(&dora).await;
    let items = app.items(&dora, "&kind=repository").await;
    for (name, mark) in [
        ("a11y-forms", "template"),
        ("clinic-booking", "mirror"),
        ("contrast-check", "archived"),
        ("form-builder", "fork"),
    ] {
        let item = items.iter().find(|item| item["title"] == format!("dev-dora/{name}")).expect(name);
        assert_eq!(item["marks"], json!([mark]), "{name}");
        assert!(item["computed"].get("languages").is_none(), "its languages were not asked for");
    }
    app.stop().await;
}

#[tokio::test]
async fn two_workers_on_one_import_do_its_work_once() {
    let app = TestApp::start().await;
    let deniz = app.sign_up("dev-deniz", &["developer"]).await;
    let asked = app.post("/v1/portfolio/imports").by(&deniz).expect(202).await;
    // The same job twice, as after a lease that ran out under a slow worker.
    let ctx = app.ctx();
    let import: assay_kernel::ids::PortfolioImportId = asked.id().parse().unwrap();
    ctx.db
        .tx(async |conn| {
            let job = assay_platform::jobs::NewJob {
                kind: "portfolio.import",
                payload: json!({ "import": import }),
                dedupe_key: None,
                run_at: None,
            };
            assay_platform::jobs::enqueue(ctx, conn, job).await
        })
        .await
        .unwrap();
    let state = assay::app::domains::State::load(ctx, &app.services.providers).await.unwrap();
    let (one, two) = (worker::registry(&state), worker::registry(&state));
    let (left, right) = tokio::join!(worker::round(ctx, &one), worker::round(ctx, &two));
    left.unwrap();
    right.unwrap();
    app.work().await;
    let path = format!("/v1/portfolio/imports/{}", asked.id());
    assert_eq!(app.get(&path).by(&deniz).expect(200).await.text_at("/state"), "completed");
    assert_eq!(app.items(&deniz, "&kind=repository").await.len(), 11);
    assert_eq!(app.events_of(&deniz, "portfolio.import_completed").await.len(), 1);
    app.stop().await;
}
