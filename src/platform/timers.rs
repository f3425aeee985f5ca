//! Timers of state machines: a row with a due time. The worker turns due rows into jobs named
//! `timer:<machine>:<event>`, so a timer that fails is retried like any other job.

use assay_kernel::Result;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Ctx;
use crate::db::schema::timers;
use crate::db::{Conn, DbError};

/// Sets (or moves) the timer that takes `event` on `subject` of `machine`.
pub async fn set(
    ctx: &Ctx,
    conn: &mut Conn,
    machine: &str,
    subject: Uuid,
    event: &str,
    due_at: DateTime<Utc>,
) -> Result<()> {
    diesel::insert_into(timers::table)
        .values((
            timers::id.eq(ctx.ids.uuid()),
            timers::machine.eq(machine),
            timers::subject.eq(subject),
            timers::event.eq(event),
            timers::due_at.eq(due_at),
            timers::created_at.eq(ctx.clock.now()),
        ))
        .on_conflict((timers::machine, timers::subject, timers::event))
        .do_update()
        .set(timers::due_at.eq(due_at))
        .execute(conn)
        .await
        .map_err(DbError::from)?;
    Ok(())
}

/// Removes some or (with no events named) all timers of a subject.
pub async fn clear(conn: &mut Conn, machine: &str, subject: Uuid, events: &[&str]) -> Result<()> {
    let mine = timers::table.filter(timers::machine.eq(machine)).filter(timers::subject.eq(subject));
    let done = if events.is_empty() {
        diesel::delete(mine).execute(conn).await
    } else {
        diesel::delete(mine.filter(timers::event.eq_any(events.to_vec()))).execute(conn).await
    };
    done.map_err(DbError::from)?;
    Ok(())
}

crate::statement! {
    /// Turns due timers into jobs.
    struct FireDue(due: DateTime<Utc> as Timestamptz, now: DateTime<Utc> as Timestamptz) -> ();
    "WITH due AS (
         DELETE FROM timers WHERE id IN (
             SELECT id FROM timers WHERE due_at <= {} ORDER BY due_at LIMIT 200 FOR UPDATE SKIP LOCKED)
         RETURNING id, machine, subject, event, due_at
     )
     INSERT INTO jobs (id, kind, payload, run_at, created_at)
     SELECT id, 'timer:' || machine || ':' || event,
            jsonb_build_object('subject', subject, 'due_at', due_at), due_at, {}
     FROM due"
}

/// Turns due timers into jobs, in one statement. Returns how many were due.
pub async fn fire_due(ctx: &Ctx, conn: &mut Conn) -> Result<usize> {
    let now = ctx.clock.now();
    Ok(FireDue { due: now, now }.execute(conn).await.map_err(DbError::from)?)
}

/// The payload of a timer's job.
#[derive(Debug, serde::Deserialize)]
pub struct Fired {
    /// The thing whose timer it was.
    pub subject: Uuid,
    /// When it was due. A handler checks the thing's present state, since a timer may fire late.
    pub due_at: DateTime<Utc>,
}
