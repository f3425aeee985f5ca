//! A payer's bank takes a milestone's payment back, in whole or in part.

use assay_kernel::{Currency, Permission};
use assay_ledger::{AccountKind, AccountRef};
use serde_json::json;

use super::disputes::answer;
use super::{Deal, active};

#[tokio::test]
async fn a_frozen_milestone_takes_no_decision_until_it_thaws() {
    let deal = active(json!({ "review_days": 5 })).await;
    let path = &deal.milestones[0];
    deal.deliver(0).await;
    let taken = deal.bank_takes(path).await;
    assert_eq!(deal.state(path).await, "disputed");
    let accept = deal.act(&deal.client, path, "accept", json!({})).await;
    assert_eq!(accept.status, 409, "{accept}");
    deal.settle_days(8).await;
    assert_eq!(deal.state(path).await, "disputed", "no clock runs");
    deal.bank_decides(&taken, true).await;
    assert_eq!(deal.state(path).await, "delivered");
    deal.settle_days(6).await;
    assert_eq!(deal.state(path).await, "auto_accepted");
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn the_payers_bank_ends_a_dispute_that_it_leaves_without_an_object() {
    for won in [true, false] {
        let deal = active(json!({})).await;
        let path = &deal.milestones[0];
        let dispute = deal.dispute(&deal.client, 0, 0).await;
        let taken = deal.bank_takes(path).await;
        assert_eq!(deal.state(path).await, "disputed");
        // What is frozen stays so until the bank has decided.
        let withdrawn = deal.post_as(&deal.client, &format!("{dispute}/withdraw"), json!({})).await;
        assert_eq!((withdrawn.status, withdrawn.code().as_str()), (409, "state_conflict"), "{withdrawn}");
        deal.bank_decides(&taken, won).await;
        let (of_milestone, of_dispute) = match won {
            true => ("disputed", "response_due"), // their own dispute goes on
            false => ("resolved", "withdrawn"),
        };
        assert_eq!(deal.state(path).await, of_milestone);
        assert_eq!(deal.state(&dispute).await, of_dispute);
        deal.assert_whole().await;
        deal.app.stop().await;
    }
}

#[tokio::test]
async fn what_was_held_back_is_gone_when_the_payers_bank_has_taken_it() {
    let deal = active(json!({ "holdback": { "bps": 1_000, "days": 20 } })).await;
    let path = &deal.milestones[0];
    deal.deliver(0).await;
    deal.act(&deal.client, path, "accept", json!({})).await.assert_status(200);
    assert_eq!(deal.see(path).await.text_at("/holdback_state"), "held");
    let taken = deal.bank_takes(path).await;
    deal.bank_decides(&taken, false).await;
    let seen = deal.see(path).await;
    assert_eq!(
        (seen.text_at("/holdback_state"), seen.at("/held_back/amount")),
        ("charged_back".into(), json!(0))
    );
    // Nothing is left to be freed on its day, nor by hand.
    deal.app.advance_days(25).await;
    deal.act(&deal.client, path, "free_holdback", json!(null)).await.assert_status(409);
    assert_eq!(deal.app.number("SELECT count(*) AS n FROM jobs WHERE dead_at IS NOT NULL").await, 0);
    deal.assert_whole().await;
    deal.app.stop().await;
}

/// The first milestone is 6,300.00; the bank takes so much of it.
const TAKEN: i64 = 230_000;

#[tokio::test]
async fn what_a_bank_leaves_of_a_payment_is_decided_as_agreed() {
    let deal = active(json!({ "review_days": 5 })).await;
    deal.onboard().await;
    let path = &deal.milestones[0];
    deal.deliver(0).await;
    let taken = deal.bank_takes_of(path, Some(TAKEN)).await;
    assert_eq!(deal.state(path).await, "disputed");
    deal.settle_days(8).await;
    deal.bank_decides(&taken, false).await;
    let seen = deal.see(path).await;
    assert_eq!(seen.text_at("/state"), "delivered");
    assert_eq!((seen.at("/refunded/amount"), seen.at("/released/amount")), (json!(TAKEN), json!(0)));
    assert_eq!(seen.at("/decisions/0/kind"), "taken_by_bank");
    assert_eq!(seen.at("/decisions/0/terminal"), false);
    deal.assert_whole().await;

    // The days of review that the bank took are given back; then silence accepts what is left.
    deal.settle_days(4).await;
    assert_eq!(deal.state(path).await, "delivered");
    deal.settle_days(2).await;
    let seen = deal.see(path).await;
    assert_eq!(seen.text_at("/state"), "auto_accepted");
    assert_eq!(seen.at("/released/amount"), json!(630_000 - TAKEN));
    assert_eq!(seen.at("/refunded/amount"), json!(TAKEN));
    // The fee on what the bank took is the client's again: 15 % of it.
    assert_eq!(seen.at("/decisions/1/refunded_fee/amount"), json!(34_500));
    deal.settle_days(6).await;
    assert_eq!(deal.state(path).await, "settled");
    deal.app.stop().await;
}

#[tokio::test]
async fn the_sides_go_on_over_what_a_bank_has_left() {
    let deal = active(json!({})).await;
    let path = &deal.milestones[0];
    let dispute = deal.dispute(&deal.client, 0, 500_000).await;
    deal.post_as(&deal.developer, &format!("{dispute}/respond"), answer(600_000)).await.assert_status(200);
    let offer = json!({ "developer_amount": 550_000 });
    deal.post_as(&deal.developer, &format!("{dispute}/offers"), offer).await.assert_status(201);
    let taken = deal.bank_takes_of(path, Some(TAKEN)).await;
    deal.bank_decides(&taken, false).await;
    assert_eq!(deal.state(path).await, "disputed");
    let seen = deal.see(&dispute).await;
    assert_eq!(seen.text_at("/state"), "negotiation");
    assert_eq!(seen.at("/amount/amount"), json!(400_000));
    assert_eq!((seen.at("/claim/amount"), seen.at("/answer/amount")), (json!(400_000), json!(400_000)));
    assert_eq!(seen.at("/offers/0/client/amount"), json!(0));
    deal.assert_whole().await;

    // The client has had its part by the bank: all that is left is what was offered.
    let accept = format!("/v1/dispute_offers/{}/accept", seen.text_at("/offers/0/id"));
    deal.post_as(&deal.client, &accept, json!(null)).await.assert_status(200);
    let seen = deal.see(path).await;
    assert_eq!(seen.text_at("/state"), "resolved");
    assert_eq!((seen.at("/released/amount"), seen.at("/refunded/amount")), (json!(400_000), json!(TAKEN)));
    deal.app.stop().await;
}

/// Withdrawn, a dispute leaves things as they stood, but for what the bank took.
async fn ends_with_nothing_left(refunded: bool) {
    let deal = active(json!({})).await;
    deal.onboard().await;
    let path = &deal.milestones[0];
    let dispute = deal.dispute(&deal.client, 0, 0).await;
    let taken = deal.bank_takes_of(path, Some(330_000)).await;
    deal.bank_decides(&taken, false).await;
    deal.post_as(&deal.client, &format!("{dispute}/withdraw"), json!(null)).await.assert_status(200);
    assert_eq!(deal.state(path).await, "funded");
    deal.deliver(0).await;
    // Six tenths of 6,300.00 are more than the 3,000.00 that are left.
    let first =
        json!({ "deliverables": [{ "deliverable_id": deal.see(path).await.at("/deliverables/0/id") }] });
    let part = deal.act(&deal.client, path, "accept", first).await;
    assert_eq!((part.text_at("/state"), part.at("/released/amount")), ("delivered".into(), json!(300_000)));
    deal.settle_days(6).await;
    deal.assert_whole().await;
    if refunded {
        let asked = json!({ "reason": "The rest is not what was agreed upon." });
        deal.act(&deal.client, path, "request_refund", asked).await.assert_status(200);
        deal.act(&deal.developer, path, "grant_refund", json!(null)).await.assert_status(200);
    } else {
        deal.act(&deal.client, path, "accept", json!({})).await.assert_status(200);
    }
    // Nothing is left to be sent: what was released has reached the developer.
    let seen = deal.see(path).await;
    assert_eq!((seen.text_at("/state"), seen.at("/released/amount")), ("settled".into(), json!(300_000)));
    assert_eq!(seen.at("/refunded/amount"), json!(330_000));
    deal.app.stop().await;
}

#[tokio::test]
async fn the_first_part_that_is_accepted_may_be_all_that_a_bank_has_left() {
    ends_with_nothing_left(false).await;
    ends_with_nothing_left(true).await;
}

/// 6,300.00, six tenths accepted with a tenth of that held back: 3,402.00 released, 378.00 held back, 2,520.00 open.
async fn partly_accepted() -> Deal {
    let deal = active(json!({ "holdback": { "bps": 1_000, "days": 20 } })).await;
    let path = &deal.milestones[0];
    deal.deliver(0).await;
    let first =
        json!({ "deliverables": [{ "deliverable_id": deal.see(path).await.at("/deliverables/0/id") }] });
    let part = deal.act(&deal.client, path, "accept", first).await;
    assert_eq!((part.at("/released/amount"), part.at("/held_back/amount")), (json!(340_200), json!(37_800)));
    deal
}

#[tokio::test]
async fn a_bank_that_takes_all_that_is_open_leaves_what_it_left_of_the_holdback() {
    let deal = partly_accepted().await;
    let path = &deal.milestones[0];
    let taken = deal.bank_takes_of(path, Some(262_000)).await;
    deal.bank_decides(&taken, false).await;
    let seen = deal.see(path).await;
    assert_eq!((seen.text_at("/state"), seen.at("/held_back/amount")), ("resolved".into(), json!(27_800)));
    assert_eq!(seen.at("/refunded/amount"), json!(262_000));
    // The fee on the rest is earned: 15 % of 3,680.00; the other 393.00 are the client's again.
    assert_eq!(seen.at("/decisions/2/kind"), "charged_back");
    assert_eq!(seen.at("/decisions/2/refunded_fee/amount"), json!(39_300));
    deal.app.advance_days(21).await;
    let seen = deal.see(path).await;
    assert_eq!(
        (seen.text_at("/holdback_state"), seen.at("/released/amount")),
        ("freed".into(), json!(368_000))
    );
    deal.app.stop().await;
}

#[tokio::test]
async fn the_fee_on_what_a_bank_took_of_a_holdback_is_the_clients_again() {
    let deal = active(json!({ "holdback": { "bps": 1_000, "days": 20 } })).await;
    let path = &deal.milestones[0];
    deal.deliver(0).await;
    deal.act(&deal.client, path, "accept", json!({})).await.assert_status(200);
    let taken = deal.bank_takes_of(path, Some(23_000)).await;
    // Its day comes while the bank decides.
    deal.app.advance_days(25).await;
    assert_eq!(deal.see(path).await.text_at("/holdback_state"), "held");
    deal.bank_decides(&taken, false).await;
    let seen = deal.see(path).await;
    assert_eq!(seen.at("/decisions/1/kind"), "taken_by_bank");
    assert_eq!(seen.at("/decisions/1/refunded/amount"), json!(23_000));
    assert_eq!(seen.at("/decisions/2/refunded_fee/amount"), json!(3_450));
    // Stripe refuses that; of what a second part takes only its own fee is the client's.
    let taken = deal.bank_takes_of(path, Some(10_000)).await;
    deal.bank_decides(&taken, false).await;
    assert_eq!(deal.see(path).await.at("/decisions/4/refunded_fee/amount"), json!(1_500));
    deal.app.advance_days(2).await;
    let seen = deal.see(path).await;
    assert_eq!(
        (seen.text_at("/holdback_state"), seen.at("/released/amount")),
        ("freed".into(), json!(597_000))
    );
    assert_eq!(deal.app.number("SELECT count(*) AS n FROM jobs WHERE dead_at IS NOT NULL").await, 0);
    deal.app.stop().await;
}

/// While one of two parts is with the bank, nothing thaws of what the other one froze; then each has its own again.
#[tokio::test]
async fn a_bank_may_take_two_parts_at_once() {
    for first_lost in [true, false] {
        let deal = partly_accepted().await;
        let path = &deal.milestones[0];
        let parts =
            [deal.bank_takes_of(path, Some(100_000)).await, deal.bank_takes_of(path, Some(52_000)).await];
        deal.bank_decides(&parts[usize::from(first_lost)], !first_lost).await;
        assert_eq!(deal.state(path).await, "disputed", "the other part is with the bank");
        deal.bank_decides(&parts[usize::from(!first_lost)], first_lost).await;
        let gone = 52_000;
        let seen = deal.see(path).await;
        assert_eq!((seen.text_at("/state"), seen.at("/refunded/amount")), ("delivered".into(), json!(gone)));
        deal.assert_whole().await;
        let all = deal.act(&deal.client, path, "accept", json!({})).await;
        assert_eq!(all.text_at("/state"), "accepted", "{all}");
        deal.app.advance_days(21).await;
        let seen = deal.see(path).await;
        assert_eq!(
            (seen.text_at("/holdback_state"), seen.at("/released/amount")),
            ("freed".into(), json!(630_000 - gone))
        );
        deal.app.stop().await;
    }
}

/// A request for a refund ends with the freeze: things go back to where they stood before it.
#[tokio::test]
async fn what_was_delivered_is_so_after_the_bank() {
    let deal = active(json!({})).await;
    let path = &deal.milestones[0];
    deal.deliver(0).await;
    let review_until = async || {
        let told = deal.see(path).await.text_at("/review_until");
        told.parse::<chrono::DateTime<chrono::Utc>>().expect("a time")
    };
    let before = review_until().await;
    let asked = json!({ "reason": "Nothing of it is needed any more." });
    deal.act(&deal.client, path, "request_refund", asked).await.assert_status(200);
    deal.settle_days(3).await;
    let taken = deal.bank_takes(path).await;
    deal.settle_days(2).await;
    deal.bank_decides(&taken, true).await;
    assert_eq!(deal.state(path).await, "delivered");
    // Neither the days of the request nor those of the freeze are the review's.
    assert_eq!((review_until().await - before).num_days(), 5);
    deal.app.stop().await;
}

#[tokio::test]
async fn what_was_frozen_as_a_notice_ran_out_is_settled_as_it_thaws() {
    let deal = active(json!({})).await;
    let path = &deal.milestones[0];
    let taken = deal.bank_takes_of(path, Some(TAKEN)).await;
    let reason = json!({ "reason": "The budget of the year is spent." });
    deal.act(&deal.client, &deal.contract, "give_notice", reason).await.assert_status(200);
    deal.app.advance_days(8).await;
    assert_eq!(
        (deal.state(path).await, deal.state(&deal.contract).await),
        ("disputed".into(), "completing".into())
    );
    deal.bank_decides(&taken, false).await;
    let seen = deal.see(path).await;
    assert_eq!((seen.text_at("/state"), seen.at("/refunded/amount")), ("cancelled".into(), json!(630_000)));
    assert_eq!(deal.state(&deal.contract).await, "completed");
    deal.app.stop().await;
}

/// Over released money a dispute goes on: what the bank took of it the platform bears, and an award repays it first.
#[tokio::test]
async fn a_dispute_over_released_money_goes_on_when_a_bank_takes_a_part() {
    let deal = active(json!({})).await;
    deal.onboard().await;
    let path = &deal.milestones[0];
    deal.deliver(0).await;
    deal.act(&deal.client, path, "accept", json!({})).await.assert_status(200);
    deal.settle_days(6).await;
    let dispute = deal.dispute(&deal.client, 0, 130_000).await;
    let taken = deal.bank_takes_of(path, Some(TAKEN)).await;
    deal.bank_decides(&taken, false).await;
    assert_eq!(deal.see(&dispute).await.at("/amount/amount"), json!(630_000));
    // Never answered: as claimed. Of the 5,000.00 for the client and the fee on it the bank has given 2,300.00.
    deal.settle_days(8).await;
    assert_eq!((deal.state(&dispute).await, deal.state(path).await), ("defaulted".into(), "resolved".into()));
    let finance = deal.app.staff("staff-sam", Permission::Finance).await;
    let refund = deal.app.get("/v1/refunds").by(&finance).expect(200).await.at("/data/0");
    assert_eq!(refund["charged_back"]["amount"], json!(TAKEN), "{refund}");
    assert_eq!(refund["state"], "refused");
    let dispute = deal.app.get("/v1/payment_disputes").by(&finance).expect(200).await;
    assert_eq!(dispute.at("/data/0/loss/amount"), json!(0));
    deal.app.stop().await;
}

/// The provider refunds nothing of a charge that a bank took a part of: finance pays the rest from the bank.
#[tokio::test]
async fn what_the_provider_does_not_refund_any_more_is_paid_out_of_band() {
    let deal = active(json!({})).await;
    let app = &deal.app;
    let path = &deal.milestones[0];
    let taken = deal.bank_takes_of(path, Some(100_000)).await;
    deal.bank_decides(&taken, false).await;
    let asked = json!({ "reason": "Nothing of it is needed any more." });
    deal.act(&deal.client, path, "request_refund", asked).await.assert_status(200);
    let granted = deal.act(&deal.developer, path, "grant_refund", json!(null)).await;
    assert_eq!(
        (granted.text_at("/state"), granted.at("/refunded/amount")),
        ("refunded".into(), json!(630_000))
    );
    app.settle().await;
    let first = app.staff("staff-sam", Permission::Finance).await;
    let refund = app.get("/v1/refunds?state=refused").by(&first).expect(200).await.at("/data/0");
    assert_eq!((&refund["amount"]["amount"], &refund["fee"]["amount"]), (&json!(530_000), &json!(94_500)));

    let refund = format!("/v1/refunds/{}", refund["id"].as_str().expect("an id"));
    let pay = |reference: &str| {
        let amount = json!({ "amount": 624_500, "currency": "USD" });
        let reason = "Stripe refunds nothing of this charge.";
        let body = json!({ "amount": amount, "reference": reference, "reason": reason });
        app.post(&format!("{refund}/pay_out_of_band")).by(&first).if_match("*").json(body)
    };
    let nameless = pay("").expect(422).await;
    assert_eq!(nameless.at("/errors/0/pointer"), "/reference");
    let waits = pay("ASSAY REFUND 117").expect(202).await;
    assert_eq!(waits.text_at("/act"), "refund_out_of_band");
    // Asked for at Stripe meanwhile, the client could have it twice.
    let reason = json!({ "reason": "Stripe may take it by now." });
    let retry = app.post(&format!("{refund}/retry")).by(&first).if_match("*").json(reason);
    assert_eq!(retry.expect(409).await.code(), "state_conflict");
    let second = app.staff("staff-umar", Permission::Finance).await;
    let confirm = app.post(&format!("/v1/money_approvals/{}/confirm", waits.id())).by(&second).if_match("*");
    confirm.json(json!({ "reason": "Seen on the bank's list of transfers." })).expect(200).await;

    let paid = app.get("/v1/refunds?state=paid_out_of_band").by(&first).expect(200).await;
    assert_eq!(paid.at("/data/0/out_of_band_reference"), "ASSAY REFUND 117");
    assert_eq!(paid.at("/data/0/allowed_actions"), json!([]));
    pay("ASSAY REFUND 118").expect(409).await;
    // The platform's bank has paid what the provider holds still: that is the platform's own now.
    let mut conn = app.ctx().db.get().await.expect("a connection");
    let bank =
        assay_ledger::balance(&mut conn, AccountRef::platforms(AccountKind::Bank), Currency::USD).await;
    assert_eq!(bank.expect("a balance").amount, -624_500);
    drop(conn);
    deal.assert_whole().await;
    deal.app.stop().await;
}
