//! The same SQL by pgbench (prepared), in as many round trips.

use std::path::Path;
use std::time::Duration;

use assay_platform::db::embedded::Cluster;
use tokio::process::Command;

use crate::load::{Operation, percentile};
use crate::process::CpuMeter;
use crate::{Failure, seed};

/// What pgbench reached.
pub struct Outcome {
    /// Transactions a second.
    pub rate: f64,
    /// Median latency.
    pub p50_ms: f64,
    /// 95th percentile of the latency.
    pub p95_ms: f64,
    /// 99th percentile of the latency.
    pub p99_ms: f64,
    /// PostgreSQL's CPU for each transaction.
    pub postgres_ms: f64,
}

/// Runs scripts, as often one as another.
pub async fn run(
    cluster: &Cluster,
    database: &str,
    scripts: &[String],
    connections: u32,
    duration: Duration,
) -> Result<Outcome, Failure> {
    let folder = std::env::temp_dir().join(format!("assay-pgbench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let outcome = measure(cluster, database, scripts, connections, duration, &folder).await;
    std::fs::remove_dir_all(&folder)?;
    outcome
}

async fn measure(
    cluster: &Cluster,
    database: &str,
    scripts: &[String],
    connections: u32,
    duration: Duration,
    folder: &Path,
) -> Result<Outcome, Failure> {
    let url = cluster.url(database);
    let program = ["pgbench"]
        .iter()
        .map(|name| cluster.bin_dir().join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| "pgbench".into());
    let mut command = Command::new(program);
    command.args(["-n", "-M", "prepared", "-j", "2", "-D", "n=0"]).args(["-c", &connections.to_string()]);
    command
        .args(["-T", &duration.as_secs().to_string(), "-l"])
        .arg(format!("--log-prefix={}/log", folder.display()));
    for (i, script) in scripts.iter().enumerate() {
        let file = folder.join(format!("script{i}.sql"));
        std::fs::write(&file, script)?;
        command.arg("-f").arg(file);
    }
    command.arg(&url).current_dir(folder);
    let meter = CpuMeter::start(0, &url).await?;
    let mut child =
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn()?;
    // pgbench's sessions end with it, so their CPU is read shortly before.
    tokio::time::sleep(duration.saturating_sub(Duration::from_millis(500))).await;
    let used = meter.postgres_so_far();
    let share = (duration.as_secs_f64() - 0.5) / duration.as_secs_f64();
    drop(child.stdin.take());
    let output = child.wait_with_output().await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        return Err(format!("pgbench failed: {}{}", text, String::from_utf8_lossy(&output.stderr)).into());
    }
    let number = |prefix: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(prefix))
            .and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok())
    };
    let rate = number("tps = ").ok_or("pgbench printed no tps")?;
    let transactions =
        number("number of transactions actually processed: ").ok_or("pgbench printed no count")?;
    let mut latencies = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("log")) {
            let log = std::fs::read_to_string(&path)?;
            latencies.extend(log.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<u32>().ok()));
        }
    }
    latencies.sort_unstable();
    Ok(Outcome {
        rate,
        p50_ms: percentile(&latencies, 50.0),
        p95_ms: percentile(&latencies, 95.0),
        p99_ms: percentile(&latencies, 99.0),
        postgres_ms: used * 1000.0 / (transactions * share).max(1.0),
    })
}

const LISTING: &str = "l.project_id, l.listed_at, l.title, l.excerpt, l.organisation_name, l.budget_amount, \
    l.budget_currency, l.budget_usd_minor, l.effort_hours, l.starts_on, l.time_zone, l.utc_offset_min, l.overlap_min, \
    l.skills, l.expires_at";

fn filters(table: &str) -> String {
    format!(
        "{table}.budget_usd_minor BETWEEN :least AND :most AND {table}.effort_hours BETWEEN 0 AND 2147483647 \
         AND {table}.starts_on BETWEEN date '0001-01-01' AND date '9999-12-31' \
         AND COALESCE({table}.overlap_min = 0 OR 540 - least(abs({table}.utc_offset_min - NULL), \
             1440 - abs({table}.utc_offset_min - NULL)) >= {table}.overlap_min, true)"
    )
}

