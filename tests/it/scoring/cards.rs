//! From cards to a published score: with the decision, by a third rater, after an appeal, after a redo; from milestones.

use assay_kernel::Permission;
use serde_json::{Value, json};

use crate::assessments::rating::{card, decision};
use crate::assessments::uuid_of;
use crate::contracts::active;
use crate::harness::TestApp;

fn number(value: Value) -> i64 {
    value.as_i64().expect("a number")
}

#[tokio::test]
async fn a_decision_publishes_scores_that_explain_themselves() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let sam = app.reviewer().await;
    let client = app.client("carl-client").await;
    let seen_by_client = format!("/v1/developers/{}/score", over.candidate.id);
    app.rate(&over.lead, &over.path, card(3, "yes")).await;
    assert!(app.dump("assessment_scores").await.is_empty(), "nothing follows from the first card");
    app.rate(&over.observer, &over.path, card(3, "yes")).await;

    // Who decides sees what the cards say; nobody else does yet.
    let cards = app.get(&format!("{}/cards", over.path)).by(&sam).expect(200).await;
    assert_eq!(
        (cards.text_at("/state"), cards.text_at("/scores/0/scale")),
        ("agreed".into(), "technical".into())
    );
    assert_eq!(cards.text_at("/scores/0/verdict"), "pass");
    assert!(cards.at("/scores/0/above_cut").as_f64().unwrap() > 0.8);
    assert_eq!((cards.at("/scores/0/evidence"), cards.at("/scores/1/evidence")), (json!(14), json!(6)));
    assert_eq!(app.scores(&over.candidate).await.at("/scores"), json!([]));
    app.get(&seen_by_client).by(&client).expect(404).await;

    let decided = app.review(&sam, &over.path, "finalize", decision("approved")).await;
    assert_eq!(decided.text_at("/staff/scores/0/verdict"), "pass");
    let mine = app.scores(&over.candidate).await;
    assert_eq!(mine.at("/scores/0/score"), cards.at("/scores/0/score"));
    let (lower, score, upper) = (
        number(mine.at("/scores/0/lower")),
        number(mine.at("/scores/0/score")),
        number(mine.at("/scores/0/upper")),
    );
    assert!(500 < score && lower < score && score < upper && upper - lower < 300, "{mine}");
    assert_eq!(mine.text_at("/scores/0/scale"), "technical");
    assert_eq!((mine.at("/scores/0/pass_line"), mine.at("/scores/0/cards")), (json!(500), json!(2)));
    assert!(mine.text_at("/scores/0/words").contains(&format!("between {lower} and {upper}")));
    assert_eq!(mine.at("/scores/0/criteria").as_array().unwrap().len(), 7);
    assert_eq!(mine.at("/scores/1/criteria").as_array().unwrap().len(), 3);
    assert_eq!(mine.at("/scores/1/criteria/0/mean_level"), 3.0);
    assert_eq!(mine.at("/delivery/milestones"), 0);
    assert!(!mine.text.contains(&over.lead.id), "who rated is not told");
    let mut moves = app.moves(&over.candidate).await;
    moves.sort();
    assert_eq!(moves, ["collaboration session", "technical session"]);
    let kinds = app.kinds(&over.candidate).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "score.changed").count(), 2);

    // An approved developer's scores are shown to clients, with intervals and without the cards.
    let shown = app.get(&seen_by_client).by(&client).expect(200).await;
    assert_eq!(shown.at("/scores/0/score"), score);
    assert_eq!(shown.at("/scores/0/lower"), lower);
    assert!(shown.json()["scores"][0].get("criteria").is_none(), "how they were rated is their own");
    app.get(&seen_by_client).by(&over.candidate).expect(403).await;
    let page = app.get("/v1/me/score/events?limit=1").by(&over.candidate).expect(200).await;
    let cursor = page.text_at("/next_cursor");
    let next = app.get(&format!("/v1/me/score/events?limit=1&cursor={cursor}")).by(&over.candidate);
    assert_ne!(next.expect(200).await.at("/data/0/id"), page.at("/data/0/id"));
    app.get("/v1/me/score/events?cursor=junk").by(&over.candidate).expect(400).await;
    app.stop().await;
}

#[tokio::test]
async fn a_score_near_the_line_asks_a_third_rater() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let sam = app.reviewer().await;
    let umar = app.assessor("staff-umar").await;
    // The two agree in every level and on the same side; what they say of the pass line is even.
    app.both_rate(&over, card(2, "yes"), card(2, "yes")).await;
    let waiting = app.get(&format!("{}/cards", over.path)).by(&sam).expect(200).await;
    assert_eq!((waiting.text_at("/state"), waiting.at("/scores")), ("adjudication".into(), json!([])));
    assert_eq!(app.rater_of(&over.path, "third").await, uuid_of(&umar));
    let border = app.dump("assessment_scores").await;
    assert!(border.contains("border"), "{border}");

    app.rate(&umar, &over.path, card(3, "yes")).await;
    let cards = app.get(&format!("{}/cards", over.path)).by(&sam).expect(200).await;
    assert_eq!((cards.at("/complete"), cards.at("/disagreement")), (json!(true), Value::Null));
    assert_eq!(cards.at("/scores/0/evidence"), 21);
    assert!(number(cards.at("/scores/0/score")) > 500);
    app.review(&sam, &over.path, "finalize", decision("approved")).await.assert_status(200);
    assert_eq!(app.scores(&over.candidate).await.at("/scores/0/cards"), 3);
    app.stop().await;
}

