//! Approvals from before applications become outcomes of applications.

use assay_platform::db::{Conn, migrate};
use diesel::sql_types::Text;
use diesel_async::{AsyncConnection, RunQueryDsl, SimpleAsyncConnection};

use crate::harness::scratch;

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

async fn lines(conn: &mut Conn, sql: &str) -> Vec<String> {
    let lines: Vec<Line> = diesel::sql_query(sql).load(conn).await.expect("lines");
    lines.into_iter().map(|line| line.line).collect()
}

#[tokio::test]
async fn approvals_become_outcomes_of_applications_and_survive_the_way_back() {
    let database = tokio::task::spawn_blocking(scratch).await.expect("a database");
    migrate::run(&database.url).expect("up");
    let mut conn = Conn::establish(&database.url).await.expect("a connection");
    let columns = "SELECT column_name::text AS line FROM information_schema.columns
         WHERE table_name = 'approvals' AND column_name = 'application_id'";
    while !lines(&mut conn, columns).await.is_empty() {
        migrate::revert(&database.url, Some(1)).expect("down");
    }
    conn.batch_execute(
        "INSERT INTO policies VALUES ('old', '{}', now());
         INSERT INTO accounts (id, github_id, login, status, roles, github_emails, created_at, updated_at)
         SELECT ('00000000-0000-7000-8000-00000000000' || n)::uuid, n, 'p' || n, 'pending', '{}', '[]', now(), now()
         FROM generate_series(1, 3) n;
         INSERT INTO approvals (id, account_id, state, granted_by_id, granted_at, expires_at, reason, revoked_by_id,
                                revoked_at, revoke_reason, policy_version)
         VALUES (gen_random_uuid(), '00000000-0000-7000-8000-000000000001', 'active', '00000000-0000-7000-8000-000000000003',
                 now(), now() + interval '1 day', 'good', NULL, NULL, NULL, 'old'),
                (gen_random_uuid(), '00000000-0000-7000-8000-000000000002', 'revoked', '00000000-0000-7000-8000-000000000003',
                 now(), now() + interval '1 day', 'good', '00000000-0000-7000-8000-000000000003', now(), 'bad', 'old')",
    )
    .await
    .expect("approvals of old");
    migrate::run(&database.url).expect("up again");
    let found = "SELECT concat_ws(' ', a.login, p.state, ap.state, string_agg(d.kind || coalesce(':' || d.reason, ''), ',' ORDER BY d.kind)) AS line
         FROM approvals p JOIN accounts a ON a.id = p.account_id
         JOIN applications ap ON ap.id = p.application_id AND ap.account_id = p.account_id
         JOIN decisions d ON d.approval_id = p.id AND d.application_id = ap.id
         GROUP BY a.login, p.state, ap.state ORDER BY a.login";
    assert_eq!(
        lines(&mut conn, found).await,
        ["p1 active approved approved", "p2 revoked approved approval_revoked:bad,approved"]
    );
    while !lines(&mut conn, columns).await.is_empty() {
        migrate::revert(&database.url, Some(1)).expect("down");
    }
    assert_eq!(
        lines(&mut conn, "SELECT state AS line FROM approvals ORDER BY state").await,
        ["active", "revoked"]
    );
}
