//! Every invented person is imported; what comes out fits who they are.

use std::collections::BTreeMap;

use assay_adapters::github::sandbox::personas;
use serde_json::Value;

use super::{flags, reviewer, signal};
use crate::harness::TestApp;

/// What is expected of a persona: counting and other repositories, merged pull requests, signs of gaming, points.
struct Expected {
    counting: usize,
    marked: usize,
    merged: u64,
    flags: &'static [&'static str],
    points: std::ops::Range<u64>,
}

fn expected(login: &str) -> Expected {
    let of = |counting, marked, merged, flags, points| Expected { counting, marked, merged, flags, points };
    match login {
        // Six forks; of the 238 generated repositories some are archived.
        "ada-oss" => of(223, 27, 340, &[], 700..900),
        "newton-newcomer" => of(1, 0, 0, &["young_account"], 0..60),
        "fred-forks" => of(0, 10, 0, &["fork_only"], 0..1),
        "renamed-rita" => of(9, 0, 6, &[], 150..500),
        "no-mail-nina" => of(5, 1, 4, &[], 100..500),
        "stella-stars" => of(3, 0, 0, &["stars_without_use"], 0..120),
        "copy-kai" => of(2, 0, 0, &["borrowed_history"], 0..120),
        "private-pia" => of(4, 0, 3, &[], 100..500),
        "dev-dora" => of(17, 2, 12, &[], 300..650),
        "dev-deniz" => of(11, 0, 5, &[], 200..600),
        "carl-client" => of(0, 0, 0, &[], 0..1),
        "claire-client" => of(1, 0, 0, &[], 20..200),
        "staff-sam" => of(1, 3, 5, &[], 100..300),
        "staff-rosa" => of(2, 0, 0, &[], 20..250),
        "staff-ines" | "staff-theo" | "staff-kaya" | "staff-umar" => of(1, 0, 0, &[], 0..250),
        other => panic!("{other} is a new persona: say what is expected of their import"),
    }
}

#[tokio::test]
async fn every_persona_is_imported_and_what_comes_out_fits_them() {
    let app = TestApp::start().await;
    let sam = reviewer(&app).await;
    let mut faults = Vec::new();
    for persona in personas() {
        let login = persona.login;
        let person = match login {
            // Nobody signs up without a verified address; her work is imported when she has one.
            "no-mail-nina" => continue,
            _ => app.sign_up(login, &["developer"]).await,
        };
        let import = app.imported(&person).await;
        let expected = expected(login);
        let items = app.items(&person, "").await;
        let mut by_kind: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for item in &items {
            assert_eq!(item["level"], "platform_verified", "{login}: {item}");
            assert_eq!(item["public"], false, "nothing is public unasked");
            by_kind.entry(item["kind"].as_str().unwrap()).or_default().push(item);
        }
        let repositories = by_kind.remove("repository").unwrap_or_default();
        let counting =
            repositories.iter().filter(|item| item["marks"].as_array().unwrap().is_empty()).count();
        let marked = repositories.len() - counting;
        let contributions = by_kind.remove("pull_request_contribution").unwrap_or_default();
        let merged: u64 = contributions.iter().map(|item| item["computed"]["merged"].as_u64().unwrap()).sum();
        let seen_flags = if login == "staff-sam" { Vec::new() } else { flags(&app, &sam, &person).await };
        let portfolio = app.get("/v1/portfolio").by(&person).expect(200).await;
        let points = portfolio.at("/signals/points").as_u64().unwrap();
        println!(
            "{login}: {counting} + {marked}, {merged} merged, {seen_flags:?}, {points} points, {} requests",
            import.at("/requests")
        );
        let fits = counting == expected.counting
            && marked == expected.marked
            && merged == expected.merged
            && seen_flags == expected.flags
            && expected.points.contains(&points);
        if !fits {
            faults.push(format!("{login}: {counting} + {marked} repositories, {merged} merged, {seen_flags:?}, {points} points"));
        }
        assert_eq!(
            import.at("/counts/repositories").as_u64().unwrap(),
            (counting + marked) as u64,
            "{login}"
        );
        assert_eq!(signal(&portfolio, "merged_elsewhere")["inputs"]["pull_requests"], merged, "{login}");
        assert_eq!(app.events_of(&person, "portfolio.import_completed").await.len(), 1, "{login}");
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    app.stop().await;
}

#[tokio::test]
async fn bought_stars_weigh_less_than_a_few_merged_pull_requests() {
    let app = TestApp::start().await;
    let stella = app.sign_up("stella-stars", &["developer"]).await;
    let deniz = app.sign_up("dev-deniz", &["developer"]).await;
    let mut points = Vec::new();
    for person in [&stella, &deniz] {
        app.imported(person).await;
        let portfolio = app.get("/v1/portfolio").by(person).expect(200).await;
        points.push(portfolio.at("/signals/points").as_u64().unwrap());
        assert!(signal(&portfolio, "stars")["points"].as_u64().unwrap() <= 50);
    }
    assert!(points[0] * 2 < points[1], "{points:?}");
    app.stop().await;
}

#[tokio::test]
async fn a_renamed_account_is_one_portfolio() {
    let app = TestApp::start().await;
    let before = app.sign_up("rita-before", &["developer"]).await;
    let after = app.sign_in("renamed-rita").await;
    assert_eq!(before.id, after.id);
    app.imported(&after).await;
    let items = app.items(&after, "&kind=repository").await;
    assert!(
        items.iter().all(|item| item["title"].as_str().unwrap().starts_with("renamed-rita/")),
        "{items:?}"
    );
    app.stop().await;
}

#[tokio::test]
async fn the_formula_is_public_and_says_what_is_computed() {
    let app = TestApp::start().await;
    let formula = app.get("/v1/portfolio/formula").expect(200).await;
    let signals = formula.at("/signals").as_array().unwrap().clone();
    let sum: u64 = signals.iter().map(|signal| signal["max_points"].as_u64().unwrap()).sum();
    assert_eq!(formula.at("/max_points"), sum);
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/PORTFOLIO.md")).unwrap();
    assert!(text.contains(&formula.text_at("/version")), "docs/PORTFOLIO.md tells of another version");
    for signal in &signals {
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let formula = plain(signal["formula"].as_str().unwrap());
        assert!(plain(&text).contains(&formula), "docs/PORTFOLIO.md does not say: {formula}");
    }

    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let empty = app.get("/v1/portfolio").by(&dora).expect(200).await;
    assert_eq!((empty.at("/signals"), empty.at("/items")), (Value::Null, 0.into()));
    app.imported(&dora).await;
    let portfolio = app.get("/v1/portfolio").by(&dora).expect(200).await;
    assert_eq!(portfolio.text_at("/signals/formula_version"), formula.text_at("/version"));
    let names = |signals: &Value| -> Vec<String> {
        signals.as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&portfolio.at("/signals/signals")), names(&formula.at("/signals")));
    app.stop().await;
}
