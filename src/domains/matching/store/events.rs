//! The feed of events, as the columns are kept fresh by it.

use assay_platform::db::schema::event_cursor;
use assay_platform::db::{Conn, DbResult};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text};
use diesel_async::RunQueryDsl;
use serde_json::Value;

/// An event with those who may read it.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Told {
    pub seq: i64,
    pub kind: String,
    pub subject: String,
    pub data: Value,
    pub audience: Vec<String>,
}

/// The number of the last event.
pub async fn last(conn: &mut Conn) -> DbResult<i64> {
    Ok(event_cursor::table.select(event_cursor::last_seq).first(conn).await?)
}

assay_platform::statement! {
    /// Events after a number.
    struct After(after: i64 as BigInt, limit: i64 as BigInt) -> (BigInt, Text, Text, Jsonb, Array<Text>);
    "SELECT seq, kind, subject, data, audience FROM events WHERE seq > {} ORDER BY seq LIMIT {}"
}

/// Events after a number, in order.
pub async fn after(conn: &mut Conn, after: i64, limit: i64) -> DbResult<Vec<Told>> {
    let rows: Vec<(i64, String, String, Value, Vec<String>)> = After { after, limit }.load(conn).await?;
    let told = |(seq, kind, subject, data, audience)| Told { seq, kind, subject, data, audience };
    Ok(rows.into_iter().map(told).collect())
}

// The upper bound is none: with a lower one alone a statement that is planned once takes a third of all events for
// likely, and reads them all.
assay_platform::statement! {
    /// Events after a number and those that have none yet.
    struct News(after: i64 as BigInt, limit: i64 as BigInt) -> (Nullable<BigInt>, Text, Text, Jsonb, Array<Text>);
    "SELECT seq, kind, subject, data, audience FROM events
     WHERE seq > {} AND seq <= 9223372036854775807 AND kind <> 'match.ranked'
     UNION ALL SELECT seq, kind, subject, data, audience FROM events WHERE seq IS NULL AND kind <> 'match.ranked'
     LIMIT {}"
}

/// What has happened after an event, told or not yet told; rankings aside.
pub async fn news(conn: &mut Conn, after: i64, limit: i64) -> DbResult<Vec<Told>> {
    type Row = (Option<i64>, String, String, Value, Vec<String>);
    let rows: Vec<Row> = News { after, limit }.load(conn).await?;
    let told = |(seq, kind, subject, data, audience): Row| Told {
        seq: seq.unwrap_or(i64::MAX),
        kind,
        subject,
        data,
        audience,
    };
    Ok(rows.into_iter().map(told).collect())
}
