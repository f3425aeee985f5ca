//! Money to developers: onboarding, transfers, reversals, payouts.

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_payee_is_onboarded_by_a_link_that_works_once() {
    let stage = Stage::new();
    let account = stage
        .send(&create_account(&NewAccount { country: "DE", metadata: &[("account", "a1")] }))
        .await
        .unwrap();
    assert!(
        !account.can_be_paid() && !account.payouts_enabled && !account.requirements.currently_due.is_empty()
    );
    assert_eq!(code(stage.transfer(10, &account.id, None).await), "insufficient_capabilities_for_transfer");
    let post = create_account_link(&account.id, "http://127.0.0.1/again", "http://127.0.0.1/back");
    let link = stage.send(&post).await.unwrap();
    let visit = async |url: &str| {
        let answer = stage.http.get(url).send().await.unwrap();
        let location = answer.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
        (answer.status(), location)
    };
    assert_eq!(visit(&link.url).await, (StatusCode::OK, None));
    let complete = format!("{}?complete=1", link.url);
    assert_eq!(visit(&complete).await.1.as_deref(), Some("http://127.0.0.1/back"));
    assert_eq!(visit(&complete).await.1.as_deref(), Some("http://127.0.0.1/again"));
    let ready: Account = stage.stripe.retrieve(&account.id, None).await.unwrap();
    assert!(ready.can_be_paid() && ready.payouts_enabled && ready.requirements.currently_due.is_empty());
    assert_eq!(ready.metadata["account"], "a1");

    let late = stage.send(&post).await.unwrap();
    stage.clock.advance(Duration::from_secs(301));
    assert_eq!(visit(&late.url).await.1.as_deref(), Some("http://127.0.0.1/again"));
    stage.order(&format!("accounts/{}/restrict", account.id), json!({})).await;
    let restricted: Account = stage.stripe.retrieve(&account.id, None).await.unwrap();
    assert!(!restricted.can_be_paid() && !restricted.requirements.past_due.is_empty());
    let listed = stage.stripe.list::<Account>(&Listing::of::<Account>(), 10).await.unwrap();
    assert_eq!(listed.items.len(), 1);
}

#[tokio::test]
async fn a_transfer_waits_for_the_money_unless_it_names_its_charge() {
    let stage = Stage::new();
    let payee = stage.payee().await;
    let (_, charge) = stage.paid(1_000, "pm_card_visa").await;
    assert_eq!(code(stage.transfer(900, &payee.id, None).await), "balance_insufficient");
    let early = stage.transfer(500, &payee.id, Some(&charge.id)).await.unwrap();
    assert_eq!(early.source_transaction.as_deref(), Some(charge.id.as_str()));
    assert_eq!(stage.balance(Some(&payee.id)).await, (0, 50_000));
    assert!(stage.transfer(501, &payee.id, Some(&charge.id)).await.unwrap_err().refusal().is_some());
    stage.days(2);
    assert_eq!(stage.balance(Some(&payee.id)).await, (50_000, 0));
    stage.transfer(400, &payee.id, None).await.unwrap();
    assert_eq!(stage.balance(None).await, (97_070 - 90_000, 0));
    let group = Listing::of::<Transfer>().with("transfer_group", "contract_1");
    let group = stage.stripe.list::<Transfer>(&group, 10).await.unwrap();
    assert_eq!(group.items.iter().map(|transfer| transfer.amount).sum::<i64>(), 90_000);
}

#[tokio::test]
async fn a_reversal_is_refused_without_money_or_goes_below_zero() {
    let stage = Stage::new();
    let payee = stage.payee().await;
    stage.paid(1_000, "pm_card_bypassPending").await;
    let transfer = stage.transfer(500, &payee.id, None).await.unwrap();
    let part = stage.send(&reverse_transfer(&transfer.id, 20_000, &[("command", "v1")])).await.unwrap();
    assert_eq!((part.amount, part.transfer.as_deref()), (20_000, Some(transfer.id.as_str())));
    let now: Transfer = stage.stripe.retrieve(&transfer.id, None).await.unwrap();
    assert_eq!((now.amount_reversed, now.reversed), (20_000, false));
    assert_eq!(
        code(stage.send(&reverse_transfer(&transfer.id, 30_001, &[])).await),
        "transfer_reversal_amount_too_large"
    );

    stage.send(&create_payout(Some(&payee.id), Money::usd(250), &[])).await.unwrap();
    assert_eq!(code(stage.send(&reverse_transfer(&transfer.id, 30_000, &[])).await), "balance_insufficient");
    stage.order("settings", json!({ "negative_reversals": true })).await;
    stage.send(&reverse_transfer(&transfer.id, 30_000, &[])).await.unwrap();
    assert_eq!(stage.balance(Some(&payee.id)).await, (-25_000, 0));
    let found = stage.stripe.reversal(&transfer.id, &part.id, 100).await.unwrap();
    assert!(matches!(found, Found::Here(reversal) if reversal.metadata["command"] == "v1"));
}

#[tokio::test]
async fn payouts_arrive_in_days_or_come_back() {
    let stage = Stage::new();
    let payee = stage.payee().await;
    stage.paid(1_000, "pm_card_bypassPending").await;
    stage.transfer(500, &payee.id, None).await.unwrap();
    let post = create_payout(Some(&payee.id), Money::usd(300), &[("command", "p1")]);
    let payout = stage.send(&post).await.unwrap();
    assert_eq!((payout.status.clone(), payout.automatic), (PayoutStatus::Pending, false));
    assert_eq!(code(stage.send(&post).await), "balance_insufficient");
    let now = async |id: &str| stage.stripe.retrieve::<Payout>(id, Some(&payee.id)).await.unwrap();
    stage.days(1);
    assert_eq!(now(&payout.id).await.status, PayoutStatus::InTransit);
    stage.days(1);
    assert_eq!(now(&payout.id).await.status, PayoutStatus::Paid);
    // The platform's own payouts are others.
    let platform = stage.stripe.retrieve::<Payout>(&payout.id, None).await.unwrap_err();
    assert_eq!(platform.refusal().unwrap().kind, RefusalKind::Missing);

    stage.order("settings", json!({ "payout_failure": "account_closed" })).await;
    let failing = stage.send(&create_payout(Some(&payee.id), Money::usd(200), &[])).await.unwrap();
    for _ in 0..2 {
        stage.days(1);
        now(&failing.id).await;
    }
    let failed = now(&failing.id).await;
    assert_eq!(
        (failed.status, failed.failure_code.as_deref()),
        (PayoutStatus::Failed, Some("account_closed"))
    );
    assert_eq!(stage.balance(Some(&payee.id)).await, (20_000, 0));
    let movements = Listing::of::<BalanceTransaction>().on(&payee.id);
    let movements = stage.stripe.list::<BalanceTransaction>(&movements, 100).await.unwrap();
    assert_eq!(movements.items.iter().map(|movement| movement.net).sum::<i64>(), 20_000);
    let payouts = stage.stripe.list::<Payout>(&Listing::of::<Payout>().on(&payee.id), 10).await.unwrap();
    assert_eq!(payouts.items.len(), 2);
}
