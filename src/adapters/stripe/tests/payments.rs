//! Money from clients: cards, bank debits, refunds, disputes.

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_card_pays_and_its_money_becomes_available() {
    let stage = Stage::new();
    let (intent, charge) = stage.paid(1_000, "pm_card_visa").await;
    assert_eq!(
        (intent.amount, intent.amount_received, intent.metadata["milestone"].as_str()),
        (100_000, 100_000, "m1")
    );
    assert_eq!((charge.status, charge.amount), (ChargeStatus::Succeeded, 100_000));
    let id = charge.balance_transaction.unwrap();
    let transaction: BalanceTransaction = stage.stripe.retrieve(&id, None).await.unwrap();
    assert_eq!((transaction.amount, transaction.fee, transaction.net), (100_000, 2_930, 97_070));
    assert_eq!(transaction.fee_details[0].amount, 2_930);
    assert_eq!(
        money(transaction.net, &transaction.currency),
        Some(Money::new(97_070, assay_kernel::Currency::USD))
    );
    assert_eq!(stage.balance(None).await, (0, 97_070));
    stage.days(2);
    assert_eq!(stage.balance(None).await, (97_070, 0));
}

#[tokio::test]
async fn a_declined_card_is_a_refusal_with_its_reason_and_another_pays() {
    let stage = Stage::new();
    let intent = stage.send(&payment(50, None, "m1")).await.unwrap();
    let refused = stage.send(&confirm_payment_intent(&intent.id, "pm_card_visa_chargeDeclined", None)).await;
    let refused = refused.unwrap_err();
    let refusal = refused.refusal().unwrap();
    assert_eq!((refusal.kind, refusal.status), (RefusalKind::Card, 402));
    assert_eq!(refusal.decline_code.as_deref(), Some("generic_decline"));
    let after: PaymentIntent = stage.stripe.retrieve(&intent.id, None).await.unwrap();
    assert_eq!(after.status, PaymentIntentStatus::RequiresPaymentMethod);
    assert_eq!(after.last_payment_error.unwrap().code.as_deref(), Some("card_declined"));
    let paid = stage.send(&confirm_payment_intent(&intent.id, "pm_card_visa", None)).await.unwrap();
    assert_eq!(paid.status, PaymentIntentStatus::Succeeded);
    let again = stage.send(&confirm_payment_intent(&intent.id, "pm_card_visa", None)).await;
    assert_eq!(code(again), "payment_intent_unexpected_state");
    let given_up = stage.send(&payment(50, None, "m2")).await.unwrap();
    let given_up = stage.send(&cancel_payment_intent(&given_up.id)).await.unwrap();
    assert_eq!(given_up.status, PaymentIntentStatus::Canceled);
    assert_eq!(code(stage.send(&cancel_payment_intent(&intent.id)).await), "payment_intent_unexpected_state");
}

#[tokio::test]
async fn a_payer_authenticates_on_a_page() {
    let stage = Stage::new();
    let intent = stage.pay(50, "pm_card_authenticationRequired").await.unwrap();
    assert_eq!(intent.status, PaymentIntentStatus::RequiresAction);
    let page = stage.server.base_url().join(&format!("/authenticate/{}?complete=1", intent.id)).unwrap();
    assert!(stage.http.get(page).send().await.unwrap().status().is_success());
    let after: PaymentIntent = stage.stripe.retrieve(&intent.id, None).await.unwrap();
    assert_eq!(after.status, PaymentIntentStatus::Succeeded);
}

