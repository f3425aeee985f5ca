//! From two cards to a decision: agreement, a third rater, feedback, a redo.

use assay_kernel::Permission;
use serde_json::{Value, json};

use super::{CRITERIA, card, decision};
use crate::assessments::uuid_of;
use crate::harness::TestApp;

#[tokio::test]
async fn two_cards_agree_and_a_reviewer_approves() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let sam = app.reviewer().await;
    assert_eq!(app.mails("Your rating card is open").await, 2);
    let waiting = app.get(&format!("{}/cards", over.path)).by(&sam).expect(200).await;
    assert_eq!((waiting.at("/complete"), waiting.at("/means")), (json!(false), Value::Null));
    assert_eq!(waiting.at("/cards/0/content"), Value::Null);
    let early = app.review(&sam, &over.path, "finalize", decision("approved")).await;
    assert_eq!(early.code(), "state_conflict");
    app.both_rate(&over, card(3, "yes"), card(2, "strong_yes")).await;

    let cards = app.get(&format!("{}/cards", over.path)).by(&sam).expect(200).await;
    assert_eq!((cards.text_at("/state"), cards.at("/disagreement")), ("agreed".into(), Value::Null));
    assert_eq!(cards.at("/means/by_criterion/testing"), 2.5);
    assert_eq!((cards.at("/means/adjusted"), cards.at("/means/cards")), (json!(false), json!(2)));
    assert!(cards.text_at("/means/note").starts_with("Unadjusted"));
    assert_eq!(cards.text_at("/cards/0/content/recommendation"), "yes");
    assert_eq!(cards.at("/allowed_actions"), json!(["finalize", "grant_redo", "void"]));
    app.get(&format!("{}/outcome", over.path)).by(&over.candidate).expect(404).await;

    // Who rated does not decide, nor who has a tie.
    app.staff("staff-ines", Permission::Reviewer).await;
    let own = app.review(&over.lead, &over.path, "finalize", decision("approved")).await;
    assert_eq!((own.code(), own.text_at("/why_not/0/code")), ("guard_failed".into(), "no_conflict".into()));
    let rosa = app.staff("staff-rosa", Permission::Reviewer).await;
    let organisation = app.client("carl-client").await;
    for person in [&rosa, &over.candidate] {
        app.sql(&format!(
            "INSERT INTO organisation_members (organisation_id, account_id, role, created_at)
             SELECT organisation_id, '{}', 'viewer', created_at FROM organisation_members WHERE account_id = '{}'",
            uuid_of(person),
            uuid_of(&organisation)
        ))
        .await
        .expect("a member");
    }
    let tied = app.review(&rosa, &over.path, "finalize", decision("approved")).await;
    assert_eq!(tied.text_at("/why_not/0/code"), "no_conflict");
    app.post(&format!("{}/finalize", over.path)).by(&sam).json(decision("approved")).expect(428).await;
    let stale = app.post(&format!("{}/finalize", over.path)).by(&sam).if_match("\"1\"");
    stale.json(decision("approved")).expect(412).await;

    let decided = app.review(&sam, &over.path, "finalize", decision("approved")).await;
    decided.assert_status(200);
    assert_eq!(decided.text_at("/staff/decided_by"), sam.id);
    assert_eq!(app.state(&over.candidate, &over.application).await, "approved");
    let approval = app.get("/v1/me/approval").by(&over.candidate).expect(200).await;
    assert_eq!(approval.text_at("/state"), "active");
    let told = app.get(&format!("{}/outcome", over.path)).by(&over.candidate).expect(200).await;
    assert_eq!((told.text_at("/outcome"), told.at("/staff")), ("approved".into(), Value::Null));
    assert_eq!(told.at("/feedback").as_array().unwrap().len(), 10);
    assert_eq!(told.text_at("/feedback/3/band"), "Solid");
    for hidden in [&over.lead.id, &over.observer.id, &sam.id, "plain words", "by_criterion"] {
        assert!(!told.text.contains(hidden), "{told} tells {hidden}");
    }
    app.get(&format!("{}/cards", over.path)).by(&over.candidate).expect(403).await;
    app.get(&format!("{}/card", over.path)).by(&over.candidate).expect(403).await;
    assert_eq!(app.mails("You passed the assessment").await, 1);
    assert_eq!(app.mails("You are approved").await, 1);
    assert!(app.kinds(&over.candidate).await.contains(&"assessment.finalized".to_owned()));
    let again = app.review(&sam, &over.path, "finalize", decision("not_ready")).await;
    assert_eq!(again.code(), "state_conflict");
    let appeal = app.post(&format!("{}/appeal", over.path)).by(&over.candidate);
    let refused = appeal.json(json!({ "text": "I would have liked to be outstanding." })).expect(409).await;
    assert_eq!(refused.text_at("/why_not/0/code"), "appeal_open");
    let admin = app.staff("staff-rosa", Permission::Admin).await;
    let log = app.get("/v1/audit?limit=100").by(&admin).expect(200).await;
    assert!(log.text.contains("assessment.finalize") && log.text.contains("vetting.approved"), "{log}");
    app.stop().await;
}

