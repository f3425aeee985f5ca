//! Jobs of identity: invitations that expire, and what is kept for a time only.

use assay_kernel::Result;
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::jobs::Registry;
use assay_platform::timers::Fired;

use crate::service::{Identity, data_requests, invitations, keys, sessions};

/// Registers the handlers of this domain's timers and jobs.
pub fn jobs(registry: &mut Registry, identity: &Identity) {
    registry.on("timer:organisation_invitation:expire", |ctx: Ctx, fired: Fired| async move {
        invitations::expire(&ctx, fired.subject).await
    });
    registry.on("timer:data_export:expire", |ctx: Ctx, fired: Fired| async move {
        data_requests::expire_export(&ctx, fired.subject).await
    });
    let exporter = identity.clone();
    registry.on(data_requests::EXPORT_JOB, move |ctx: Ctx, job: data_requests::ExportJob| {
        let identity = exporter.clone();
        async move { identity.make_export(&ctx, job).await }
    });
    let eraser = identity.clone();
    registry.on("timer:erasure:erase", move |ctx: Ctx, fired: Fired| {
        let identity = eraser.clone();
        async move { identity.erase_if_due(&ctx, fired.subject).await }
    });
    let forgetter = identity.clone();
    registry.on(data_requests::FORGET_JOB, move |ctx: Ctx, job: data_requests::ForgetJob| {
        let identity = forgetter.clone();
        async move { identity.forget(&ctx, job).await }
    });
}

/// Deletes what is kept for a time only and renews signing keys that are old. Call it in a transaction, hourly or
/// daily. Returns how many rows went.
///
/// | what | kept |
/// |---|---|
/// | sign-ins under way | `retention.sign_in_hours` |
/// | refresh tokens | until they expire |
/// | sessions, API tokens | `retention.ended_credential_days` after they expire |
/// | invitations revoked or expired | the same |
/// | requests about one's data | `retention.data_request_days` after their end |
/// | signing keys | a week after they are believed no longer |
pub async fn retention(ctx: &Ctx, conn: &mut Conn) -> Result<usize> {
    let sessions = sessions::delete_old(ctx, conn).await?;
    let invitations = invitations::delete_old(ctx, conn).await?;
    keys::rotate_if_old(ctx, conn).await?;
    let requests = data_requests::delete_old(ctx, conn).await?;
    Ok([sessions, invitations, requests].into_iter().sum())
}
