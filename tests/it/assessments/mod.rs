//! Paired assessments: slots, bookings, sessions, blind cards, outcomes.

mod anchors;
mod availability;
mod booking;
mod crowd;
mod feeds;
mod overseen;
mod races;
pub mod rating;
mod record;
mod session;

use assay_kernel::Permission;
use assay_kernel::ids::{AccountId, ApplicationId};
use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use crate::harness::{Person, TestApp};

/// The uuid of an account as tables hold it.
pub fn uuid_of(person: &Person) -> Uuid {
    person.id.parse::<AccountId>().expect("an account's id").uuid()
}

impl TestApp {
    /// A candidate whose application is ready for an assessment. Answers the application's id too.
    pub async fn ready(&self, login: &str) -> (Person, String) {
        let person = self.candidate(login).await;
        let reviewer = self.staff("staff-rosa", Permission::Reviewer).await;
        let path = self.in_screening(&person, &reviewer).await;
        self.act(&reviewer, &path, "pass").await.assert_status(200);
        (person, path.rsplit('/').next().expect("an id").to_owned())
    }

    /// A staff member who assesses: the tracks `backend` and `databases` as lead and observer, in UTC, all day.
    pub async fn assessor(&self, login: &str) -> Person {
        let person = self.staff(login, Permission::Assessor).await;
        let (id, now) = (uuid_of(&person), self.now());
        self.sql(&format!(
            "INSERT INTO assessors (account_id, zone, weekly, overrides, joined_at, updated_at) VALUES ('{id}', 'UTC',
                '[{{\"days\": [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"], \"start\": \"00:00\", \"end\": \"24:00\"}}]',
                '[]', '{now}', '{now}') ON CONFLICT DO NOTHING"
        ))
        .await
        .expect("an assessor");
        self.sql(&format!(
            "INSERT INTO assessor_tracks SELECT '{id}', track, role FROM unnest(ARRAY['backend', 'databases']) track,
                unnest(ARRAY['lead', 'observer']) role ON CONFLICT DO NOTHING"
        ))
        .await
        .expect("tracks");
        person
    }

    /// A booked assessment of a ready candidate, two hours long. Answers its path.
    pub async fn seated(
        &self,
        candidate: &Person,
        application: &str,
        (lead, observer): (&Person, &Person),
        starts_at: DateTime<Utc>,
    ) -> String {
        let (id, booking) = (self.ctx().ids.uuid(), self.ctx().ids.uuid());
        let (candidate, now) = (uuid_of(candidate), self.now());
        let application = application.parse::<ApplicationId>().expect("an application's id").uuid();
        let ends_at = starts_at + Duration::minutes(120);
        let policy = &self.services.ctx.policy;
        let numbers = serde_json::to_string(policy.assessments.of("backend")).expect("JSON");
        let version = &policy.version;
        self.sql(&format!(
            "INSERT INTO assessments (id, application_id, candidate_id, track, state, zone, starts_at, ends_at, task_family,
                task_version, ai_policy, rubric_version, policy, policy_version, bookable_from, created_at, updated_at)
             VALUES ('{id}', '{application}', '{candidate}', 'backend', 'booked', 'Europe/Lisbon', '{starts_at}', '{ends_at}',
                'api-service', '2026-11', 'Allowed and watched.', '2026-11-21', '{numbers}', '{version}', '{now}', '{now}',
                '{now}')"
        ))
        .await
        .expect("an assessment");
        self.sql(&format!(
            "INSERT INTO bookings (id, assessment_id, candidate_id, state, starts_at, ends_at, created_at)
             VALUES ('{booking}', '{id}', '{candidate}', 'confirmed', '{starts_at}', '{ends_at}', '{now}')"
        ))
        .await
        .expect("a booking");
        for (person, role) in [(lead, "lead"), (observer, "observer")] {
            let assessor = uuid_of(person);
            self.sql(&format!(
                "INSERT INTO booking_hosts (booking_id, assessor_id, role, state, blocked, starts_at, ends_at, local_date,
                    assigned_at)
                 VALUES ('{booking}', '{assessor}', '{role}', 'confirmed',
                    tstzrange(timestamptz '{starts_at}' - interval '15 minutes', timestamptz '{ends_at}' + interval '30 minutes'),
                    '{starts_at}', '{ends_at}', '{}', '{now}')",
                starts_at.date_naive()
            ))
            .await
            .expect("a host");
        }
        format!("/v1/assessments/asm_{}", id.simple())
    }
}
