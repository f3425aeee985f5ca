//! Jobs of identity: invitations that expire, and what is kept for a time only.

use assay_kernel::Result;
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::jobs::Registry;
use assay_platform::timers::Fired;

use crate::service::{invitations, keys, sessions};

/// Registers the handlers of this domain's timers.
pub fn jobs(registry: &mut Registry) {
    registry.on("timer:organisation_invitation:expire", |ctx: Ctx, fired: Fired| async move {
        invitations::expire(&ctx, fired.subject).await
    });
}

/// Deletes what is kept for a time only and renews signing keys that are old. Call it in a transaction, hourly or
/// daily. Returns how many rows went.
///
/// | what | kept |
/// |---|---|
/// | sign-ins under way | a day |
/// | refresh tokens | until they expire |
/// | sessions, API tokens | 90 days after they expire |
/// | invitations revoked or expired | 90 days |
/// | signing keys | a week after they are believed no longer |
pub async fn retention(ctx: &Ctx, conn: &mut Conn) -> Result<usize> {
    let sessions = sessions::delete_old(ctx, conn).await?;
    let invitations = invitations::delete_old(ctx, conn).await?;
    keys::rotate_if_old(ctx, conn).await?;
    Ok(sessions.saturating_add(invitations))
}
