//! The audit log.

use assay_kernel::Permission;
use assay_platform::audit;
use serde_json::json;

use crate::harness::{Person, TestApp};

async fn verify(app: &TestApp) -> Result<i64, String> {
    let verified = app.ctx().db.read(async |conn| audit::verify(conn).await).await;
    verified.map_err(|error| error.chain())
}

/// A log of six entries, at least.
async fn busy(app: &TestApp) -> Person {
    let rosa = app.staff("staff-rosa", Permission::Admin).await;
    let sam = app.sign_up("staff-sam", &["developer"]).await;
    for permission in ["curator", "reviewer", "finance"] {
        let grant =
            json!({ "permission": permission, "reason": format!("Joins, with the name “{permission}”.") });
        app.post(&format!("/v1/accounts/{}/permissions", sam.id)).by(&rosa).json(grant).expect(200).await;
    }
    let path = format!("/v1/accounts/{}/permissions/finance?reason=Left%20us", sam.id);
    app.delete(&path).by(&rosa).expect(200).await;
    let suspend = json!({ "reason_code": "other", "reason": "For the sake of the log." });
    app.post(&format!("/v1/accounts/{}/suspend", sam.id)).by(&rosa).json(suspend).expect(200).await;
    rosa
}

#[tokio::test]
async fn the_chain_holds_and_the_database_refuses_changes() {
    let app = TestApp::start().await;
    let rosa = busy(&app).await;
    let count = verify(&app).await.expect("a whole chain");
    assert_eq!(count, 6);
    for forbidden in [
        "UPDATE audit_log SET reason = 'nothing'",
        "UPDATE audit_log SET hash = hash",
        "DELETE FROM audit_log WHERE seq = 3",
        "TRUNCATE audit_log",
    ] {
        let refused = app.sql(forbidden).await.expect_err(forbidden);
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    assert_eq!(verify(&app).await, Ok(count));

    let first = app.get("/v1/audit?limit=4").by(&rosa).expect(200).await;
    let cursor = first.text_at("/next_cursor");
    let rest = app.get(&format!("/v1/audit?limit=4&cursor={cursor}")).by(&rosa).expect(200).await;
    let numbers: Vec<i64> = [first.at("/data"), rest.at("/data")]
        .iter()
        .flat_map(|page| page.as_array().unwrap().clone())
        .map(|entry| entry["seq"].as_i64().unwrap())
        .collect();
    assert_eq!(numbers, [6, 5, 4, 3, 2, 1]);
    // A cursor belongs to its filter.
    let other =
        app.get(&format!("/v1/audit?subject={}&cursor={cursor}", rosa.id)).by(&rosa).expect(400).await;
    assert_eq!(other.code(), "invalid_cursor");
}

#[tokio::test]
async fn whoever_gets_past_the_database_is_found_out() {
    for (tampering, found) in [
        ("UPDATE audit_log SET reason = 'Looks harmless.' WHERE seq = 4", "entry 4"),
        ("UPDATE audit_log SET data = '{}' WHERE seq = 2", "entry 2"),
        ("UPDATE audit_log SET actor = NULL WHERE seq = 5", "entry 5"),
        (
            "UPDATE audit_log SET occurred_at = occurred_at + interval '1 microsecond' WHERE seq = 1",
            "entry 1",
        ),
        ("DELETE FROM audit_log WHERE seq = 3", "entry 3"),
        (
            "UPDATE audit_log SET prev_hash = (SELECT hash FROM audit_log WHERE seq = 1) WHERE seq = 4",
            "entry 4",
        ),
    ] {
        let app = TestApp::start().await;
        busy(&app).await;
        app.sql("ALTER TABLE audit_log DISABLE TRIGGER ALL").await.expect("a superuser can");
        assert_eq!(app.sql(tampering).await.expect(tampering), 1);
        app.sql("ALTER TABLE audit_log ENABLE TRIGGER ALL").await.expect("and hide it");
        let told = verify(&app).await.expect_err(tampering);
        assert!(told.contains(found), "{tampering}: {told}");
    }
}

#[tokio::test]
async fn entries_written_at_once_make_one_chain() {
    let app = TestApp::start().await;
    let rosa = app.staff("staff-rosa", Permission::Admin).await;
    let sam = app.sign_up("staff-sam", &["developer"]).await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let path = |person: &Person| format!("/v1/accounts/{}/permissions", person.id);
    let grants = ["curator", "reviewer", "finance", "admin"].into_iter().flat_map(|permission| {
        [&sam, &dora].map(|person| {
            let grant = json!({ "permission": permission, "reason": "Joins." });
            app.post(&path(person)).by(&rosa).json(grant).expect(200)
        })
    });
    futures_util::future::join_all(grants).await;
    assert_eq!(verify(&app).await, Ok(9));
}
