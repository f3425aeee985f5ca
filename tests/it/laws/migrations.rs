//! Every migration can be taken back and made again with the same result.

use assay_platform::db::{Conn, migrate};
use diesel::sql_types::Text;
use diesel_async::{AsyncConnection, RunQueryDsl};

use crate::harness::scratch;

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// Everything that a migration can make, as text, ordered.
const SNAPSHOT: &str = "
    SELECT line FROM (
        SELECT format('column %s.%s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                      CASE WHEN a.attnotnull THEN 'not null' ELSE '' END, coalesce(pg_get_expr(d.adbin, d.adrelid), '')) AS line
        FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'v', 'm', 'p')
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT format('table %s %s %s', relname, relkind, relpersistence)
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm', 'p', 'S')
        UNION ALL
        SELECT format('constraint %s.%s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL
        SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL
        SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL
        SELECT 'function ' || pg_get_functiondef(p.oid)
        FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
          AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
        UNION ALL
        SELECT format('type %s %s', typname, typtype) FROM pg_type
        WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
        UNION ALL
        SELECT 'extension ' || extname FROM pg_extension
        UNION ALL
        SELECT format('comment %s %s', c.relname, d.description)
        FROM pg_description d JOIN pg_class c ON c.oid = d.objoid AND c.relnamespace = 'public'::regnamespace
    ) everything
    WHERE line NOT LIKE '%__diesel_schema_migrations%'
    ORDER BY line";

async fn snapshot(url: &str) -> Vec<String> {
    let mut conn = Conn::establish(url).await.expect("a connection");
    let lines: Vec<Line> = diesel::sql_query(SNAPSHOT).load(&mut conn).await.expect("a snapshot");
    lines.into_iter().map(|line| line.line).collect()
}

#[tokio::test]
async fn up_down_up_gives_the_same_schema() {
    let database = tokio::task::spawn_blocking(scratch).await.expect("a database");
    let empty = snapshot(&database.url).await;
    migrate::run(&database.url).expect("up");
    let first = snapshot(&database.url).await;
    assert!(first.len() > empty.len() + 50, "the snapshot sees too little");
    assert_eq!(migrate::pending(&database.url).expect("pending"), Vec::<String>::new());

    migrate::revert(&database.url, None).expect("down");
    assert_eq!(snapshot(&database.url).await, empty, "something is left behind");
    migrate::run(&database.url).expect("up again");
    assert_eq!(snapshot(&database.url).await, first);
}

#[tokio::test]
async fn each_migration_can_be_taken_back_by_itself() {
    let database = tokio::task::spawn_blocking(scratch).await.expect("a database");
    let all = migrate::run(&database.url).expect("up").len();
    let whole = snapshot(&database.url).await;
    for steps in 1..=all {
        migrate::revert(&database.url, Some(steps)).expect("down");
        assert_eq!(migrate::pending(&database.url).expect("pending").len(), steps);
        migrate::run(&database.url).expect("up again");
        assert_eq!(snapshot(&database.url).await, whole, "after {steps} steps");
    }
}
