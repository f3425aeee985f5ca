//! A worker that is killed in the middle of an import.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use assay_kernel::Entropy;
use assay_platform::crypto::Keyring;
use secrecy::ExposeSecret;
use serde_json::json;

use super::imports::snapshot;
use crate::harness::TestApp;

/// The built program as a worker of its own on the test's database and sandbox GitHub.
fn spawn_worker(app: &TestApp, data_dir: &std::path::Path) -> Child {
    let github = app.github.client_config();
    let keys = Keyring::generate(&Entropy::seeded(7), "test");
    Command::new(env!("CARGO_BIN_EXE_assay"))
        .arg("worker")
        .env("ASSAY_DATA_DIR", data_dir)
        .env("ASSAY_DATABASE__URL", app.database_url())
        .env("ASSAY_SECRETS__MASTER_KEYS", keys.expose_secret())
        .env("ASSAY_GITHUB__CLIENT_ID", &github.client_id)
        .env("ASSAY_GITHUB__CLIENT_SECRET", github.client_secret.expose_secret())
        .env("ASSAY_GITHUB__API_BASE", github.api_base.as_str())
        .env("ASSAY_GITHUB__WEB_BASE", github.web_base.as_str())
        .env("ASSAY_METRICS__PORT", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts")
}

#[tokio::test]
async fn an_import_killed_in_the_middle_goes_on_where_it_was() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada-oss", &["developer"]).await;
    app.work().await;
    app.asked().await;
    let slow =
        json!({ "kind": "slow", "millis": 15, "count": 1_000_000, "path_prefix": "/api/repos/ada-oss" });
    app.github("/_sandbox/faults", slow).await;
    let asked = app.post("/v1/portfolio/imports").by(&ada).expect(202).await;
    let path = format!("/v1/portfolio/imports/{}", asked.id());

    let folder = std::env::temp_dir().join(format!("assay-kill-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut worker = spawn_worker(&app, &folder);
    let deadline = Instant::now() + Duration::from_secs(60);
    let seen = loop {
        let seen = app.get(&path).by(&ada).expect(200).await;
        if seen.at("/counts/languages").as_u64().expect("a number") >= 40 {
            break seen;
        }
        assert!(Instant::now() < deadline, "the worker does not get on: {seen}");
        assert!(worker.try_wait().expect("a status").is_none(), "the worker ended by itself");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    // SIGKILL: nothing is tidied up.
    worker.kill().expect("killed");
    worker.wait().expect("gone");
    let _ = std::fs::remove_dir_all(&folder);

    let killed = app.get(&path).by(&ada).expect(200).await;
    assert_eq!(killed.text_at("/state"), "running", "{seen}");
    assert_eq!(killed.text_at("/step"), "languages");
    let (before, paths_before) = app.asked().await;
    app.work().await;
    assert_eq!(
        app.get(&path).by(&ada).expect(200).await.at("/version"),
        killed.at("/version"),
        "its lease still runs"
    );
    app.advance(Duration::from_secs(61)).await;

    let done = app.get(&path).by(&ada).expect(200).await;
    assert_eq!(done.text_at("/state"), "completed", "{done}");
    let (after, paths_after) = app.asked().await;
    println!("{before} requests before the kill, {after} after it");
    assert!(paths_after.get("GET /api/users/ada-oss/repos").is_none(), "the list was read again");
    let languages = |paths: &serde_json::Value| -> u64 {
        let paths = paths.as_object().expect("paths");
        paths.iter().filter(|(path, _)| path.ends_with("/languages")).map(|(_, n)| n.as_u64().unwrap()).sum()
    };
    let asked = languages(&paths_before) + languages(&paths_after);
    let counting = done.at("/counts/languages").as_u64().expect("a number");
    assert!(
        (counting..=counting + 20).contains(&asked),
        "a kill costs one batch at most: {asked} of {counting}"
    );

    let items = snapshot(&app, &ada).await;
    let keys: std::collections::BTreeSet<String> =
        items.iter().map(|item| item[1]["key"].to_string()).collect();
    assert_eq!((items.len(), keys.len()), (257, 257), "no duplicates, nothing missing");
    let portfolio = app.get("/v1/portfolio").by(&ada).expect(200).await;
    assert_eq!(super::signal(&portfolio, "merged_elsewhere")["inputs"]["pull_requests"], 340);
    app.stop().await;
}
