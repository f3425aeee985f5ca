//! The outbox: an event is written in the transaction of the change it tells of; one relay numbers events without
//! gaps, in an order in which no number can appear below one already read.

use assay_kernel::ids::{AccountId, EventId, OrganisationId};
use assay_kernel::{Permission, Result};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use crate::Ctx;
use crate::db::schema::{event_audiences, events};
use crate::db::{self, Conn, DbError};

/// Who may read an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// One person.
    Account(AccountId),
    /// All members of an organisation.
    Organisation(OrganisationId),
    /// Staff with a permission.
    Staff(Permission),
}

impl Audience {
    /// The spelling in the table.
    pub fn key(&self) -> String {
        match self {
            Audience::Account(id) => id.to_string(),
            Audience::Organisation(id) => id.to_string(),
            Audience::Staff(permission) => format!("staff:{permission}"),
        }
    }
}

/// The members of an event's data that hold people's words; no other does.
const WORDS: &[&str] = &["reason", "answer", "notes", "name", "message", "text"];

/// Takes people's words out of the events that an audience may read: for an erasure.
pub async fn forget_words(conn: &mut Conn, audience: Audience) -> Result<usize> {
    let key = audience.key();
    let words: Vec<String> = WORDS.iter().map(|word| (*word).to_owned()).collect();
    let changed = diesel::sql_query(
        "UPDATE events SET data = data - $2
         WHERE data ?| $2 AND (seq IN (SELECT seq FROM event_audiences WHERE audience = $1)
             OR subject = $1 OR (seq IS NULL AND audience @> ARRAY[$1]))",
    )
    .bind::<diesel::sql_types::Text, _>(key)
    .bind::<diesel::sql_types::Array<diesel::sql_types::Text>, _>(words)
    .execute(conn)
    .await
    .map_err(DbError::from)?;
    Ok(changed)
}

/// Writes an event in the caller's transaction. `kind` is `noun.verb_in_past`, `subject` a prefixed id.
pub async fn publish(
    ctx: &Ctx,
    conn: &mut Conn,
    kind: &str,
    subject: String,
    data: Value,
    audience: &[Audience],
) -> Result<()> {
    let keys: Vec<String> = audience.iter().map(Audience::key).collect();
    diesel::insert_into(events::table)
        .values((
            events::id.eq(ctx.ids.uuid()),
            events::kind.eq(kind),
            events::subject.eq(subject),
            events::data.eq(data),
            events::audience.eq(keys),
            events::occurred_at.eq(ctx.clock.now()),
        ))
        .execute(conn)
        .await
        .map_err(DbError::from)?;
    Ok(())
}

crate::statement! {
    /// Numbers events and writes down who may read them.
    struct Number() -> (BigInt);
    "WITH batch AS (
         SELECT id, row_number() OVER (ORDER BY occurred_at, id) AS n
         FROM (SELECT id, occurred_at FROM events WHERE seq IS NULL ORDER BY occurred_at, id LIMIT 1000) unnumbered
     ), base AS (
         UPDATE event_cursor SET last_seq = last_seq + (SELECT count(*) FROM batch)
         RETURNING last_seq - (SELECT count(*) FROM batch) AS start
     ), numbered AS (
         UPDATE events e SET seq = base.start + batch.n FROM batch, base WHERE e.id = batch.id
         RETURNING e.seq, e.audience
     ), told AS (
         INSERT INTO event_audiences (audience, seq) SELECT DISTINCT unnest(audience), seq FROM numbered
     )
     SELECT count(*) FROM numbered"
}

/// Numbers events that have none yet. Only one relay runs at a time over all processes; returns how many it numbered.
pub async fn relay(ctx: &Ctx) -> Result<usize> {
    ctx.db
        .tx(async |conn| {
            if !db::try_advisory_lock(conn, db::LOCK_RELAY).await? {
                return Ok(0);
            }
            let (numbered,): (i64,) = Number {}.get_result(conn).await.map_err(DbError::from)?;
            Ok(usize::try_from(numbered).unwrap_or(0))
        })
        .await
}

/// A numbered event.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = events, check_for_backend(diesel::pg::Pg))]
pub struct Event {
    id: uuid::Uuid,
    /// Its number: strictly increasing, without gaps over the whole feed.
    #[diesel(select_expression = events::seq.assume_not_null())]
    pub seq: i64,
    /// What happened.
    pub kind: String,
    /// To what: a prefixed id.
    pub subject: String,
    /// Particulars.
    pub data: Value,
    /// When.
    pub occurred_at: DateTime<Utc>,
}

impl Event {
    /// The event's id.
    pub fn id(&self) -> EventId {
        EventId::from_uuid(self.id)
    }
}

/// Events after `after` that any of the audiences may read, oldest first.
pub async fn read(conn: &mut Conn, audience: &[Audience], after: i64, limit: i64) -> Result<Vec<Event>> {
    let keys: Vec<String> = audience.iter().map(Audience::key).collect();
    // Each audience's own tail is an index range; the page is their merge.
    let seqs: Vec<i64> = event_audiences::table
        .filter(event_audiences::audience.eq_any(keys))
        .filter(event_audiences::seq.gt(after))
        .select(event_audiences::seq)
        .distinct()
        .order(event_audiences::seq)
        .limit(limit)
        .load(conn)
        .await
        .map_err(DbError::from)?;
    let found = events::table
        .filter(events::seq.eq_any(seqs))
        .order(events::seq)
        .select(Event::as_select())
        .load(conn)
        .await
        .map_err(DbError::from)?;
    Ok(found)
}

/// Deletes events older than 90 days, in batches. Returns how many went.
pub async fn delete_old(ctx: &Ctx, conn: &mut Conn) -> Result<usize> {
    let gone = diesel::sql_query(
        "DELETE FROM events WHERE id IN (
            SELECT id FROM events WHERE seq IS NOT NULL AND occurred_at < $1 ORDER BY seq LIMIT 5000)",
    )
    .bind::<Timestamptz, _>(ctx.clock.now() - chrono::Duration::days(ctx.policy.retention.event_days))
    .execute(conn)
    .await
    .map_err(DbError::from)?;
    Ok(gone)
}
