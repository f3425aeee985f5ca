//! Offers, counter-offers, acceptance, and what happens when both sides act at once.

use serde_json::json;

use super::{bid_on, complete};
use crate::harness::{Answer, Person, TestApp};

struct Case {
    app: TestApp,
    client: Person,
    developer: Person,
    rival: Person,
    project: String,
    bid: String,
    rival_bid: String,
}

/// A listed project with two bids, one of them on the short list.
async fn case() -> Case {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let developer = app.developer("dev-dora").await;
    let rival = app.developer("dev-deniz").await;
    let listed = app.listed(&client, complete("Reconcile three ledgers")).await;
    let project = format!("/v1/projects/{}", listed["id"].as_str().unwrap());
    let bids = format!("{project}/bids");
    let bid = app.post(&bids).by(&developer).json(bid_on(&listed)).expect(201).await.id();
    let rival_bid = app.post(&bids).by(&rival).json(bid_on(&listed)).expect(201).await.id();
    let (bid, rival_bid) = (format!("/v1/bids/{bid}"), format!("/v1/bids/{rival_bid}"));
    app.act(&client, &bid, "shortlist").await.assert_status(200);
    assert_eq!(app.get(&project).expect(200).await.text_at("/state"), "shortlisting");
    Case { app, client, developer, rival, project, bid, rival_bid }
}

impl Case {
    async fn state(&self, person: &Person, path: &str) -> String {
        self.app.get(path).by(person).expect(200).await.text_at("/state")
    }

    async fn offer(&self) -> Answer {
        let offered = self
            .app
            .act_with(&self.client, &self.bid, "offer", json!({ "message": "Please start early." }))
            .await;
        offered.assert_status(200);
        offered
    }
}

#[tokio::test]
async fn an_offer_is_countered_accepted_and_awards_the_project() {
    let case = case().await;
    let app = &case.app;
    let offered = case.offer().await;
    assert_eq!(offered.text_at("/state"), "offered");
    let other = app.act_with(&case.client, &case.rival_bid, "offer", json!({})).await;
    assert_eq!((other.status, other.at("/why_not/0/code")), (409, json!("no_other_offer")));
    let revise = app
        .patch(&case.bid)
        .by(&case.developer)
        .if_match(&offered.etag())
        .json(json!({ "risks": [] }))
        .send()
        .await;
    assert_eq!((revise.status, revise.code().as_str()), (409, "state_conflict"));

    let countered =
        app.act_with(&case.developer, &case.bid, "counter", json!({ "starts_on": "2027-03-15" })).await;
    assert_eq!(countered.text_at("/state"), "countered");
    assert_eq!(countered.at("/offers/0/state"), "countered");
    assert_eq!(countered.at("/offers/1/made_by"), "developer");
    let own = app.act(&case.developer, &case.bid, "accept_offer").await;
    assert_eq!(own.status, 403, "nobody accepts their own offer: {own}");
    let accepted = app.act(&case.client, &case.bid, "accept_offer").await;
    accepted.assert_status(200);
    assert_eq!(accepted.text_at("/state"), "accepted");
    assert_eq!(accepted.at("/starts_on"), "2027-03-15");

    assert_eq!(case.state(&case.client, &case.project).await, "awarded");
    assert_eq!(case.state(&case.rival, &case.rival_bid).await, "closed");
    assert_eq!(app.get("/v1/projects").expect(200).await.at("/data"), json!([]));
    app.work().await;
    let feed = app.get("/v1/events?limit=100").by(&case.rival).expect(200).await;
    assert!(feed.text.contains("bid.closed") && !feed.text.contains("offer.accepted"));
    let feed = app.get("/v1/events?limit=100").by(&case.developer).expect(200).await;
    assert!(feed.text.contains("offer.accepted"));
}

#[tokio::test]
async fn six_counters_are_the_most() {
    let case = case().await;
    case.offer().await;
    for round in 0..6 {
        let person = if round % 2 == 0 { &case.developer } else { &case.client };
        case.app.act_with(person, &case.bid, "counter", json!({})).await.assert_status(200);
    }
    let seventh = case.app.act_with(&case.developer, &case.bid, "counter", json!({})).await;
    assert_eq!((seventh.status, seventh.at("/why_not/0/code")), (409, json!("counters_left")));
    case.app.act(&case.developer, &case.bid, "accept_offer").await.assert_status(200);
}

