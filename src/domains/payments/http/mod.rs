//! The operations of payments.

mod approvals;
mod clients;
mod developers;
mod finance;
mod views;
mod webhooks;

use assay_kernel::text::{self, Text};
use assay_kernel::{Limit, Result};
use assay_platform::db::Conn;
use assay_platform::web::{Cursor, Outcome, Reply, Routes};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::service::Payments;

/// Registers the operations.
pub fn routes(routes: &mut Routes<'_>) {
    clients::routes(routes);
    developers::routes(routes);
    finance::routes(routes);
    approvals::routes(routes);
    webhooks::routes(routes);
}

/// A page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    pub limit: Limit,
    /// Where to go on, from `next_cursor`.
    pub cursor: Option<String>,
}

/// Why finance staff do what they do.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FinanceReason {
    /// For the audit log, and the person concerned.
    #[validate(length(min = 3, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 3, max_length = 1000, example = "The payer has confirmed the payment by telephone.")]
    pub reason: Text,
}

/// A page of a list that goes by id, newest first. `list` is its name and what it is filtered by, to which its cursors
/// are bound; `rows` reads at most so many before an id.
async fn page<R, V: Serialize>(
    payments: &Payments,
    (name, filter): (&str, &impl Serialize),
    PageQuery { limit, cursor }: PageQuery,
    rows: impl AsyncFn(&mut Conn, Option<Uuid>, i64) -> Result<Vec<R>>,
    id: impl FnOnce(&R) -> Uuid,
    view: impl Fn(R) -> Result<V>,
) -> Outcome {
    let cursors = Cursor::new(&payments.ctx.keys, name, filter);
    let before: Option<Uuid> = cursor.as_deref().map(|cursor| cursors.decode(cursor)).transpose()?;
    let rows = payments.ctx.db.read(async |conn| rows(conn, before, limit.fetch()).await).await?;
    Ok(Reply::page(&cursors.page(rows, limit, id)?.try_map(view)?)?)
}