/// The SQL of an operation on projects.
pub fn scripts(operation: Operation, projects: u32, developers: u32) -> Vec<String> {
    let open = format!("\\set r random(0, {projects} - 1)\n\\set n :r - :r % 10 + :r % 6\n");
    match operation {
        Operation::Get => vec![format!(
            "{open}SELECT p.*, o.name, o.verified_at FROM projects p JOIN organisations o ON o.id = p.organisation_id \
             WHERE p.id = bench_id('0001', :n);\n"
        )],
        Operation::List => {
            let skills: Vec<String> = seed::SKILLS.iter().map(|skill| format!("'{skill}'")).collect();
            let (least, most) = seed::BUDGET_RANGE;
            vec![format!(
                "\\set s random(1, {count})\n\\set least {least}\n\\set most {most}\n\
                 SELECT {LISTING} FROM (SELECT DISTINCT s.listed_at, s.project_id \
                 FROM unnest(ARRAY[(ARRAY[{skills}])[:s]]) AS wanted (skill), LATERAL (\
                   SELECT k.listed_at, k.project_id FROM listing_skills k WHERE k.skill = wanted.skill \
                   AND (k.listed_at, k.project_id) < (timestamptz '9999-12-31 23:59:59Z', 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid) \
                   AND {filters} ORDER BY k.listed_at DESC, k.project_id DESC LIMIT 21) s \
                 ORDER BY s.listed_at DESC, s.project_id DESC LIMIT 21) page \
                 JOIN listings l ON l.project_id = page.project_id \
                 ORDER BY page.listed_at DESC, page.project_id DESC;\n",
                count = seed::SKILLS.len(),
                skills = skills.join(","),
                filters = filters("k"),
            )]
        }
        Operation::Search => {
            let search = |sets: &str, words: &str| {
                format!(
                    "{sets}\\set least 0\n\\set most 9000000000000000\n\
                     SELECT m.rank, {LISTING} FROM newest_matches(websearch_to_tsquery('english', {words}), now(), 150) m \
                     JOIN listings l ON l.project_id = m.project_id \
                     WHERE {} AND (m.rank, m.listed_at, m.project_id) < (3.4e38::real, timestamptz '9999-12-31 23:59:59Z', \
                        'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid) \
                     ORDER BY m.rank DESC, m.listed_at DESC, m.project_id DESC LIMIT 21;\n",
                    filters("l")
                )
            };
            vec![
                search("\\set a random(0, 2)\n\\set b random(3, 7)\n", "'w' || :a || ' w' || :b"),
                search("\\set a random(2000, 16999)\n", "'w' || :a"),
            ]
        }
        Operation::Bid => vec![format!(
            "{open}\\set d random({developers} / 2, {developers} - 1)\n\\set x random(0, 2000000000)\n\\set y random(0, 2000000000)\n\
             SELECT s.id, s.authenticated_at, s.last_seen_at, a.id, a.status, a.roles, \
               ARRAY(SELECT p.permission FROM staff_permissions p WHERE p.account_id = a.id) \
             FROM sessions s JOIN accounts a ON a.id = s.account_id \
             WHERE s.token_hash = sha256(('bench-session-' || lpad(to_hex(:d::int), 8, '0'))::bytea) AND s.revoked_at IS NULL \
               AND s.expires_at > now() AND s.last_seen_at > now() - interval '3 days' AND a.status <> 'erased';\n\
             BEGIN;\n\
             SELECT p.state, p.budget_currency, p.milestones, coalesce(p.starts_on, current_date), \
               EXISTS (SELECT FROM approvals a WHERE a.account_id = bench_id('0004', :d) AND a.state = 'active' AND a.expires_at > now()), \
               EXISTS (SELECT FROM organisation_members m WHERE m.organisation_id = p.organisation_id AND m.account_id = bench_id('0004', :d)), \
               (SELECT i.id FROM invitations i WHERE i.project_id = p.id AND i.developer_id = bench_id('0004', :d) \
                AND i.state IN ('sent', 'viewed', 'accepted') LIMIT 1), p.organisation_id \
             FROM projects p WHERE p.id = bench_id('0001', :n) FOR SHARE OF p;\n\
             WITH mine AS (INSERT INTO developer_bid_slots AS s (developer_id, open_bids) VALUES (bench_id('0004', :d), 1) \
                 ON CONFLICT (developer_id) DO UPDATE SET open_bids = s.open_bids + 1 WHERE s.open_bids < 8 RETURNING 1), \
               theirs AS (INSERT INTO project_bid_slots AS s (project_id, open_bids) SELECT bench_id('0001', :n), 1 FROM mine \
                 ON CONFLICT (project_id) DO UPDATE SET open_bids = s.open_bids + 1 RETURNING open_bids), \
               bid AS (INSERT INTO bids (id, project_id, developer_id, state, revision, total_amount, currency, starts_on, document, \
                   client_fee_bps, developer_fee_bps, submitted_at, created_at, updated_at) \
                 SELECT bench_id(to_hex(49152 + :x % 16384), :y), bench_id('0001', :n), bench_id('0004', :d), \
                   CASE WHEN theirs.open_bids <= 12 THEN 'submitted' ELSE 'waitlisted' END, 1, 1100000, 'USD', date '2027-03-01', \
                   {document}, 1500, 0, now(), now(), now() FROM theirs ON CONFLICT DO NOTHING RETURNING state), \
               revision AS (INSERT INTO bid_revisions (bid_id, revision, total_amount, starts_on, document, created_at) \
                 SELECT bench_id(to_hex(49152 + :x % 16384), :y), 1, 1100000, date '2027-03-01', {document}, now() \
                 FROM theirs WHERE EXISTS (SELECT FROM bid) ON CONFLICT DO NOTHING) \
             SELECT state FROM bid;\n\
             INSERT INTO events (id, kind, subject, data, audience, occurred_at) VALUES (gen_random_uuid(), 'bid.submitted', \
               'bid_00000000000000000000000000000000', '{{\"total\": {{\"amount\": 1100000, \"currency\": \"USD\"}}}}', \
               ARRAY['acc_00000000000000000000000000000000', 'org_00000000000000000000000000000000'], now());\n\
             END;\n",
            document = "'{\"prices\": [{\"milestone_id\": \"mst_00000000000270008000000000000000\", \"amount\": 1100000}], \
                \"approaches\": [{\"deliverable_id\": \"dlv_00000000000370008000000000000000\", \"approach\": \
                \"Tests against the files of the customer first.\"}], \"risks\": [], \"first_step\": \
                \"Load one closed month and show what does not match.\"}'::jsonb",
        )],
    }
}
