//! Contracts that end early.

use serde_json::json;

use super::{active, signed};

fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

#[tokio::test]
async fn both_agree_to_end_it_and_share() {
    let deal = active(json!({})).await;
    let path = &deal.milestones[0];
    deal.deliver(0).await;
    let share = |amount: i64| {
        json!({ "reason": "The company is wound up this month.",
        "shares": [{ "milestone_id": id(path), "amount": amount }] })
    };
    let over = deal.act(&deal.developer, &deal.contract, "propose_termination", share(630_001)).await;
    assert_eq!((over.status, over.at("/errors/0/pointer")), (422, json!("/shares/0/amount")));
    deal.act(&deal.developer, &deal.contract, "propose_termination", share(250_000)).await.assert_status(200);
    let own = deal.act(&deal.developer, &deal.contract, "accept_termination", json!(null)).await;
    assert_eq!((own.status, own.at("/why_not/0/code")), (409, json!("asked_of_you")));
    let ended = deal.act(&deal.client, &deal.contract, "accept_termination", json!(null)).await;
    ended.assert_status(200);
    assert_eq!(ended.text_at("/state"), "terminated_mutual");
    assert_eq!(deal.state(&deal.project).await, "ended");
    let settled = deal.see(path).await;
    assert_eq!(settled.text_at("/state"), "accepted_partial");
    assert_eq!(
        (settled.at("/released/amount"), settled.at("/refunded/amount")),
        (json!(250_000), json!(380_000))
    );
    assert_eq!(deal.state(&deal.milestones[1]).await, "cancelled");
    deal.onboard().await;
    deal.settle_days(6).await;
    assert_eq!(deal.transfers(&deal.developer).await, ["paid"]);
    assert_eq!(deal.refunds(&deal.client).await, ["succeeded"]);
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn a_proposal_is_declined_or_expires() {
    let deal = active(json!({})).await;
    let ending = json!({ "reason": "The company is wound up this month." });
    for expires in [false, true] {
        deal.act(&deal.client, &deal.contract, "propose_termination", ending.clone())
            .await
            .assert_status(200);
        let twice = deal.act(&deal.developer, &deal.contract, "propose_termination", ending.clone()).await;
        assert_eq!((twice.status, twice.at("/why_not/0/code")), (409, json!("no_open_proposal")));
        if expires {
            deal.app.advance_days(8).await;
        } else {
            deal.act(&deal.developer, &deal.contract, "decline_termination", json!(null))
                .await
                .assert_status(200);
        }
        assert_eq!(deal.see(&deal.contract).await.at("/proposal"), json!(null));
    }
    deal.app.stop().await;
}

/// Both agreed on no share of it; disputing it meanwhile does not change that.
#[tokio::test]
async fn what_was_disputed_at_a_mutual_end_is_settled_as_agreed() {
    let deal = active(json!({})).await;
    let path = &deal.milestones[0];
    deal.deliver(0).await;
    let ending = json!({ "reason": "The product was sold to somebody else." });
    deal.act(&deal.client, &deal.contract, "propose_termination", ending).await.assert_status(200);
    let dispute = deal.dispute(&deal.developer, 0, 630_000).await;
    deal.act(&deal.developer, &deal.contract, "accept_termination", json!(null)).await.assert_status(200);
    assert_eq!(deal.state(path).await, "disputed");
    deal.post_as(&deal.developer, &format!("{dispute}/withdraw"), json!(null)).await.assert_status(200);
    let seen = deal.see(path).await;
    assert_eq!((seen.text_at("/state"), seen.at("/refunded/amount")), ("cancelled".into(), json!(630_000)));
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn ending_for_a_cause_takes_nothing_from_what_was_delivered() {
    let deal = signed(json!({})).await;
    deal.pay(0).await;
    deal.pay(1).await;
    deal.deliver(0).await;
    let (delivered, begun) = (&deal.milestones[0], &deal.milestones[1]);
    let ending = |path: &str| {
        json!({ "reason": "Deadlines were missed again and again.",
        "shares": [{ "milestone_id": id(path), "amount": 100_000 }] })
    };
    let wrong = deal.act(&deal.client, &deal.contract, "terminate_for_cause", ending(delivered)).await;
    assert_eq!(wrong.status, 422, "{wrong}");
    let greedy = deal.act(&deal.developer, &deal.contract, "terminate_for_cause", ending(begun)).await;
    assert_eq!(greedy.at("/errors/0/code"), "not_allowed");
    deal.act(&deal.client, &deal.contract, "terminate_for_cause", ending(begun)).await.assert_status(200);
    let settled = deal.see(begun).await;
    assert_eq!(settled.text_at("/state"), "accepted_partial");
    assert_eq!(
        (settled.at("/released/amount"), settled.at("/refunded/amount")),
        (json!(100_000), json!(350_000))
    );
    assert_eq!(deal.state(delivered).await, "delivered");
    deal.assert_whole().await;
    deal.app.advance_days(11).await;
    assert_eq!(deal.state(delivered).await, "auto_accepted");
    assert_eq!(deal.state(&deal.contract).await, "terminated_for_cause");
    deal.app.stop().await;
}

#[tokio::test]
async fn notice_leaves_five_business_days() {
    let deal = active(json!({})).await;
    let reason = json!({ "reason": "The budget of the year is spent." });
    let given = deal.act(&deal.client, &deal.contract, "give_notice", reason).await;
    assert_eq!(given.text_at("/state"), "completing");
    let fund = deal.fund(&[&deal.milestones[1]]).await;
    assert_eq!(fund.status, 409, "nothing new is paid: {fund}");
    deal.deliver(0).await;
    deal.app.advance_days(8).await;
    assert_eq!(deal.state(&deal.milestones[1]).await, "cancelled");
    assert_eq!(deal.state(&deal.milestones[0]).await, "delivered", "what was delivered is reviewed");
    deal.app.advance_days(3).await;
    assert_eq!(deal.state(&deal.contract).await, "completed");
    deal.assert_whole().await;
    deal.app.stop().await;
}

#[tokio::test]
async fn a_pause_moves_the_dates() {
    let deal = active(json!({})).await;
    let path = &deal.milestones[0];
    let due = deal.see(path).await.text_at("/due_at");
    let reason = json!({ "reason": "The data come a week later." });
    deal.act(&deal.developer, &deal.contract, "pause", reason).await.assert_status(200);
    deal.app.advance_days(7).await;
    deal.act(&deal.client, &deal.contract, "resume", json!(null)).await.assert_status(200);
    let parse = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!((parse(&deal.see(path).await.text_at("/due_at")) - parse(&due)).num_days(), 7);
    deal.app.stop().await;
}
