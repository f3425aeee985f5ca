//! An open contract keeps people from assessing one another.

use chrono::SecondsFormat;
use serde_json::json;

use super::drawn_up;
use crate::assessments::uuid_of;

#[tokio::test]
async fn who_is_under_contract_with_the_candidate_is_no_assessor_of_theirs() {
    let deal = drawn_up(json!({})).await;
    let app = &deal.app;
    let (ines, theo) = (app.assessor("staff-ines").await, app.assessor("staff-theo").await);
    let (candidate, application) = app.ready("dev-deniz").await;
    let path = app.requested(&candidate, &application).await;
    let start = app.whole_hour(3);
    let at = start.to_rfc3339_opts(SecondsFormat::Secs, true);
    let rosa = app.reviewer().await;
    let explain = async || app.get(&format!("{path}/explain?starts_at={at}")).by(&rosa).expect(200).await;
    assert_eq!(explain().await.at("/offered"), true);

    // One of the client's people assesses; the candidate is the developer, as one who is assessed anew would be.
    app.sql(&format!("UPDATE contracts SET developer_id = '{}'", uuid_of(&candidate))).await.unwrap();
    app.sql(&format!(
        "INSERT INTO organisation_members (organisation_id, account_id, role, created_at)
         SELECT organisation_id, '{}', 'viewer', now() FROM contracts",
        uuid_of(&ines)
    ))
    .await
    .unwrap();
    let tied = explain().await;
    assert_eq!(tied.at("/offered"), false);
    assert!(tied.json().to_string().contains("carl-client Ltd"), "staff see which");
    app.hold(&candidate, &path, start).await.assert_status(409);

    // The other way round: the assessor works for an organisation of the candidate.
    app.sql("DELETE FROM organisation_members WHERE role = 'viewer'").await.unwrap();
    assert_eq!(explain().await.at("/offered"), true);
    app.sql(&format!("UPDATE contracts SET developer_id = '{}'", uuid_of(&theo))).await.unwrap();
    app.sql(&format!("UPDATE organisation_members SET account_id = '{}'", uuid_of(&candidate)))
        .await
        .unwrap();
    assert_eq!(explain().await.at("/offered"), false);

    // It is over: there is no tie any more.
    app.sql("UPDATE contracts SET state = 'completed'").await.unwrap();
    app.hold(&candidate, &path, start).await.assert_status(200);
    deal.app.stop().await;
}
