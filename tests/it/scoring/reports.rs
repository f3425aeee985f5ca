//! What is published of the scores themselves: validity, adverse impact.

use assay_kernel::Permission;
use serde_json::{Value, json};

use crate::harness::TestApp;

#[tokio::test]
async fn validity_says_too_few_until_there_are_enough() {
    let app = TestApp::start().await;
    let few = app.get("/v1/validity").expect(200).await;
    assert_eq!((few.text_at("/overall/state"), few.at("/overall/outcomes")), ("too_few".into(), json!(0)));
    assert_eq!(few.at("/overall/needed_outcomes"), 150);
    assert_eq!(few.at("/coefficients"), Value::Null);

    // 400 milestones of 80 developers: the abler, the more is delivered. One assessor rated them all, another a quarter
    // of them, and a third one afterwards.
    let sam = app.staff("staff-sam", Permission::Reviewer).await;
    let now = app.now();
    let id =
        |kind: &str, n: &str| format!("('00000000-{kind}-7000-8000-' || lpad(to_hex({n}), 12, '0'))::uuid");
    let (person, assessment, rater) = (id("0001", "n"), id("0002", "n"), id("0004", "r"));
    app.figures(&format!(
        "INSERT INTO assessments (id, application_id, candidate_id, track, state, zone, task_family, task_version,
            ai_policy, rubric_version, policy, policy_version, bookable_from, created_at, updated_at)
         SELECT {assessment}, gen_random_uuid(), {person}, 'backend', 'finalized', 'UTC', 'api-service', '2026-11', '',
            '2026-11-21', '{{}}', 'x', '{now}', '{now}', '{now}' FROM generate_series(0, 79) n;
         INSERT INTO assessments (id, application_id, candidate_id, track, state, zone, task_family, task_version,
            ai_policy, rubric_version, policy, policy_version, bookable_from, created_at, updated_at)
         SELECT {later}, gen_random_uuid(), {person}, 'backend', 'finalized', 'UTC', 'api-service', '2026-11', '',
            '2026-11-21', '{{}}', 'x', '{now}', '{now}', '{now}' FROM generate_series(0, 79) n;
         INSERT INTO assessment_outcomes (assessment_id, outcome, reason_codes, reason, means, feedback, decided_by_id,
            decided_at, publish_at, published_at)
         SELECT a.id, 'approved', '{{}}', '', '{{}}', '[]', a.candidate_id, '{now}', '{now}',
            '{now}'::timestamptz + CASE WHEN a.id::text LIKE '%-0003-%' THEN interval '1 day' ELSE interval '-1 day' END
         FROM assessments a;
         INSERT INTO rating_cards (id, assessment_id, rater_id, role, from_record, state, content, rubric_version, opened_at,
            due_at, submitted_at, version, updated_at)
         SELECT gen_random_uuid(), CASE WHEN r = 2 THEN {later} ELSE {assessment} END, {rater},
            (ARRAY['lead', 'observer', 'lead'])[r + 1], false, 'submitted', '{{\"ratings\": {{}}}}', '2026-11-21', '{now}',
            '{now}', '{now}', 1, '{now}'
         FROM generate_series(0, 79) n, generate_series(0, 2) r WHERE r <> 1 OR n % 4 = 0",
        later = id("0003", "n"),
    ))
    .await;
    app.figures(&format!(
        "INSERT INTO delivery_outcomes (id, milestone_id, developer_id, organisation_id, project_id, accepted_bps, on_time,
            disputed, amount, currency, technical_theta, collaboration_theta, rubric_version, occurred_at)
         SELECT gen_random_uuid(), gen_random_uuid(), ('00000000-0001-7000-8000-' || lpad(to_hex(n % 80), 12, '0'))::uuid,
            gen_random_uuid(), gen_random_uuid(),
            CASE WHEN (n * 7919) % 100 < 65 + 30 * ((n % 80) - 40) / 40.0 THEN 10000 ELSE 4000 END, true, false, 500000,
            'USD', ((n % 80) - 40) / 25.0, 0, CASE WHEN n < 350 THEN '2026-11-21' ELSE '2027-01-01' END, '{now}'
         FROM generate_series(0, 399) n"
    ))
    .await;
    app.night().await;
    let report = app.get("/v1/validity").expect(200).await;
    assert_eq!(
        (report.text_at("/overall/state"), report.at("/overall/outcomes")),
        ("judged".into(), json!(400))
    );
    assert_eq!(report.at("/overall/developers"), 80);
    let figure = |pointer: &str| report.at(pointer).as_f64().unwrap_or_else(|| panic!("{pointer}: {report}"));
    assert!(figure("/overall/auc/lower") > 0.6 && figure("/overall/auc/upper") < 0.95);
    assert!(figure("/overall/brier/value") < figure("/overall/brier_of_base_rate"));
    assert!(figure("/overall/brier/lower") < figure("/overall/brier/value"));
    assert_eq!(report.at("/overall/bins").as_array().unwrap().len(), 5);
    assert!(figure("/overall/bins/0/delivered/value") < figure("/overall/bins/4/delivered/value"));
    assert!(figure("/coefficients/technical") > 0.5);
    assert_eq!(report.text_at("/by_rubric/2026-11-21/state"), "judged");
    assert_eq!(report.text_at("/by_rubric/2027-01-01/state"), "too_few");

    // By assessor it is told to staff, and counts only whose card there was when the milestone ended.
    assert_eq!(report.json().pointer("/by_assessor"), None);
    let metrics = app.get("/v1/metrics/assessors").by(&sam).expect(200).await;
    let of = |n: u32, figure: &str| {
        metrics.at(&format!("/validity/by_assessor/acc_00000000000470008000{n:012x}/{figure}"))
    };
    assert_eq!(
        (of(0, "state"), of(0, "outcomes"), of(0, "developers")),
        (json!("judged"), json!(400), json!(80))
    );
    assert_eq!(of(0, "auc"), report.at("/overall/auc"));
    assert_eq!(
        (of(1, "state"), of(1, "outcomes"), of(1, "developers")),
        (json!("too_few"), json!(100), json!(20))
    );
    assert_eq!(metrics.at("/validity/by_assessor").as_object().unwrap().len(), 2);
    app.get("/v1/metrics/assessors").expect(401).await;
    app.stop().await;
}

