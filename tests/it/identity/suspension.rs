//! Suspensions and appeals.

use assay_kernel::Permission;
use serde_json::json;

use crate::harness::{Answer, Person, TestApp};

const REASON: &str = "The portfolio shows the work of somebody else.";

async fn suspend(app: &TestApp, admin: &Person, account: &str) -> Answer {
    let input = json!({ "reason_code": "fraud", "reason": REASON });
    app.post(&format!("/v1/accounts/{account}/suspend")).by(admin).json(input).send().await
}

#[tokio::test]
async fn the_suspended_are_out_at_once_read_why_and_appeal() {
    let app = TestApp::start().await;
    // Rosa is admin and reviewer; Sam is a reviewer.
    app.staff("staff-rosa", Permission::Admin).await;
    let rosa = app.staff("staff-rosa", Permission::Reviewer).await;
    let sam = app.staff("staff-sam", Permission::Reviewer).await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let (token, _) = app.api_token(&dora, &["read"]).await;
    let (cookie, program) = (app.browser("dev-dora").await, app.walk_sign_in("dev-dora").await);
    let access = program.text_at("/access_token");

    assert_eq!(suspend(&app, &sam, &dora.id).await.status, 403);
    let own = suspend(&app, &rosa, &rosa.id).await;
    assert_eq!((own.status, own.code().as_str()), (403, "forbidden"));
    let done = suspend(&app, &rosa, &dora.id).await;
    assert_eq!((done.status, done.text_at("/status").as_str()), (200, "suspended"));
    assert_eq!(suspend(&app, &rosa, &dora.id).await.status, 409);

    app.with_cookie(app.get("/v1/me"), &cookie).expect(401).await;
    app.get("/v1/me").bearer(&access).expect(401).await;
    app.get("/v1/me").bearer(&token).expect(401).await;
    app.refresh(&program.text_at("/refresh_token")).expect(401).await;
    app.get(&format!("/v1/developers/{}", dora.id)).expect(404).await;

    let dora = app.sign_in("dev-dora").await;
    let me = app.get("/v1/me").by(&dora).expect(200).await;
    assert_eq!(me.text_at("/suspension/reason"), REASON);
    assert_eq!(me.text_at("/suspension/reason_code"), "fraud");
    assert!(me.at("/suspension/appeal").is_null());
    for refused in [
        app.get("/v1/organisations").by(&dora).expect(403).await,
        app.get("/v1/events").by(&dora).expect(403).await,
        app.patch("/v1/me").by(&dora).if_match(&me.etag()).json(json!({ "bio": "x" })).expect(403).await,
        app.post("/v1/me/sessions/revoke_all").by(&dora).expect(403).await,
    ] {
        assert_eq!(refused.code(), "account_suspended", "{refused}");
    }
    let up = super::sign_up_input(&app, &["developer"], "dora@mensah.example");
    app.post("/v1/me/sign_up").by(&dora).json(up).expect(403).await;

    let appeal = || app.post("/v1/me/suspension/appeal").by(&dora).key("a");
    let text = json!({ "text": "The commits are signed with my key." });
    let made = appeal().json(text.clone()).expect(201).await;
    let replayed = appeal().json(text.clone()).expect(201).await;
    assert_eq!((made.id(), replayed.header("idempotency-replayed")), (replayed.id(), Some("true")));
    let second = app.post("/v1/me/suspension/appeal").by(&dora).json(text).expect(409).await;
    assert_eq!(second.code(), "already_exists");

    let list = app.get("/v1/staff/suspension_appeals").by(&sam).expect(200).await;
    assert_eq!(list.at("/data").as_array().unwrap().len(), 1);
    let path = format!("/v1/suspension_appeals/{}", made.id());
    app.get(&path).by(&dora).expect(403).await;
    let seen = app.get(&path).by(&sam).expect(200).await;
    assert_eq!(seen.at("/allowed_actions"), json!(["uphold", "overturn"]));
    assert_eq!(seen.text_at("/reason"), REASON);
    let by_rosa = app.get(&path).by(&rosa).expect(200).await;
    assert_eq!(by_rosa.at("/allowed_actions"), json!([]));
    assert_eq!(by_rosa.at("/why_not/0/code"), "another_person");

    let decide = |person, decision: &str| {
        let input = json!({ "decision": decision, "reason": "The signatures were checked." });
        app.post(&format!("{path}/decide")).by(person).json(input)
    };
    let refused = decide(&rosa, "uphold").expect(409).await;
    assert_eq!(
        (refused.code(), refused.at("/why_not/0/code")),
        ("guard_failed".into(), json!("another_person"))
    );
    let decided = decide(&sam, "overturn").expect(200).await;
    assert_eq!(decided.text_at("/state"), "overturned");
    assert_eq!(decide(&sam, "uphold").expect(409).await.code(), "state_conflict");

    let me = app.get("/v1/me").by(&dora).expect(200).await;
    assert_eq!(me.text_at("/status"), "active");
    assert!(me.at("/suspension").is_null());
    app.get("/v1/organisations").by(&dora).expect(200).await;
    // What was ended stays ended.
    app.get("/v1/me").bearer(&token).expect(401).await;
    app.with_cookie(app.get("/v1/me"), &cookie).expect(401).await;

    let audit = app.get(&format!("/v1/audit?subject={}", dora.id)).by(&rosa).expect(200).await;
    let actions: Vec<_> =
        audit.at("/data").as_array().unwrap().iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(actions[..2], ["account.reinstate", "account.suspend"]);
    assert_eq!(audit.at("/data/1/reason"), REASON);
    app.stop().await;
}

