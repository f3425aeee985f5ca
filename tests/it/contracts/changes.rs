//! Change orders.

use serde_json::{Value, json};

use super::{Deal, active};

fn more(amount: i64) -> Value {
    json!({ "title": "The fourth format", "amount": amount, "due_on": "2027-06-30", "deliverables": [{
        "title": "Importer of the fourth format", "specification": "Reads the new bank's files.",
        "weight_bps": 10_000, "criterion": "Last month's file loads without an error." }] })
}

async fn propose(deal: &Deal, body: Value) -> String {
    let path = format!("{}/change_orders", deal.contract);
    let made = deal.app.post(&path).by(&deal.client).json(body).expect(201).await;
    format!("/v1/change_orders/{}", made.id())
}

fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

#[tokio::test]
async fn an_addition_is_countered_and_takes_effect_when_it_is_paid() {
    let deal = active(json!({})).await;
    let app = &deal.app;
    let signed_hash = deal.see(&deal.contract).await.text_at("/content_hash");
    let order =
        propose(&deal, json!({ "reason": "A fourth format has to be read.", "add": [more(100_000)] })).await;
    let other = json!({ "reason": "Another change at the same time.", "drop": [id(&deal.milestones[1])] });
    let second = app.post(&format!("{}/change_orders", deal.contract)).by(&deal.client).json(other);
    assert_eq!(second.expect(409).await.code(), "already_exists");
    let own = deal.act(&deal.client, &order, "accept", json!(null)).await;
    assert_eq!((own.status, own.at("/why_not/0/code")), (409, json!("asked_of_you")));

    let dearer = json!({ "reason": "It has two variants, so it is dearer.", "add": [more(150_000)] });
    let countered = deal.act(&deal.developer, &order, "counter", dearer).await;
    assert_eq!(
        (countered.text_at("/state").as_str(), countered.text_at("/asked").as_str()),
        ("countered", "client")
    );
    let accepted = deal.act(&deal.client, &order, "accept", json!(null)).await;
    assert_eq!(accepted.text_at("/state"), "accepted");
    let contract = deal.see(&deal.contract).await;
    assert_eq!(contract.at("/terms/edition"), 1, "nothing has changed yet");
    let added = format!("/v1/milestones/{}", contract.text_at("/milestones/2/id"));
    deal.fund(&[&added]).await.assert_status(200);
    assert_eq!(deal.state(&order).await, "accepted");
    deal.settle().await;
    assert_eq!(deal.state(&order).await, "effective");
    let contract = deal.see(&deal.contract).await;
    assert_eq!(contract.at("/terms/edition"), 2);
    assert_eq!(contract.at("/terms/milestones/2/client_fee"), 22_500);
    assert_eq!(contract.text_at("/content_hash"), signed_hash, "what was signed stays what was signed");
    let first = app.get(&format!("{}/text?edition=1", deal.contract)).by(&deal.client).expect(200).await;
    assert_eq!(first.text_at("/content_hash"), signed_hash);
    let second = app.get(&format!("{}/text", deal.contract)).by(&deal.client).expect(200).await;
    assert_ne!(second.text_at("/content_hash"), signed_hash);
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn an_addition_that_is_not_paid_lapses() {
    let deal = active(json!({})).await;
    let order =
        propose(&deal, json!({ "reason": "A fourth format has to be read.", "add": [more(100_000)] })).await;
    deal.act(&deal.developer, &order, "accept", json!(null)).await.assert_status(200);
    let added = format!("/v1/milestones/{}", deal.see(&deal.contract).await.text_at("/milestones/2/id"));
    deal.app.advance_days(8).await;
    assert_eq!(deal.state(&order).await, "expired");
    assert_eq!(deal.state(&added).await, "cancelled");
    let late = deal.fund(&[&added]).await;
    assert_eq!(late.status, 409, "{late}");
    deal.app.stop().await;
}

#[tokio::test]
async fn dropping_refunds_and_moving_is_for_what_is_not_paid() {
    let deal = active(json!({})).await;
    deal.float(&deal.client).await;
    let (paid, planned) = (&deal.milestones[0], &deal.milestones[1]);
    let body = json!({ "reason": "The dates have to be moved.", "move": [
        { "milestone_id": id(paid), "due_on": "2027-07-01" }, { "milestone_id": id(planned), "due_on": "2020-07-01" }] });
    let bad = deal.app.post(&format!("{}/change_orders", deal.contract)).by(&deal.client).json(body);
    let bad = bad.expect(422).await;
    assert_eq!(bad.at("/errors/0/pointer"), "/move/1/due_on");
    assert_eq!(
        (bad.at("/errors/1/pointer"), bad.at("/errors/1/code")),
        (json!("/move/0/milestone_id"), json!("not_allowed"))
    );

    let order = propose(
        &deal,
        json!({ "reason": "The import is bought elsewhere.", "drop": [id(paid)],
        "move": [{ "milestone_id": id(planned), "due_on": "2027-07-01" }] }),
    )
    .await;
    deal.act(&deal.developer, &order, "accept", json!(null)).await.assert_status(200);
    assert_eq!(deal.state(&order).await, "effective");
    let dropped = deal.see(paid).await;
    assert_eq!(dropped.text_at("/state"), "cancelled");
    assert_eq!(dropped.at("/decisions/0/kind"), "dropped");
    assert_eq!(dropped.at("/refunded/amount"), 630_000);
    assert_eq!(deal.see(planned).await.at("/due_at"), "2027-07-02T00:00:00Z");
    deal.settle().await;
    assert_eq!(deal.refunds(&deal.client).await, ["succeeded"]);
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn what_was_dropped_while_it_was_frozen_goes_back_as_it_thaws() {
    let deal = active(json!({})).await;
    let paid = &deal.milestones[0];
    let change = json!({ "reason": "Another format instead.", "drop": [id(paid)], "add": [more(100_000)] });
    let order = propose(&deal, change).await;
    deal.act(&deal.developer, &order, "accept", json!(null)).await.assert_status(200);
    let dispute = deal.dispute(&deal.client, 0, 0).await;
    let added = format!("/v1/milestones/{}", deal.see(&deal.contract).await.text_at("/milestones/2/id"));
    deal.fund(&[&added]).await.assert_status(200);
    deal.app.settle().await;
    assert_eq!((deal.state(&order).await, deal.state(paid).await), ("effective".into(), "disputed".into()));
    deal.post_as(&deal.client, &format!("{dispute}/withdraw"), json!(null)).await.assert_status(200);
    let dropped = deal.see(paid).await;
    assert_eq!(
        (dropped.text_at("/state"), dropped.at("/refunded/amount")),
        ("cancelled".into(), json!(630_000))
    );
    assert_eq!(dropped.at("/decisions/0/kind"), "dropped");
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn an_order_is_rejected_withdrawn_or_expires() {
    let deal = active(json!({})).await;
    let drop = || json!({ "reason": "The matching is not needed now.", "drop": [id(&deal.milestones[1])] });
    for (person, verb, state) in
        [(&deal.developer, "reject", "rejected"), (&deal.client, "withdraw", "withdrawn")]
    {
        let order = propose(&deal, drop()).await;
        assert_eq!(deal.act(person, &order, verb, json!(null)).await.text_at("/state"), state);
    }
    let order = propose(&deal, drop()).await;
    deal.app.advance_days(8).await;
    assert_eq!(deal.state(&order).await, "expired");
    assert_eq!(deal.state(&deal.milestones[1]).await, "planned");
    let all = deal.app.get(&format!("{}/change_orders", deal.contract)).by(&deal.developer).expect(200).await;
    assert_eq!(all.at("/data").as_array().unwrap().len(), 3);
    deal.app.stop().await;
}
