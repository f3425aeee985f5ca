//! Disputes: from the claim to the division of the money, over every road of the ladder.

use assay_kernel::ids::AccountId;
use assay_kernel::{Currency, Permission};
use assay_ledger::{AccountKind, AccountRef};
use serde_json::{Value, json};

use super::{Deal, active, signed};
use crate::harness::{Answer, Person};

/// What the first milestone is about.
const AMOUNT: i64 = 630_000;

pub fn claim(developer: i64) -> Value {
    json!({ "developer_amount": developer, "reason": "Two of the three formats are read; the third was never begun." })
}

pub fn answer(developer: i64) -> Value {
    json!({ "developer_amount": developer, "response": "The third format was dropped by message in the first week." })
}

impl Deal {
    /// A side disputes a milestone. Answers the dispute's path.
    pub async fn dispute(&self, by: &Person, number: usize, developer: i64) -> String {
        let path = format!("{}/disputes", self.milestones[number]);
        let opened = self.app.post(&path).by(by).json(claim(developer)).expect(201).await;
        assert_eq!(opened.text_at("/state"), "response_due");
        format!("/v1/disputes/{}", opened.id())
    }

    pub async fn post_as(&self, by: &Person, path: &str, body: Value) -> Answer {
        let call = self.app.post(path).by(by);
        if body.is_null() { call.send().await } else { call.json(body).send().await }
    }

    /// How staff divide it: the parts, with a finding on the first deliverable.
    pub async fn ruling(&self, number: usize, developer: i64, client: i64) -> Value {
        let milestone = self.see(&self.milestones[number]).await;
        json!({
            "developer_amount": developer, "client_amount": client,
            "reason": "Two formats of three were delivered, as the deliveries show.",
            "findings": [{ "deliverable_id": milestone.at("/deliverables/0/id"),
                "text": "Reads two of the three formats that were agreed." }],
        })
    }

    /// A dispute that waits for an arbitrator: the mediator's proposal was rejected.
    pub async fn arbitrated(&self, number: usize, claimed: i64, answered: i64, amount: i64) -> String {
        let dispute = self.dispute(&self.client, number, claimed).await;
        self.post_as(&self.developer, &format!("{dispute}/respond"), answer(answered))
            .await
            .assert_status(200);
        self.post_as(&self.client, &format!("{dispute}/escalate"), json!(null)).await.assert_status(200);
        let mediator = self.app.staff("staff-ines", Permission::Reviewer).await;
        let rule = self.ruling(number, amount / 2, amount - amount / 2).await;
        self.post_as(&mediator, &format!("{dispute}/propose"), rule).await.assert_status(200);
        let rejected = self.act(&self.developer, &dispute, "reject_proposal", json!(null)).await;
        assert_eq!(rejected.text_at("/state"), "arbitration", "{rejected}");
        dispute
    }
}

