//! Scores: the commands on files, and in the product from cards and milestones to figures that explain themselves.

mod anchors;
mod calibrations;
mod cards;
mod commands;
mod reports;

use assay_platform::db::Conn;
use diesel_async::{AsyncConnection, SimpleAsyncConnection};

use crate::assessments::rating::CRITERIA;
use crate::harness::{Answer, Person, TestApp};

/// SQL for the id of an invented thing of a kind, by its number.
fn invented(kind: &str, number: &str) -> String {
    format!("('00000000-{kind}-7000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid")
}

impl TestApp {
    /// Statements on a connection for which no foreign key is checked: figures of many people without the people.
    pub async fn figures(&self, statements: &str) {
        let mut conn = Conn::establish(self.database_url()).await.expect("a connection");
        conn.batch_execute(&format!("SET session_replication_role = replica; {statements}"))
            .await
            .expect("the figures");
    }

    /// Decided assessments of these numbers `d`, with three cards each (`t` is 0 to 2): SQL for who rated, and for the level,
    /// kept within 0 and 4, of the criterion of number `i`.
    async fn decided_crowd(&self, numbers: std::ops::RangeInclusive<u32>, assessor: &str, level: &str) {
        let (now, from, to) = (self.now(), numbers.start(), numbers.end());
        let (person, assessment) = (invented("0001", "d"), invented("0002", "d"));
        let (application, card) = (invented("0003", "d"), invented("0005", "d * 3 + t"));
        let criteria = CRITERIA.map(|name| format!("'{name}'")).join(",");
        self.figures(&format!(
            "INSERT INTO assessments (id, application_id, candidate_id, track, state, zone, task_family, task_version,
                ai_policy, rubric_version, policy, policy_version, bookable_from, created_at, updated_at)
             SELECT {assessment}, {application}, {person}, 'backend', 'finalized', 'UTC', 'api-service', '2026-11', '',
                '2026-11-21', '{{}}', 'x', '{now}', '{now}', '{now}'
             FROM generate_series({from}, {to}) d;
             INSERT INTO rating_cards (id, assessment_id, rater_id, role, from_record, state, content, rubric_version,
                opened_at, due_at, submitted_at, version, updated_at)
             SELECT {card}, {assessment}, {assessor}, (ARRAY['lead', 'observer', 'third'])[t + 1], false, 'submitted',
                jsonb_build_object('ratings', (
                    SELECT jsonb_object_agg(c, jsonb_build_object('level', greatest(0, least(4, {level}))))
                    FROM unnest(ARRAY[{criteria}]) WITH ORDINALITY c (c, i))),
                '2026-11-21', '{now}', '{now}', '{now}', 1, '{now}'
             FROM generate_series({from}, {to}) d, generate_series(0, 2) t"
        ))
        .await;
    }

    /// The next night's calibration and report.
    pub async fn night(&self) {
        let ctx = self.ctx();
        ctx.db.tx(async |conn| assay_scoring::schedule(ctx, conn).await).await.expect("asked for");
        self.advance_days(1).await;
    }

    /// Somebody's own scores.
    pub async fn scores(&self, person: &Person) -> Answer {
        self.get("/v1/me/score").by(person).expect(200).await
    }

    /// What moved somebody's scores: `scale cause`, newest first.
    pub async fn moves(&self, person: &Person) -> Vec<String> {
        let page = self.get("/v1/me/score/events?limit=100").by(person).expect(200).await;
        let one = |event: &serde_json::Value| {
            format!("{} {}", event["scale"].as_str().unwrap(), event["cause"].as_str().unwrap())
        };
        page.at("/data").as_array().unwrap().iter().map(one).collect()
    }
}
