//! What holds for every request.

use assay::app::http::conform::OPEN_QUERY;
use assay::app::openapi;
use assay::app::spec::operations;
use assay_kernel::Code;
use reqwest::Method;
use serde_json::json;

use super::access::example_path;
use crate::harness::{TestApp, operation};

#[tokio::test]
async fn a_wrong_method_is_405_with_allow() {
    let app = TestApp::start().await;
    for (path, item) in openapi::whole()["paths"].as_object().expect("paths") {
        let known: Vec<String> =
            item.as_object().expect("an item").keys().map(|method| method.to_uppercase()).collect();
        let other = ["DELETE", "PATCH", "PUT", "POST", "GET"]
            .into_iter()
            .find(|method| !known.contains(&(*method).to_owned()));
        let Some(other) = other else { continue };
        // `DELETE /things/all` may fit `DELETE /things/{id}`.
        if operation(other, &example_path(path)).is_some() {
            continue;
        }
        let method = Method::from_bytes(other.as_bytes()).expect("a method");
        let answer = app.request(method, &example_path(path)).expect(405).await;
        assert_eq!(answer.code(), "method_not_allowed");
        let allow = answer.header("allow").expect("Allow");
        for method in &known {
            assert!(allow.split(", ").any(|allowed| allowed == method), "{path}: {allow} lacks {method}");
        }
    }
    app.get("/v1/no_such_thing").expect(404).await;
    app.stop().await;
}

#[tokio::test]
async fn an_unknown_query_parameter_is_400() {
    let app = TestApp::start().await;
    for (path, method, operation) in operations(openapi::whole()) {
        if operation["operationId"].as_str().is_some_and(|id| OPEN_QUERY.contains(&id)) {
            continue;
        }
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
        let answer =
            app.request(method, &format!("{}?no_such_parameter=1", example_path(path))).expect(400).await;
        assert_eq!(answer.code(), "unknown_parameter", "{path}");
    }
    app.stop().await;
}

#[tokio::test]
async fn every_problem_type_is_answered_with_its_explanation() {
    let app = TestApp::start().await;
    for code in Code::all() {
        let answer = app.get(&format!("/v1/problems/{code}")).expect(200).await;
        assert_eq!(answer.at("/status"), code.status());
        assert_eq!(answer.text_at("/meaning"), code.meaning());
    }
    let missing = app.get("/v1/problems/no_such_code").expect(404).await;
    assert_eq!(missing.text_at("/type"), "/v1/problems/not_found");
    assert_eq!(missing.text_at("/instance"), "/v1/problems/no_such_code");
    assert_eq!(Some(missing.text_at("/request_id").as_str()), missing.header("x-request-id"));
    app.stop().await;
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let app = TestApp::start().await;
    let get = app.get("/v1/policy").expect(200).await;
    let head = app.http.head(format!("{}/v1/policy", app.base)).send().await.expect("an answer");
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()["content-length"].to_str().ok(), Some(get.text.len().to_string().as_str()));
    assert!(head.bytes().await.expect("nothing").is_empty());
    app.stop().await;
}

#[tokio::test]
async fn callers_who_take_no_json_are_told() {
    let app = TestApp::start().await;
    let answer = app.get("/v1/policy").header("accept", "text/csv, image/*;q=0.5").expect(406).await;
    assert_eq!(answer.code(), "not_acceptable");
    app.get("/v1/policy").header("accept", "text/html, */*;q=0.1").expect(200).await;
    app.get("/v1/policy").header("accept", "application/json").expect(200).await;
    app.stop().await;
}

#[tokio::test]
async fn nul_names_nothing_and_is_no_server_error() {
    let app = TestApp::start().await;
    app.get("/v1/problems/a%00b").expect(404).await;
    app.get("/v1/process/%00").expect(404).await;
    app.stop().await;
}

