//! Staff permissions.

use std::time::Duration;

use assay_kernel::Permission;
use serde_json::json;

use crate::harness::{Call, Person, TestApp};

fn grant<'a>(app: &'a TestApp, by: &'a Person, account: &str, permission: &str) -> Call<'a> {
    let input = json!({ "permission": permission, "reason": "Joins the team." });
    app.post(&format!("/v1/accounts/{account}/permissions")).by(by).json(input)
}

fn revoke<'a>(app: &'a TestApp, by: &'a Person, account: &str, permission: &str) -> Call<'a> {
    app.delete(&format!("/v1/accounts/{account}/permissions/{permission}?reason=Left%20us")).by(by)
}

#[tokio::test]
async fn admins_make_and_unmake_staff_on_the_record() {
    let app = TestApp::start().await;
    let rosa = app.staff("staff-rosa", Permission::Admin).await;
    let sam = app.sign_up("staff-sam", &["developer"]).await;
    let queue = "/v1/staff/organisations";
    app.get(queue).by(&sam).expect(403).await;
    let granted = grant(&app, &rosa, &sam.id, "curator").expect(200).await;
    assert_eq!(granted.at("/permissions"), json!(["curator"]));
    // The next request knows, with the token from before.
    app.get(queue).by(&sam).expect(200).await;
    assert_eq!(app.get("/v1/me").by(&sam).expect(200).await.at("/permissions"), json!(["curator"]));
    // A curator is no admin, nor is a reviewer's work theirs.
    app.get("/v1/audit").by(&sam).expect(403).await;
    app.get("/v1/staff/suspension_appeals").by(&sam).expect(403).await;
    assert_eq!(grant(&app, &sam, &sam.id, "admin").expect(403).await.code(), "forbidden");

    let twice = grant(&app, &rosa, &sam.id, "curator").expect(409).await;
    assert_eq!(twice.code(), "already_exists");
    grant(&app, &rosa, &sam.id, "emperor").expect(422).await;
    grant(&app, &rosa, "acc_00000000000000000000000000000001", "curator").expect(404).await;
    grant(&app, &rosa, "junk", "curator").expect(404).await;
    let mute = json!({ "permission": "finance", "reason": "" });
    app.post(&format!("/v1/accounts/{}/permissions", sam.id)).by(&rosa).json(mute).expect(422).await;

    revoke(&app, &rosa, &sam.id, "curator").expect(200).await;
    app.get(queue).by(&sam).expect(403).await;
    revoke(&app, &rosa, &sam.id, "curator").expect(404).await;
    app.delete(&format!("/v1/accounts/{}/permissions/curator", sam.id)).by(&rosa).expect(400).await;
    app.delete(&format!("/v1/accounts/{}/permissions/curator?reason=x", sam.id)).by(&rosa).expect(400).await;

    let audit = app.get(&format!("/v1/audit?subject={}", sam.id)).by(&rosa).expect(200).await;
    let entries = audit.at("/data").as_array().unwrap().clone();
    assert_eq!(entries.len(), 2, "refused attempts are not acts: {audit}");
    assert_eq!(
        (&entries[0]["action"], &entries[0]["reason"]),
        (&json!("permission.revoke"), &json!("Left us"))
    );
    assert_eq!((&entries[1]["action"], &entries[1]["actor"]), (&json!("permission.grant"), &json!(rosa.id)));
    assert_eq!(entries[1]["data"], json!({ "permission": "curator" }));
}

#[tokio::test]
async fn nobody_changes_their_own_permissions() {
    let app = TestApp::start().await;
    let rosa = app.staff("staff-rosa", Permission::Admin).await;
    for refused in [
        grant(&app, &rosa, &rosa.id, "finance").expect(403).await,
        revoke(&app, &rosa, &rosa.id, "admin").expect(403).await,
    ] {
        assert_eq!(refused.code(), "forbidden");
    }
    assert_eq!(app.get("/v1/me").by(&rosa).expect(200).await.at("/permissions"), json!(["admin"]));
}

#[tokio::test]
async fn permissions_need_a_recent_sign_in() {
    let app = TestApp::start().await;
    app.staff("staff-rosa", Permission::Admin).await;
    let sam = app.sign_up("staff-sam", &["developer"]).await;
    let cookie = app.browser("staff-rosa").await;
    app.advance(Duration::from_secs(11 * 60)).await;
    let path = format!("/v1/accounts/{}/permissions", sam.id);
    let input = json!({ "permission": "curator", "reason": "Joins the team." });
    let refused = app.with_cookie(app.post(&path), &cookie).json(input).expect(403).await;
    assert_eq!(refused.code(), "reauthentication_required");
    let gone = app.with_cookie(app.delete(&format!("{path}/curator?reason=Left%20us")), &cookie);
    assert_eq!(gone.expect(403).await.code(), "reauthentication_required");
    // Reading needs none.
    app.with_cookie(app.get("/v1/audit"), &cookie).expect(200).await;
}

#[tokio::test]
async fn two_admins_who_dismiss_each_other_leave_one() {
    for _ in 0..4 {
        let app = TestApp::start().await;
        let rosa = app.staff("staff-rosa", Permission::Admin).await;
        let sam = app.staff("staff-sam", Permission::Admin).await;
        let (a, b) = futures_util::join!(
            revoke(&app, &rosa, &sam.id, "admin").send(),
            revoke(&app, &sam, &rosa.id, "admin").send(),
        );
        let done = [&a, &b].iter().filter(|answer| answer.status == 200).count();
        assert_eq!(done, 1, "{a}\n{b}");
        let left = if a.status == 200 { &rosa } else { &sam };
        app.get("/v1/audit").by(left).expect(200).await;
    }
}