#[tokio::test]
async fn an_offer_settles_it_while_the_other_milestone_goes_on() {
    let deal = active(json!({})).await;
    deal.deliver(0).await;
    let first = &deal.milestones[0];
    assert!(
        deal.see(first).await.at("/allowed_actions").as_array().unwrap().contains(&json!("open_dispute"))
    );
    let over = deal.post_as(&deal.client, &format!("{first}/disputes"), claim(AMOUNT + 1)).await;
    assert_eq!((over.status, over.at("/errors/0/pointer")), (422, json!("/developer_amount")));
    let dispute = deal.dispute(&deal.client, 0, 200_000).await;
    let frozen = deal.see(first).await;
    assert_eq!(frozen.text_at("/state"), "disputed");
    assert_eq!(frozen.at("/disputes/0/state"), "response_due");
    assert_eq!(
        deal.see(&deal.contract).await.at("/milestones/0/open_dispute_id"),
        frozen.at("/disputes/0/id")
    );
    deal.assert_whole().await;

    // Its money stands still.
    for (verb, body) in
        [("accept", json!({})), ("request_refund", json!({ "reason": "We do not want it any more." }))]
    {
        let refused = deal.act(&deal.client, first, verb, body).await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "state_conflict"), "{refused}");
    }
    let again = deal.post_as(&deal.developer, &format!("{first}/disputes"), claim(AMOUNT)).await;
    assert_eq!(again.status, 409, "{again}");
    let own = deal.post_as(&deal.client, &format!("{dispute}/respond"), answer(0)).await;
    assert_eq!((own.status, own.at("/why_not/0/code")), (409, json!("asked_of_you")));
    let answered = deal.post_as(&deal.developer, &format!("{dispute}/respond"), answer(AMOUNT)).await;
    assert_eq!(answered.text_at("/state"), "negotiation");
    // The review would be over, and so are the days of negotiation.
    deal.app.advance_days(11).await;
    assert_eq!(deal.state(first).await, "disputed");
    assert_eq!(deal.state(&dispute).await, "mediation");

    // The other milestone is paid, delivered and accepted meanwhile.
    deal.pay(1).await;
    deal.deliver(1).await;
    deal.act(&deal.client, &deal.milestones[1], "accept", json!({})).await.assert_status(200);
    assert_eq!(deal.state(&deal.contract).await, "active", "a dispute is open");

    let offers = format!("{dispute}/offers");
    let offer = |amount: i64| json!({ "developer_amount": amount, "note": "Two formats of three." });
    deal.post_as(&deal.developer, &offers, offer(AMOUNT + 1)).await.assert_status(422);
    let first_offer = deal.post_as(&deal.developer, &offers, offer(500_000)).await;
    let replaced = first_offer.at("/offers/0/id");
    let second = deal.post_as(&deal.developer, &offers, offer(400_000)).await;
    let accept = |id: &Value| format!("/v1/dispute_offers/{}/accept", id.as_str().unwrap());
    let path = accept(&second.at("/offers/1/id"));
    assert_eq!(deal.post_as(&deal.developer, &path, json!(null)).await.status, 409, "one's own");
    assert_eq!(deal.post_as(&deal.client, &accept(&replaced), json!(null)).await.status, 409, "replaced");
    let settled = deal.post_as(&deal.client, &path, json!(null)).await;
    assert_eq!(settled.text_at("/state"), "settled", "{settled}");
    let resolved = deal.see(first).await;
    assert_eq!(resolved.text_at("/state"), "resolved");
    assert_eq!(resolved.at("/released/amount"), 400_000);
    assert_eq!(resolved.at("/refunded/amount"), 230_000);
    assert_eq!(resolved.at("/decisions/0/kind"), "dispute_settled");
    assert_eq!(resolved.at("/decisions/0/refunded_fee/amount"), 34_500);
    assert_eq!(deal.state(&deal.contract).await, "completed");
    let kinds = deal.app.kinds(&deal.developer).await;
    for kind in ["dispute.opened", "dispute.answered", "dispute.offer_made", "dispute.divided"] {
        assert!(kinds.iter().any(|k| k == kind), "{kind}: {kinds:?}");
    }
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn silence_after_two_notices_grants_the_claim() {
    let deal = active(json!({})).await;
    deal.dispute(&deal.developer, 0, 600_000).await;
    assert_eq!(deal.mails("A dispute is opened: Import").await, 1);
    deal.app.advance_days(4).await;
    assert_eq!(deal.mails("Second notice: the dispute over Import").await, 1);
    assert_eq!(deal.state(&deal.milestones[0]).await, "disputed");
    deal.app.advance_days(3).await;
    let seen = deal.see(&deal.milestones[0]).await;
    assert_eq!(seen.text_at("/state"), "resolved");
    assert_eq!(seen.at("/decisions/0/kind"), "dispute_defaulted");
    assert_eq!((seen.at("/released/amount"), seen.at("/refunded/amount")), (json!(600_000), json!(30_000)));
    assert_eq!(seen.at("/disputes/0/state"), "defaulted");
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn a_mediator_without_a_part_in_it_proposes_and_both_accept() {
    let deal = active(json!({})).await;
    let app = &deal.app;
    deal.deliver(0).await;
    let mediator = app.staff("staff-ines", Permission::Reviewer).await;
    app.get(&deal.contract).by(&mediator).expect(404).await;
    let dispute = deal.dispute(&deal.client, 0, 100_000).await;
    deal.post_as(&deal.developer, &format!("{dispute}/respond"), answer(AMOUNT)).await.assert_status(200);
    let propose = format!("{dispute}/propose");
    let rule = deal.ruling(0, 420_000, 210_000).await;
    assert_eq!(deal.post_as(&mediator, &propose, rule.clone()).await.status, 409, "nobody asked for one");
    let asked = deal.post_as(&deal.developer, &format!("{dispute}/escalate"), json!(null)).await;
    assert_eq!(asked.text_at("/state"), "mediation");

    // Who curated the project has a part in it.
    let curator = app.staff("staff-sam", Permission::Reviewer).await;
    let tied = deal.post_as(&curator, &propose, rule.clone()).await;
    assert_eq!((tied.status, tied.at("/why_not/0/code")), (409, json!("no_tie")));
    let queue = app.get("/v1/disputes?state=mediation").by(&mediator).expect(200).await;
    assert_eq!(queue.at("/data/0/allowed_actions"), json!(["propose"]));
    app.get(&deal.contract).by(&mediator).expect(200).await;
    app.get(&format!("{}/messages", deal.contract)).by(&mediator).expect(200).await;

    for (pointer, value, code) in [
        ("/client_amount", json!(210_001), "inconsistent"),
        ("/findings", json!([]), "length"),
        ("/findings/0/deliverable_id", json!("dlv_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b"), "unknown_value"),
        ("/findings/0/deliverable_id", json!(null), "required"),
    ] {
        let mut wrong = rule.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        let refused = deal.post_as(&mediator, &propose, wrong).await;
        assert_eq!(refused.status, 422, "{pointer}: {refused}");
        assert_eq!(refused.at("/errors/0/pointer"), pointer, "{code}: {refused}");
    }
    let proposed = deal.post_as(&mediator, &propose, rule).await;
    assert_eq!(proposed.text_at("/state"), "proposal_out", "{proposed}");
    assert_eq!(deal.mails("A mediator proposes: Import").await, 2);
    let first = deal.act(&deal.client, &dispute, "accept_proposal", json!(null)).await;
    assert_eq!((first.status, first.text_at("/state").as_str()), (200, "proposal_out"));
    let twice = deal.act(&deal.client, &dispute, "accept_proposal", json!(null)).await;
    assert_eq!((twice.status, twice.at("/why_not/0/code")), (409, json!("not_answered_by_you")));
    let second = deal.act(&deal.developer, &dispute, "accept_proposal", json!(null)).await;
    assert_eq!(second.text_at("/state"), "settled");
    let seen = deal.see(&deal.milestones[0]).await;
    assert_eq!((seen.at("/released/amount"), seen.at("/refunded/amount")), (json!(420_000), json!(210_000)));
    assert!(app.dump("audit_log").await.contains("dispute.propose"));
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn a_large_award_takes_two_people_and_an_appeal_corrects_its_arithmetic() {
    let deal = active(json!({})).await;
    let app = &deal.app;
    deal.deliver(0).await;
    let dispute = deal.arbitrated(0, 200_000, AMOUNT, AMOUNT).await;
    let award = format!("{dispute}/award");
    let rule = deal.ruling(0, 420_000, 210_000).await;
    let mediator = app.sign_in("staff-ines").await;
    let same = deal.post_as(&mediator, &award, rule.clone()).await;
    assert_eq!((same.status, same.at("/why_not/0/code")), (409, json!("another_person")));
    let arbitrator = app.staff("staff-theo", Permission::Reviewer).await;
    let waits = deal.post_as(&arbitrator, &award, rule.clone()).await;
    assert_eq!((waits.status, waits.text_at("/state").as_str()), (200, "arbitration"), "{waits}");
    let approval = format!("/v1/money_approvals/{}", waits.text_at("/award_approval_id"));
    let again = deal.post_as(&arbitrator, &award, rule).await;
    assert_eq!((again.status, again.at("/why_not/0/code")), (409, json!("no_award_pending")));

    // Neither who proposed it, nor who has a part in the case.
    let reason = json!({ "reason": "The findings and the sums agree." });
    app.staff("staff-theo", Permission::Finance).await;
    let own = deal.act(&arbitrator, &approval, "confirm", reason.clone()).await;
    assert_eq!((own.status, own.at("/why_not/0/code")), (409, json!("another_person")));
    let tied = app.staff("staff-sam", Permission::Finance).await;
    assert_eq!(deal.act(&tied, &approval, "confirm", reason.clone()).await.status, 409);
    let second = app.staff("staff-umar", Permission::Finance).await;
    let confirmed = deal.act(&second, &approval, "confirm", reason).await;
    assert_eq!(confirmed.text_at("/state"), "carried_out", "{confirmed}");
    assert_eq!(deal.state(&dispute).await, "awarded");
    assert_eq!(deal.mails("The dispute is decided: Import").await, 2);
    deal.assert_whole().await;

    let wrong = |amount: i64| json!({ "developer_amount": amount, "reason": "The shares of the findings sum to 402,000, not 420,000." });
    let appeal = format!("{dispute}/appeal");
    deal.post_as(&deal.client, &appeal, wrong(420_000)).await.assert_status(422);
    deal.post_as(&deal.client, &appeal, wrong(402_000)).await.assert_status(200);
    let twice = deal.post_as(&deal.developer, &appeal, wrong(500_000)).await;
    assert_eq!((twice.status, twice.at("/why_not/0/code")), (409, json!("not_appealed")));
    app.advance_days(6).await;
    assert_eq!(deal.state(&dispute).await, "awarded", "the appeal is not answered");
    let corrected = json!({ "outcome": "corrected", "developer_amount": 402_000,
        "reason": "The three shares sum to 402,000 indeed." });
    for login in ["staff-ines", "staff-theo"] {
        let person = app.sign_in(login).await;
        let refused = deal.act(&person, &dispute, "decide_appeal", corrected.clone()).await;
        assert_eq!(
            (refused.status, refused.at("/why_not/0/code")),
            (409, json!("another_person")),
            "{login}"
        );
    }
    let judge = app.staff("staff-kaya", Permission::Reviewer).await;
    let decided = deal.act(&judge, &dispute, "decide_appeal", corrected).await;
    assert_eq!(decided.at("/award/developer/amount"), 402_000, "{decided}");
    app.work().await;

    // The developer's position lay 228,000 off, the client's 202,000: the developer pays the three per cent.
    let ended = deal.see(&dispute).await;
    assert_eq!(ended.text_at("/state"), "executed");
    assert_eq!(ended.at("/arbitration_fee_taken/amount"), 18_900);
    let seen = deal.see(&deal.milestones[0]).await;
    assert_eq!(seen.text_at("/state"), "resolved");
    assert_eq!(seen.at("/released/amount"), 402_000 - 18_900);
    assert_eq!(seen.at("/refunded/amount"), 228_000);
    assert_eq!(seen.at("/decisions/0/kind"), "awarded");
    assert_eq!(seen.at("/decisions/0/arbitration_fee/amount"), 18_900);
    assert_eq!(seen.at("/decisions/0/client_fee/amount"), 57_465);
    assert_eq!(seen.at("/decisions/0/refunded_fee/amount"), 94_500 - 57_465);
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn a_small_award_needs_no_second_person_and_is_carried_out_after_its_days() {
    let deal = active(json!({})).await;
    deal.pay(1).await;
    let dispute = deal.arbitrated(1, 0, 450_000, 450_000).await;
    let arbitrator = deal.app.staff("staff-theo", Permission::Reviewer).await;
    let rule = deal.ruling(1, 0, 450_000).await;
    let awarded = deal.post_as(&arbitrator, &format!("{dispute}/award"), rule).await;
    assert_eq!((awarded.status, awarded.text_at("/state").as_str()), (200, "awarded"), "{awarded}");
    let late = deal.post_as(&deal.client, &format!("{dispute}/withdraw"), json!(null)).await;
    assert_eq!((late.status, late.code().as_str()), (409, "state_conflict"));
    deal.app.advance_days(4).await;
    assert_eq!(deal.state(&dispute).await, "awarded");
    deal.app.advance_days(1).await;
    assert_eq!(deal.state(&dispute).await, "executed");
    // Who gets nothing pays nothing.
    let seen = deal.see(&deal.milestones[1]).await;
    assert_eq!((seen.at("/released/amount"), seen.at("/refunded/amount")), (json!(0), json!(450_000)));
    assert_eq!(deal.see(&dispute).await.at("/arbitration_fee_taken/amount"), 0);
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn it_ends_with_the_time_for_which_money_can_be_held() {
    // Nobody has mediated: what is delivered counts as accepted.
    let deal = active(json!({})).await;
    deal.deliver(0).await;
    let dispute = deal.dispute(&deal.client, 0, 0).await;
    deal.post_as(&deal.developer, &format!("{dispute}/respond"), answer(AMOUNT)).await.assert_status(200);
    deal.app.advance_days(77).await;
    assert_eq!(deal.state(&dispute).await, "mediation");
    let warned = deal.app.kinds(&deal.developer).await;
    assert!(warned.iter().any(|kind| kind == "dispute.hold_ending"), "{warned:?}");
    deal.app.advance_days(13).await;
    let seen = deal.see(&deal.milestones[0]).await;
    assert_eq!((seen.text_at("/state"), seen.at("/disputes/0/state")), ("resolved".into(), json!("expired")));
    assert_eq!(seen.at("/decisions/0/kind"), "dispute_expired");
    assert_eq!((seen.at("/released/amount"), seen.at("/refunded/amount")), (json!(AMOUNT), json!(0)));
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn a_proposal_stands_when_nobody_arbitrates_in_time() {
    let deal = active(json!({})).await;
    let dispute = deal.arbitrated(0, 0, AMOUNT, AMOUNT).await;
    deal.app.advance_days(90).await;
    assert_eq!(deal.state(&dispute).await, "expired");
    let seen = deal.see(&deal.milestones[0]).await;
    assert_eq!(seen.at("/decisions/0/kind"), "dispute_expired");
    let half = AMOUNT / 2;
    assert_eq!((seen.at("/released/amount"), seen.at("/refunded/amount")), (json!(half), json!(half)));
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn taken_back_it_leaves_things_where_they_stood_and_cannot_come_again() {
    let deal = active(json!({ "review_days": 6 })).await;
    let path = &deal.milestones[0];
    let before = deal.deliver(0).await.text_at("/review_until");
    let dispute = deal.dispute(&deal.client, 0, 0).await;
    deal.app.advance_days(3).await;
    let foreign = deal.post_as(&deal.developer, &format!("{dispute}/withdraw"), json!(null)).await;
    assert_eq!((foreign.status, foreign.at("/why_not/0/code")), (409, json!("opened_by_you")));
    let withdrawn = deal.post_as(&deal.client, &format!("{dispute}/withdraw"), json!(null)).await;
    assert_eq!(withdrawn.text_at("/state"), "withdrawn");
    let seen = deal.see(path).await;
    assert_eq!(seen.text_at("/state"), "delivered");
    let time = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let added = time(&seen.text_at("/review_until")) - time(&before);
    assert!(added >= chrono::Duration::days(3), "{added}");
    deal.assert_whole().await;
    let again = deal.post_as(&deal.client, &format!("{path}/disputes"), claim(0)).await;
    assert_eq!((again.status, again.code().as_str()), (409, "state_conflict"), "{again}");
    deal.app.advance_days(7).await;
    assert_eq!(deal.state(path).await, "auto_accepted");
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn what_was_released_is_divided_from_what_is_held_back_and_not_sent() {
    let deal = active(json!({ "holdback": { "bps": 1_000, "days": 20 } })).await;
    let app = &deal.app;
    let path = &deal.milestones[0];
    deal.deliver(0).await;
    deal.act(&deal.client, path, "accept", json!({})).await.assert_status(200);
    let dispute = deal.dispute(&deal.client, 0, 300_000).await;
    assert_eq!(deal.see(&dispute).await.at("/after_release"), true);
    assert_eq!(deal.state(path).await, "accepted");
    let transfers = || async { app.get("/v1/me/transfers").by(&deal.developer).expect(200).await };
    let held = transfers().await;
    assert_eq!(
        (held.text_at("/data/0/state"), held.text_at("/data/0/hold")),
        ("on_hold".into(), "dispute".into())
    );
    let finance = app.staff("staff-umar", Permission::Finance).await;
    let release = format!("/v1/transfers/{}/release_hold", held.text_at("/data/0/id"));
    let reason = json!({ "reason": "The developer asks for it." });
    let refused = app.post(&release).by(&finance).if_match("*").json(reason).send().await;
    assert_eq!((refused.status, refused.at("/why_not/0/code")), (409, json!("not_in_dispute")), "{refused}");
    let freed = deal.act(&deal.client, path, "free_holdback", json!(null)).await;
    assert_eq!((freed.status, freed.at("/why_not/0/code")), (409, json!("not_in_dispute")));
    app.advance_days(7).await;

    let seen = deal.see(path).await;
    assert_eq!(seen.text_at("/state"), "resolved", "{seen}");
    assert_eq!(seen.at("/decisions/1/kind"), "holdback_divided");
    assert_eq!(seen.at("/decisions/1/refunded/amount"), 63_000);
    assert_eq!(seen.at("/decisions/2/kind"), "taken_back");
    assert_eq!(seen.at("/decisions/2/taken_back/amount"), 267_000);
    assert_eq!(seen.at("/decisions/2/taken_back_fee/amount"), 40_050);
    assert_eq!(seen.at("/held_back/amount"), 0);
    assert_eq!(transfers().await.at("/data/0/amount/amount"), 300_000);
    assert_ne!(transfers().await.text_at("/data/0/hold"), "dispute");
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn an_award_takes_back_what_was_released_with_its_share_of_the_fee() {
    let deal = active(json!({})).await;
    let app = &deal.app;
    deal.pay(1).await;
    deal.deliver(1).await;
    deal.act(&deal.client, &deal.milestones[1], "accept", json!({})).await.assert_status(200);
    let dispute = deal.arbitrated(1, 50_000, 450_000, 450_000).await;
    assert_eq!(deal.see(&dispute).await.at("/after_release"), true);
    let arbitrator = app.staff("staff-theo", Permission::Reviewer).await;
    let rule = deal.ruling(1, 150_000, 300_000).await;
    let awarded = deal.post_as(&arbitrator, &format!("{dispute}/award"), rule).await;
    assert_eq!(awarded.text_at("/state"), "awarded", "{awarded}");
    app.advance_days(6).await;

    // The client's position lay 100,000 off, the developer's 300,000: the developer pays the three per cent.
    let ended = deal.see(&dispute).await;
    assert_eq!(
        (ended.text_at("/state"), ended.at("/arbitration_fee_taken/amount")),
        ("executed".into(), json!(13_500))
    );
    let seen = deal.see(&deal.milestones[1]).await;
    assert_eq!(seen.at("/decisions/1/kind"), "taken_back");
    assert_eq!(seen.at("/decisions/1/taken_back/amount"), 300_000 + 13_500);
    assert_eq!(seen.at("/decisions/1/arbitration_fee/amount"), 13_500);
    // The client has its 300,000 and the fee on it back; the platform keeps the arbitration's out of what it gives back.
    assert_eq!(seen.at("/decisions/1/taken_back_fee/amount"), 45_000 - 13_500);
    let sent = app.get("/v1/me/transfers").by(&deal.developer).expect(200).await;
    assert_eq!(sent.at("/data/0/amount/amount"), 150_000 - 13_500);
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn what_was_released_is_sent_when_it_can_be_held_no_longer_and_an_award_takes_it_back() {
    let deal = active(json!({ "holdback": { "bps": 1_000, "days": 20 } })).await;
    let app = &deal.app;
    deal.onboard().await;
    deal.pay(1).await;
    deal.deliver(1).await;
    deal.act(&deal.client, &deal.milestones[1], "accept", json!({})).await.assert_status(200);
    let dispute = deal.arbitrated(1, 50_000, 450_000, 450_000).await;
    let transfers = async || app.get("/v1/me/transfers").by(&deal.developer).expect(200).await.at("/data");
    app.advance_days(89).await;
    let waits = transfers().await;
    assert_eq!((waits.as_array().unwrap().len(), &waits[0]["hold"]), (1, &json!("dispute")));
    app.advance_days(2).await;
    // What was held back and is freed now waits its days as every release does.
    assert_eq!(deal.transfers(&deal.developer).await, ["accrued", "paid"]);
    assert_eq!(deal.state(&dispute).await, "arbitration");
    assert_eq!(deal.see(&deal.milestones[1]).await.at("/held_back/amount"), 0);
    let told = app.kinds(&deal.developer).await;
    assert!(told.iter().any(|kind| kind == "dispute.hold_ended"), "{told:?}");

    let arbitrator = app.staff("staff-theo", Permission::Reviewer).await;
    let rule = deal.ruling(1, 150_000, 300_000).await;
    deal.post_as(&arbitrator, &format!("{dispute}/award"), rule).await.assert_status(200);
    app.advance_days(6).await;
    assert_eq!(deal.state(&dispute).await, "executed");
    let decisions = deal.see(&deal.milestones[1]).await.at("/decisions");
    assert_eq!(decisions[1]["kind"], "holdback_freed");
    assert_eq!(decisions[2]["taken_back"]["amount"], 300_000 + 13_500);
    // Their bank has it, so that it cannot be reversed: they owe it.
    let developer = app.get("/v1/me").by(&deal.developer).expect(200).await.text_at("/id");
    let owed = AccountRef::of(
        AccountKind::DeveloperReceivable,
        developer.parse::<AccountId>().expect("an id").uuid(),
    );
    let owed = app.ctx().db.read(async |conn| assay_ledger::balance(conn, owed, Currency::USD).await).await;
    assert_eq!(owed.expect("a balance").amount, 300_000 + 13_500);
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn thirty_days_after_the_decision_it_is_too_late() {
    let deal = active(json!({})).await;
    let path = &deal.milestones[0];
    deal.deliver(0).await;
    deal.act(&deal.client, path, "accept", json!({})).await.assert_status(200);
    deal.app.advance_days(31).await;
    let client = deal.app.sign_in("carl-client").await;
    let late = deal.post_as(&client, &format!("{path}/disputes"), claim(0)).await;
    assert_eq!((late.status, late.at("/why_not/0/code")), (409, json!("dispute_in_time")), "{late}");
    deal.app.stop().await;
}

#[tokio::test]
async fn what_was_disputed_as_a_notice_ran_out_is_settled_when_it_is_taken_back() {
    let deal = active(json!({})).await;
    let dispute = deal.dispute(&deal.client, 0, 0).await;
    deal.post_as(&deal.developer, &format!("{dispute}/respond"), answer(AMOUNT)).await.assert_status(200);
    let reason = json!({ "reason": "The budget of the year is spent." });
    deal.act(&deal.client, &deal.contract, "give_notice", reason).await.assert_status(200);
    deal.app.advance_days(8).await;
    assert_eq!(deal.state(&deal.milestones[0]).await, "disputed");
    deal.post_as(&deal.client, &format!("{dispute}/withdraw"), json!(null)).await.assert_status(200);
    assert_eq!(deal.state(&deal.milestones[0]).await, "cancelled");
    assert_eq!(deal.state(&deal.contract).await, "completed");
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn a_dispute_is_for_its_sides_and_its_staff() {
    let deal = signed(json!({})).await;
    let app = &deal.app;
    let unpaid = deal.post_as(&deal.client, &format!("{}/disputes", deal.milestones[0]), claim(0)).await;
    assert_eq!((unpaid.status, unpaid.code().as_str()), (409, "state_conflict"), "nothing is held");
    deal.pay(0).await;
    let dispute = deal.dispute(&deal.client, 0, 0).await;
    let offer = json!({ "developer_amount": 1_000 });
    deal.post_as(&deal.developer, &format!("{dispute}/respond"), answer(AMOUNT)).await.assert_status(200);
    let offered = deal.post_as(&deal.developer, &format!("{dispute}/offers"), offer.clone()).await;
    let accept = format!("/v1/dispute_offers/{}/accept", offered.text_at("/offers/0/id"));

    let stranger = app.client("claire-client").await;
    let outsider = app.sign_up("dev-deniz", &["developer"]).await;
    let curator = app.staff("staff-kaya", Permission::Curator).await;
    let deciding = json!({ "outcome": "upheld", "reason": "The three shares sum to what it says." });
    let open = format!("{}/disputes", deal.milestones[0]);
    let appeal = json!({ "developer_amount": 1, "reason": "The three shares sum to one cent only." });
    for person in [&stranger, &outsider, &curator] {
        app.get(&dispute).by(person).expect(404).await;
        app.get(&format!("{}/disputes", deal.contract)).by(person).expect(404).await;
        for (path, body) in [
            (open.clone(), claim(0)),
            (format!("{dispute}/respond"), answer(0)),
            (format!("{dispute}/offers"), offer.clone()),
            (format!("{dispute}/escalate"), json!(null)),
            (format!("{dispute}/withdraw"), json!(null)),
            (format!("{dispute}/appeal"), appeal.clone()),
            (accept.clone(), json!(null)),
        ] {
            assert_eq!(deal.post_as(person, &path, body).await.status, 404, "{path}");
        }
        for verb in ["accept_proposal", "reject_proposal"] {
            let path = format!("{dispute}/{verb}");
            app.post(&path).by(person).if_match("*").expect(404).await;
        }
        for verb in ["propose", "award"] {
            let rule = deal.ruling(0, 0, AMOUNT).await;
            deal.post_as(person, &format!("{dispute}/{verb}"), rule).await.assert_status(403);
        }
        let path = format!("{dispute}/decide_appeal");
        app.post(&path).by(person).if_match("*").json(deciding.clone()).expect(403).await;
        app.get("/v1/disputes").by(person).expect(403).await;
    }
    // Staff who mediate do not open, answer or accept.
    let reviewer = app.staff("staff-ines", Permission::Reviewer).await;
    for (path, body) in [(format!("{dispute}/offers"), offer), (accept, json!(null))] {
        assert_eq!(deal.post_as(&reviewer, &path, body).await.status, 403, "{path}");
    }
    assert_eq!(deal.post_as(&reviewer, &open, claim(0)).await.status, 409);
    // Finance staff read.
    let finance = app.staff("staff-umar", Permission::Finance).await;
    assert_eq!(app.get(&dispute).by(&finance).expect(200).await.at("/allowed_actions"), json!([]));
    let process = app.get("/v1/process/dispute").by(&deal.client).expect(200).await;
    assert_eq!(process.at("/states").as_array().unwrap().len(), 12);
    deal.app.stop().await;
}
