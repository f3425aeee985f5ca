//! Is the process alive, and may it be sent requests?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::get;
use actix_web::web::Data;
use assay_kernel::{Code, Error};
use assay_platform::Ctx;
use assay_platform::web::{Outcome, Reply, Routes};
use serde::Serialize;
use utoipa::ToSchema;

/// What decides whether the service may be sent requests; app data.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    /// The schema is that of this version.
    pub migrated: Arc<AtomicBool>,
    /// The service is stopping.
    pub draining: Arc<AtomicBool>,
}

/// Whether the process is well.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`; anything else is a problem answer.
    #[schema(example = "ok")]
    pub status: &'static str,
}

/// Registers the routes.
pub fn routes(routes: &mut Routes<'_>) {
    routes.service(get_livez).service(get_readyz);
}

/// Tells that the process is alive.
///
/// It looks at nothing else: a process that answers need not be restarted.
#[utoipa::path(
    tag = "operations",
    responses((status = 200, description = "The process is alive.", body = Health)),
    extensions(("x-access" = json!("public")))
)]
#[get("/livez")]
async fn get_livez() -> Outcome {
    Ok(Reply::ok(&Health { status: "ok" })?)
}

/// Tells whether the service may be sent requests.
///
/// It may not while it stops, while the database is out of reach, or while a migration is pending.
#[utoipa::path(
    tag = "operations",
    responses((status = 200, description = "The service takes requests.", body = Health)),
    extensions(("x-access" = json!("public")))
)]
#[get("/readyz")]
async fn get_readyz(ctx: Data<Ctx>, readiness: Data<Readiness>) -> Outcome {
    let unready = |why: &str| Error::new(Code::Unavailable, why).with_retry_after(1);
    if readiness.draining.load(Ordering::Relaxed) {
        return Err(unready("The service is stopping.").into());
    }
    ctx.db.ping().await?;
    if !readiness.migrated.load(Ordering::Relaxed) {
        return Err(unready("The database lacks migrations of this version.").into());
    }
    Ok(Reply::ok(&Health { status: "ok" })?)
}
