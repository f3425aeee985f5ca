//! Organisations: made and changed by their owners, verified by staff.

use assay_kernel::ids::{AccountId, OrganisationId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Actor, Code, Error, Limit, Page, Permission, Result};
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use assay_platform::web::IfMatch;
use assay_platform::{Ctx, audit, input};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use validator::Validate;

use super::{page_by_id, position, typed};
use crate::model::{MAX_OWNED, OrganisationRole};
use crate::policy;
use crate::store;
use crate::store::organisations::OrganisationRow;
use crate::store::stored;

/// What owners write of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganisationContent {
    /// Its name, as registered.
    #[validate(length(min = 2, max = 120), custom(function = "text::line"))]
    #[schema(value_type = String, min_length = 2, max_length = 120, example = "Northwind Robotics GmbH")]
    pub name: Text,
    /// Where it is registered, ISO 3166-1.
    #[validate(custom(function = "text::country"))]
    #[schema(pattern = "^[A-Z]{2}$", example = "DE")]
    pub country: String,
    /// Its web page, https.
    #[validate(custom(function = "text::https_url"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000, example = "https://northwind.example.com")]
    pub website: Option<String>,
}

/// A merge patch of an organisation. A new name or country takes the verification back.
#[derive(Debug, utoipa::ToSchema)]
#[allow(dead_code)] // describes a document that is applied, not read into a type
pub struct OrganisationPatch {
    /// Its name, as registered.
    #[schema(min_length = 2, max_length = 120, example = "Northwind Robotics GmbH")]
    name: Option<String>,
    /// Where it is registered, ISO 3166-1.
    #[schema(pattern = "^[A-Z]{2}$", example = "DE")]
    country: Option<String>,
    /// Its web page, https; null removes it.
    #[schema(max_length = 2000, example = "https://northwind.example.com")]
    website: Option<String>,
}

/// An organisation.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct OrganisationView {
    /// Its id.
    #[schema(value_type = String, example = "org_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub id: OrganisationId,
    /// Its name, as registered.
    #[schema(example = "Northwind Robotics GmbH")]
    pub name: String,
    /// Where it is registered, ISO 3166-1.
    #[schema(example = "DE")]
    pub country: String,
    /// Its web page.
    #[schema(example = "https://northwind.example.com")]
    pub website: Option<String>,
    /// Has staff verified that it exists and that its owner acts for it?
    pub verified: bool,
    /// Since when it is verified.
    pub verified_at: Option<DateTime<Utc>>,
    /// What the caller may do for it; none for staff who are no members.
    pub your_role: Option<OrganisationRole>,
    /// The version of this resource, as in its ETag.
    #[schema(example = 1)]
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Why staff do what they do.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StaffReason {
    /// For the person concerned and the audit log.
    #[validate(length(min = 3, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 3, max_length = 1000, example = "Register entry and domain checked.")]
    pub reason: Text,
}

impl StaffReason {
    /// A reason given in a query; a bad one is 400, as every bad query.
    pub fn of(text: &str) -> Result<Self> {
        let reason = Self { reason: Text::new(text) };
        let refused =
            || Error::new(Code::MalformedRequest, "Query: reason must be text of 3 to 1,000 characters.");
        reason.validate().map_err(|_| refused())?;
        Ok(reason)
    }
}

fn view(row: OrganisationRow, role: Option<OrganisationRole>) -> OrganisationView {
    OrganisationView {
        id: typed(row.id),
        name: row.name,
        country: row.country,
        website: row.website,
        verified: row.verified_at.is_some(),
        verified_at: row.verified_at,
        your_role: role,
        version: row.version,
        created_at: row.created_at,
    }
}

fn missing() -> Error {
    Error::not_found("organisation")
}

/// Makes an organisation whose owner is the caller, in the caller's transaction.
pub async fn create_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    content: &OrganisationContent,
) -> Result<OrganisationView> {
    let now = ctx.clock.now();
    // The lock makes the count hold.
    store::accounts::lock(conn, actor.account_id).await?;
    if store::members::count_owned(conn, actor.account_id).await? >= MAX_OWNED {
        return Err(Error::new(
            Code::LimitReached,
            format!("A person owns {MAX_OWNED} organisations at most."),
        ));
    }
    let id: OrganisationId = ctx.ids.id();
    let fields = (&*content.name, content.country.as_str(), content.website.as_deref());
    let row = store::organisations::insert(conn, id, fields, actor.account_id, now).await?;
    store::members::insert(conn, id, actor.account_id, OrganisationRole::Owner, None, now).await?;
    publish(ctx, conn, "organisation.created", id, json!({ "name": row.name })).await?;
    Ok(view(row, Some(OrganisationRole::Owner)))
}

async fn publish(ctx: &Ctx, conn: &mut Conn, kind: &str, id: OrganisationId, data: Value) -> Result<()> {
    let audience = [Audience::Organisation(id), Audience::Staff(Permission::Curator)];
    outbox::publish(ctx, conn, kind, id.to_string(), data, &audience).await
}

/// The organisation, for its members and for staff who verify.
pub async fn read(ctx: &Ctx, actor: &Actor, id: OrganisationId) -> Result<OrganisationView> {
    ctx.db.read(async |conn| read_in(conn, actor, id).await).await
}

pub(super) async fn read_in(conn: &mut Conn, actor: &Actor, id: OrganisationId) -> Result<OrganisationView> {
    if let Some((row, role)) = store::organisations::find_for(conn, id, actor.account_id).await? {
        return Ok(view(row, Some(stored(&role)?)));
    }
    if !policy::reads_all_organisations(actor) {
        return Err(missing());
    }
    let row = store::organisations::find(conn, id).await?.ok_or_else(missing)?;
    Ok(view(row, None))
}

