//! Each fault gives the right outcome, and one key has one effect whatever happens.

use std::time::Instant;

use serde_json::json;

use super::*;

async fn effects(stage: &Stage) -> usize {
    stage.stripe.list::<PaymentIntent>(&Listing::of::<PaymentIntent>(), 100).await.unwrap().items.len()
}

/// The outcome under the fault, and what the same key and body bring afterwards.
async fn under(fault: &str) -> (Stage, Failure, Outcome<PaymentIntent>) {
    let stage = Stage::with(|config| config.timeout = Duration::from_millis(500), Vec::new());
    stage
        .order(
            "faults",
            json!({ "kind": fault, "prefix": "/v1/payment_intents", "method": "POST", "millis": 900 }),
        )
        .await;
    let (post, key) = (payment(100, Some("pm_card_visa"), "m1"), stage.key());
    let first = stage.stripe.send(&post, &key).await.unwrap_err();
    tokio::time::sleep(Duration::from_millis(if fault == "slow" { 600 } else { 0 })).await;
    let again = stage.stripe.send(&post, &key).await;
    (stage, first, again)
}

#[tokio::test]
async fn unknown_outcomes_end_with_the_same_key_and_one_effect() {
    for (fault, why) in [
        ("error_before", Why::ServerError),
        ("error_after", Why::ServerError),
        ("lost_answer", Why::Broken),
        ("rate_limited", Why::TooManyRequests),
        ("key_in_use", Why::KeyInUse),
        ("slow", Why::TimedOut),
    ] {
        let (stage, first, again) = under(fault).await;
        assert_eq!(first.why(), Some(why), "{fault}");
        assert_eq!(again.unwrap().status, PaymentIntentStatus::Succeeded, "{fault}");
        assert_eq!(effects(&stage).await, 1, "{fault}");
    }
}

#[tokio::test]
async fn a_rate_limit_says_how_long_to_wait() {
    let (_, first, _) = under("rate_limited").await;
    assert!(
        matches!(first, Failure::Unknown(Unknown { retry_after: Some(wait), .. }) if wait.as_secs() == 1)
    );
}

#[tokio::test]
async fn a_stored_failure_comes_again_and_only_looking_tells() {
    for (fault, expected) in [("stored_error", 0), ("stored_error_after", 1)] {
        let (stage, first, again) = under(fault).await;
        assert!(matches!(first, Failure::Unknown(Unknown { replayed: false, .. })));
        let again = again.unwrap_err();
        assert!(
            matches!(&again, Failure::Unknown(unknown) if unknown.replayed && unknown.why == Why::ServerError)
        );
        let all = Listing::of::<PaymentIntent>();
        let found = stage.stripe.find_by_metadata::<PaymentIntent>(&all, 100, "milestone", "m1");
        let found = matches!(found.await.unwrap(), Found::Here(_));
        assert_eq!(usize::from(found), expected, "{fault}");
    }
}

#[tokio::test]
async fn a_key_keeps_its_answer_and_takes_no_other_body() {
    let stage = Stage::new();
    let key = stage.key();
    let first = stage.stripe.send(&payment(100, None, "m1"), &key).await.unwrap();
    let again = stage.stripe.send(&payment(100, None, "m1"), &key).await.unwrap();
    assert_eq!(first.id, again.id);
    let other = stage.stripe.send(&payment(101, None, "m1"), &key).await.unwrap_err();
    assert_eq!(other.why(), Some(Why::KeyOfAnother));
    assert_eq!(effects(&stage).await, 1);
    // A refusal is kept too: the card would be good by now, the key is not.
    let declined = stage.key();
    for _ in 0..2 {
        let refused = stage.stripe.send(&payment(5, Some("pm_card_chargeDeclined"), "m2"), &declined).await;
        assert_eq!(code(refused), "card_declined");
    }
    assert_eq!(effects(&stage).await, 2);
}

#[tokio::test]
async fn nobody_listening_and_a_wrong_key_are_told_apart() {
    let stage = Stage::new();
    let mut wrong = stage.server.client_config();
    wrong.secret_key = SecretString::from("sk_test_wrong");
    let refused = Stripe::new(wrong).unwrap().balance(None).await.unwrap_err();
    assert_eq!(refused.refusal().unwrap().kind, RefusalKind::Credentials);
    let config = stage.server.client_config();
    stage.server.stop().await;
    let gone = Stripe::new(config).unwrap().balance(None).await.unwrap_err();
    assert!(matches!(gone.why(), Some(Why::NoConnection)), "{gone}");
}

#[tokio::test]
async fn ids_cannot_leave_their_place_in_a_path() {
    let stage = Stage::new();
    for id in ["", "../balance", "pi_1/confirm", "pi_1?x", "pi%2f"] {
        assert!(stage.stripe.retrieve::<PaymentIntent>(id, None).await.is_err(), "{id}");
    }
    let post: Post<PaymentIntent> = cancel_payment_intent("../../balance");
    assert!(matches!(stage.send(&post).await, Err(Failure::Config(_))));
}

#[tokio::test]
async fn the_buckets_hold_back_what_is_too_much() {
    let stage = Stage::with(
        |config| (config.endpoint_rate, config.max_wait) = (4, Duration::from_millis(600)),
        Vec::new(),
    );
    let started = Instant::now();
    for _ in 0..6 {
        stage.stripe.balance(None).await.unwrap();
    }
    // Four at once, two more at a quarter of a second each.
    assert!(started.elapsed() >= Duration::from_millis(450), "{:?}", started.elapsed());
    let all = futures_util::future::join_all((0..10).map(|_| stage.stripe.balance(None))).await;
    let held: Vec<Failure> = all.into_iter().filter_map(Result::err).collect();
    assert!(held.len() >= 5, "{}", held.len());
    assert!(held.iter().all(|failure| failure.why() == Some(Why::HeldBack)));
    let asked = stage.server.base_url().join("/_sandbox/requests").unwrap();
    let asked: Value = stage.http.get(asked).send().await.unwrap().json().await.unwrap();
    assert_eq!(asked["GET /v1/balance"].as_u64().unwrap(), u64::try_from(16 - held.len()).unwrap());
    // Another endpoint is not held back by this one.
    assert_eq!(effects(&stage).await, 0);
}