#[tokio::test]
async fn bad_decisions_are_told_at_once() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let sam = app.reviewer().await;
    app.both_rate(&over, card(1, "no"), card(1, "no")).await;
    let mut bad = decision("not_ready");
    bad["reason_codes"] = json!(["verification", "verification", "meets_the_bar", "luck"]);
    bad["feedback"][0]["criterion"] = json!("charm");
    let refused = app.review(&sam, &over.path, "finalize", bad).await;
    refused.assert_status(422);
    let found: Vec<String> = refused
        .at("/errors")
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {}", one["pointer"].as_str().unwrap(), one["code"].as_str().unwrap()))
        .collect();
    let wanted = [
        "/reason_codes/1 duplicate",
        "/reason_codes/2 inconsistent",
        "/reason_codes/3 unknown_value",
        "/feedback/0/criterion unknown_value",
        "/feedback required",
    ];
    assert_eq!(found, wanted);
    for (pointer, value) in [
        ("/outcome", json!("maybe")),
        ("/reason", json!("short")),
        ("/reason_codes", json!([])),
        ("/feedback", json!([])),
        ("/feedback/3/strength", json!("\u{202E}")),
        ("/publish", json!("now")),
    ] {
        let mut bad = decision("not_ready");
        match bad.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => bad["publish"] = value,
        }
        let refused = app.review(&sam, &over.path, "finalize", bad).await;
        refused.assert_status(422);
        assert_eq!(refused.text_at("/errors/0/pointer"), pointer, "{refused}");
    }
    app.stop().await;
}

#[tokio::test]
async fn far_apart_a_third_rater_is_chosen_who_has_no_part_and_no_tie() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let sam = app.reviewer().await;
    // Kaya has a tie, Umar is free, Nobody of another track counts.
    let (kaya, umar) = (app.assessor("staff-kaya").await, app.assessor("staff-umar").await);
    let employer = "UPDATE assessors SET employer = ' @Acme' WHERE account_id =";
    app.sql(&format!("{employer} '{}'", uuid_of(&kaya))).await.expect("an employer");
    app.sql(&format!(
        "INSERT INTO portfolios (account_id, profile, version, updated_at) VALUES ('{}', '{{\"company\": \"ACME\"}}', 1, now())
         ON CONFLICT (account_id) DO UPDATE SET profile = excluded.profile",
        uuid_of(&over.candidate)
    ))
    .await
    .expect("a company");
    let mut low = card(2, "no");
    low["ratings"]["testing"]["level"] = json!(0);
    app.both_rate(&over, card(2, "yes"), low).await;
    assert_eq!(app.rater_of(&over.path, "third").await, uuid_of(&umar));
    assert_eq!(app.mails("You are asked to rate an assessment").await, 1);
    let cards = app.get(&format!("{}/cards", over.path)).by(&sam).expect(200).await;
    assert_eq!((cards.text_at("/state"), cards.at("/complete")), ("adjudication".into(), json!(false)));
    assert_eq!(cards.at("/why_not/0/code"), "card_overdue");
    let early = app.review(&sam, &over.path, "finalize", decision("approved")).await;
    assert_eq!(early.text_at("/why_not/0/code"), "cards_in");
    app.get(&format!("{}/card", over.path)).by(&kaya).expect(404).await;
    let own = app.get(&format!("{}/card", over.path)).by(&umar).expect(200).await;
    assert_eq!((own.text_at("/role"), own.at("/from_record")), ("third".into(), json!(true)));
    app.rate(&umar, &over.path, card(3, "yes")).await;
    let cards = app.get(&format!("{}/cards", over.path)).by(&sam).expect(200).await;
    let apart = json!({ "criteria": ["testing"], "across_the_pass_line": true, "no_decision": false });
    assert_eq!((cards.at("/complete"), cards.at("/disagreement")), (json!(true), apart));
    assert_eq!(cards.at("/means/by_criterion/testing"), json!(5.0 / 3.0));
    app.review(&sam, &over.path, "finalize", decision("not_ready")).await.assert_status(200);
    assert_eq!(app.state(&over.candidate, &over.application).await, "not_ready");
    let seen = app.get(&over.application).by(&over.candidate).expect(200).await;
    assert_eq!(seen.text_at("/decision/reason_code"), "below_bar");
    assert!(seen.at("/reapply_at").is_string(), "{seen}");
    assert_eq!(app.mails("Your assessment is decided: not ready yet").await, 1);
    assert_eq!(app.mails("Your application was declined for now").await, 0, "one mail tells it");
    app.stop().await;
}

