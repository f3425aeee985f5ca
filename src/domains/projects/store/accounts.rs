//! What this domain reads of people; the identity domain owns the tables.

use assay_kernel::ids::OrganisationId;
use assay_platform::db::schema::organisation_members;
use assay_platform::db::{Conn, DbResult};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// The longest-standing owner of an organisation.
pub async fn owner_of(conn: &mut Conn, organisation: OrganisationId) -> DbResult<Option<uuid::Uuid>> {
    Ok(organisation_members::table
        .filter(organisation_members::organisation_id.eq(organisation.uuid()))
        .filter(organisation_members::role.eq("owner"))
        .order((organisation_members::created_at, organisation_members::account_id))
        .select(organisation_members::account_id)
        .first(conn)
        .await
        .optional()?)
}
