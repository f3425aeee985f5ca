//! After a restore: what was sent since the backup is looked for before anything is sent.

use assay_ledger::AccountKind as K;
use uuid::Uuid;

use super::{AMOUNT, Deal, FEE};

/// The statement of `docs/OPERATIONS.md` that makes every open request be looked for.
fn statement() -> &'static str {
    let manual = include_str!("../../../docs/OPERATIONS.md");
    let (_, rest) = manual.split_once("```sql").expect("a statement");
    rest.split_once("```").expect("its end").0.trim()
}

#[tokio::test]
async fn what_was_sent_after_the_backup_is_not_sent_again() {
    let mut deal = Deal::start().await;
    deal.fund().await.expect("asked");
    // The backup ends here. What follows is lost, but the provider has done it, under a key that it has forgotten.
    let body = deal.dump("(SELECT body FROM provider_commands)").await;
    let body = body.trim_matches(['(', ')', '"']).to_owned();
    let url = deal.stripe.base_url().join("/v1/payment_intents").expect("a URL");
    let sent = deal.http.post(url).bearer_auth(deal.stripe_key()).header("idempotency-key", "forgotten");
    assert_eq!(sent.body(body).send().await.expect("an answer").status(), 200);
    // Of another one nothing was sent.
    let first = std::mem::replace(&mut deal.milestone, Uuid::from_u128(0x32));
    deal.fund().await.expect("asked");

    deal.sql(statement()).await.expect("the statement of the manual");
    deal.settle().await;
    assert_eq!(deal.at_stripe("payment_intents").await.len(), 1, "looked for, not sent");
    assert_eq!(
        (deal.balance(K::Hold, first).await, deal.balance(K::FeeDeferred, first).await),
        (AMOUNT, FEE)
    );
    assert_eq!(deal.held().await, (0, 0, 0));
    deal.fund().await.expect("what is surely absent can be paid again");
    deal.settle().await;
    assert_eq!(deal.held().await, (AMOUNT, 0, FEE));
    deal.whole().await;
}