#[tokio::test]
async fn no_decision_asks_a_third_and_nobody_to_ask_is_told_to_the_reviewers() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let sam = app.reviewer().await;
    app.both_rate(&over, card(2, "no_decision"), card(2, "yes")).await;
    assert_eq!(app.mails("An assessment needs a rater").await, 2, "one for each reviewer");
    assert!(app.kinds(&sam).await.contains(&"assessment.rater_wanted".to_owned()));
    let appoint = async |body: Value| {
        app.post(&format!("{}/appoint_rater", over.path)).by(&sam).json(body).send().await
    };
    let reason = "Nobody was there to be asked.";
    assert_eq!(appoint(json!({ "reason": reason })).await.code(), "limit_reached");
    let host = appoint(json!({ "reason": reason, "rater": over.lead.id })).await;
    assert_eq!(host.text_at("/errors/0/pointer"), "/rater");
    let umar = app.assessor("staff-umar").await;
    appoint(json!({ "reason": reason, "rater": umar.id })).await.assert_status(200);
    let none_late = appoint(json!({ "reason": reason })).await;
    assert_eq!(none_late.text_at("/why_not/0/code"), "card_overdue");
    app.rate(&umar, &over.path, card(2, "yes")).await;
    app.review(&sam, &over.path, "finalize", decision("approved")).await.assert_status(200);
    app.stop().await;
}

#[tokio::test]
async fn a_redo_counts_the_cards_of_both_and_there_is_one() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let sam = app.reviewer().await;
    app.both_rate(&over, card(2, "no"), card(1, "no")).await;
    app.review(&sam, &over.path, "finalize", decision("not_ready")).await.assert_status(200);
    let reason = json!({ "reason": "The task had a defect of its own." });
    let granted = app.review(&sam, &over.path, "grant_redo", reason.clone()).await;
    granted.assert_status(201);
    assert_eq!(granted.text_at("/state"), "requested");
    assert_ne!(granted.text_at("/task_family"), "api-service");
    assert_eq!(app.state(&over.candidate, &over.application).await, "assessment_ready");
    let fallen = app.get(&format!("{}/decisions", over.application)).by(&over.candidate).expect(200).await;
    assert!(fallen.at("/data/0/overturned_at").is_string(), "{fallen}");
    let outcome = app.get(&format!("{}/outcome", over.path)).by(&over.candidate).expect(200).await;
    assert!(outcome.at("/superseded_at").is_string());
    let appeal = app.post(&format!("{}/appeal", over.path)).by(&over.candidate);
    appeal.json(json!({ "text": "The first one counted, did it not?" })).expect(409).await;
    let twice = app.review(&sam, &over.path, "grant_redo", reason.clone()).await;
    assert_eq!(twice.text_at("/why_not/0/code"), "redo_left");

    // The second session, with others.
    let redo = format!("/v1/assessments/{}", granted.id());
    let (kaya, umar) = (app.assessor("staff-kaya").await, app.assessor("staff-umar").await);
    app.seat_redo(&redo, (&kaya, &umar)).await;
    app.end_session(&redo).await;
    app.rate(&kaya, &redo, card(4, "yes")).await;
    app.rate(&umar, &redo, card(3, "yes")).await;
    let cards = app.get(&format!("{redo}/cards")).by(&sam).expect(200).await;
    assert_eq!(cards.at("/cards").as_array().unwrap().len(), 4);
    assert_eq!(cards.at("/means/by_criterion/design"), 2.5, "of all four, not of the better two");
    app.review(&sam, &redo, "finalize", decision("approved")).await.assert_status(200);
    assert_eq!(app.state(&over.candidate, &over.application).await, "approved");
    let third = app.review(&sam, &redo, "grant_redo", reason).await;
    assert_eq!(third.text_at("/why_not/0/code"), "redo_left");
    assert_eq!(CRITERIA.len() * 4, {
        let finals = app
            .ctx()
            .db
            .read(async |conn| {
                let ever = "2020-01-01T00:00:00Z".parse().expect("a time");
                Ok(assay_assessments::final_ratings(conn, ever).await?)
            })
            .await
            .expect("the ratings");
        assert!(finals.iter().all(|one| one.developer_id == uuid_of(&over.candidate)));
        finals.len()
    });
    app.stop().await;
}

