//! Each route has a number of SQL statements, whatever it shows: nothing asks once more for each row.

use serde_json::json;

use super::{bid_on, complete};
use crate::harness::{Answer, TestApp};

fn count(answer: &Answer) -> u32 {
    answer.header("x-db-statements").expect("the sandbox tells").parse().expect("a number")
}

#[tokio::test]
async fn statements_do_not_grow_with_what_is_shown() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let developer = app.developer("dev-dora").await;
    let project = app.listed(&client, complete("Reconcile three ledgers")).await;
    let path = format!("/v1/projects/{}", project["id"].as_str().unwrap());
    let bids = format!("{path}/bids");
    let bid = app.post(&bids).by(&developer).json(bid_on(&project)).expect(201).await;

    let routes: Vec<(String, bool)> = vec![
        (path.clone(), false),
        ("/v1/projects?limit=100".into(), false),
        ("/v1/projects?skills=rust&limit=100".into(), false),
        ("/v1/projects?skills=rust,postgresql&match=all&limit=100".into(), false),
        ("/v1/projects?q=ledgers&limit=100".into(), false),
        (path.clone(), true),
        ("/v1/me/projects?limit=100".into(), true),
        (format!("{bids}?compare&limit=100"), true),
        (format!("/v1/bids/{}", bid.id()), true),
        (format!("{path}/decisions"), true),
        ("/v1/events?limit=100".into(), true),
        ("/v1/me".into(), true),
    ];
    let measure = async || {
        let mut counts = Vec::new();
        for (route, signed_in) in &routes {
            let call = if *signed_in { app.get(route).by(&client) } else { app.get(route) };
            counts.push(count(&call.expect(200).await));
        }
        counts
    };
    let few = measure().await;
    // The anonymous reads are one statement each; a signed-in caller costs one more.
    assert_eq!(&few[..5], [1, 1, 1, 1, 1]);
    assert!(few.iter().all(|count| *count <= 9), "{few:?}");

    for n in 0..4 {
        app.listed(&client, complete(&format!("Reconcile ledger number {n}"))).await;
    }
    for (_, cookie) in app.crowd(6).await {
        app.with_cookie(app.post(&bids), &cookie).json(bid_on(&project)).expect(201).await;
    }
    app.work().await;
    assert_eq!(measure().await, few);

    let (_, cookie) = app.crowd_from(100, 1).await.remove(0);
    let placed = app.with_cookie(app.post(&bids), &cookie).json(bid_on(&project)).expect(201).await;
    // Who asks; begin; the project and the bidder; places, bid and revision; the event; commit.
    assert_eq!(count(&placed), 6, "{}", json!(few));
}

#[tokio::test]
async fn requests_that_are_read_together_each_get_their_own_answer() {
    let app = TestApp::start().await;
    let client = app.client("carl-client").await;
    let mut paths = Vec::new();
    for n in 0..4 {
        let project = app.listed(&client, complete(&format!("Reconcile ledger number {n}"))).await;
        paths.push(format!("/v1/projects/{}", project["id"].as_str().unwrap()));
    }
    let draft = app
        .post(&format!("/v1/organisations/{}/projects", client.organisation()))
        .by(&client)
        .json(complete("Not shown to strangers"))
        .expect(201)
        .await;
    let hidden = format!("/v1/projects/{}", draft.id());
    let unknown = "/v1/projects/prj_00000000000070008000000000000000";
    let strangers = (0..60).map(|n| app.get(&paths[n % 4]).send());
    let refused = (0..20).map(|n| app.get(if n % 2 == 0 { &hidden } else { unknown }).send());
    let crowd = app.crowd(6).await;
    let people =
        crowd.iter().cycle().take(30).map(|(_, cookie)| app.with_cookie(app.get("/v1/me"), cookie).send());
    let wrong = (0..10).map(|_| app.with_cookie(app.get("/v1/me"), "not-a-session").send());
    let (shown, refused, people, wrong) = futures_util::join!(
        futures_util::future::join_all(strangers),
        futures_util::future::join_all(refused),
        futures_util::future::join_all(people),
        futures_util::future::join_all(wrong),
    );
    for (n, answer) in shown.iter().enumerate() {
        answer.assert_status(200);
        assert_eq!(format!("/v1/projects/{}", answer.id()), paths[n % 4]);
    }
    refused.iter().for_each(|answer| answer.assert_status(404));
    for (answer, (id, _)) in people.iter().zip(crowd.iter().cycle()) {
        answer.assert_status(200);
        assert_eq!(answer.id(), *id);
    }
    wrong.iter().for_each(|answer| answer.assert_status(401));
}