#[tokio::test]
async fn a_bank_debit_is_under_way_for_days_and_then_settles_or_does_not() {
    let stage = Stage::new();
    let settles = stage.pay(5_000, "pm_usBankAccount").await.unwrap();
    let returned = stage.pay(100, "pm_usBankAccount_insufficientFunds").await.unwrap();
    let late = stage.pay(200, "pm_usBankAccount_dispute").await.unwrap();
    assert_eq!(settles.status, PaymentIntentStatus::Processing);
    assert_eq!(stage.balance(None).await, (0, 0));
    stage.days(4);
    let now = async |id: &str| stage.stripe.retrieve::<PaymentIntent>(id, None).await.unwrap();
    assert_eq!(now(&settles.id).await.status, PaymentIntentStatus::Succeeded);
    assert_eq!(now(&returned.id).await.status, PaymentIntentStatus::RequiresPaymentMethod);
    assert_eq!(now(&late.id).await.status, PaymentIntentStatus::Succeeded);
    stage.days(2);
    let disputes = stage.stripe.list::<Dispute>(&Listing::of::<Dispute>(), 10).await.unwrap();
    assert_eq!(disputes.items[0].payment_intent.as_deref(), Some(late.id.as_str()));
    let charge = now(&late.id).await.latest_charge.unwrap();
    assert_eq!(
        code(stage.send(&create_refund(RefundOf::Charge(&charge), 100, &[])).await),
        "charge_disputed"
    );
}

#[tokio::test]
async fn refunds_have_limits_and_may_fail_later() {
    let stage = Stage::new();
    let (intent, charge) = stage.paid(100, "pm_card_visa").await;
    stage.paid(1_000, "pm_card_visa").await;
    let refund = create_refund(RefundOf::PaymentIntent(&intent.id), 4_000, &[("command", "r1")]);
    let refund = stage.send(&refund).await.unwrap();
    assert_eq!(
        (refund.status, refund.amount, refund.charge.as_deref()),
        (RefundStatus::Succeeded, 4_000, Some(charge.id.as_str()))
    );
    assert_eq!(code(stage.send(&create_refund(RefundOf::Charge(&charge.id), 6_001, &[])).await), "");
    stage.send(&create_refund(RefundOf::Charge(&charge.id), 6_000, &[])).await.unwrap();
    let whole = stage.send(&create_refund(RefundOf::Charge(&charge.id), 1, &[])).await;
    assert_eq!(code(whole), "charge_already_refunded");
    let listing = Listing::of::<Refund>().with("charge", &charge.id);
    assert_eq!(stage.stripe.list::<Refund>(&listing, 10).await.unwrap().items.len(), 2);
    let Found::Here(found) =
        stage.stripe.find_by_metadata::<Refund>(&listing, 10, "command", "r1").await.unwrap()
    else {
        panic!("the refund is not found");
    };
    assert_eq!(found.id, refund.id);

    let (_, failing) = stage.paid(100, "pm_card_refundFail").await;
    let before = stage.balance(None).await;
    let refund = stage.send(&create_refund(RefundOf::Charge(&failing.id), 10_000, &[])).await.unwrap();
    stage.days(1);
    let refund: Refund = stage.stripe.retrieve(&refund.id, None).await.unwrap();
    assert_eq!(refund.status, RefundStatus::Failed);
    assert!(refund.failure_balance_transaction.is_some());
    assert_eq!(stage.balance(None).await, before);
}

#[tokio::test]
async fn a_dispute_takes_the_money_and_evidence_brings_it_back() {
    let stage = Stage::new();
    stage.paid(1_000, "pm_card_bypassPending").await;
    let (_, charge) = stage.paid(100, "pm_card_createDispute").await;
    assert!(charge.disputed);
    let listing = Listing::of::<Dispute>().with("charge", &charge.id);
    let dispute = stage.stripe.list::<Dispute>(&listing, 10).await.unwrap().items.remove(0);
    assert_eq!((dispute.status.clone(), dispute.amount), (DisputeStatus::NeedsResponse, 10_000));
    assert_eq!(dispute.balance_transactions[0].net, -11_500);
    let evidence = Evidence { uncategorized_text: Some("draft"), ..Evidence::default() };
    let kept = stage.send(&update_dispute(&dispute.id, &evidence, false)).await.unwrap();
    assert_eq!((kept.status, kept.evidence_details.has_evidence), (DisputeStatus::NeedsResponse, true));
    let evidence = Evidence { uncategorized_text: Some("winning_evidence"), ..Evidence::default() };
    let won = stage.send(&update_dispute(&dispute.id, &evidence, true)).await.unwrap();
    assert_eq!((won.status, won.balance_transactions.len()), (DisputeStatus::Won, 2));
    assert_eq!(code(stage.send(&update_dispute(&dispute.id, &evidence, true)).await), "dispute_not_editable");

    let (_, silent) = stage.paid(100, "pm_card_visa").await;
    let opened = stage.order("disputes", json!({ "charge": silent.id, "amount": 5_000 })).await;
    stage.days(9);
    let lost: Dispute = stage.stripe.retrieve(opened["id"].as_str().unwrap(), None).await.unwrap();
    assert_eq!((lost.status, lost.amount), (DisputeStatus::Lost, 5_000));

    let (_, suspect) = stage.paid(100, "pm_card_createIssuerFraudRecord").await;
    let warnings = Listing::of::<EarlyFraudWarning>().with("charge", &suspect.id);
    let warnings = stage.stripe.list::<EarlyFraudWarning>(&warnings, 10).await.unwrap();
    assert!(warnings.items[0].actionable);
}

