//! What the benchmark's databases hold: made in SQL, the same for the same size.

use assay_platform::crypto::sha256;
use assay_platform::db::embedded::Cluster;
use tokio_postgres::NoTls;

use crate::Failure;
use crate::load::Random;

/// Skills that projects ask for, the first most often.
pub const SKILLS: &[&str] = &[
    "rust",
    "python",
    "typescript",
    "postgresql",
    "react",
    "kubernetes",
    "go",
    "java",
    "aws",
    "docker",
    "terraform",
    "swift",
    "kotlin",
    "php",
    "ruby",
    "csharp",
    "cpp",
    "graphql",
    "redis",
    "mongodb",
    "nextjs",
    "angular",
    "flutter",
    "elixir",
    "scala",
];

/// The budget filter of the list, US cents.
pub const BUDGET_RANGE: (i64, i64) = (1_000_000, 4_000_000);

/// Of ten projects, six are open.
const OPEN_OF_TEN: u32 = 6;

/// Words in the vocabulary; the n-th comes up about 1/n as often as the first.
const VOCABULARY: u32 = 20_000;

/// The id (32 hexadecimal digits) of an open project at or after the `n`-th.
pub fn open_project(n: u32) -> String {
    let open = n - n % 10 + n % OPEN_OF_TEN;
    id("0001", open)
}

/// Ids are made of a kind and a number, so that both load generators can name them.
fn id(kind: &str, n: u32) -> String {
    format!("00000000{kind}700080000000{n:08x}")
}

/// The session cookie of the `n`-th developer.
pub fn session_token(n: u32) -> String {
    format!("bench-session-{n:08x}")
}

/// Words of a search: every other turn common ones, else a rare one.
pub fn query_words(turn: u32, random: &mut Random) -> String {
    if turn.is_multiple_of(2) {
        format!("w{} w{}", random.below(3), 3 + random.below(5))
    } else {
        format!("w{}", 2_000 + random.below(15_000))
    }
}

/// The body of a bid on the seeded project.
pub fn bid_body(project: &str) -> String {
    let n = &project[24..];
    format!(
        r#"{{"prices":[{{"milestone_id":"mst_00000000000270008000{n:0>12}","amount":1100000}}],"approaches":[{{"deliverable_id":"dlv_00000000000370008000{n:0>12}","approach":"Tests against the customer's own files first."}}],"risks":[],"first_step":"Load one closed month and show what does not match.","starts_on":"2027-03-01"}}"#
    )
}

/// A fresh database.
pub async fn create(cluster: &Cluster, name: &str) -> Result<(), Failure> {
    let (client, connection) = tokio_postgres::connect(&cluster.url("postgres"), NoTls).await?;
    let driver = tokio::spawn(connection);
    client.batch_execute(&format!("DROP DATABASE IF EXISTS {name}")).await?;
    client.batch_execute(&format!("CREATE DATABASE {name}")).await?;
    drop(client);
    driver.await??;
    Ok(())
}

/// Fills a migrated database.
pub async fn fill(url: &str, projects: u32, developers: u32, bids: u32) -> Result<(), Failure> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let driver = tokio::spawn(connection);
    client.batch_execute(&people_sql(developers)).await?;
    // Session cookies are stored as SHA-256, which SQL has too.
    debug_assert_eq!(sha256(b"").len(), 32);
    client.batch_execute(&projects_sql(projects)).await?;
    client.batch_execute(&bids_sql(projects, developers, bids)).await?;
    client.batch_execute("VACUUM (ANALYZE)").await?;
    client.batch_execute("CHECKPOINT").await?;
    drop(client);
    driver.await??;
    Ok(())
}