#[tokio::test]
async fn adverse_impact_is_told_by_groups_of_those_who_agreed() {
    let app = TestApp::start().await;
    let sam = app.staff("staff-sam", Permission::Reviewer).await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let path = "/v1/me/demographics";
    app.get(path).by(&dora).expect(404).await;
    let old = json!({ "consent_version": "2020-01-01", "gender": "woman" });
    let refused = app.put(path).by(&dora).json(old).expect(422).await;
    assert_eq!(refused.at("/errors/0/pointer"), "/consent_version");
    let unknown = json!({ "consent_version": "2026-11-21", "gender": "secret" });
    app.put(path).by(&dora).json(unknown).expect(422).await;
    let told = json!({ "consent_version": "2026-11-21", "gender": "woman", "age": "from_40" });
    let given = app.put(path).by(&dora).json(told.clone()).expect(200).await;
    assert_eq!((given.text_at("/gender"), given.at("/disability")), ("woman".into(), Value::Null));
    let less = json!({ "consent_version": "2026-11-21", "age": "from_40" });
    let replaced = app.put(path).by(&dora).json(less).expect(200).await;
    assert_eq!((replaced.at("/gender"), replaced.at("/version")), (Value::Null, json!(2)));
    app.delete(path).by(&dora).expect(428).await;
    app.delete(path).by(&dora).if_match(&given.etag()).expect(412).await;
    app.delete(path).by(&dora).if_match(&replaced.etag()).expect(204).await;
    assert!(app.dump("demographics").await.is_empty(), "taken back is deleted");
    app.get("/v1/metrics/adverse_impact").by(&dora).expect(403).await;
    let none = app.get("/v1/metrics/adverse_impact").by(&sam).expect(200).await;
    assert_eq!(none.at("/attributes"), json!({}));

    // 40 women of whom 14 are approved, 40 men of whom 20 are, 3 others; 10 who told nothing.
    let now = app.now();
    let id = |kind: &str| format!("('00000000-{kind}-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid");
    let (person, assessment, application) = (id("0001"), id("0002"), id("0003"));
    app.figures(&format!(
        "INSERT INTO assessments (id, application_id, candidate_id, track, state, zone, task_family, task_version,
            ai_policy, rubric_version, policy, policy_version, bookable_from, created_at, updated_at)
         SELECT {assessment}, {application}, {person}, 'backend', 'finalized', 'UTC', 'api-service', '2026-11', '',
            '2026-11-21', '{{}}', 'x', '{now}', '{now}', '{now}' FROM generate_series(0, 92) n;
         INSERT INTO assessment_outcomes (assessment_id, outcome, reason_codes, reason, means, feedback, decided_by_id,
            decided_at, publish_at, published_at)
         SELECT {assessment}, CASE WHEN n < 14 OR n BETWEEN 40 AND 59 OR n > 79 THEN 'approved' ELSE 'not_ready' END, '{{}}',
            '', '{{}}', '[]', {person}, '{now}', '{now}', '{now}' FROM generate_series(0, 92) n;
         INSERT INTO demographics (account_id, gender, consent_version, consented_at, updated_at)
         SELECT {person}, CASE WHEN n < 40 THEN 'woman' WHEN n < 80 THEN 'man' ELSE 'another' END, '2026-11-21', '{now}',
            '{now}' FROM generate_series(0, 82) n"
    ))
    .await;
    let report = app.get("/v1/metrics/adverse_impact").by(&sam).expect(200).await;
    let groups = report.at("/attributes/gender").as_array().unwrap().clone();
    let group = |name: &str| groups.iter().find(|one| one["group"] == name).expect("the group");
    assert_eq!((&group("woman")["decided"], &group("woman")["selection_rate"]), (&json!(40), &json!(0.35)));
    assert_eq!(
        (&group("woman")["below_four_fifths"], &group("man")["impact_ratio"]),
        (&json!(true), &json!(1.0))
    );
    let p = group("woman")["p_value"].as_f64().unwrap();
    assert!((p - 0.257_6).abs() < 0.01, "{p}");
    assert_eq!((&group("another")["suppressed"], &group("another")["decided"]), (&json!(true), &Value::Null));
    app.stop().await;
}
