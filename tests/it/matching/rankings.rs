//! Rankings through HTTP: constraints, reasons, near misses, replays, who may see them.

use serde_json::{Value, json};

use super::{Given, listed, shown, sorted};
use crate::harness::TestApp;

fn sum_of_parts(place: &Value) -> f64 {
    let parts = place["explanation"]["parts"].as_array().expect("parts");
    parts.iter().map(|part| part["above_median"].as_f64().expect("a number")).sum()
}

#[tokio::test]
async fn those_who_meet_every_constraint_are_ranked_and_told_why() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let fits = Given::default();
    let people = app
        .pool(&[
            fits.clone(),
            Given { skills: vec![("rust", 9), ("postgresql", 0)], ..fits.clone() },
            Given { rate: 40, ..fits.clone() },
            Given { rate: 74, ..fits.clone() },
            Given { skills: vec![("rust", 0), ("mysql", 9)], ..fits.clone() },
            // Each of these breaks one constraint.
            Given { rate: 76, ..fits.clone() },
            Given { hours: 18, ..fits.clone() },
            Given { skills: vec![("go", 9)], ..fits.clone() },
            Given { zone: "Pacific/Auckland", ..fits.clone() },
        ])
        .await;
    let wants = json!({ "time_zone_need": { "time_zone": "Europe/Berlin", "overlap_hours": 4 } });
    let project = listed(&app, &client, "Reconcile three ledgers", wants).await;
    let ranking = app.ranked(&client, &project).await;
    assert_eq!(sorted(shown(&ranking)), sorted(people[..5].iter().map(|one| one.id.clone()).collect()));
    assert_eq!(ranking.at("/feasible"), 5);
    // More of the needed skill, and of the one that helps, goes first.
    assert_eq!(shown(&ranking)[0], people[1].id);

    let places = ranking.at("/places").as_array().unwrap().clone();
    let score = |place: &Value| place["explanation"]["score"].as_f64().unwrap();
    for pair in places.windows(2) {
        assert!(score(&pair[0]) >= score(&pair[1]));
        let told = sum_of_parts(&pair[0]) - sum_of_parts(&pair[1]);
        assert!((score(&pair[0]) - score(&pair[1]) - told).abs() < 1e-9, "{pair:?}");
    }
    let first = &places[0]["explanation"];
    let constraints: Vec<&str> =
        first["constraints"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(constraints, ["approved", "skill", "rate", "weekly_hours", "start", "overlap"]);
    assert!(first["summary"].as_str().unwrap().contains("skills needed"), "{first}");
    // Nobody's floor is told.
    assert!(!ranking.text.contains("$74") && !ranking.text.contains(":7400"), "{ranking}");
    // The neighbour of a skill that helps is worth something: MySQL carries over to PostgreSQL.
    let parts_of = |who: &str| {
        let place = places.iter().find(|place| place["developer"]["id"] == who).unwrap();
        let parts = place["explanation"]["parts"].as_array().unwrap();
        parts.iter().find(|part| part["name"] == "skills that help").unwrap()["above_median"]
            .as_f64()
            .unwrap()
    };
    assert!(parts_of(&people[4].id) > parts_of(&people[0].id));

    let path = format!("/v1/matches/{}", ranking.id());
    let read = app.get(&path).by(&client).expect(200).await;
    assert_eq!(read.at("/places"), ranking.at("/places"));
    let list = app.get(&format!("{project}/matches")).by(&client).expect(200).await;
    assert_eq!(list.at("/data/0/id"), ranking.at("/id"));
    app.stop().await;
}

#[tokio::test]
async fn few_who_fit_bring_those_whom_one_constraint_keeps_out() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let fits = Given::default();
    let dear = |rate| Given { rate, ..Given::default() };
    app.pool(&[
        fits.clone(),
        dear(80),
        dear(95),
        Given { hours: 10, ..fits.clone() },
        Given { skills: vec![("go", 0)], ..fits.clone() },
        // Two constraints: no near miss.
        Given { rate: 90, hours: 5, ..fits.clone() },
    ])
    .await;
    let project = listed(&app, &client, "Reconcile three ledgers", json!({})).await;
    let ranking = app.ranked(&client, &project).await;
    assert_eq!(ranking.at("/feasible"), 1);
    assert_eq!(
        ranking.at("/near_misses"),
        json!([
            { "constraint": "rate", "more": 2, "words": "2 more at $95 an hour." },
            { "constraint": "weekly_hours", "more": 1, "words": "1 more at 10 hours a week." },
            { "constraint": "skill", "more": 1, "words": "1 more without `rust` as a must." },
        ])
    );
    let nobody = json!({ "skills": [{ "skill": "elixir", "level": "expert", "must": true }] });
    let project = listed(&app, &client, "Another project entirely", nobody).await;
    let ranking = app.ranked(&client, &project).await;
    assert_eq!((ranking.at("/feasible"), ranking.at("/places")), (json!(0), json!([])));
    assert!(ranking.text.contains("2 more without `elixir` as a must."), "{ranking}");
    let replay = app.post(&format!("/v1/matches/{}/replay", ranking.id())).by(&client).expect(200).await;
    assert_eq!(replay.at("/identical"), true);
    app.stop().await;
}

