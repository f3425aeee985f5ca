//! What assessments ask: who must not judge whom.

use std::pin::Pin;

use assay_assessments::Conflict;
use assay_kernel::Result;
use assay_kernel::ids::AccountId;
use assay_platform::db::Conn;
use uuid::Uuid;

use crate::store;

/// The open contracts between a candidate and any of `assessors`.
pub fn ties<'a>(
    conn: &'a mut Conn,
    candidate: AccountId,
    assessors: &'a [Uuid],
) -> Pin<Box<dyn Future<Output = Result<Vec<Conflict>>> + 'a>> {
    Box::pin(async move { Ok(store::ties::open_contracts(conn, candidate, assessors).await?) })
}