/// The function that makes ids; developers who are signed in.
pub fn developers_sql(developers: u32) -> String {
    format!(
        "
CREATE FUNCTION bench_id(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
  $$ SELECT ('00000000' || kind || '700080000000' || lpad(to_hex(n), 8, '0'))::uuid $$;
INSERT INTO accounts (id, github_id, login, status, roles, display_name, contact_email, github_emails, terms_version,
                      version, created_at, updated_at)
SELECT bench_id('0004', n), 1000000 + n, 'dev-' || n, 'active', '{{developer}}', 'Developer ' || n,
       'dev' || n || '@example.org', '[]', '2026-11-01', 1, now(), now()
FROM generate_series(0, {developers} - 1) n;
-- Seen lately: the last use is noted once a minute, and a run asks for each person about once.
INSERT INTO sessions (id, account_id, kind, token_hash, user_agent, ip, created_at, authenticated_at, last_seen_at, expires_at)
SELECT bench_id('0006', n), bench_id('0004', n), 'browser',
       sha256(('bench-session-' || lpad(to_hex(n), 8, '0'))::bytea), 'bench', '127.0.0.1', now(), now(), now() + interval '6 hours', now() + interval '1 day'
FROM generate_series(0, {developers} - 1) n;
"
    )
}

fn people_sql(developers: u32) -> String {
    format!(
        "{signed_in}
INSERT INTO accounts (id, github_id, login, status, roles, display_name, contact_email, github_emails, terms_version,
                      version, created_at, updated_at)
SELECT bench_id('0005', n), 9000000 + n, 'client-' || n, 'active', '{{client}}', 'Client ' || n,
       'client' || n || '@example.org', '[]', '2026-11-01', 1, now(), now()
FROM generate_series(0, 999) n;
INSERT INTO applications (id, account_id, state, tracks, languages, policy_version, created_at, updated_at)
SELECT bench_id('0007', n), bench_id('0004', n), 'approved', '{{backend}}', '[]', (SELECT version FROM policies LIMIT 1), now(), now()
FROM generate_series(0, {developers} - 1) n;
INSERT INTO approvals (id, application_id, account_id, state, granted_by_id, granted_at, expires_at, reason, version, policy_version)
SELECT bench_id('0007', n), bench_id('0007', n), bench_id('0004', n), 'active', bench_id('0005', 0), now(), now() + interval '400 days', 'bench', 1, (SELECT version FROM policies LIMIT 1)
FROM generate_series(0, {developers} - 1) n;
INSERT INTO organisations (id, name, country, created_by_id, verified_at, verified_by_id, version, created_at, updated_at)
SELECT bench_id('0008', n), 'Organisation ' || n, 'DE', bench_id('0005', n), now(), bench_id('0005', 0), 1, now(), now() FROM generate_series(0, 999) n;
INSERT INTO organisation_members (organisation_id, account_id, role, created_at)
SELECT bench_id('0008', n), bench_id('0005', n), 'owner', now() FROM generate_series(0, 999) n;
",
        signed_in = developers_sql(developers),
    )
}

fn projects_sql(projects: u32) -> String {
    let skills: Vec<String> = SKILLS.iter().map(|skill| format!("'{skill}'")).collect();
    let skills = skills.join(",");
    let count = SKILLS.len();
    format!(
        "
SELECT setseed(0.42);
-- Words by Zipf's law: exp(u · ln V) has density 1/x.
CREATE FUNCTION bench_words(amount integer) RETURNS text LANGUAGE sql VOLATILE AS
  $$ SELECT string_agg('w' || floor(exp(random() * ln({VOCABULARY})))::int - 1, ' ') FROM generate_series(1, amount) $$;
CREATE UNLOGGED TABLE bench_projects AS
SELECT n, bench_id('0001', n) AS id,
       now() - interval '20 days' + n * (interval '19 days' / {projects}) AS listed_at,
       CASE WHEN n % 10 < {OPEN_OF_TEN} THEN 'listed' WHEN n % 10 = 6 THEN 'awarded' WHEN n % 10 = 7 THEN 'expired'
            ELSE 'withdrawn' END AS state,
       bench_words(6 + (n % 3)) AS title, bench_words(60) AS description,
       (500000 + (n::bigint * 7919 % 4500) * 1000) AS budget,
       (80 + n % 400)::int AS effort, (current_date + 30 + (n % 60))::date AS starts_on,
       (ARRAY[{skills}])[1 + floor(random() * random() * {count})::int] AS s1,
       (ARRAY[{skills}])[1 + floor(random() * {count})::int] AS s2,
       (ARRAY[{skills}])[1 + floor(random() * {count})::int] AS s3
FROM generate_series(0, {projects} - 1) n;
INSERT INTO projects (id, organisation_id, posted_by_id, state, title, description, outcome, decision_maker, budget_amount,
    budget_currency, budget_usd_minor, rate_date, effort_hours, starts_on, duration_days, time_zone, overlap_hours,
    confidentiality, skills, milestones, version, listed_at, expires_at, last_client_act_at, policy_version, created_at, updated_at)
SELECT id, bench_id('0008', n % 1000), bench_id('0005', n % 1000), state, title, description, 'An outcome that is stated.',
    'Somebody', budget, 'USD', budget, current_date, effort, starts_on, 60, 'Europe/Berlin', 2, 'public',
    jsonb_build_array(jsonb_build_object('skill', s1, 'level', 'proficient', 'must', true)),
    jsonb_build_array(jsonb_build_object('id', 'mst_' || replace(bench_id('0002', n)::text, '-', ''), 'title', 'All of it',
        'amount', budget, 'duration_days', 60, 'deliverables', jsonb_build_array(jsonb_build_object(
            'id', 'dlv_' || replace(bench_id('0003', n)::text, '-', ''), 'title', 'The thing', 'specification', 'It works.',
            'weight_bps', 10000, 'acceptance', jsonb_build_object('kind', 'human', 'criterion', 'It is seen to work.'))))),
    1, listed_at, now() + interval '30 days', now(), (SELECT version FROM policies LIMIT 1), listed_at, listed_at
FROM bench_projects;
INSERT INTO listings (project_id, listed_at, title, excerpt, organisation_name, budget_amount, budget_currency, budget_usd_minor,
    effort_hours, starts_on, time_zone, utc_offset_min, overlap_min, skills, expires_at)
SELECT id, listed_at, title, left(description, 280), 'Organisation ' || n % 1000, budget, 'USD', budget, effort, starts_on,
    'Europe/Berlin', 60, 120, ARRAY(SELECT DISTINCT s FROM unnest(ARRAY[s1, s2, s3]) s), now() + interval '30 days'
FROM bench_projects WHERE state = 'listed';
INSERT INTO listing_skills (skill, listed_at, project_id, budget_usd_minor, effort_hours, starts_on, utc_offset_min, overlap_min)
SELECT skill, listed_at, project_id, budget_usd_minor, effort_hours, starts_on, utc_offset_min, overlap_min
FROM listings, unnest(skills) AS skill;
INSERT INTO listing_texts (project_id, listed_at, words)
SELECT id, listed_at, setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('english', s1), 'B')
    || setweight(to_tsvector('english', description), 'C')
FROM bench_projects WHERE state = 'listed';
DROP TABLE bench_projects;
"
    )
}

