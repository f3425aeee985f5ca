//! From the signature to the bank, through the sandbox Stripe.

use std::time::Duration;

use serde_json::json;

use super::{Deal, awarded, drawn_up_for};

/// What waits is done, what the provider then tells is heard, and what follows is done.
async fn settle(deal: &Deal) {
    for _ in 0..4 {
        deal.app.work().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    deal.app.work().await;
}

#[tokio::test]
async fn a_milestone_is_paid_from_the_clients_card_to_the_developers_account() {
    let deal = drawn_up_for(awarded().await, json!({})).await;
    let app = &deal.app;
    for person in [&deal.developer, &deal.client] {
        deal.sign(person).await.assert_status(200);
    }

    app.post("/v1/me/payee").by(&deal.developer).json(json!({ "country": "US" })).expect(200).await;
    let link = app.post("/v1/me/payee/link").by(&deal.developer).expect(200).await;
    let page = format!("{}?complete", link.text_at("/url"));
    assert_eq!(app.http.get(page).send().await.unwrap().status(), 302);
    let payee = app.post("/v1/me/payee/refresh").by(&deal.developer).expect(200).await;
    assert_eq!(payee.text_at("/state"), "active");

    let methods = format!("/v1/organisations/{}/payment_methods", deal.client.organisation());
    let card = json!({ "kind": "card", "payment_method": "pm_card_visa" });
    let method = app.post(&methods).by(&deal.client).json(card).expect(201).await.id();
    let path = &deal.milestones[0];
    let milestone = path.rsplit('/').next().unwrap();
    let fund = json!({ "milestones": [milestone], "payment_method_id": method });
    let funding = app.post(&format!("{}/fund", deal.contract)).by(&deal.client).json(fund).expect(200).await;
    assert_eq!(funding.at("/milestones/0/state"), "funding_pending");
    settle(&deal).await;
    assert_eq!(deal.state(path).await, "funded");
    assert_eq!(deal.state(&deal.contract).await, "active");
    deal.assert_whole().await;

    deal.deliver(0).await;
    let accepted = deal.act(&deal.client, path, "accept", json!({})).await;
    assert_eq!(accepted.text_at("/state"), "accepted");
    assert_eq!(accepted.at("/released/amount"), 630_000);
    settle(&deal).await;
    assert_eq!(deal.state(path).await, "accepted", "five days are kept against chargebacks");
    deal.assert_whole().await;

    app.advance_clock(Duration::from_secs(6 * 86_400)).await;
    settle(&deal).await;
    assert_eq!(deal.state(path).await, "settled");
    let transfers = app.get("/v1/me/transfers").by(&deal.developer).expect(200).await;
    assert_eq!(transfers.at("/data/0/amount/amount"), 630_000);
    assert_eq!(transfers.text_at("/data/0/state"), "paid");
    deal.assert_whole().await;
    deal.app.stop().await;
}
