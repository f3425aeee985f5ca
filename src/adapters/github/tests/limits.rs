use std::time::{Duration, Instant};

use serde_json::json;

use super::Stage;
use crate::github::GithubError;
use assay_kernel::{Code, Error};

#[tokio::test]
async fn a_used_up_limit_is_remembered_until_it_resets() {
    let stage = Stage::new();
    let api = stage.api("dev-dora").await;
    let other = stage.api("dev-deniz").await;
    stage.fault(json!({ "kind": "primary_rate_limit", "seconds": 900 })).await;
    let error = api.user(None).await.unwrap_err();
    let GithubError::RateLimited { retry_at, retry_after } = error else { panic!("{error:?}") };
    let wait = (retry_at - stage.clock.now()).num_seconds();
    assert!((880..=901).contains(&wait), "{wait}");
    assert!(retry_after.as_secs() >= 880);

    let again = api.emails().await.unwrap_err();
    assert!(matches!(again, GithubError::RateLimited { .. }));
    assert_eq!(stage.asked("GET /api/user/emails").await, 0, "refused without asking");
    assert!(other.user(None).await.is_ok(), "another person has a limit of their own");
    assert!(api.merged_pull_requests("dev-dora").await.is_ok(), "search is counted apart");

    let error = Error::from(again);
    assert_eq!(error.code(), Code::ProviderUnavailable);
    assert!(error.retry_after().unwrap() >= 880);

    stage.clock.advance(Duration::from_secs(901));
    assert!(api.user(None).await.is_ok());
}

#[tokio::test]
async fn a_short_limit_is_waited_for() {
    let stage = Stage::new();
    let api = stage.api("dev-dora").await;
    stage.fault(json!({ "kind": "secondary_rate_limit", "seconds": 1, "status": 429 })).await;
    let start = Instant::now();
    assert!(api.user(None).await.is_ok());
    assert!(start.elapsed() >= Duration::from_millis(900));
    assert_eq!(stage.asked("GET /api/user").await, 2);
}

#[tokio::test]
async fn a_secondary_limit_is_honoured_with_and_without_a_time() {
    for seconds in [60, 0] {
        let stage = Stage::new();
        let api = stage.api("dev-dora").await;
        stage.fault(json!({ "kind": "secondary_rate_limit", "seconds": seconds })).await;
        let GithubError::RateLimited { retry_after, .. } = api.user(None).await.unwrap_err() else {
            panic!()
        };
        assert!((58..=60).contains(&retry_after.as_secs()), "{retry_after:?}");
        assert!(api.user(None).await.is_err());
        assert_eq!(stage.asked("GET /api/user").await, 1);
        stage.clock.advance(Duration::from_secs(61));
        assert!(api.user(None).await.is_ok());
    }
}

#[tokio::test]
async fn strangers_have_sixty_an_hour() {
    let stage = Stage::new();
    let api = stage.client.anonymous();
    for _ in 0..60 {
        api.user_by_login("dev-dora", None).await.unwrap();
    }
    let error = api.user_by_login("dev-dora", None).await.unwrap_err();
    assert!(matches!(error, GithubError::RateLimited { .. }), "{error:?}");
    assert_eq!(
        stage.asked("GET /api/users/dev-dora").await,
        60,
        "the last answer said that nothing remained"
    );
    stage.clock.advance(Duration::from_secs(3_601));
    assert!(api.user_by_login("dev-dora", None).await.is_ok());
}

#[tokio::test]
async fn failures_are_retried_then_told() {
    let stage = Stage::new();
    let api = stage.api("dev-dora").await;
    for kind in ["server_error", "drop"] {
        let before = stage.asked("GET /api/user").await;
        stage.fault(json!({ "kind": kind, "count": 2 })).await;
        assert!(api.user(None).await.is_ok(), "{kind}");
        assert_eq!(stage.asked("GET /api/user").await - before, 3);

        stage.fault(json!({ "kind": kind, "count": 3 })).await;
        let error = api.user(None).await.unwrap_err();
        assert!(matches!(error, GithubError::Unavailable { .. }), "{kind}: {error:?}");
        assert_eq!(Error::from(error).code(), Code::ProviderUnavailable);
        assert_eq!(stage.asked("GET /api/user").await - before, 6);
    }
}

#[tokio::test]
async fn a_slow_answer_times_out() {
    let stage = Stage::with(|config| config.timeout = Duration::from_millis(150));
    let api = stage.api("dev-dora").await;
    stage.fault(json!({ "kind": "slow", "millis": 5_000, "count": 3 })).await;
    let start = Instant::now();
    let error = api.user(None).await.unwrap_err();
    assert!(matches!(error, GithubError::Unavailable { reason: "no answer in time", .. }), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(4));
    assert!(!format!("{error:?}").contains("127.0.0.1"), "no URL in the error");
}

#[tokio::test]
async fn nobody_listening_is_unavailable() {
    let stage = Stage::new();
    let api = stage.api("dev-dora").await;
    let Stage { server, .. } = stage;
    server.stop().await;
    let error = api.user(None).await.unwrap_err();
    assert!(matches!(error, GithubError::Unavailable { .. }), "{error:?}");
}
