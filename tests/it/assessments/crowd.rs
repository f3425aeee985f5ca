//! Many at once: candidates and assessors made by SQL, signed in by cookies.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Duration, Utc};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, TestApp};

/// All day, every day.
pub const ALWAYS: &str =
    r#"[{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "start": "00:00", "end": "24:00"}]"#;

/// A service with many candidates, each with a requested assessment, and many assessors.
pub struct Crowd {
    pub app: TestApp,
    /// How often somebody was told to come again.
    again: AtomicUsize,
}

fn uuid(kind: &str, n: usize) -> String {
    format!("00000000-{kind}-7000-8000-{n:012x}")
}

/// The path of the `n`-th candidate's assessment.
pub fn path(n: usize) -> String {
    format!("/v1/assessments/asm_{}", uuid("0003", n).replace('-', ""))
}

impl Crowd {
    /// `candidates`, and assessors who lead and observe on the track `backend`, all day in UTC.
    pub async fn new(candidates: usize, assessors: usize) -> Self {
        let app = TestApp::start_with(&[("database.api_connections", "52")]).await;
        let now = app.now();
        let policy = &app.services.ctx.policy;
        let version = &policy.version;
        let numbers = serde_json::to_string(policy.assessments.of("backend")).expect("JSON");
        let people = |kind: &str, login: &str, count: usize, base: usize| {
            format!(
                "INSERT INTO accounts (id, github_id, login, status, roles, display_name, contact_email, github_emails,
                    terms_version, version, created_at, updated_at)
                 SELECT ('00000000-{kind}-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, {base} + n, '{login}-' || n,
                    'active', '{{developer}}', '{login} ' || n, '{login}' || n || '@example.org', '[]', '2026-11-01', 1,
                    '{now}', '{now}'
                 FROM generate_series(0, {count} - 1) n"
            )
        };
        let of = |kind: &str| format!("('00000000-{kind}-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid");
        let statements = [
            people("0001", "candidate", candidates, 70_000_000),
            people("0002", "host", assessors, 80_000_000),
            format!(
                "INSERT INTO sessions (id, account_id, kind, token_hash, user_agent, ip, created_at, authenticated_at,
                    last_seen_at, expires_at)
                 SELECT {}, {}, 'browser', sha256(('crowd-' || lpad(n::text, 8, '0'))::bytea), 'test', '127.0.0.1', '{now}',
                    '{now}', '{now}', timestamptz '{now}' + interval '20 days'
                 FROM generate_series(0, {candidates} - 1) n",
                of("0004"),
                of("0001"),
            ),
            format!(
                "INSERT INTO applications (id, account_id, state, tracks, languages, policy_version, created_at, updated_at)
                 SELECT {}, {}, 'assessment_ready', '{{backend}}', '[]', '{version}', '{now}', '{now}'
                 FROM generate_series(0, {candidates} - 1) n",
                of("0005"),
                of("0001"),
            ),
            format!(
                "INSERT INTO assessments (id, application_id, candidate_id, track, state, zone, task_family, task_version,
                    ai_policy, rubric_version, policy, policy_version, bookable_from, created_at, updated_at)
                 SELECT {}, {}, {}, 'backend', 'requested', 'UTC', 'api-service', '2026-11', 'Allowed.', '2026-11-21',
                    '{numbers}', '{version}', '{now}', '{now}', '{now}'
                 FROM generate_series(0, {candidates} - 1) n",
                of("0003"),
                of("0005"),
                of("0001"),
            ),
            format!(
                "INSERT INTO staff_permissions (account_id, permission, granted_at, reason)
                 SELECT {}, 'assessor', '{now}', 'test' FROM generate_series(0, {assessors} - 1) n",
                of("0002"),
            ),
            format!(
                "INSERT INTO assessors (account_id, zone, weekly, overrides, joined_at, updated_at)
                 SELECT {}, 'UTC', '{ALWAYS}', '[]', '{now}', '{now}' FROM generate_series(0, {assessors} - 1) n",
                of("0002"),
            ),
            format!(
                "INSERT INTO assessor_tracks SELECT {}, 'backend', role FROM generate_series(0, {assessors} - 1) n,
                    unnest(ARRAY['lead', 'observer']) role",
                of("0002"),
            ),
        ];
        for statement in statements {
            app.sql(&statement).await.expect("the crowd");
        }
        Self { app, again: AtomicUsize::new(0) }
    }

    /// An hour of the Monday of the week after next, so that whole weeks lie ahead.
    pub fn monday(&self, hour: u32) -> DateTime<Utc> {
        use chrono::Datelike;
        let date = (self.app.now() + Duration::days(8)).date_naive();
        let monday = date + Duration::days(i64::from((7 - date.weekday().num_days_from_monday()) % 7));
        monday.and_hms_opt(hour, 0, 0).expect("a time").and_utc()
    }

    /// A request of the `n`-th candidate, who comes again when told so: fifty who open their connections at once and want
    /// one lock, on a busy machine, may wait for it longer than the two seconds that the database gives them.
    async fn call(
        &self,
        n: usize,
        method: Method,
        path: &str,
        body: Option<Value>,
        etag: Option<&str>,
    ) -> Answer {
        for _ in 0..30 {
            let call = self.app.request(method.clone(), path);
            let call = call.header("cookie", &format!("__Host-session=crowd-{n:08}"));
            let call = match etag {
                Some(etag) => call.if_match(etag),
                None => call,
            };
            let answer = match &body {
                Some(body) => call.json(body.clone()).send().await,
                None => call.body("application/json", "").send().await,
            };
            if answer.status != 503 {
                return answer;
            }
            assert_eq!(answer.header("retry-after"), Some("1"), "{answer}");
            self.again.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
        panic!("{path} cannot be answered");
    }

    /// The `n`-th candidate's assessment.
    pub async fn get(&self, n: usize) -> Answer {
        self.call(n, Method::GET, &path(n), None, None).await
    }

    /// The `n`-th candidate tries to hold a start.
    pub async fn hold(&self, n: usize, start: DateTime<Utc>) -> Answer {
        self.call(n, Method::POST, &format!("{}/hold", path(n)), Some(json!({ "starts_at": start })), None)
            .await
    }

    /// The `n`-th candidate tries to book what they hold.
    pub async fn book(&self, n: usize) -> Answer {
        let etag = self.get(n).await.etag();
        self.call(n, Method::POST, &format!("{}/book", path(n)), None, Some(&etag)).await
    }

    /// The `n`-th candidate tries to move their session.
    pub async fn reschedule(&self, n: usize, start: DateTime<Utc>) -> Answer {
        let etag = self.get(n).await.etag();
        let body = Some(json!({ "starts_at": start }));
        self.call(n, Method::POST, &format!("{}/reschedule", path(n)), body, Some(&etag)).await
    }

    /// The `n`-th candidate books a start, which must be free.
    pub async fn seat(&self, n: usize, start: DateTime<Utc>) {
        self.hold(n, start).await.assert_status(200);
        self.book(n).await.assert_status(200);
    }

    /// Everybody at once.
    pub async fn all_hold(&self, starts: &[DateTime<Utc>]) -> Vec<Answer> {
        join_all(starts.iter().enumerate().map(|(n, start)| self.hold(n, *start))).await
    }

    /// What must hold whatever happened: nobody in two places, whole panels, limits, no deadlock.
    pub async fn assert_sound(&self) {
        println!("{} times told to come again", self.again.load(Ordering::Relaxed));
        let count = async |query: &str| self.app.number(query).await;
        let overlaps = count(
            "SELECT count(*) AS n FROM booking_hosts a JOIN booking_hosts b ON a.assessor_id = b.assessor_id
                AND a.booking_id < b.booking_id AND a.blocked && b.blocked
             WHERE a.state IN ('held', 'confirmed') AND b.state IN ('held', 'confirmed')",
        );
        assert_eq!(overlaps.await, 0, "somebody is in two places");
        let torn = count(
            "SELECT count(*) AS n FROM bookings b WHERE state IN ('held', 'confirmed') AND (
                SELECT array_agg(role || ':' || state ORDER BY role) FROM booking_hosts h WHERE h.booking_id = b.id)
                IS DISTINCT FROM ARRAY['lead:' || b.state, 'observer:' || b.state]",
        );
        assert_eq!(torn.await, 0, "a panel is not whole");
        let too_many = count(
            "SELECT count(*) AS n FROM (SELECT 1 FROM booking_hosts WHERE state IN ('held', 'confirmed')
                GROUP BY assessor_id, local_date HAVING count(*) > 2) d",
        );
        assert_eq!(too_many.await, 0, "more than two on a date");
        let too_many = count(
            "SELECT count(*) AS n FROM (SELECT 1 FROM booking_hosts WHERE state IN ('held', 'confirmed')
                GROUP BY assessor_id, date_trunc('week', local_date) HAVING count(*) > 6) w",
        );
        assert_eq!(too_many.await, 0, "more than six in a week");
        // The counter arrives when a session of the database goes idle.
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        let deadlocks =
            count("SELECT deadlocks AS n FROM pg_stat_database WHERE datname = current_database()");
        assert_eq!(deadlocks.await, 0, "a deadlock");
    }
}

/// How many won; the others must have been told of a taken time, with other starts.
pub fn winners(answers: &[Answer]) -> usize {
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!((answer.status, answer.code().as_str()), (409, "slot_taken"), "{answer}");
        assert!(!answer.at("/alternatives").as_array().expect("a list").is_empty(), "{answer}");
    }
    answers.iter().filter(|answer| answer.status == 200).count()
}
