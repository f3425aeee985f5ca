//! Members of organisations.

use assay_kernel::ids::{AccountId, OrganisationId};
use assay_kernel::{Actor, Code, Error, Limit, Money, Page, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use assay_platform::web::IfMatch;
use assay_platform::{audit, input};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use validator::Validate;

use super::organisations::lock_as_owner;
use super::{page_by_id, position, typed, usd, usd_minor};
use crate::model::{AccountRef, OrganisationRole};
use crate::policy;
use crate::store;
use crate::store::members::{MemberRow, Person};
use crate::store::stored;

/// A member of an organisation.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MemberView {
    /// Who.
    pub account: AccountRef,
    /// What they may do for it.
    pub role: OrganisationRole,
    /// Most they may commit in one act, USD; none = no limit.
    pub spending_limit: Option<Money>,
    /// The version of this resource, as in its ETag.
    #[schema(example = 1)]
    pub version: i64,
    /// Since when they are a member.
    pub created_at: DateTime<Utc>,
}

/// What owners decide about a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberTerms {
    /// What they may do for the organisation.
    #[schema(required = false)]
    pub role: OrganisationRole,
    /// Most they may commit in one act, USD; null = no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spending_limit: Option<Money>,
}

fn view((row, (login, display_name)): (MemberRow, Person)) -> Result<MemberView> {
    Ok(MemberView {
        account: AccountRef { id: typed(row.account_id), login, display_name },
        role: stored(&row.role)?,
        spending_limit: usd(row.spending_limit_usd_minor),
        version: row.version,
        created_at: row.created_at,
    })
}

/// 404 unless the caller may read the organisation.
async fn require_reader(conn: &mut Conn, actor: &Actor, id: OrganisationId) -> Result<()> {
    if policy::reads_all_organisations(actor)
        || store::members::membership(conn, actor.account_id, id).await?.is_some()
    {
        return Ok(());
    }
    Err(Error::not_found("organisation"))
}

/// Members, in the order of their accounts.
pub async fn list(
    ctx: &Ctx,
    actor: &Actor,
    id: OrganisationId,
    limit: Limit,
    cursor: Option<&str>,
) -> Result<Page<MemberView>> {
    let after = position(ctx, "organisation_members", &id, cursor)?;
    let rows = ctx
        .db
        .read(async |conn| {
            require_reader(conn, actor, id).await?;
            Ok(store::members::list(conn, id, after, limit.fetch()).await?)
        })
        .await?;
    page_by_id(ctx, "organisation_members", &id, rows, limit, |(row, _)| row.account_id)?.try_map(view)
}

/// One member.
pub async fn read(ctx: &Ctx, actor: &Actor, id: OrganisationId, member: AccountId) -> Result<MemberView> {
    ctx.db
        .read(async |conn| {
            require_reader(conn, actor, id).await?;
            let found = store::members::find(conn, id, member).await?;
            view(found.ok_or_else(|| Error::not_found("member"))?)
        })
        .await
}

/// Changes role and limit of a member by a merge patch.
pub async fn update(
    ctx: &Ctx,
    actor: &Actor,
    id: OrganisationId,
    member: AccountId,
    seen: &IfMatch,
    patch: &Map<String, Value>,
) -> Result<MemberView> {
    ctx.db
        .tx(async |conn| {
            lock_as_owner(conn, actor, id).await?;
            let missing = || Error::not_found("member");
            let (row, _) = store::members::find(conn, id, member).await?.ok_or_else(missing)?;
            seen.check(row.version)?;
            let present =
                MemberTerms { role: stored(&row.role)?, spending_limit: usd(row.spending_limit_usd_minor) };
            let terms: MemberTerms = input::merge(&present, patch)?;
            let limit = usd_minor(terms.spending_limit, "/spending_limit")?;
            let owners = store::members::other_owners(conn, id, member).await?;
            policy::require_owner_left(present.role, Some(terms.role), owners)?;
            store::members::update(conn, id, member, terms.role, limit).await?;
            let data = json!({ "account_id": member, "role": terms.role });
            publish(ctx, conn, "organisation_member.changed", id, member, data.clone()).await?;
            record(ctx, conn, actor, "organisation_member.change", id, data).await?;
            view(store::members::find(conn, id, member).await?.ok_or_else(missing)?)
        })
        .await
}

/// Removes a member: owners remove anybody, everybody may leave; the last owner stays.
pub async fn remove(
    ctx: &Ctx,
    actor: &Actor,
    id: OrganisationId,
    member: AccountId,
    seen: &IfMatch,
) -> Result<()> {
    ctx.db
        .tx(async |conn| {
            let missing = || Error::not_found("organisation");
            store::organisations::lock(conn, id).await?.ok_or_else(missing)?;
            let caller = store::members::membership(conn, actor.account_id, id).await?.ok_or_else(missing)?;
            if member != actor.account_id {
                policy::require_owner(caller.role)?;
            }
            let (row, _) =
                store::members::find(conn, id, member).await?.ok_or_else(|| Error::not_found("member"))?;
            seen.check(row.version)?;
            let owners = store::members::other_owners(conn, id, member).await?;
            policy::require_owner_left(stored(&row.role)?, None, owners)?;
            store::members::delete(conn, id, member).await?;
            let data = json!({ "account_id": member });
            publish(ctx, conn, "organisation_member.removed", id, member, data.clone()).await?;
            record(ctx, conn, actor, "organisation_member.remove", id, data).await
        })
        .await
}

/// Adds a member in the caller's transaction, which holds the organisation's lock.
pub(super) async fn add_in(
    ctx: &Ctx,
    conn: &mut Conn,
    id: OrganisationId,
    member: AccountId,
    role: OrganisationRole,
    limit: Option<i64>,
) -> Result<()> {
    if store::members::count(conn, id).await? >= ctx.policy.organisations.max_members {
        return Err(full(ctx));
    }
    if store::members::insert(conn, id, member, role, limit, ctx.clock.now()).await? == 0 {
        return Err(Error::new(Code::AlreadyExists, "You are a member of the organisation already."));
    }
    let data = json!({ "account_id": member, "role": role });
    publish(ctx, conn, "organisation_member.joined", id, member, data).await
}

pub(super) fn full(ctx: &Ctx) -> Error {
    let max = ctx.policy.organisations.max_members;
    Error::new(Code::LimitReached, format!("An organisation has {max} members and open invitations at most."))
}

async fn publish(
    ctx: &Ctx,
    conn: &mut Conn,
    kind: &str,
    id: OrganisationId,
    member: AccountId,
    data: Value,
) -> Result<()> {
    let audience = [Audience::Organisation(id), Audience::Account(member)];
    outbox::publish(ctx, conn, kind, id.to_string(), data, &audience).await
}

async fn record(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    action: &str,
    id: OrganisationId,
    data: Value,
) -> Result<()> {
    let entry =
        audit::Entry { actor: Some(actor.account_id), action, subject: id.to_string(), reason: None, data };
    audit::record(ctx, conn, entry).await
}
