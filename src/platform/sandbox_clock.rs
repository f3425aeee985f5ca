//! How far the sandbox's clock is ahead of the system's: one row, so that every process on the database agrees.
//! Nothing in production calls this.

use std::time::Duration;

use assay_kernel::Result;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::Ctx;
use crate::db::schema::sandbox_clock;
use crate::db::{Conn, DbError};

/// Sets the process's clock to the stored offset.
pub async fn follow(ctx: &Ctx, conn: &mut Conn) -> Result<()> {
    let micros: i64 =
        sandbox_clock::table.select(sandbox_clock::offset_micros).first(conn).await.map_err(DbError::from)?;
    // Never backwards: another request of this process may have moved it meanwhile.
    let stored = chrono::Duration::microseconds(micros);
    if stored > ctx.clock.offset() {
        ctx.clock.set_offset(stored);
    }
    Ok(())
}

/// Moves the clock forward for every process.
pub async fn advance(ctx: &Ctx, conn: &mut Conn, by: Duration) -> Result<()> {
    let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    let sum: i64 = diesel::update(sandbox_clock::table)
        .set(sandbox_clock::offset_micros.eq(sandbox_clock::offset_micros + micros))
        .returning(sandbox_clock::offset_micros)
        .get_result(conn)
        .await
        .map_err(DbError::from)?;
    ctx.clock.set_offset(chrono::Duration::microseconds(sum));
    Ok(())
}