#[tokio::test]
async fn an_answered_appeal_moves_the_score_and_says_so() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let sam = app.reviewer().await;
    let (kaya, umar) =
        (app.staff("staff-kaya", Permission::Reviewer).await, app.assessor("staff-umar").await);
    app.both_rate(&over, card(1, "no"), card(1, "no")).await;
    app.review(&sam, &over.path, "finalize", decision("not_ready")).await.assert_status(200);
    let before = number(app.scores(&over.candidate).await.at("/scores/0/score"));
    assert!(before < 500);
    let appeal = json!({ "text": "The failing test was the task's own; see the last commit." });
    app.post(&format!("{}/appeal", over.path)).by(&over.candidate).json(appeal).expect(201).await;
    app.rate(&umar, &over.path, card(3, "yes")).await;
    let meanwhile = app.scores(&over.candidate).await;
    assert_eq!(
        number(meanwhile.at("/scores/0/score")),
        before,
        "the card counts when the appeal is answered"
    );
    assert_eq!(meanwhile.at("/scores/0/cards"), 2);
    let raise = json!({ "outcome": "raise", "reason": "The record shows the fix; it reaches the bar." });
    app.review(&kaya, &over.path, "answer_appeal", raise).await.assert_status(200);
    let after = app.scores(&over.candidate).await;
    assert!(number(after.at("/scores/0/score")) > before && after.at("/scores/0/cards") == 3, "{after}");
    let events = app.get("/v1/me/score/events").by(&over.candidate).expect(200).await;
    assert_eq!(events.text_at("/data/0/cause"), "appeal");
    assert_eq!(events.text_at("/data/0/subject"), over.path.rsplit('/').next().unwrap());
    let technical = events.at("/data").as_array().unwrap().clone();
    let technical = technical.iter().find(|one| one["scale"] == "technical").unwrap();
    assert_eq!(technical["before"]["score"], before);
    app.stop().await;
}

#[tokio::test]
async fn a_redo_counts_with_the_first_and_is_no_best_of() {
    let app = TestApp::start().await;
    let over = app.over().await;
    let sam = app.reviewer().await;
    app.both_rate(&over, card(1, "no"), card(1, "no")).await;
    app.review(&sam, &over.path, "finalize", decision("not_ready")).await.assert_status(200);
    let first = number(app.scores(&over.candidate).await.at("/scores/0/score"));
    let reason = json!({ "reason": "The task had a defect of its own." });
    let granted = app.review(&sam, &over.path, "grant_redo", reason).await;
    let redo = format!("/v1/assessments/{}", granted.id());
    let (kaya, umar) = (app.assessor("staff-kaya").await, app.assessor("staff-umar").await);
    app.seat_redo(&redo, (&kaya, &umar)).await;
    app.end_session(&redo).await;
    app.rate(&kaya, &redo, card(4, "yes")).await;
    app.rate(&umar, &redo, card(4, "yes")).await;
    let cards = app.get(&format!("{redo}/cards")).by(&sam).expect(200).await;
    assert_eq!((cards.text_at("/state"), cards.at("/scores/0/evidence")), ("agreed".into(), json!(28)));
    app.review(&sam, &redo, "finalize", decision("approved")).await.assert_status(200);
    let both = app.scores(&over.candidate).await;
    let score = number(both.at("/scores/0/score"));
    assert!(first < score && score < 680, "the first session pulls: {first} {score}");
    assert_eq!(both.at("/scores/0/cards"), 4);
    assert_eq!(app.moves(&over.candidate).await.iter().filter(|one| *one == "technical redo").count(), 1);
    app.stop().await;
}

#[tokio::test]
async fn an_accepted_milestone_is_evidence_on_delivery() {
    let deal = active(json!({})).await;
    let app = &deal.app;
    let before = app.scores(&deal.developer).await;
    assert_eq!(before.at("/delivery/accepted_bps"), Value::Null);
    deal.deliver(0).await;
    deal.act(&deal.client, &deal.milestones[0], "accept", json!({})).await.assert_status(200);
    let after = app.scores(&deal.developer).await;
    let delivery = after.at("/scores").as_array().unwrap().clone();
    let delivery = delivery.iter().find(|one| one["scale"] == "delivery").expect("a score");
    assert!(delivery["score"].as_i64().unwrap() > 650 && delivery["evidence"] == 1, "{after}");
    assert_eq!(delivery["pass_line"], Value::Null);
    assert_eq!(
        after.at("/delivery"),
        json!({ "milestones": 1, "accepted_bps": 10000, "on_time": 1, "late": 0, "disputed": 0 })
    );
    let events = app.get("/v1/me/score/events").by(&deal.developer).expect(200).await;
    assert_eq!(
        (events.text_at("/data/0/scale"), events.text_at("/data/0/cause")),
        ("delivery".into(), "outcome".into())
    );
    assert_eq!(events.text_at("/data/0/subject"), deal.milestones[0].rsplit('/').next().unwrap());
    app.work().await;
    assert!(app.kinds(&deal.developer).await.contains(&"score.changed".to_owned()));
    let outcome = app.dump("delivery_outcomes").await;
    assert!(outcome.contains("10000"), "{outcome}");
    let changed = app.sql("UPDATE delivery_outcomes SET accepted_bps = 1").await;
    assert!(changed.is_err(), "what happened never changes");
    deal.app.stop().await;
}