#[tokio::test]
async fn methods_are_made_ready_for_later() {
    let stage = Stage::new();
    let customer = stage.send(&create_customer(&[("organisation", "o1")])).await.unwrap();
    assert_eq!(customer.metadata["organisation"], "o1");
    let new =
        NewSetupIntent { customer: &customer.id, methods: &["card"], confirm_with: None, metadata: &[] };
    let waiting = stage.send(&create_setup_intent(&new)).await.unwrap();
    assert_eq!(waiting.status, SetupIntentStatus::RequiresPaymentMethod);
    assert!(waiting.client_secret.is_some());
    let new = NewSetupIntent { confirm_with: Some("pm_card_visa"), ..new };
    let ready = stage.send(&create_setup_intent(&new)).await.unwrap();
    assert_eq!(ready.status, SetupIntentStatus::Succeeded);
    let method = ready.payment_method.unwrap();
    let paid = create_payment_intent(&NewPaymentIntent {
        money: Money::usd(10),
        transfer_group: "contract_1",
        customer: Some(&customer.id),
        methods: &["card"],
        confirm_with: Some(&method),
        return_url: None,
        metadata: &[],
    });
    let paid = stage.send(&paid).await.unwrap();
    assert_eq!(
        (paid.status, paid.payment_method, paid.customer),
        (PaymentIntentStatus::Succeeded, Some(method), Some(customer.id))
    );
}

#[tokio::test]
async fn hundreds_are_paged_through_to_the_end_or_to_the_bound() {
    let stage =
        Stage::with(|config| (config.account_rate, config.endpoint_rate) = (100_000, 100_000), Vec::new());
    for n in 0..230 {
        stage.send(&payment(10, None, &format!("m{n}"))).await.unwrap();
    }
    let listing = Listing::of::<PaymentIntent>().with("transfer_group", "nothing");
    assert!(stage.stripe.list::<PaymentIntent>(&listing, 10).await.unwrap().items.is_empty());
    let listing = Listing::of::<PaymentIntent>();
    let all = stage.stripe.list::<PaymentIntent>(&listing, 1_000).await.unwrap();
    assert!(all.complete);
    let expected: Vec<String> = (0..230).rev().map(|n| format!("m{n}")).collect();
    let seen: Vec<String> = all.items.iter().map(|intent| intent.metadata["milestone"].clone()).collect();
    assert_eq!(seen, expected);
    let some = stage.stripe.list::<PaymentIntent>(&listing, 150).await.unwrap();
    assert_eq!((some.items.len(), some.complete), (150, false));
    let find = async |milestone: &str, bound| {
        stage.stripe.find_by_metadata::<PaymentIntent>(&listing, bound, "milestone", milestone).await.unwrap()
    };
    assert!(matches!(find("m0", 1_000).await, Found::Here(_)));
    assert!(matches!(find("m230", 1_000).await, Found::Absent));
    assert!(matches!(find("m0", 100).await, Found::Unfinished));
    let created = Listing::events().with("type", "payment_intent.created");
    let events = stage.stripe.list::<webhook::Event>(&created, 1_000);
    assert_eq!(events.await.unwrap().items.len(), 230);
}