#[tokio::test]
async fn an_offer_is_declined_or_rescinded_and_the_bid_stays_on_the_short_list() {
    let case = case().await;
    case.offer().await;
    let declined = case.app.act(&case.developer, &case.bid, "decline_offer").await;
    assert_eq!(declined.text_at("/state"), "shortlisted");
    assert_eq!(declined.at("/offers/0/state"), "declined");
    case.offer().await;
    let rescinded = case.app.act(&case.client, &case.bid, "rescind_offer").await;
    assert_eq!(
        (rescinded.text_at("/state"), rescinded.at("/offers/1/state")),
        ("shortlisted".into(), json!("rescinded"))
    );
}

#[tokio::test]
async fn an_unanswered_offer_ends_after_seven_days() {
    let case = case().await;
    case.offer().await;
    case.app.advance_days(6).await;
    assert_eq!(case.state(&case.developer, &case.bid).await, "offered");
    case.app.advance_days(1).await;
    let ended = case.app.get(&case.bid).by(&case.developer).expect(200).await;
    assert_eq!(
        (ended.text_at("/state"), ended.at("/offers/0/state")),
        ("shortlisted".into(), json!("expired"))
    );
}

#[tokio::test]
async fn accepting_and_rescinding_at_once_has_one_effect() {
    for _ in 0..5 {
        let case = case().await;
        let tag = case.offer().await.etag();
        let post = |person, verb: &str| {
            case.app.post(&format!("{}/{verb}", case.bid)).by(person).if_match(&tag).send()
        };
        let (accept, rescind, withdraw) = futures_util::join!(
            post(&case.developer, "accept_offer"),
            post(&case.client, "rescind_offer"),
            post(&case.developer, "withdraw"),
        );
        let done = [&accept, &rescind, &withdraw].iter().filter(|answer| answer.status == 200).count();
        assert_eq!(done, 1, "{accept}\n{rescind}\n{withdraw}");
        let project = case.state(&case.client, &case.project).await;
        assert_eq!(project == "awarded", accept.status == 200);
    }
}

#[tokio::test]
async fn two_developers_cannot_both_be_awarded() {
    let case = case().await;
    let app = &case.app;
    case.offer().await;
    // A second offer is refused while the first is open, in whatever order the two arrive.
    let tag = app.get(&case.rival_bid).by(&case.client).expect(200).await.etag();
    let offers = (0..4).map(|_| {
        app.post(&format!("{}/offer", case.rival_bid)).by(&case.client).if_match(&tag).json(json!({})).send()
    });
    for answer in futures_util::future::join_all(offers).await {
        assert_eq!(answer.status, 409, "{answer}");
    }
    let tag = app.get(&case.bid).by(&case.developer).expect(200).await.etag();
    let accepts = (0..6)
        .map(|_| app.post(&format!("{}/accept_offer", case.bid)).by(&case.developer).if_match(&tag).send());
    let answers = futures_util::future::join_all(accepts).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}

#[tokio::test]
async fn a_hirer_stays_within_the_spending_limit() {
    let case = case().await;
    let app = &case.app;
    let members = format!("/v1/organisations/{}/members", case.client.organisation());
    let hirer = app.sign_up("claire-client", &["client"]).await;
    let invitations = format!("/v1/organisations/{}/invitations", case.client.organisation());
    let email = app.get("/v1/me").by(&hirer).expect(200).await.text_at("/contact_email");
    let invite = json!({ "email": email, "role": "hirer", "spending_limit": { "amount": 1_000_000, "currency": "USD" } });
    app.post(&invitations).by(&case.client).json(invite).expect(201).await;
    app.work().await;
    let token = app.invitation_token().await;
    app.post("/v1/organisation_invitations/accept")
        .by(&hirer)
        .json(json!({ "token": token }))
        .expect(200)
        .await;
    let listed = app.get(&members).by(&case.client).expect(200).await;
    assert_eq!(listed.at("/data").as_array().unwrap().len(), 2);

    let refused = app.act_with(&hirer, &case.bid, "offer", json!({})).await;
    assert_eq!((refused.status, refused.at("/why_not/0/code")), (409, json!("within_spending_limit")));
    let shown = app.get(&case.bid).by(&hirer).expect(200).await;
    assert!(!shown.at("/allowed_actions").as_array().unwrap().contains(&json!("offer")));
}