#[tokio::test]
async fn bodies_are_limited_typed_and_read_strictly() {
    let app = TestApp::start_with(&[("server.body_limit", "1000")]).await;
    let clock = || app.post("/sandbox/clock");
    clock().body("text/plain", "{}").expect(415).await;
    clock().body("application/json", format!("{{\"advance\":\"{}\"}}", "x".repeat(2_000))).expect(413).await;
    clock().body("application/json", "[\"P1D\",null]").expect(400).await;
    clock().body("application/json", "{\"advance\":").expect(400).await;
    clock().body("application/json", b"{\"advance\":\"\xff\"}".to_vec()).expect(400).await;
    let unknown = clock().json(json!({ "advance": "P1D", "x": 1 })).expect(422).await;
    assert_eq!(unknown.text_at("/errors/0/code"), "not_allowed");
    app.stop().await;
}

#[tokio::test]
async fn the_sandbox_clock_moves_forward_only_and_for_everybody() {
    let app = TestApp::start().await;
    let before = app.services.ctx.clock.now();
    app.post("/sandbox/clock").json(json!({ "advance": "P3D" })).expect(200).await;
    let clock = app.post("/sandbox/clock").json(json!({ "advance_seconds": 3_600 })).expect(200).await;
    assert_eq!(clock.at("/ahead_seconds"), 3 * 86_400 + 3_600);
    assert!(app.services.ctx.clock.now() - before >= chrono::Duration::days(3));
    for bad in [
        json!({}),
        json!({ "advance": "P1M" }),
        json!({ "advance": "P1D", "advance_seconds": 1 }),
        json!({ "advance_seconds": 0 }),
        json!({ "advance": "PT999999999H" }),
    ] {
        app.post("/sandbox/clock").json(bad).expect(422).await;
    }
    app.post("/sandbox/clock").json(json!({ "advance_seconds": -5 })).expect(422).await;
    app.stop().await;
}

#[tokio::test]
async fn the_documentation_page_needs_nothing_from_elsewhere() {
    let app = TestApp::start().await;
    let page = reqwest::get(format!("{}/docs/", app.base)).await.expect("the page");
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().expect("a policy").to_owned();
    assert!(policy.contains("default-src 'self'") && !policy.contains("http"), "{policy}");
    let html = page.text().await.expect("html");
    assert!(html.contains("swagger-ui") && !html.contains("//cdn") && !html.contains("https://"), "{html}");
    let script = reqwest::get(format!("{}/docs/swagger-ui-bundle.js", app.base)).await.expect("the script");
    assert_eq!(script.status(), 200);
    let served = app.get("/openapi.json").expect(200).await;
    assert_eq!(served.json(), *openapi::whole());
    app.get("/openapi.json")
        .header("if-none-match", &served.etag())
        .send_unchecked()
        .await
        .assert_status(304);
    app.stop().await;
}

#[tokio::test]
async fn what_is_kept_for_a_time_only_goes() {
    let app = TestApp::start().await;
    app.advance_days(100).await;
    assay::app::worker::schedule_housekeeping(app.ctx()).await.expect("a job");
    app.work().await;
    app.stop().await;
}

#[tokio::test]
async fn a_draining_service_is_not_ready() {
    let app = TestApp::start().await;
    app.get("/livez").expect(200).await;
    app.get("/readyz").expect(200).await;
    app.services.readiness.draining.store(true, std::sync::atomic::Ordering::Relaxed);
    let refused = app.get("/readyz").expect(503).await;
    assert!(refused.header("retry-after").is_some());
    app.get("/livez").expect(200).await;
    app.stop().await;
}

#[tokio::test]
async fn limits_are_told_and_kept() {
    let app = TestApp::start_with(&[("rate_limit.default", "3")]).await;
    let mut last = 0;
    for _ in 0..10 {
        let answer = app.get("/v1/policy").send().await;
        last = answer.status;
        if last == 429 {
            assert!(answer.header("retry-after").is_some() && answer.header("ratelimit").is_some());
            break;
        }
    }
    assert_eq!(last, 429);
}