#[tokio::test]
async fn an_appeal_may_fail_or_become_moot() {
    let app = TestApp::start().await;
    let rosa = app.staff("staff-rosa", Permission::Admin).await;
    let sam = app.staff("staff-sam", Permission::Reviewer).await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let innocent = json!({ "text": "It was not me, I swear." });
    let refused = app.post("/v1/me/suspension/appeal").by(&dora).json(innocent.clone()).expect(409).await;
    assert_eq!(refused.code(), "state_conflict");

    suspend(&app, &rosa, &dora.id).await.assert_status(200);
    let dora = app.sign_in("dev-dora").await;
    let appeal = app.post("/v1/me/suspension/appeal").by(&dora).json(innocent.clone()).expect(201).await;
    let path = format!("/v1/suspension_appeals/{}/decide", appeal.id());
    let uphold = json!({ "decision": "uphold", "reason": "The signatures are of another key." });
    app.post(&path).by(&sam).json(uphold).expect(200).await;
    let me = app.get("/v1/me").by(&dora).expect(200).await;
    assert_eq!(me.text_at("/status"), "suspended");
    assert_eq!(me.text_at("/suspension/appeal/answer"), "The signatures are of another key.");
    app.post("/v1/me/suspension/appeal").by(&dora).json(innocent.clone()).expect(409).await;

    let back = json!({ "reason": "Settled by mail." });
    let reinstate = format!("/v1/accounts/{}/reinstate", dora.id);
    let again = app.post(&reinstate).by(&rosa).json(back.clone()).expect(200).await;
    assert_eq!(again.text_at("/status"), "active");
    app.post(&reinstate).by(&rosa).json(back.clone()).expect(409).await;

    // A new suspension has an appeal of its own, which ends when staff change their mind.
    suspend(&app, &rosa, &dora.id).await.assert_status(200);
    let dora = app.sign_in("dev-dora").await;
    let appeal = app.post("/v1/me/suspension/appeal").by(&dora).json(innocent).expect(201).await;
    app.post(&reinstate).by(&rosa).json(back).expect(200).await;
    let moot = app.get(&format!("/v1/suspension_appeals/{}", appeal.id())).by(&sam).expect(200).await;
    assert_eq!((moot.text_at("/state"), moot.at("/allowed_actions")), ("moot".into(), json!([])));
    app.stop().await;
}

#[tokio::test]
async fn somebody_who_never_signed_up_stays_pending_after_a_suspension() {
    let app = TestApp::start().await;
    let rosa = app.staff("staff-rosa", Permission::Admin).await;
    let fresh = app.sign_in("dev-dora").await;
    suspend(&app, &rosa, &fresh.id).await.assert_status(200);
    let fresh = app.sign_in("dev-dora").await;
    let up = super::sign_up_input(&app, &["developer"], "dora@mensah.example");
    let refused = app.post("/v1/me/sign_up").by(&fresh).json(up.clone()).expect(403).await;
    assert_eq!(refused.code(), "account_suspended");
    let back = json!({ "reason": "A mistake." });
    app.post(&format!("/v1/accounts/{}/reinstate", fresh.id)).by(&rosa).json(back).expect(200).await;
    assert_eq!(app.get("/v1/me").by(&fresh).expect(200).await.text_at("/status"), "pending");
    app.post("/v1/me/sign_up").by(&fresh).json(up).expect(200).await;
}

#[tokio::test]
async fn a_suspended_admin_is_no_admin() {
    let app = TestApp::start().await;
    let rosa = app.staff("staff-rosa", Permission::Admin).await;
    let sam = app.staff("staff-sam", Permission::Admin).await;
    suspend(&app, &rosa, &sam.id).await.assert_status(200);
    let sam = app.sign_in("staff-sam").await;
    let refused = app.get("/v1/audit").by(&sam).expect(403).await;
    assert_eq!(refused.code(), "account_suspended");
    assert_eq!(suspend(&app, &sam, &rosa.id).await.status, 403);
    let grant = json!({ "permission": "curator", "reason": "For a test." });
    app.post(&format!("/v1/accounts/{}/permissions", sam.id)).by(&rosa).json(grant).expect(409).await;
}

#[tokio::test]
async fn two_admins_who_suspend_each_other_leave_one() {
    for _ in 0..3 {
        let app = TestApp::start().await;
        let rosa = app.staff("staff-rosa", Permission::Admin).await;
        let sam = app.staff("staff-sam", Permission::Admin).await;
        let (a, b) = futures_util::join!(suspend(&app, &rosa, &sam.id), suspend(&app, &sam, &rosa.id));
        let done = [&a, &b].iter().filter(|answer| answer.status == 200).count();
        assert_eq!(done, 1, "{a}\n{b}");
    }
}
