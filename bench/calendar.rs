//! What the databases of the assessments' benchmark hold: assessors of several tracks, sessions behind them and before
//! them, and candidates who may book. Made in SQL, the same for the same sizes.

use assay_platform::policy::Policy;
use tokio_postgres::NoTls;

use crate::Failure;
use crate::seed::developers_sql;

/// Tracks, each with assessors of its own: slots are asked for on the first, bookings are made on all.
pub const TRACKS: u32 = 20;
/// Candidates who may book.
pub const CANDIDATES: u32 = 20_000;
/// The most sessions a day of a pair of assessors, as the policy has it.
const A_DAY: u32 = 2;
/// Days before today from which on the calendars hold what a week holds, instead of all that a day may.
const LATELY: u32 = 14;

/// How much there is.
#[derive(Clone, Copy)]
pub struct Calendar {
    /// Sessions that are over.
    pub sessions: u32,
    /// Assessors of each track, half of whom can be in a session with the other half.
    pub hosts: u32,
}

/// The name of a track.
pub fn track(n: u32) -> String {
    if n == 0 { "backend".to_owned() } else { format!("backend-{n}") }
}

/// The assessment (32 hexadecimal digits) of the `n`-th candidate, who is on track `n % TRACKS`.
pub fn assessment(n: u32) -> String {
    format!("0000000000a3700080000000{n:08x}")
}

impl Calendar {
    fn pairs(self) -> u32 {
        self.hosts / 2
    }

    /// People with sessions behind them, ten each; enough that nobody has two before them.
    fn alumni(self) -> u32 {
        (self.sessions / 10).max(TRACKS * self.pairs() * 28)
    }

