//! Staff's view of the audit log.

use actix_web::get;
use actix_web::web::Data;
use assay_kernel::{Limit, Page};
use assay_platform::Ctx;
use assay_platform::audit::{self, EntryView};
use assay_platform::web::{Admin, Auth, Cursor, Outcome, Query, Reply, Routes};
use serde::Deserialize;
use utoipa::IntoParams;

/// Registers the routes.
pub fn routes(routes: &mut Routes<'_>) {
    routes.service(list_audit_entries);
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Only entries about this thing: a prefixed id.
    #[param(example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    subject: Option<String>,
    /// Items on a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists the audit log.
///
/// Newest first. `assay audit verify` proves that nothing in it was changed.
#[utoipa::path(
    tag = "operations",
    params(AuditQuery),
    responses((status = 200, description = "A page of entries.", body = Page<EntryView>)),
    extensions(("x-access" = json!("admin")))
)]
#[get("/v1/audit")]
async fn list_audit_entries(ctx: Data<Ctx>, _caller: Auth<Admin>, query: Query<AuditQuery>) -> Outcome {
    let query = query.0;
    let cursor = Cursor::new(&ctx.keys, "audit", &query.subject);
    let before: Option<i64> = query.cursor.as_deref().map(|text| cursor.decode(text)).transpose()?;
    let subject = query.subject.as_deref();
    let rows =
        ctx.db.read(async |conn| audit::list(&ctx, conn, subject, before, query.limit.fetch()).await).await?;
    Ok(Reply::page(&cursor.page(rows, query.limit, |last| last.seq)?)?)
}
