//! Who may call what: the description is walked, so that no operation can be added without its case.

use assay::app::openapi;
use assay::app::spec::operations;
use assay_kernel::Permission;
use assay_kernel::ids::PREFIXES;
use reqwest::Method;

use crate::harness::TestApp;

/// A path of that template that names nothing.
pub fn example_path(template: &str) -> String {
    let mut noun = "";
    let segments = template.split('/').map(|segment| {
        if !segment.starts_with('{') {
            noun = segment;
            return segment.to_owned();
        }
        let prefix = PREFIXES.iter().find(|(_, name)| {
            noun.strip_suffix('s')
                .is_some_and(|singular| name.to_lowercase().ends_with(&singular.replace('_', " ")))
        });
        prefix
            .map_or("nothing".to_owned(), |(prefix, _)| format!("{prefix}_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b"))
    });
    segments.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn nobody_calls_a_private_operation_without_a_valid_credential() {
    let app = TestApp::start().await;
    for (path, method, operation) in operations(openapi::whole()) {
        if operation["x-access"] == "public" {
            continue;
        }
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
        // The body is not even JSON: it must not be looked at.
        let call = || app.request(method.clone(), &example_path(path)).body("text/csv", "not,json");
        for answer in [
            call().expect(401).await,
            call().bearer("junk").expect(401).await,
            call().header("authorization", "Basic dXNlcjpwYXNz").expect(401).await,
            call().header("cookie", "__Host-session=junk").expect(401).await,
        ] {
            assert_eq!(answer.code(), "unauthenticated");
            assert!(answer.header("www-authenticate").is_some(), "{answer}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn a_junk_credential_is_refused_even_where_none_is_needed() {
    let app = TestApp::start().await;
    app.get("/v1/policy").bearer("junk").expect(401).await;
    app.get("/livez").bearer("junk").expect(200).await;
    app.stop().await;
}

#[tokio::test]
async fn a_plain_member_is_refused_staff_operations() {
    let app = TestApp::start().await;
    let member = app.sign_up("dev-dora", &["developer", "client"]).await;
    for (path, method, operation) in operations(openapi::whole()) {
        let access = operation["x-access"].as_str().unwrap_or_default();
        if !matches!(access, "staff" | "curator" | "reviewer" | "finance" | "admin") {
            continue;
        }
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
        let answer = app
            .request(method, &example_path(path))
            .by(&member)
            .body("text/csv", "not,json")
            .expect(403)
            .await;
        assert_eq!(answer.code(), "forbidden", "{answer}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_staff_permission_opens_its_own_operations_only() {
    let app = TestApp::start().await;
    for (login, permission) in [("staff-sam", Permission::Curator), ("claire-client", Permission::Reviewer)] {
        let staff = app.staff(login, permission).await;
        for (path, method, operation) in operations(openapi::whole()) {
            let access = operation["x-access"].as_str().unwrap_or_default();
            let other = matches!(access, "curator" | "reviewer" | "finance" | "admin")
                && access != permission.as_str();
            if !other {
                continue;
            }
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            app.request(method, &example_path(path))
                .by(&staff)
                .body("text/csv", "not,json")
                .expect(403)
                .await;
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn who_has_not_signed_up_is_sent_there() {
    let app = TestApp::start().await;
    let newcomer = app.sign_in("newton-newcomer").await;
    for (path, method, operation) in operations(openapi::whole()) {
        if matches!(operation["x-access"].as_str(), Some("public" | "signed_in")) {
            continue;
        }
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
        let answer = app
            .request(method, &example_path(path))
            .by(&newcomer)
            .body("text/csv", "not,json")
            .expect(403)
            .await;
        assert_eq!(answer.code(), "sign_up_required", "{answer}");
    }
    app.stop().await;
}
