//! The sandbox driven by Stripe's own Python SDK; scripts/long-suite fetches it and names its folder.

use super::*;

#[tokio::test]
async fn stripes_own_sdk_walks_the_main_flows() {
    let Some(folder) = std::env::var_os("ASSAY_STRIPE_SDK") else {
        println!("skipped: scripts/long-suite sets ASSAY_STRIPE_SDK");
        return;
    };
    let stage = Stage::new();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/stand-ins/stripe_sdk.py");
    let done = tokio::process::Command::new("python3")
        .arg(script)
        .arg(stage.server.base_url().as_str().trim_end_matches('/'))
        .arg("sk_test_sandbox")
        .env("PYTHONPATH", folder)
        .output()
        .await
        .unwrap();
    println!("{}", String::from_utf8_lossy(&done.stdout));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
