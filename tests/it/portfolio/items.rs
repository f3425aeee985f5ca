//! Items: one's own, and as others see them.

use serde_json::{Value, json};

use super::{PAUSE, flags, reviewer};
use crate::harness::{Answer, Person, TestApp};

fn clinic() -> Value {
    json!({
        "kind": "manual",
        "title": "Booking system of a clinic",
        "url": "https://clinic.example/case-study",
        "role": "Back end",
        "skills": ["TypeScript", "postgres"],
        "started_on": "2023-02-01",
        "ended_on": "2024-06-30",
    })
}

async fn add(app: &TestApp, person: &Person, item: Value) -> Answer {
    app.post("/v1/portfolio/items").by(person).json(item).expect(201).await
}

#[tokio::test]
async fn an_item_told_of_is_claimed_changed_and_deleted() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let made = add(&app, &dora, clinic()).await;
    assert_eq!(made.text_at("/level"), "claimed");
    assert_eq!(made.at("/skills"), json!(["typescript", "postgresql"]), "spellings become slugs");
    assert_eq!(made.at("/public"), false);
    let path = format!("/v1/portfolio/items/{}", made.id());
    assert_eq!(made.header("location"), Some(path.as_str()));
    assert_eq!(app.events_of(&dora, "portfolio.item_added").await.len(), 0, "not numbered yet");
    app.work().await;
    assert_eq!(app.events_of(&dora, "portfolio.item_added").await.len(), 1);

    let patch = json!({ "public": true, "note": "  All of the server. " });
    app.patch(&path).by(&dora).json(patch.clone()).expect(428).await;
    let changed = app.patch(&path).by(&dora).if_match(&made.etag()).json(patch.clone()).expect(200).await;
    assert_eq!(
        (changed.at("/public"), changed.text_at("/note")),
        (true.into(), "All of the server.".to_owned())
    );
    app.patch(&path).by(&dora).if_match(&made.etag()).json(patch).expect(412).await;
    let cleared = json!({ "note": null, "skills": ["rust"] });
    let changed = app.patch(&path).by(&dora).if_match(&changed.etag()).json(cleared).expect(200).await;
    assert_eq!((changed.at("/note"), changed.at("/skills")), (Value::Null, json!(["rust"])));

    let deniz = app.sign_up("dev-deniz", &["developer"]).await;
    app.get(&path).by(&deniz).expect(404).await;
    app.patch(&path).by(&deniz).if_match(&changed.etag()).json(json!({})).expect(404).await;
    app.delete(&path).by(&deniz).if_match(&changed.etag()).expect(404).await;
    app.delete(&path).by(&dora).expect(428).await;
    app.delete(&path).by(&dora).if_match(&changed.etag()).expect(204).await;
    app.get(&path).by(&dora).expect(404).await;
    app.stop().await;
}

#[tokio::test]
async fn one_key_makes_one_item() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let first = app.post("/v1/portfolio/items").by(&dora).key("k1").json(clinic()).expect(201).await;
    let again = app.post("/v1/portfolio/items").by(&dora).key("k1").json(clinic()).expect(201).await;
    assert_eq!(first.id(), again.id());
    assert_eq!(app.items(&dora, "").await.len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn bad_items_are_told_with_every_field() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let bad = [
        (json!({ "kind": "website" }), "/url"),
        (json!({ "kind": "repository", "url": "https://example.com/a/b" }), "/url"),
        (json!({ "url": "http://clinic.example" }), "/url"),
        (json!({ "url": "https://127.0.0.1/" }), "/url"),
        (json!({ "url": "https://localhost/" }), "/url"),
        (json!({ "url": "https://user:secret@clinic.example/" }), "/url"),
        (json!({ "url": "https://clinic.example:8443/" }), "/url"),
        (json!({ "url": "javascript:alert(1)" }), "/url"),
        (json!({ "url": "not a link" }), "/url"),
        (json!({ "kind": "pull_request_contribution" }), "/kind"),
        (json!({ "title": "x" }), "/title"),
        (json!({ "title": "bad \u{202e} title" }), "/title"),
        (json!({ "skills": ["carpentry"] }), "/skills/0"),
        (json!({ "skills": ["rust", "Rust"] }), "/skills/1"),
        (json!({ "started_on": "2024-07-01" }), "/ended_on"),
        (json!({ "ended_on": "2999-01-01" }), "/ended_on"),
        (json!({ "started_on": "-4000-01-01" }), "/started_on"),
        (json!({ "level": "outcome_proven" }), "/level"),
    ];
    for (change, pointer) in bad {
        let mut item = clinic();
        item.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        if change["kind"] == "website" {
            item.as_object_mut().unwrap().remove("url");
        }
        let answer = app.post("/v1/portfolio/items").by(&dora).json(item).expect(422).await;
        let told = answer.at("/errors");
        let told: Vec<&str> =
            told.as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
        assert_eq!(told, [pointer], "{change}");
    }
    let made = add(&app, &dora, clinic()).await;
    let path = format!("/v1/portfolio/items/{}", made.id());
    for patch in [
        json!({ "level": "outcome_proven" }),
        json!({ "public": "yes" }),
        json!({ "skills": ["carpentry"] }),
        json!({ "note": "nul \u{0} here" }),
    ] {
        let answer = app.patch(&path).by(&dora).if_match(&made.etag()).json(patch).send().await;
        assert!(matches!(answer.status, 400 | 422), "{answer}");
    }
    app.get("/v1/portfolio/items?kind=castle").by(&dora).expect(400).await;
    app.get("/v1/portfolio/items?sort=newest").by(&dora).expect(400).await;
    app.stop().await;
}