    /// Fills a migrated database.
    pub async fn fill(self, url: &str) -> Result<(), Failure> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        let driver = tokio::spawn(connection);
        let policy = Policy::shipped()?;
        let numbers = serde_json::to_string(policy.assessments.of(&track(0)))?;
        client.batch_execute(&developers_sql(CANDIDATES + self.alumni())).await?;
        for sql in [self.people_sql(), self.sessions_sql(&numbers), candidates_sql(&numbers)] {
            client.batch_execute(&sql).await?;
        }
        client.batch_execute("VACUUM (ANALYZE)").await?;
        client.batch_execute("CHECKPOINT").await?;
        drop(client);
        driver.await??;
        Ok(())
    }

    /// Assessors in five zones, two windows on each working day; what everybody has on GitHub; applications.
    fn people_sql(self) -> String {
        let Self { hosts, .. } = self;
        let (assessors, people) = (hosts * TRACKS, CANDIDATES + self.alumni());
        format!(
            r#"
CREATE FUNCTION bench_track(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
  $$ SELECT CASE n WHEN 0 THEN 'backend' ELSE 'backend-' || n END $$;
INSERT INTO accounts (id, github_id, login, status, roles, display_name, contact_email, github_emails, terms_version,
                      version, created_at, updated_at)
SELECT bench_id('00a0', n), 9000000 + n, 'assessor-' || n, 'active', '{{developer}}', 'Assessor ' || n,
       'assessor' || n || '@example.org', '[]', '2026-11-01', 1, now(), now()
FROM generate_series(0, {assessors} - 1) n;
INSERT INTO staff_permissions (account_id, permission, granted_at, reason)
SELECT bench_id('00a0', n), 'assessor', now(), 'bench' FROM generate_series(0, {assessors} - 1) n;
INSERT INTO assessors (account_id, zone, weekly, overrides, joined_at, updated_at)
SELECT bench_id('00a0', n),
       (ARRAY['Europe/Berlin', 'Europe/Lisbon', 'Europe/Athens', 'Africa/Nairobi', 'Europe/London'])[1 + n % 5],
       '[{{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "08:00", "end": "12:30"}},
         {{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "13:00", "end": "18:30"}}]',
       '[]', now() - interval '10 years', now()
FROM generate_series(0, {assessors} - 1) n;
INSERT INTO assessor_tracks (assessor_id, track, role)
SELECT bench_id('00a0', n), bench_track(n / {hosts}), role
FROM generate_series(0, {assessors} - 1) n, unnest(ARRAY['lead', 'observer']) role;
CREATE UNLOGGED TABLE bench_people AS
SELECT n, bench_id('0004', n) AS id FROM generate_series(0, {people} - 1) n
UNION ALL SELECT {people} + n, bench_id('00a0', n) FROM generate_series(0, {assessors} - 1) n;
INSERT INTO portfolios (account_id, profile, imported_at, updated_at)
SELECT id, jsonb_build_object('company', '@company-' || n), now(), now() FROM bench_people;
INSERT INTO portfolio_contributions (account_id, kind, provider_number, repository, url, title, at)
SELECT id, 'merged_pull_request', n * 5::bigint + k, 'owner-' || n || '/library-' || k, 'https://github.example/pull',
       'Reads the last line too', now()
FROM bench_people, generate_series(0, 4) k;
INSERT INTO portfolio_items (id, account_id, kind, level, origin, source_key, title, computed, observed_at, created_at, updated_at)
SELECT bench_id('00a5', n * 5::bigint + k), id, 'repository', 'claimed', 'github', 'repository:' || k, 'tool-' || k,
       jsonb_build_object('name', 'dev-' || n || '/tool-' || k), now(), now(), now()
FROM bench_people, generate_series(0, 4) k;
DROP TABLE bench_people;
INSERT INTO applications (id, account_id, state, tracks, languages, policy_version, created_at, updated_at)
SELECT bench_id('0007', n), bench_id('0004', n), CASE WHEN n < {CANDIDATES} THEN 'assessment_ready' ELSE 'approved' END,
       ARRAY[bench_track(n % {TRACKS})], '[]', (SELECT version FROM policies LIMIT 1), now(), now()
FROM generate_series(0, {people} - 1) n;
"#
        )
    }

    /// Sessions that are over, going back from two weeks ago, two a day of each pair; then some three a week and
    /// assessor, four weeks ahead. Who is in a session with whom changes from one to the next.
    fn sessions_sql(self, numbers: &str) -> String {
        let Self { sessions, .. } = self;
        let (pairs, alumni) = (self.pairs(), self.alumni());
        let at_once = pairs * TRACKS;
        format!(
            "
CREATE UNLOGGED TABLE bench_sessions AS
WITH over AS (
    SELECT k, k / {at_once} AS round, k % {at_once} AS seat,
           date_trunc('day', now(), 'UTC') - make_interval(days => {LATELY} + k / {at_once} / {A_DAY})
               + interval '9 hours' + (k / {at_once} % {A_DAY}) * interval '4 hours' AS starts_at
    FROM generate_series(0, {sessions} - 1) k),
near AS (
    SELECT {sessions} - 1 + row_number() OVER () AS k, {LATELY} + d AS round, seat,
           date_trunc('day', now(), 'UTC') + make_interval(days => d) + interval '13 hours' AS starts_at
    FROM generate_series(1 - {LATELY}, 27) d, generate_series(0, {at_once} - 1) seat
    WHERE extract(isodow FROM date_trunc('day', now(), 'UTC') + make_interval(days => d)) < 6
      AND (d + {LATELY} + seat) % 7 IN (0, 1, 3, 5)),
seated AS (
    SELECT k, round, starts_at, seat / {pairs} AS track, seat / {pairs} * {pairs} * 2 + seat % {pairs} AS one,
           seat / {pairs} * {pairs} * 2 + {pairs} + (seat + round) % {pairs} AS other
    FROM (SELECT * FROM over UNION ALL SELECT * FROM near) all_of_them)
SELECT k, track, starts_at, starts_at + interval '2 hours' AS ends_at, least(starts_at, now()) - interval '7 days' AS made_at,
       CASE WHEN round % 2 = 0 THEN one ELSE other END AS lead, CASE WHEN round % 2 = 0 THEN other ELSE one END AS observer,
       CASE WHEN starts_at > now() THEN 'confirmed' WHEN k % 20 = 0 THEN 'no_show' ELSE 'completed' END AS state,
       bench_id('0004', {CANDIDATES} + k % {alumni}) AS candidate_id, bench_id('0007', {CANDIDATES} + k % {alumni}) AS application_id
FROM seated;
INSERT INTO assessments (id, application_id, candidate_id, track, state, zone, starts_at, ends_at, task_family, task_version,
    ai_policy, rubric_version, policy, policy_version, bookable_from, created_at, updated_at)
SELECT bench_id('00a2', k), application_id, candidate_id, bench_track(track),
       CASE state WHEN 'confirmed' THEN 'booked' WHEN 'completed' THEN 'finalized' ELSE 'candidate_no_show' END,
       'Europe/Lisbon', starts_at, ends_at, 'api-service', '2026-11', 'Allowed and watched.', '2026-11-21', '{numbers}',
       (SELECT version FROM policies LIMIT 1), made_at, made_at, made_at
FROM bench_sessions;
INSERT INTO bookings (id, assessment_id, candidate_id, state, starts_at, ends_at, created_at)
SELECT bench_id('00a1', k), bench_id('00a2', k), candidate_id, state, starts_at, ends_at, made_at FROM bench_sessions;
INSERT INTO booking_hosts (booking_id, assessor_id, role, state, blocked, starts_at, ends_at, local_date, assigned_at)
SELECT bench_id('00a1', k), bench_id('00a0', host), role, state,
       tstzrange(starts_at - interval '15 minutes', ends_at + interval '30 minutes'), starts_at, ends_at,
       (starts_at AT TIME ZONE 'UTC')::date, made_at
FROM bench_sessions, LATERAL (VALUES (lead, 'lead'), (observer, 'observer')) seats (host, role);
DROP TABLE bench_sessions;
"
        )
    }

    /// The bare insert of a booking with two hosts, of whom one of many pairs is picked. Each is at another time, so that
    /// the constraint is asked and refuses nothing.
    pub fn insert_sql(self, connections: u32) -> String {
        let (hosts, assessors, sessions) = (self.hosts, self.hosts * TRACKS, self.sessions);
        let alumni = self.alumni();
        format!(
            "\\set n :n + {connections}\n\\set at :n + :client_id\n\\set k :at % {sessions}\n\\set one random(0, {assessors} - 1)\n\
             \\set other :one - :one % {hosts} + (:one + 1) % {hosts}\n\
             WITH booking AS (INSERT INTO bookings (id, assessment_id, candidate_id, state, starts_at, ends_at, created_at) \
                 SELECT gen_random_uuid(), bench_id('00a2', :k), bench_id('0004', {CANDIDATES} + :k::bigint % {alumni}), 'confirmed', at, \
                     at + interval '2 hours', now() \
                 FROM (SELECT timestamptz '2040-01-01' + :at::bigint * interval '3 hours' AS at) start \
                 ON CONFLICT DO NOTHING RETURNING id, starts_at, ends_at) \
             INSERT INTO booking_hosts (booking_id, assessor_id, role, state, blocked, starts_at, ends_at, local_date, assigned_at) \
             SELECT id, bench_id('00a0', host), role, 'confirmed', \
                 tstzrange(starts_at - interval '15 minutes', ends_at + interval '30 minutes'), starts_at, ends_at, \
                 starts_at::date, now() \
             FROM booking, (VALUES (least(:one::bigint, :other::bigint), 'lead'), (greatest(:one::bigint, :other::bigint), 'observer')) seats (host, role) \
             ON CONFLICT DO NOTHING;\n"
        )
    }
}

fn candidates_sql(numbers: &str) -> String {
    format!(
        "
INSERT INTO assessments (id, application_id, candidate_id, track, state, zone, task_family, task_version, ai_policy,
    rubric_version, policy, policy_version, bookable_from, created_at, updated_at)
SELECT bench_id('00a3', n), bench_id('0007', n), bench_id('0004', n), bench_track(n % {TRACKS}), 'requested', 'Europe/Lisbon',
       'api-service', '2026-11', 'Allowed and watched.', '2026-11-21', '{numbers}', (SELECT version FROM policies LIMIT 1),
       now(), now(), now()
FROM generate_series(0, {CANDIDATES} - 1) n;
"
    )
}