/// Organisations of which the caller is a member, the newest first.
pub async fn list(
    ctx: &Ctx,
    actor: &Actor,
    limit: Limit,
    cursor: Option<&str>,
) -> Result<Page<OrganisationView>> {
    let before = position(ctx, "organisations", &actor.account_id, cursor)?;
    let rows = ctx
        .db
        .read(async |conn| {
            Ok(store::organisations::list_for(conn, actor.account_id, before, limit.fetch()).await?)
        })
        .await?;
    let page = page_by_id(ctx, "organisations", &actor.account_id, rows, limit, |(row, _)| row.id)?;
    let data = page
        .data
        .into_iter()
        .map(|(row, role)| Ok(view(row, Some(stored(&role)?))))
        .collect::<Result<_>>()?;
    Ok(Page { data, next_cursor: page.next_cursor })
}

/// The queue of those who verify, the oldest first.
pub async fn list_by_verification(
    ctx: &Ctx,
    verified: bool,
    limit: Limit,
    cursor: Option<&str>,
) -> Result<Page<OrganisationView>> {
    let after = position(ctx, "staff_organisations", &verified, cursor)?;
    let rows = ctx
        .db
        .read(async |conn| {
            Ok(store::organisations::list_by_verification(conn, verified, after, limit.fetch()).await?)
        })
        .await?;
    let page = page_by_id(ctx, "staff_organisations", &verified, rows, limit, |row| row.id)?;
    Ok(page.map(|row| view(row, None)))
}

/// Locks the organisation for one of its owners: 404 for strangers, 403 for other members.
pub(super) async fn lock_as_owner(
    conn: &mut Conn,
    actor: &Actor,
    id: OrganisationId,
) -> Result<OrganisationRow> {
    let row = store::organisations::lock(conn, id).await?.ok_or_else(missing)?;
    let membership = store::members::membership(conn, actor.account_id, id).await?.ok_or_else(missing)?;
    policy::require_owner(membership.role)?;
    Ok(row)
}

/// Changes an organisation by a merge patch. What staff verified is name and country: a change takes the verification
/// back.
pub async fn update(
    ctx: &Ctx,
    actor: &Actor,
    id: OrganisationId,
    seen: &IfMatch,
    patch: &Map<String, Value>,
) -> Result<OrganisationView> {
    let now = ctx.clock.now();
    ctx.db
        .tx(async |conn| {
            let row = lock_as_owner(conn, actor, id).await?;
            seen.check(row.version)?;
            let present = OrganisationContent {
                name: Text::new(&row.name),
                country: row.country.clone(),
                website: row.website.clone(),
            };
            let content: OrganisationContent = input::merge(&present, patch)?;
            if content == present {
                return Ok(view(row, Some(OrganisationRole::Owner)));
            }
            let fields = (&*content.name, content.country.as_str(), content.website.as_deref());
            let mut changed = store::organisations::update(conn, id, fields, now).await?;
            publish(ctx, conn, "organisation.updated", id, json!({})).await?;
            let other = content.name != present.name || content.country != present.country;
            if other && row.verified_at.is_some() {
                changed = store::organisations::set_verified(conn, id, None, now).await?;
                publish(ctx, conn, "organisation.unverified", id, json!({ "cause": "changed" })).await?;
                record(ctx, conn, actor, "organisation.unverify", &changed, "Name or country was changed.")
                    .await?;
            }
            Ok(view(changed, Some(OrganisationRole::Owner)))
        })
        .await
}

async fn record(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    action: &str,
    row: &OrganisationRow,
    reason: &str,
) -> Result<()> {
    let (id, about): (OrganisationId, AccountId) = (typed(row.id), typed(row.created_by_id));
    let entry = audit::Entry {
        actor: Some(actor.account_id),
        action,
        subject: id.to_string(),
        reason: Some(reason),
        data: json!({ "account_id": about }),
    };
    audit::record(ctx, conn, entry).await
}

/// Staff vouch for an organisation, or no longer do. Members of it cannot. Who verifies names the version that was
/// checked, so that a change meanwhile is not vouched for.
pub async fn set_verified(
    ctx: &Ctx,
    actor: &Actor,
    id: OrganisationId,
    seen: Option<&IfMatch>,
    reason: &str,
) -> Result<OrganisationView> {
    let verified = seen.is_some();
    let now = ctx.clock.now();
    ctx.db
        .tx(async |conn| {
            let row = store::organisations::lock(conn, id).await?.ok_or_else(missing)?;
            if store::members::membership(conn, actor.account_id, id).await?.is_some() {
                return Err(Error::new(Code::Forbidden, "Members do not verify their own organisation."));
            }
            if let Some(seen) = seen {
                seen.check(row.version)?;
            }
            if row.verified_at.is_some() == verified {
                let detail = if verified { "It is verified already." } else { "It is not verified." };
                let open = if verified { "unverify" } else { "verify" };
                return Err(
                    Error::new(Code::StateConflict, detail).with_allowed_actions(vec![open.to_owned()])
                );
            }
            let row = store::organisations::set_verified(conn, id, verified.then_some(actor.account_id), now)
                .await?;
            let (kind, action) = if verified {
                ("organisation.verified", "organisation.verify")
            } else {
                ("organisation.unverified", "organisation.unverify")
            };
            publish(ctx, conn, kind, id, json!({ "reason": reason })).await?;
            record(ctx, conn, actor, action, &row, reason).await?;
            Ok(view(row, None))
        })
        .await
}