fn bids_sql(projects: u32, developers: u32, bids: u32) -> String {
    let each = bids.div_ceil(developers);
    format!(
        "
INSERT INTO bids (id, project_id, developer_id, state, revision, total_amount, currency, starts_on, document,
    client_fee_bps, developer_fee_bps, version, submitted_at, created_at, updated_at)
SELECT bench_id('0009', d * {each}::bigint + k), bench_id('0001', p - p % 10 + p % {OPEN_OF_TEN}), bench_id('0004', d), 'submitted', 1,
    1000000, 'USD', current_date + 30,
    jsonb_build_object('prices', jsonb_build_array(), 'approaches', jsonb_build_array(), 'risks', jsonb_build_array(),
                       'first_step', 'Read.'),
    1500, 0, 1, now(), now(), now()
FROM generate_series(0, {developers} - 1) d, generate_series(0, {each} - 1) k,
     LATERAL (SELECT (d * 48271::bigint + k * 69621::bigint) % {projects} AS p) pick
ON CONFLICT DO NOTHING;
INSERT INTO developer_bid_slots (developer_id, open_bids) SELECT developer_id, least(count(*), 6) FROM bids GROUP BY 1;
INSERT INTO project_bid_slots (project_id, open_bids) SELECT project_id, count(*) FROM bids GROUP BY 1;
"
    )
}