#[tokio::test]
async fn a_replay_is_the_same_whatever_has_become_of_the_developers() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let people = app
        .pool(&[
            Given { skills: vec![("rust", 9)], ..Given::default() },
            Given { rate: 45, ..Given::default() },
            Given { skills: vec![("rust", 0), ("postgresql", 9)], ..Given::default() },
        ])
        .await;
    let project = listed(&app, &client, "Reconcile three ledgers", json!({})).await;
    let before = app.ranked(&client, &project).await;
    let replay = format!("/v1/matches/{}/replay", before.id());
    let same = |replay: &crate::harness::Answer| {
        assert_eq!(replay.at("/identical"), true, "{replay}");
        let places = replay.at("/places");
        for (was, is) in before.at("/places").as_array().unwrap().iter().zip(places.as_array().unwrap()) {
            assert_eq!(was["developer"]["id"], is["developer_id"]);
            assert_eq!(was["explanation"]["score"], is["score"]);
            assert_eq!(was["explanation"]["parts"], is["parts"]);
        }
    };
    same(&app.post(&replay).by(&client).expect(200).await);

    // The first one leaves, the second one becomes dear, months go by.
    let leaves = json!({ "paused": true });
    app.with_cookie(app.put("/v1/me/match_preferences"), &people[0].cookie).json(leaves).expect(200).await;
    app.sql("UPDATE applications SET rate_amount = 7400").await.unwrap();
    app.columns_are_fresh().await;
    let after = app.ranked(&client, &project).await;
    assert_ne!(shown(&after), shown(&before));
    assert!(!shown(&after).contains(&people[0].id));
    same(&app.post(&replay).by(&client).expect(200).await);

    // It is noticed when what was kept is not what was given.
    let forged = "UPDATE rankings SET places =
        jsonb_set(places::jsonb, '{0,score_and_parts}', places::jsonb->1->'score_and_parts')::text";
    app.sql(forged).await.unwrap();
    let found = app.post(&replay).by(&client).expect(200).await;
    assert_eq!(found.at("/identical"), false);
    app.stop().await;
}

#[tokio::test]
async fn rankings_are_for_the_client_who_may_hire_and_for_open_projects() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let other = app.client("claire-client").await;
    let developer = app.developer("dev-dora").await;
    app.pool(&[Given::default()]).await;
    let project = listed(&app, &client, "Reconcile three ledgers", json!({})).await;
    let ranking = app.ranked(&client, &project).await;
    let path = format!("/v1/matches/{}", ranking.id());
    let matches = format!("{project}/matches");
    app.post(&matches).by(&other).json(json!({})).expect(404).await;
    app.post(&matches).by(&developer).json(json!({})).expect(403).await;
    for person in [&other, &developer] {
        app.get(&path).by(person).expect(404).await;
        app.get(&matches).by(person).expect(404).await;
        app.post(&format!("{path}/replay")).by(person).expect(404).await;
    }
    let invite = json!({ "developer_id": shown(&ranking)[0], "message": "Would you bid on it?" });
    app.post(&format!("{path}/invitations")).by(&other).json(invite).expect(404).await;
    let wrong = app.post(&matches).by(&client).json(json!({ "depth": 51 })).expect(422).await;
    assert_eq!(wrong.at("/errors/0/pointer"), "/depth");
    // Curators see why.
    let curator = app.staff("staff-sam", assay_kernel::Permission::Curator).await;
    app.get(&path).by(&curator).expect(200).await;
    app.post(&format!("{path}/replay")).by(&curator).expect(200).await;
    app.post(&matches).by(&curator).json(json!({})).expect(403).await;

    let draft = app.draft(&client, crate::market::complete("A draft of a project")).await;
    let early = format!("/v1/projects/{}/matches", draft.id());
    let refused = app.post(&early).by(&client).json(json!({})).expect(409).await;
    assert_eq!(refused.code(), "state_conflict");
    app.stop().await;
}
