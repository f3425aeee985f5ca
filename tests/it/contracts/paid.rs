//! From the signature to the bank.

use serde_json::json;

use super::signed;

#[tokio::test]
async fn a_milestone_is_paid_from_the_clients_card_to_the_developers_bank() {
    let deal = signed(json!({})).await;
    let (app, path) = (&deal.app, &deal.milestones[0]);
    deal.onboard().await;
    let funding = deal.fund(&[path]).await;
    assert_eq!(funding.at("/milestones/0/state"), "funding_pending");
    deal.settle().await;
    assert_eq!(deal.state(path).await, "funded");
    assert_eq!(deal.state(&deal.contract).await, "active");
    let payments = format!("/v1/organisations/{}/payments", deal.client.organisation());
    let payment = app.get(&payments).by(&deal.client).expect(200).await.at("/data/0");
    assert_eq!((&payment["amount"]["amount"], &payment["fee"]["amount"]), (&json!(630_000), &json!(94_500)));
    deal.assert_whole().await;

    deal.deliver(0).await;
    let accepted = deal.act(&deal.client, path, "accept", json!({})).await;
    assert_eq!(accepted.text_at("/state"), "accepted");
    assert_eq!(accepted.at("/released/amount"), 630_000);
    deal.settle_days(4).await;
    assert_eq!(deal.state(path).await, "accepted", "five days are kept against chargebacks");
    deal.assert_whole().await;

    deal.settle_days(1).await;
    assert_eq!(deal.state(path).await, "settled");
    let transfers = app.get("/v1/me/transfers").by(&deal.developer).expect(200).await;
    assert_eq!(transfers.at("/data/0/amount/amount"), 630_000);
    assert_eq!(transfers.text_at("/data/0/state"), "paid");
    for _ in 0..2 {
        deal.settle_days(2).await;
    }
    let payouts = app.get("/v1/me/payouts").by(&deal.developer).expect(200).await;
    assert_eq!(payouts.at("/data/0/amount/amount"), 630_000);
    assert_eq!(payouts.text_at("/data/0/state"), "paid");
    deal.assert_whole().await;
    deal.app.stop().await;
}