#[tokio::test]
async fn what_a_person_decides_outlives_an_import() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    app.imported(&dora).await;
    let items = app.items(&dora, "&kind=repository").await;
    let item = items.iter().find(|item| item["title"] == "dev-dora/a11y-forms").unwrap();
    let path = format!("/v1/portfolio/items/{}", item["id"].as_str().unwrap());
    let shown = app.get(&path).by(&dora).expect(200).await;
    let choices = json!({ "public": true, "note": "My best.", "skills": ["react"] });
    let chosen = app.patch(&path).by(&dora).if_match(&shown.etag()).json(choices).expect(200).await;
    app.delete(&path).by(&dora).if_match(&chosen.etag()).expect(409).await;
    app.github("/_sandbox/repositories", json!({ "full_name": "dev-dora/a11y-forms", "pushed": true })).await;
    app.advance(PAUSE).await;
    app.imported(&dora).await;
    let after = app.get(&path).by(&dora).expect(200).await;
    assert_ne!(after.at("/computed/pushed_at"), chosen.at("/computed/pushed_at"), "the import did see it");
    for member in ["/public", "/note", "/skills"] {
        assert_eq!(after.at(member), chosen.at(member));
    }
    app.stop().await;
}

#[tokio::test]
async fn others_see_what_is_public_and_reviewers_everything() {
    let app = TestApp::start().await;
    let stella = app.sign_up("stella-stars", &["developer"]).await;
    let carl = app.sign_up("carl-client", &["client"]).await;
    let sam = reviewer(&app).await;
    app.imported(&stella).await;
    let path = format!("/v1/developers/{}/portfolio", stella.id);
    app.get(&path).expect(401).await;
    app.get(&path).by(&carl).expect(404).await;
    app.get(&format!("/v1/developers/{}/portfolio", carl.id)).by(&sam).expect(404).await;

    let items = app.items(&stella, "").await;
    let item = format!("/v1/portfolio/items/{}", items[0]["id"].as_str().unwrap());
    let shown = app.get(&item).by(&stella).expect(200).await;
    app.patch(&item).by(&stella).if_match(&shown.etag()).json(json!({ "public": true })).expect(200).await;
    let seen = app.get(&path).by(&carl).expect(200).await;
    assert_eq!(seen.at("/data").as_array().unwrap().len(), 1);
    for member in ["/flags", "/signals", "/imported_at"] {
        assert_eq!(seen.at(member), Value::Null, "{member} is not for others");
    }

    let reviewed = app.get(&path).by(&sam).expect(200).await;
    assert_eq!(reviewed.at("/data").as_array().unwrap().len(), 3);
    assert!(reviewed.at("/signals/points").is_u64());
    assert_eq!(flags(&app, &sam, &stella).await, ["stars_without_use"]);
    let own = app.get(&path).by(&stella).expect(200).await;
    assert_eq!(own.at("/flags"), Value::Null, "signs of gaming are for reviewers");
    assert!(own.at("/signals/points").is_u64());
    let curator = app.staff("claire-client", assay_kernel::Permission::Curator).await;
    assert_eq!(app.get(&path).by(&curator).expect(200).await.at("/flags"), Value::Null);

    let first = app.get(&format!("{path}?limit=2")).by(&sam).expect(200).await;
    let next = first.text_at("/next_cursor");
    let rest = app.get(&format!("{path}?limit=2&cursor={next}")).by(&sam).expect(200).await;
    assert_eq!(rest.at("/data").as_array().unwrap().len(), 1);
    app.get(&format!("{path}?limit=2&cursor={next}")).by(&stella).expect(400).await;
    app.stop().await;
}

#[tokio::test]
async fn what_is_lent_to_higher_domains_counts_and_exports() {
    let app = TestApp::start().await;
    let stella = app.sign_up("stella-stars", &["developer"]).await;
    app.imported(&stella).await;
    add(&app, &stella, clinic()).await;
    let account = stella.id.parse().unwrap();
    let lent = app
        .ctx()
        .db
        .read(async |conn| {
            let flags = assay_portfolio::flags(conn, account).await?;
            let document = assay_portfolio::PERSONAL_DATA.tables().export(conn, account).await?;
            Ok((assay_portfolio::item_count(conn, account).await?, flags, document))
        })
        .await;
    let (count, flags, document) = lent.unwrap();
    assert_eq!(count, 4);
    assert_eq!(flags[0].code.as_str(), "stars_without_use");
    assert_eq!(document["items"].as_array().unwrap().len(), 4);
    assert!(document.to_string().contains("Booking system of a clinic"));
    assert!(!document.to_string().contains("stars_without_use"), "signs of gaming are the reviewers'");
    app.stop().await;
}
