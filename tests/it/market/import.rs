//! Staff's import of projects.

use assay_kernel::Permission;
use assay_kernel::ids::OrganisationId;
use assay_projects::{LineOutcome, Projects};
use serde_json::json;

use crate::harness::{Person, TestApp};

const LINES: &str = r#"{"title":"Wallet bindings","description":"A library that lets wallets sign transactions from Rust and TypeScript, with tests and documentation.","total_usd":9000,"duration":"6 weeks","milestones":[{"title":"Signing","cost_usd":6000,"duration":"4 weeks","fte":1.0,"deliverables":[{"number":"0a","title":"License","specification":"Apache 2.0"},{"number":"1","title":"Library","specification":"Signs and verifies."},{"number":"2","title":"Tests","specification":"Vectors of the standard."}]},{"title":"Documentation","cost_usd":3000,"duration":"2 weeks","fte":0.5,"deliverables":[{"number":"1","title":"Guide","specification":""}]}]}
{"title":"Sums that do not add up","description":"The milestones cost less than the total says, and the duration cannot be read at all.","total_usd":9000,"duration":"soon","milestones":[{"title":"Only one","cost_usd":6000,"deliverables":[{"title":"Thing","specification":"Works."}]}]}
not json

{"title":"Second good line","description":"A dashboard for the treasury of a small association, built with React, shown on one page.","total_usd":12000,"milestones":[{"title":"All of it","cost_usd":12000,"deliverables":[{"title":"Dashboard","specification":"Shows balances."}]}]}"#;

async fn import(app: &TestApp, staff: &Person, client: &Person, lines: &str) -> Vec<(usize, String)> {
    let taxonomy = assay_skills::Taxonomy::load(app.ctx()).await.expect("the taxonomy");
    let projects = Projects::new(app.ctx().clone(), taxonomy);
    let mut conn = app.ctx().db.get().await.expect("a connection");
    let actor = assay_identity::staff_by_login(&mut conn, &staff.login, Permission::Curator)
        .await
        .expect("a curator")
        .id;
    drop(conn);
    let organisation: OrganisationId = client.organisation().parse().expect("an id");
    let mut reported = Vec::new();
    projects
        .import(actor, organisation, lines, |line, outcome| {
            let text = match outcome {
                LineOutcome::Imported { id, .. } => format!("imported {id}"),
                LineOutcome::Unchanged { id } => format!("unchanged {id}"),
                LineOutcome::Refused { problems } => {
                    problems.iter().map(|p| p.pointer.clone()).collect::<Vec<_>>().join(" ")
                }
            };
            reported.push((line, text));
        })
        .await
        .expect("the import goes on");
    reported
}

#[tokio::test]
async fn good_lines_become_drafts_bad_ones_tell_all_and_a_second_run_changes_nothing() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let sam = app.staff("staff-sam", Permission::Curator).await;
    let first = import(&app, &sam, &client, LINES).await;
    let lines: Vec<usize> = first.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [1, 2, 3, 5]);
    assert!(first[0].1.starts_with("imported prj_") && first[3].1.starts_with("imported prj_"));
    assert_eq!(first[1].1, "/total_usd /duration");
    let again = import(&app, &sam, &client, LINES).await;
    assert_eq!(again[0].1, first[0].1.replace("imported", "unchanged"));

    let id = first[0].1.trim_start_matches("imported ");
    let draft = app.get(&format!("/v1/projects/{id}")).by(&client).expect(200).await;
    assert_eq!(draft.at("/budget/amount"), 900_000);
    assert_eq!(draft.at("/milestones/0/deliverables/0/weight_bps"), 3_333);
    assert_eq!(draft.at("/milestones/0/deliverables/2/weight_bps"), 3_334);
    assert_eq!(draft.at("/milestones/1/deliverables/0/specification"), "Guide");
    assert_eq!(draft.at("/effort_hours"), 200);
    assert!(draft.at("/skills").as_array().unwrap().iter().any(|need| need["skill"] == "rust"));
    let mine = app.get("/v1/me/projects").by(&client).expect(200).await;
    assert_eq!(mine.at("/data").as_array().unwrap().len(), 2);
}

/// Real scoped projects, where a file of them is at hand (`ASSAY_PROJECTS_FILE`): each goes through to the listing once
/// the client has added what no such file holds.
#[tokio::test]
async fn real_projects_go_through_to_the_listing() {
    let Ok(file) = std::env::var("ASSAY_PROJECTS_FILE") else {
        eprintln!("skipped: ASSAY_PROJECTS_FILE names no file of projects");
        return;
    };
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let sam = app.staff("staff-sam", Permission::Curator).await;
    let text = std::fs::read_to_string(&file).expect("the file can be read");
    let reported = import(&app, &sam, &client, &text).await;
    for (line, outcome) in &reported {
        let id = outcome.strip_prefix("imported ").unwrap_or_else(|| panic!("line {line}: {outcome}"));
        let path = format!("/v1/projects/{id}");
        let draft = app.get(&path).by(&client).expect(200).await;
        let hours = draft.at("/budget_usd/amount").as_i64().unwrap() / 100 / 60;
        let mut patch = json!({
            "outcome": "What the deliverables name is in use by the people it is for.",
            "decision_maker": "Carl, who posted it",
            "starts_on": (app.now() + chrono::Duration::days(20)).date_naive().to_string(),
        });
        if draft.at("/effort_hours").is_null() {
            patch["effort_hours"] = json!(hours);
        }
        if draft.at("/duration_days").is_null() {
            patch["duration_days"] = json!(90);
        }
        if draft.at("/skills").as_array().unwrap().is_empty() {
            patch["skills"] = json!([{ "skill": "rust", "level": "proficient", "must": true }]);
        }
        app.patch(&path).by(&client).if_match(&draft.etag()).json(patch).expect(200).await;
        app.act(&client, &path, "submit").await.assert_status(200);
        app.post(&format!("{path}/claim")).by(&sam).expect(200).await;
        app.act(&sam, &path, "list").await.assert_status(200);
    }
    let listed = app.get("/v1/projects?limit=100").expect(200).await;
    assert_eq!(listed.at("/data").as_array().unwrap().len(), reported.len());
}
