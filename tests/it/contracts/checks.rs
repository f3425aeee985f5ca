//! What others say of a deliverable: third parties and signed results.

use assay_platform::crypto::hmac_sha256;
use serde_json::{Value, json};

use super::{Deal, active, awarded};

fn hexed(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn post(deal: &Deal, path: &str, secret: &str, body: &Value, wanted: u16) {
    let (at, text) = (deal.app.now().timestamp(), body.to_string());
    let tag = hexed(&hmac_sha256(secret.as_bytes(), format!("{at}.{text}").as_bytes()));
    let call = deal
        .app
        .post(&format!("{path}/check_results"))
        .header("assay-signature", &format!("t={at},v1={tag}"));
    call.body("application/json", text).expect(wanted).await;
}

#[tokio::test]
async fn a_signed_result_accepts_its_deliverable_only() {
    let deal = active(json!({})).await;
    let (app, path) = (&deal.app, &deal.milestones[0]);
    let secret = app.post(&format!("{}/check_secret", deal.contract)).by(&deal.client).expect(200).await;
    let secret = secret.text_at("/secret");
    let seen = deal.see(path).await;
    let (importer, sample) = (seen.at("/deliverables/0/id"), seen.at("/deliverables/1/id"));
    let passed = |id: &Value| json!({ "deliverable_id": id, "passed": true, "detail": "214 of 214" });
    post(&deal, path, "another key", &passed(&importer), 401).await;
    post(&deal, path, &secret, &passed(&importer), 204).await;
    assert_eq!(deal.see(path).await.at("/released/amount"), 0, "noted before the delivery, and no more");
    deal.deliver(0).await;
    post(&deal, path, &secret, &json!({ "deliverable_id": importer, "passed": false }), 204).await;
    assert_eq!(deal.see(path).await.at("/released/amount"), 0);
    post(&deal, path, &secret, &passed(&sample), 422).await;
    post(&deal, path, &secret, &passed(&importer), 204).await;
    let seen = deal.see(path).await;
    assert_eq!(seen.at("/released/amount"), 378_000);
    assert_eq!(seen.at("/deliverables/0/note"), "214 of 214");
    assert_eq!(seen.at("/decisions/0/decided_by"), json!(null));
    post(&deal, path, &secret, &passed(&importer), 204).await;
    assert_eq!(deal.see(path).await.at("/decisions").as_array().unwrap().len(), 1, "told twice, booked once");
    let bare = app.post(&format!("{path}/check_results")).json(passed(&importer)).expect(401).await;
    assert_eq!(bare.code(), "unauthenticated");
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn a_third_party_signs_the_condition_off() {
    let mut deal = awarded().await;
    let third = deal.app.developer("dev-deniz").await;
    let condition = |kind: &str, account: Value| {
        json!({ "holdback": { "bps": 2_000, "days": 60, "condition":
        { "kind": kind, "criterion": "Four weeks without an alarm", "account_id": account } } })
    };
    let path = format!("{}/contract", deal.bid);
    let own = json!(deal.developer.id);
    for (choices, code) in [
        (condition("human", json!(null)), "not_allowed"),
        (condition("third_party", json!(null)), "required"),
        (condition("third_party", own), "not_allowed"),
    ] {
        let bad = deal.app.post(&path).by(&deal.client).json(choices).expect(422).await;
        assert_eq!(bad.at("/errors/0/code"), code);
    }
    let made = deal
        .app
        .post(&path)
        .by(&deal.client)
        .json(condition("third_party", json!(third.id)))
        .expect(201)
        .await;
    deal.contract = format!("/v1/contracts/{}", made.id());
    deal.milestones = super::paths(&made);
    deal.sign(&deal.developer).await.assert_status(200);
    deal.sign(&deal.client).await.assert_status(200);
    deal.pay(0).await;
    let milestone = deal.milestones[0].clone();
    deal.deliver(0).await;
    deal.act(&deal.client, &milestone, "accept", json!({})).await.assert_status(200);
    assert_eq!(deal.see(&milestone).await.at("/held_back/amount"), 126_000);

    let sign_off = |person| deal.app.post(&format!("{milestone}/sign_off")).by(person).json(json!({}));
    sign_off(&deal.developer).expect(404).await;
    deal.app.get(&milestone).by(&third).expect(200).await;
    deal.app.get(&deal.contract).by(&third).expect(404).await;
    let freed = sign_off(&third).expect(200).await;
    assert_eq!(freed.at("/released/amount"), 630_000);
    assert_eq!(freed.text_at("/holdback_state"), "freed");
    sign_off(&third).expect(200).await;
    assert_eq!(deal.see(&milestone).await.at("/decisions").as_array().unwrap().len(), 2);
    deal.assert_whole().await;
    deal.app.stop().await;
}
