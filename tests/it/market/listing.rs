//! The public listing: filters, words, pages that hold while projects are added.

use serde_json::{Value, json};

use super::{complete, complete_with};
use crate::harness::TestApp;

fn titles(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(|row| row["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn projects_are_found_by_skill_budget_effort_start_zone_and_words() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let skill = |slug: &str| json!([{ "skill": slug, "level": "proficient", "must": true }]);
    app.listed(&client, complete("Reconcile three ledgers")).await;
    let python = json!({ "skills": skill("python"), "effort_hours": 90, "starts_on": "2027-05-01",
        "description": "Forecast the demand of spare parts from eight years of orders; explain each forecast to planners.",
        "time_zone_need": { "time_zone": "America/Los_Angeles", "overlap_hours": 5 } });
    app.listed(&client, complete_with("Forecast spare parts", python)).await;
    let both = json!({ "skills": [
            { "skill": "rust", "level": "expert", "must": true }, { "skill": "python", "level": "working", "must": false }],
        "milestones": [{ "title": "All", "amount": 3_000_000, "deliverables": [{ "title": "Bindings", "specification": "Works.",
            "weight_bps": 10_000, "acceptance": { "kind": "human", "criterion": "Seen." } }] }],
        "budget": { "amount": 3_000_000, "currency": "USD" } });
    app.listed(&client, complete_with("Bindings for a solver", both)).await;

    let find =
        async |query: &str| titles(&app.get(&format!("/v1/projects?{query}")).expect(200).await.json());
    assert_eq!(find("").await, ["Bindings for a solver", "Forecast spare parts", "Reconcile three ledgers"]);
    assert_eq!(find("skills=rust").await, ["Bindings for a solver", "Reconcile three ledgers"]);
    assert_eq!(find("skills=rust-lang,Python").await.len(), 3);
    assert_eq!(find("skills=rust,python&match=all").await, ["Bindings for a solver"]);
    assert_eq!(find("budget_min=2000000").await, ["Bindings for a solver"]);
    assert_eq!(find("skills=rust&budget_max=2000000").await, ["Reconcile three ledgers"]);
    assert_eq!(find("effort_max=100").await, ["Forecast spare parts"]);
    assert_eq!(find("starts_from=2027-04-01").await, ["Forecast spare parts"]);
    assert_eq!(find("q=forecasting").await, ["Forecast spare parts"]);
    assert_eq!(
        find("q=ledgers+-spare&sort=newest").await,
        ["Bindings for a solver", "Reconcile three ledgers"]
    );
    assert_eq!(find("q=solver").await[0], "Bindings for a solver");
    // Nine working hours in Berlin and in Los Angeles do not meet; in New York six of them do.
    assert!(!find("time_zone=Europe/Berlin").await.contains(&"Forecast spare parts".to_owned()));
    assert!(
        find("time_zone=America/New_York&skills=python").await.contains(&"Forecast spare parts".to_owned())
    );

    for (query, code) in [
        ("skills=basket-weaving", "malformed_request"),
        ("time_zone=Mars", "malformed_request"),
        ("sort=relevance", "malformed_request"),
        ("limit=0", "malformed_request"),
        ("limit=101", "malformed_request"),
        ("colour=red", "unknown_parameter"),
        ("cursor=junk", "invalid_cursor"),
        ("starts_from=2027-02-30", "malformed_request"),
    ] {
        assert_eq!(app.get(&format!("/v1/projects?{query}")).expect(400).await.code(), code, "{query}");
    }
    for words in ["%27%3B--", "%00", "(((", "%22unclosed", "%F0%9F%92%A9", "a%26%7C%21"] {
        let answer = app.get(&format!("/v1/projects?q={words}")).send().await;
        assert!(answer.status == 200 || answer.status == 400, "{answer}");
    }
}

#[tokio::test]
async fn pages_neither_repeat_nor_lose_while_projects_are_added() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    for n in 0..5 {
        app.listed(&client, complete(&format!("Reconcile ledger number {n}"))).await;
    }
    for query in ["skills=rust", "q=ledger", "q=ledger&sort=newest", ""] {
        let mut seen = Vec::new();
        let mut target = format!("/v1/projects?limit=2&{query}");
        loop {
            let page = app.get(&target).expect(200).await;
            seen.extend(titles(&page.json()));
            if seen.len() == 2 {
                app.listed(&client, complete(&format!("Reconcile later ledger {query}"))).await;
            }
            let Value::String(cursor) = page.at("/next_cursor") else {
                assert_eq!(page.header("link"), None);
                break;
            };
            let link = page.header("link").expect("a link to the next page");
            let next =
                link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).expect(link);
            assert!(next.ends_with(&format!("cursor={cursor}")), "{link}");
            target = next.to_owned();
        }
        let before: Vec<&String> =
            seen.iter().filter(|title| title.starts_with("Reconcile ledger number")).collect();
        assert_eq!(before.len(), 5, "{query}: {seen:?}");
        let mut unique = seen.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), seen.len(), "{query}: {seen:?}");
    }
    // A cursor belongs to its filter.
    let cursor = app.get("/v1/projects?limit=2&skills=rust").expect(200).await.text_at("/next_cursor");
    let other = app.get(&format!("/v1/projects?limit=2&skills=postgresql&cursor={cursor}")).expect(400).await;
    assert_eq!(other.code(), "invalid_cursor");
}