#[tokio::test]
async fn a_host_with_a_tie_does_not_rate() {
    let app = TestApp::start().await;
    let (candidate, application) = app.ready("dev-dora").await;
    let (lead, observer) = (app.assessor("staff-ines").await, app.assessor("staff-theo").await);
    let umar = app.assessor("staff-umar").await;
    let start = app.now() - chrono::Duration::hours(2);
    let path = app.seated(&candidate, &application, (&lead, &observer), start).await;
    for person in [&observer, &candidate] {
        app.sql(&format!(
            "INSERT INTO portfolios (account_id, profile, version, updated_at)
             VALUES ('{}', '{{\"company\": \"@Acme\"}}', 1, now())
             ON CONFLICT (account_id) DO UPDATE SET profile = excluded.profile",
            uuid_of(person)
        ))
        .await
        .expect("a company");
    }
    app.end_session(&path).await;
    app.get(&format!("{path}/card")).by(&observer).expect(404).await;
    assert_eq!(app.rater_of(&path, "lead").await, uuid_of(&lead));
    assert_eq!(app.rater_of(&path, "observer").await, uuid_of(&umar));
    app.stop().await;
}

#[tokio::test]
async fn the_override_stays_and_the_decision_after_it_changes_nothing() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let sam = app.reviewer().await;
    app.both_rate(&over, card(1, "no"), card(1, "no")).await;
    let admin = app.staff("staff-rosa", Permission::Admin).await;
    let reason = json!({ "reason": "By the word of an admin." });
    app.act_with(&admin, &over.application, "override_approval", reason).await.assert_status(200);
    let decided = app.review(&sam, &over.path, "finalize", decision("not_ready")).await;
    decided.assert_status(200);
    assert_eq!(decided.at("/appeal_until"), Value::Null);
    assert_eq!(app.state(&over.candidate, &over.application).await, "approved");
    app.stop().await;
}

#[tokio::test]
async fn who_was_seated_at_a_time_that_was_given_up_can_be_the_third() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let kaya = app.assessor("staff-kaya").await;
    let booking = app.ctx().ids.uuid();
    app.sql(&format!(
        "INSERT INTO bookings (id, assessment_id, candidate_id, state, starts_at, ends_at, created_at)
         SELECT '{booking}', assessment_id, candidate_id, 'rescheduled', starts_at, ends_at, created_at FROM bookings"
    ))
    .await
    .expect("a former time");
    app.sql(&format!(
        "INSERT INTO booking_hosts (booking_id, assessor_id, role, state, blocked, starts_at, ends_at, local_date, assigned_at)
         SELECT '{booking}', '{}', role, 'rescheduled', blocked, starts_at, ends_at, local_date, assigned_at
         FROM booking_hosts WHERE role = 'lead'",
        uuid_of(&kaya)
    ))
    .await
    .expect("a former host");
    app.both_rate(&over, card(3, "yes"), card(1, "no")).await;
    assert_eq!(app.rater_of(&over.path, "third").await, uuid_of(&kaya));
    app.stop().await;
}
