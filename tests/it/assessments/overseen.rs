//! Those who oversee sessions: reassigning, watching, the overview, why a start was not offered.

use assay_kernel::Permission;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::uuid_of;
use crate::harness::{Person, TestApp};

fn hosts(view: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    view.as_array()
        .expect("hosts")
        .iter()
        .map(|seat| (text(&seat["role"]), text(&seat["account_id"])))
        .collect()
}

fn why(explained: &Value, of: &Person) -> Vec<String> {
    let host =
        explained["hosts"].as_array().unwrap().iter().find(|host| host["account_id"] == of.id.as_str());
    let reasons = host.unwrap_or_else(|| panic!("{explained}"))["why_not"].as_array().unwrap().clone();
    reasons.iter().map(|reason| reason["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_seat_goes_to_somebody_else() {
    let app = TestApp::start().await;
    let (ines, theo) = (app.assessor("staff-ines").await, app.assessor("staff-theo").await);
    let (dora, application) = app.ready("dev-dora").await;
    let start = app.whole_hour(3);
    let path = app.seated(&dora, &application, (&ines, &theo), start).await;
    let rosa = app.staff("staff-rosa", Permission::Reviewer).await;
    let reassign = async |role: &str, to: Option<&Person>| {
        let etag = app.get(&path).by(&rosa).expect(200).await.etag();
        let body =
            json!({ "role": role, "assessor_id": to.map(|to| &to.id), "reason": "Is ill on that day." });
        app.post(&format!("{path}/reassign")).by(&rosa).if_match(&etag).json(body).send().await
    };
    let nobody = reassign("lead", None).await;
    assert_eq!((nobody.status, nobody.code().as_str()), (409, "guard_failed"));
    let kaya = app.assessor("staff-kaya").await;
    let themselves = reassign("lead", Some(&theo)).await;
    assert_eq!(themselves.text_at("/why_not/0/code"), "booking");
    let outsider = reassign("lead", Some(&rosa)).await;
    assert_eq!(outsider.text_at("/why_not/0/code"), "no_role");
    assert_eq!(reassign("shadow", None).await.status, 422);
    let changed = reassign("lead", None).await;
    changed.assert_status(200);
    let want = vec![("lead".to_owned(), kaya.id.clone()), ("observer".to_owned(), theo.id.clone())];
    assert_eq!(hosts(&changed.at("/hosts")), want);
    app.get(&path).by(&ines).expect(404).await;
    app.get(&path).by(&kaya).expect(200).await;
    assert!(app.kinds(&kaya).await.contains(&"assessment.reassigned".to_owned()));
    assert!(!app.kinds(&dora).await.contains(&"assessment.reassigned".to_owned()));
    // Back to the first, by name.
    let back = reassign("lead", Some(&ines)).await;
    back.assert_status(200);
    assert_eq!(app.get(&path).by(&dora).expect(200).await.at("/hosts"), Value::Null);
    app.post(&format!("{path}/reassign")).by(&theo).if_match("*").json(json!({})).expect(403).await;
    app.stop().await;
}

#[tokio::test]
async fn one_in_training_watches() {
    let app = TestApp::start().await;
    let (ines, theo) = (app.assessor("staff-ines").await, app.assessor("staff-theo").await);
    let (dora, application) = app.ready("dev-dora").await;
    let (deniz, others) = app.ready("dev-deniz").await;
    let (kaya, umar) = (app.assessor("staff-kaya").await, app.assessor("staff-umar").await);
    let start = app.whole_hour(3);
    let path = app.seated(&dora, &application, (&ines, &theo), start).await;
    let shadow = app.staff("staff-sam", Permission::Assessor).await;
    app.post(&format!("{path}/shadow")).by(&shadow).expect(404).await;
    app.sql(&format!(
        "INSERT INTO assessors (account_id, zone, weekly, overrides, joined_at, updated_at)
         VALUES ('{}', 'UTC', '[]', '[]', now(), now())",
        uuid_of(&shadow)
    ))
    .await
    .unwrap();
    app.sql(&format!("INSERT INTO assessor_tracks VALUES ('{}', 'backend', 'shadow')", uuid_of(&shadow)))
        .await
        .unwrap();
    let seen = app.get(&path).by(&shadow).expect(200).await;
    assert!(seen.text_at("/allowed_actions/0").contains("shadow"), "{seen}");
    assert_eq!(
        app.get("/v1/assessments").by(&shadow).expect(200).await.at("/data").as_array().unwrap().len(),
        1
    );
    let watched = app.post(&format!("{path}/shadow")).by(&shadow).expect(200).await;
    assert!(hosts(&watched.at("/hosts")).contains(&("shadow".to_owned(), shadow.id.clone())));
    assert_eq!(app.post(&format!("{path}/shadow")).by(&shadow).expect(409).await.code(), "guard_failed");
    // Not two at once.
    let path = app.seated(&deniz, &others, (&kaya, &umar), start).await;
    assert_eq!(app.post(&format!("{path}/shadow")).by(&shadow).expect(409).await.code(), "slot_taken");
    // An assessor of the track who trains for nothing may not.
    app.post(&format!("{path}/shadow")).by(&ines).expect(404).await;
    app.stop().await;
}

#[tokio::test]
async fn the_overview_tells_queue_and_load() {
    let app = TestApp::start().await;
    let (ines, theo) = (app.assessor("staff-ines").await, app.assessor("staff-theo").await);
    let (dora, application) = app.ready("dev-dora").await;
    let (deniz, others) = app.ready("dev-deniz").await;
    app.seated(&dora, &application, (&ines, &theo), app.whole_hour(3)).await;
    let kaya = app.assessor("staff-kaya").await;
    app.requested(&deniz, &others).await;
    app.advance_clock(std::time::Duration::from_secs(7_300)).await;
    let rosa = app.staff("staff-rosa", Permission::Reviewer).await;
    let seen = app.get("/v1/assessments/overview").by(&rosa).expect(200).await;
    let tracks = seen.at("/tracks");
    let backend = tracks.as_array().unwrap().iter().find(|track| track["track"] == "backend").unwrap();
    assert_eq!(
        (&backend["requested"], &backend["waiting"], &backend["oldest_hours"]),
        (&json!(1), &json!(0), &json!(2))
    );
    assert!(backend["next_free_at"].is_string());
    let people = backend["assessors"].as_array().unwrap();
    assert_eq!(people.len(), 3);
    let of = |person: &Person| people.iter().find(|one| one["account_id"] == person.id.as_str()).unwrap();
    assert_eq!((&of(&ines)["load"], &of(&ines)["sessions_ahead"]), (&json!(1), &json!(1)));
    // Came after the sessions of the others: credited with what each of them had on average.
    assert_eq!((&of(&kaya)["load"], &of(&kaya)["credit"]), (&json!(0), &json!("1")));
    app.get("/v1/assessments/overview").by(&ines).expect(403).await;
    app.get("/v1/assessments/overview").by(&dora).expect(403).await;
    app.stop().await;
}

#[tokio::test]
async fn why_a_start_was_not_offered() {
    let app = TestApp::start().await;
    let (ines, theo) = (app.assessor("staff-ines").await, app.assessor("staff-theo").await);
    let (kaya, umar) = (app.assessor("staff-kaya").await, app.assessor("staff-umar").await);
    let (dora, application) = app.ready("dev-dora").await;
    let (deniz, others) = app.ready("dev-deniz").await;
    let start = app.whole_hour(3);
    app.seated(&dora, &application, (&ines, &theo), start).await;
    let path = app.requested(&deniz, &others).await;
    let rosa = app.staff("staff-rosa", Permission::Reviewer).await;
    let explain = async |at: DateTime<Utc>| {
        let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
        app.get(&format!("{path}/explain?starts_at={at}")).by(&rosa).expect(200).await.json()
    };
    assert_eq!(explain(start).await["offered"], true);
    app.sql(&format!("UPDATE assessors SET blocked_at = now(), blocked_by_id = account_id, block_reason = 'x' WHERE account_id = '{}'", uuid_of(&kaya))).await.unwrap();
    app.sql(&format!(
        "INSERT INTO portfolio_contributions (account_id, kind, provider_number, repository, url, title, at)
         SELECT id, 'merged_pull_request', n, 'open-forge/anvil', 'https://example.org', 'Mend it', now()
         FROM (VALUES ('{}'::uuid, 1), ('{}'::uuid, 2)) people (id, n)",
        uuid_of(&umar),
        uuid_of(&deniz)
    ))
    .await
    .expect("work");
    let explained = explain(start).await;
    assert_eq!(explained["offered"], false);
    assert_eq!(why(&explained, &kaya), ["blocked"]);
    assert_eq!(why(&explained, &umar), ["conflict"]);
    assert_eq!(why(&explained, &ines), ["booking"]);
    assert!(explained.to_string().contains("open-forge/anvil"));
    let soon = explain(app.whole_hour(0)).await;
    assert!(why(&soon, &ines).contains(&"notice".to_owned()), "{soon}");
    let far = explain(app.whole_hour(29)).await;
    assert_eq!(far["why_not"][0]["code"], "horizon");
    app.get(&format!("{path}/explain?starts_at=soon")).by(&rosa).expect(400).await;
    let stamp = start.to_rfc3339_opts(SecondsFormat::Secs, true);
    app.get(&format!("{path}/explain?starts_at={stamp}")).by(&deniz).expect(403).await;
    app.stop().await;
}
