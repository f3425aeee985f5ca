//! Granting, revoking, expiring and reading approvals.

use assay_kernel::actor::AccountStatus;
use assay_kernel::ids::{AccountId, ApprovalId};
use assay_kernel::process::Who;
use assay_kernel::{Actor, Code, Error, Result, Role};
use assay_platform::audit::{self, Entry};
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use assay_platform::{Ctx, timers};
use chrono::Duration;
use serde_json::{Value, json};

use crate::model::{APPROVAL, Approval, ApprovalState, EXPIRE, MACHINE, REVOKE, Revocation};
use crate::{policy, store};

/// Does an approval of the person hold now?
///
/// # Errors
/// When the database fails.
pub async fn is_approved(ctx: &Ctx, conn: &mut Conn, account: AccountId) -> Result<bool> {
    Ok(store::holds(conn, account, ctx.clock.now()).await?)
}

/// The person's approval that holds now.
///
/// # Errors
/// When the database fails.
pub async fn approval_of(ctx: &Ctx, conn: &mut Conn, account: AccountId) -> Result<Option<Approval>> {
    store::holding(conn, account, ctx.clock.now()).await
}

/// Approves a developer for the policy's term.
pub(crate) async fn grant_approval_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    account: AccountId,
    reason: &str,
) -> Result<Approval> {
    policy::require_decider(actor, account)?;
    let refuse = |code, detail: &str| Error::invalid_field("/account_id", code, detail);
    let Some((status, roles)) = store::applicant(conn, account).await? else {
        return Err(refuse("unknown_value", "there is no such account"));
    };
    let is_developer = roles.iter().any(|role| role == Role::Developer.as_str());
    if status != AccountStatus::Active.as_str() || !is_developer {
        return Err(refuse("not_allowed", "the account is not an active developer's"));
    }
    let now = ctx.clock.now();
    match store::lock_active(conn, account).await? {
        Some(approval) if approval.holds_at(now) => return Err(already_approved(approval.id)),
        // Its timer is late; the new one takes its place.
        Some(lapsed) => expire_in(ctx, conn, lapsed).await?,
        None => {}
    }
    let approval = Approval {
        id: ctx.ids.id(),
        account_id: account,
        state: ApprovalState::Active,
        granted_by: actor.account_id,
        granted_at: now,
        expires_at: now + Duration::days(ctx.policy.vetting.approval_days),
        reason: reason.to_owned(),
        revocation: None,
        policy_version: ctx.policy.version.clone(),
        version: 1,
    };
    store::insert(conn, &approval).await.map_err(|error| {
        if error.violates(store::ONE_ACTIVE) {
            return Error::new(Code::AlreadyExists, "The developer has an active approval already.");
        }
        error.into()
    })?;
    timers::set(ctx, conn, MACHINE, approval.id.uuid(), EXPIRE, approval.expires_at).await?;
    tell(ctx, conn, &approval, "approval.granted", json!({ "expires_at": approval.expires_at })).await?;
    record(ctx, conn, &approval, Some(actor), "approval.grant", Some(reason)).await?;
    Ok(approval)
}

fn already_approved(id: ApprovalId) -> Error {
    Error::new(Code::AlreadyExists, format!("The developer has an active approval already: {id}."))
}

/// Takes an approval back. `seen` checks the version that the caller decided on.
pub(crate) async fn revoke_approval(
    ctx: &Ctx,
    actor: &Actor,
    id: ApprovalId,
    reason: &str,
    seen: impl Fn(i64) -> Result<()>,
) -> Result<Approval> {
    ctx.db
        .tx(async |conn| {
            let mut approval = store::lock(conn, id).await?.ok_or_else(|| Error::not_found("approval"))?;
            policy::require_decider(actor, approval.account_id)?;
            seen(approval.version)?;
            let who = policy::who(actor, approval.account_id);
            let transition = APPROVAL.transition(approval.state.as_str(), REVOKE, &who)?;
            approval.state = transition.to.parse()?;
            approval.revocation =
                Some(Revocation { by: actor.account_id, at: ctx.clock.now(), reason: reason.to_owned() });
            approval.version += 1;
            store::update(conn, &approval).await?;
            timers::clear(conn, MACHINE, id.uuid(), &[]).await?;
            tell(ctx, conn, &approval, "approval.revoked", json!({})).await?;
            record(ctx, conn, &approval, Some(actor), "approval.revoke", Some(reason)).await?;
            Ok(approval)
        })
        .await
}

/// Ends an approval whose time has run out; anything else is left as it is.
pub(crate) async fn expire_approval(ctx: &Ctx, id: ApprovalId) -> Result<()> {
    ctx.db
        .tx(async |conn| match store::lock(conn, id).await? {
            Some(approval)
                if approval.state == ApprovalState::Active && approval.expires_at <= ctx.clock.now() =>
            {
                expire_in(ctx, conn, approval).await
            }
            _ => Ok(()),
        })
        .await
}

async fn expire_in(ctx: &Ctx, conn: &mut Conn, mut approval: Approval) -> Result<()> {
    let transition = APPROVAL.transition(approval.state.as_str(), EXPIRE, &[Who::System])?;
    approval.state = transition.to.parse()?;
    approval.version += 1;
    store::update(conn, &approval).await?;
    timers::clear(conn, MACHINE, approval.id.uuid(), &[]).await?;
    tell(ctx, conn, &approval, "approval.expired", json!({})).await?;
    record(ctx, conn, &approval, None, "approval.expire", None).await
}

async fn tell(ctx: &Ctx, conn: &mut Conn, approval: &Approval, kind: &str, data: Value) -> Result<()> {
    let to = [Audience::Account(approval.account_id)];
    outbox::publish(ctx, conn, kind, approval.id.to_string(), data, &to).await
}

async fn record(
    ctx: &Ctx,
    conn: &mut Conn,
    approval: &Approval,
    actor: Option<&Actor>,
    action: &str,
    reason: Option<&str>,
) -> Result<()> {
    let entry = Entry {
        actor: actor.map(|actor| actor.account_id),
        action,
        subject: approval.id.to_string(),
        reason,
        data: json!({ "account_id": approval.account_id, "expires_at": approval.expires_at }),
    };
    audit::record(ctx, conn, entry).await
}

/// An approval that the caller may see: their own, or for staff anybody's.
pub(crate) async fn get_approval(ctx: &Ctx, actor: &Actor, id: ApprovalId) -> Result<Approval> {
    let of = (!policy::reads_all(actor)).then_some(actor.account_id);
    ctx.db
        .read(async |conn| store::find(conn, id, of).await)
        .await?
        .ok_or_else(|| Error::not_found("approval"))
}

/// The caller's newest approval, whatever its state.
pub(crate) async fn get_own_approval(ctx: &Ctx, actor: &Actor) -> Result<Approval> {
    ctx.db
        .read(async |conn| store::newest(conn, actor.account_id).await)
        .await?
        .ok_or_else(|| Error::not_found("approval"))
}

/// Approvals for staff, newest first.
pub(crate) async fn list_approvals(
    ctx: &Ctx,
    state: Option<ApprovalState>,
    account: Option<AccountId>,
    before: Option<ApprovalId>,
    limit: i64,
) -> Result<Vec<Approval>> {
    ctx.db.read(async |conn| store::list(conn, state, account, before, limit).await).await
}
