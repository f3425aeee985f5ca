//! The right to bid.

use assay_kernel::Permission;
use serde_json::{Value, json};

use crate::harness::{Call, Person, TestApp};

fn grant<'a>(app: &'a TestApp, by: &'a Person, account: &str) -> Call<'a> {
    let input = json!({ "account_id": account, "reason": "Two interviews, all good." });
    app.post("/v1/approvals").by(by).json(input)
}

#[tokio::test]
async fn an_admin_gives_and_takes_the_right_to_bid() {
    let app = TestApp::start().await;
    let rosa = app.staff("staff-rosa", Permission::Admin).await;
    let sam = app.staff("staff-sam", Permission::Reviewer).await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let deniz = app.sign_up("dev-deniz", &["developer"]).await;
    app.get("/v1/me/approval").by(&dora).expect(404).await;
    for person in [&dora, &sam] {
        assert_eq!(grant(&app, person, &dora.id).expect(403).await.code(), "forbidden");
    }
    assert_eq!(grant(&app, &rosa, &rosa.id).expect(403).await.code(), "forbidden");
    let client = app.sign_up("carl-client", &["client"]).await;
    let fresh = app.sign_in("ada-oss").await;
    for account in [client.id.as_str(), &fresh.id, "acc_00000000000000000000000000000001"] {
        let refused = grant(&app, &rosa, account).expect(422).await;
        assert_eq!(refused.at("/errors/0/pointer"), "/account_id");
    }

    let tries = (0..4).map(|_| grant(&app, &rosa, &dora.id).send());
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert!(
        answers.iter().filter(|answer| answer.status != 201).all(|answer| answer.code() == "already_exists")
    );

    let mine = app.get("/v1/me/approval").by(&dora).expect(200).await;
    assert_eq!((mine.text_at("/state"), mine.at("/staff")), ("active".into(), Value::Null));
    assert_eq!(mine.at("/allowed_actions"), json!([]));
    let path = format!("/v1/approvals/{}", mine.id());
    app.get(&path).by(&deniz).expect(404).await;
    let seen = app.get(&path).by(&rosa).expect(200).await;
    assert_eq!(seen.text_at("/staff/reason"), "Two interviews, all good.");
    assert_eq!(seen.at("/allowed_actions"), json!(["revoke"]));

    let take = |person| app.post(&format!("{path}/revoke")).by(person);
    let reason = json!({ "reason": "The portfolio was another person's." });
    take(&rosa).json(reason.clone()).expect(428).await;
    take(&rosa).if_match(&seen.etag()).json(json!({ "reason": "no" })).expect(422).await;
    take(&sam).if_match(&seen.etag()).json(reason.clone()).expect(403).await;
    let taken = take(&rosa).if_match(&seen.etag()).json(reason.clone()).expect(200).await;
    assert_eq!(taken.text_at("/state"), "revoked");
    take(&rosa).if_match(&seen.etag()).json(reason.clone()).expect(412).await;
    take(&rosa).if_match(&taken.etag()).json(reason).expect(409).await;
    let mine = app.get("/v1/me/approval").by(&dora).expect(200).await;
    assert_eq!(mine.text_at("/revoke_reason"), "The portfolio was another person's.");
    // A second chance is a new approval.
    grant(&app, &rosa, &dora.id).expect(201).await;
    let all = app.get(&format!("/v1/staff/approvals?account_id={}", dora.id)).by(&sam).expect(200).await;
    assert_eq!(all.at("/data").as_array().unwrap().len(), 2);
    app.get("/v1/staff/approvals").by(&dora).expect(403).await;
    app.stop().await;
}

#[tokio::test]
async fn an_approval_ends_with_its_term_once() {
    let app = TestApp::start().await;
    let rosa = app.staff("staff-rosa", Permission::Admin).await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let first = grant(&app, &rosa, &dora.id).expect(201).await;
    app.advance_days(500).await;
    assert_eq!(app.get("/v1/me/approval").by(&dora).expect(200).await.text_at("/state"), "active");
    app.advance_days(49).await;
    app.work().await;
    let ended = app.get(&format!("/v1/approvals/{}", first.id())).by(&dora).expect(200).await;
    assert_eq!((ended.text_at("/state"), ended.at("/version")), ("expired".into(), json!(2)));
    let events = app.get("/v1/events?limit=100").by(&dora).expect(200).await.at("/data");
    let expired = events.as_array().unwrap().iter().filter(|one| one["kind"] == "approval.expired");
    assert_eq!(expired.count(), 1);

    // A timer that is late does not stand in the way of the next approval.
    let second = grant(&app, &rosa, &dora.id).expect(201).await;
    app.post("/sandbox/clock").json(json!({ "advance": "P549D" })).expect(200).await;
    let third = grant(&app, &rosa, &dora.id).expect(201).await;
    app.work().await;
    let state = async |id: &str| {
        app.get(&format!("/v1/approvals/{id}")).by(&dora).expect(200).await.text_at("/state")
    };
    assert_eq!(state(&second.id()).await, "expired");
    assert_eq!(state(&third.id()).await, "active");
    app.stop().await;
}
