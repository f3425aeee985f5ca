//! The schema as the code sees it is the one that is there, and it is keyed and indexed.

use std::collections::{BTreeMap, BTreeSet};

use assay_platform::db::Conn;
use diesel::sql_types::Text;
use diesel_async::{AsyncConnection, RunQueryDsl};

use crate::harness::TestApp;
use crate::tidy::sources;

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    a: String,
    #[diesel(sql_type = Text)]
    b: String,
    #[diesel(sql_type = Text)]
    c: String,
}

async fn rows(app: &TestApp, sql: &str) -> Vec<(String, String, String)> {
    let mut conn = Conn::establish(app.database_url()).await.expect("a connection");
    let rows: Vec<Row> = diesel::sql_query(sql).load(&mut conn).await.expect("rows");
    rows.into_iter().map(|row| (row.a, row.b, row.c)).collect()
}

/// What the hand-written `diesel::table!`s say: (table, column) → type.
fn declared() -> BTreeMap<(String, String), String> {
    let mut columns = BTreeMap::new();
    for source in sources().iter().filter(|source| source.path.starts_with("src/platform/db/schema/")) {
        let mut table = None;
        for line in source.text.lines().map(str::trim) {
            if line.starts_with("diesel::table!") {
                table = None;
            } else if let (None, Some((name, _))) = (&table, line.split_once(" (")) {
                if line.ends_with('{') && !line.starts_with("//") {
                    table = Some(name.to_owned());
                }
            } else if let (Some(table), Some((column, kind))) = (&table, line.split_once(" -> ")) {
                columns.insert((table.clone(), column.to_owned()), kind.trim_end_matches(',').to_owned());
            } else if line == "}" && table.as_deref() == Some("") {
                table = None;
            }
        }
    }
    columns
}

fn diesel_type(udt: &str, nullable: &str) -> String {
    let plain = match udt.trim_start_matches('_') {
        "uuid" => "Uuid",
        "text" => "Text",
        "bool" => "Bool",
        "int2" => "Int2",
        "int4" => "Int4",
        "int8" => "Int8",
        "jsonb" => "Jsonb",
        "bytea" => "Bytea",
        "timestamptz" => "Timestamptz",
        "date" => "Date",
        "time" => "Time",
        "numeric" => "Numeric",
        "float8" => "Float8",
        "tsvector" => "Tsvector",
        "tsquery" => "Tsquery",
        "tstzrange" => "Tstzrange",
        other => other,
    };
    let kind = if udt.starts_with('_') { format!("Array<{plain}>") } else { plain.to_owned() };
    if nullable == "YES" { format!("Nullable<{kind}>") } else { kind }
}

fn normal(kind: &str) -> String {
    kind.replace("SmallInt", "Int2")
        .replace("Integer", "Int4")
        .replace("BigInt", "Int8")
        .replace("Varchar", "Text")
        .replace("Binary", "Bytea")
}

#[tokio::test]
async fn the_tables_in_code_are_the_tables_in_the_database() {
    let app = TestApp::start().await;
    let found = rows(
        &app,
        "SELECT c.table_name::text AS a, c.column_name::text AS b, c.udt_name || ' ' || c.is_nullable AS c
         FROM information_schema.columns c
         JOIN information_schema.tables t USING (table_schema, table_name)
         WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.table_name <> '__diesel_schema_migrations'",
    )
    .await;
    let declared = declared();
    let mut faults = Vec::new();
    let tables: BTreeSet<&str> = declared.keys().map(|(table, _)| table.as_str()).collect();
    let mut seen = BTreeSet::new();
    for (table, column, kind) in &found {
        let (udt, nullable) = kind.split_once(' ').expect("two words");
        let key = (table.clone(), column.clone());
        seen.insert(key.clone());
        match declared.get(&key) {
            Some(kind) if normal(kind) == diesel_type(udt, nullable) => {}
            Some(kind) => faults
                .push(format!("{table}.{column} is {}, the code says {kind}", diesel_type(udt, nullable))),
            // A column that only SQL text names (a tsvector, say) may be left out of a table, a table may not.
            None if tables.contains(table.as_str()) && udt == "tsvector" => {}
            None => faults.push(format!("{table}.{column} is not in src/platform/db/schema")),
        }
    }
    faults.extend(
        declared
            .keys()
            .filter(|key| !seen.contains(*key))
            .map(|(t, c)| format!("{t}.{c} is not in the database")),
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    app.stop().await;
}

#[tokio::test]
async fn every_id_column_has_a_foreign_key() {
    let app = TestApp::start().await;
    let lacking = rows(
        &app,
        "SELECT c.relname::text AS a, a.attname::text AS b, '' AS c
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
         WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
           AND a.attname LIKE '%\\_id' AND a.atttypid = 'uuid'::regtype
           AND NOT EXISTS (SELECT 1 FROM pg_constraint k
                           WHERE k.conrelid = c.oid AND k.contype = 'f' AND a.attnum = ANY (k.conkey))
         ORDER BY 1, 2",
    )
    .await;
    assert!(lacking.is_empty(), "no foreign key: {lacking:?}");
    app.stop().await;
}

#[tokio::test]
async fn every_foreign_key_is_indexed() {
    let app = TestApp::start().await;
    let lacking = rows(
        &app,
        "SELECT k.conrelid::regclass::text AS a, k.conname::text AS b, pg_get_constraintdef(k.oid) AS c
         FROM pg_constraint k
         WHERE k.connamespace = 'public'::regnamespace AND k.contype = 'f'
           AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indkey[0] = k.conkey[1])
         ORDER BY 1, 2",
    )
    .await;
    assert!(lacking.is_empty(), "no index: {lacking:?}");
    app.stop().await;
}

#[tokio::test]
async fn every_row_has_a_key() {
    let app = TestApp::start().await;
    let lacking = rows(
        &app,
        "SELECT c.relname::text AS a, '' AS b, '' AS c FROM pg_class c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
           AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL)",
    )
    .await;
    assert!(lacking.is_empty(), "neither a primary key nor a unique index: {lacking:?}");
    app.stop().await;
}
