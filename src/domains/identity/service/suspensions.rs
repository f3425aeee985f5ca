//! Suspensions: an adverse decision with a reason, at once in force, and open to one appeal that somebody else decides.

use assay_kernel::error::WhyNot;
use assay_kernel::ids::{AccountId, AppealId};
use assay_kernel::process::{Actions, Who};
use assay_kernel::text::{self, Text};
use assay_kernel::{AccountStatus, Actor, Code, Error, Limit, Page, Permission, Result, Scope, string_enum};
use assay_platform::db::{Conn, advisory_lock};
use assay_platform::outbox::{self, Audience};
use assay_platform::{Ctx, audit};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use validator::Validate;

use super::sessions::end_everything;
use super::staff::{StaffAccount, staff_view};
use super::{page_by_id, position, typed};
use crate::model::{SUSPENSION_APPEAL as MACHINE, SuspensionReason};
use crate::policy;
use crate::store;
use crate::store::staff::{AppealRow, SuspensionRow};
use crate::store::stored;

string_enum! {
    /// Where an appeal against a suspension stands.
    pub enum SuspensionAppealState {
        /// Waits for a decision.
        Open = "open",
        /// The suspension stands.
        Upheld = "upheld",
        /// The suspension was wrong and has ended.
        Overturned = "overturned",
        /// The suspension ended before a decision.
        Moot = "moot",
    }
}

string_enum! {
    /// What is decided about an appeal.
    pub enum AppealDecision {
        /// The suspension stands.
        Uphold = "uphold",
        /// The suspension was wrong and ends.
        Overturn = "overturn",
    }
}

/// Suspends an account.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuspendAccount {
    /// The kind of reason.
    pub reason_code: SuspensionReason,
    /// The reason, for the person concerned to read.
    #[validate(length(min = 10, max = 2_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 2000, example = "The portfolio shows work of somebody else; see the report of 3 November.")]
    pub reason: Text,
}

/// Appeals against the caller's suspension.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppealSuspension {
    /// Why the suspension is wrong.
    #[validate(length(min = 10, max = 5_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 5000, example = "I am the author: the commits are signed with my key.")]
    pub text: Text,
}

/// Decides an appeal.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideAppeal {
    /// What is decided.
    pub decision: AppealDecision,
    /// Why, for the person concerned to read.
    #[validate(length(min = 10, max = 2_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 2000, example = "The signatures were checked and are the person's own.")]
    pub reason: Text,
}

/// A suspension, as the suspended person sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SuspensionView {
    /// The kind of reason.
    pub reason_code: SuspensionReason,
    /// The reason.
    #[schema(example = "The portfolio shows work of somebody else; see the report of 3 November.")]
    pub reason: String,
    /// Since when.
    pub suspended_at: DateTime<Utc>,
    /// The appeal against it; none when there is none yet.
    pub appeal: Option<OwnAppeal>,
}

/// An appeal, as the person who made it sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct OwnAppeal {
    /// Its id.
    #[schema(value_type = String, example = "apl_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub id: AppealId,
    /// Where it stands.
    pub state: SuspensionAppealState,
    /// What the person wrote.
    pub text: String,
    /// What was answered.
    pub answer: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
}

/// An appeal, as staff see it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SuspensionAppealView {
    /// Its id.
    #[schema(value_type = String, example = "apl_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub id: AppealId,
    /// Whose it is.
    #[schema(value_type = String, example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub account_id: AccountId,
    /// Where it stands.
    pub state: SuspensionAppealState,
    /// What the person wrote.
    pub text: String,
    /// The kind of reason of the suspension.
    pub reason_code: SuspensionReason,
    /// The reason of the suspension.
    pub reason: String,
    /// Who suspended; somebody else decides.
    #[schema(value_type = String, example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub suspended_by: AccountId,
    /// Since when the account is suspended.
    pub suspended_at: DateTime<Utc>,
    /// Who decided.
    #[schema(value_type = Option<String>, example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub decided_by: Option<AccountId>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// What was answered.
    pub answer: Option<String>,
    /// What the caller can do with it.
    pub allowed_actions: Vec<String>,
    /// What only a condition blocks.
    pub why_not: Vec<WhyNot>,
    /// The version of this resource, as in its ETag.
    #[schema(example = 1)]
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

fn own(row: AppealRow) -> Result<OwnAppeal> {
    Ok(OwnAppeal {
        id: typed(row.id),
        state: stored(&row.state)?,
        text: row.text,
        answer: row.answer,
        created_at: row.created_at,
        decided_at: row.decided_at,
    })
}

fn view(actor: &Actor, appeal: AppealRow, suspension: &SuspensionRow) -> Result<SuspensionAppealView> {
    let state: SuspensionAppealState = stored(&appeal.state)?;
    let Actions { allowed, why_not } =
        MACHINE.actions(state.as_str(), REVIEWER, |_, _| blocked(actor, suspension));
    Ok(SuspensionAppealView {
        id: typed(appeal.id),
        account_id: typed(appeal.account_id),
        state,
        text: appeal.text,
        reason_code: stored(&suspension.reason_code)?,
        reason: suspension.reason.clone(),
        suspended_by: typed(suspension.suspended_by_id),
        suspended_at: suspension.suspended_at,
        decided_by: appeal.decided_by_id.map(typed),
        decided_at: appeal.decided_at,
        answer: appeal.answer,
        allowed_actions: allowed,
        why_not,
        version: appeal.version,
        created_at: appeal.created_at,
    })
}

const REVIEWER: &[Who] = &[Who::Staff(Permission::Reviewer)];

/// The one guard: another person decides.
fn blocked(actor: &Actor, suspension: &SuspensionRow) -> Option<String> {
    let involved = [suspension.suspended_by_id, suspension.account_id].contains(&actor.account_id.uuid());
    involved.then(|| "Whoever suspended the account does not decide the appeal.".to_owned())
}

/// The suspension in force, for the person concerned.
pub(super) async fn suspension_of(conn: &mut Conn, account: AccountId) -> Result<Option<SuspensionView>> {
    let Some((row, appeal)) = store::staff::suspension(conn, account).await? else { return Ok(None) };
    Ok(Some(SuspensionView {
        reason_code: stored(&row.reason_code)?,
        reason: row.reason,
        suspended_at: row.suspended_at,
        appeal: appeal.map(own).transpose()?,
    }))
}

/// Suspends an account: every session and token of it ends.
pub async fn suspend(
    ctx: &Ctx,
    actor: &Actor,
    id: AccountId,
    input: &SuspendAccount,
) -> Result<StaffAccount> {
    policy::require_another(actor, id, "suspend")?;
    let now = ctx.clock.now();
    ctx.db
        .tx(async |conn| {
            advisory_lock(conn, store::staff::LOCK_STAFF).await?;
            let row = store::accounts::lock(conn, id).await?.ok_or_else(|| Error::not_found("account"))?;
            match stored(&row.status)? {
                AccountStatus::Pending | AccountStatus::Active => {}
                AccountStatus::Suspended => {
                    let conflict = Error::new(Code::StateConflict, "The account is suspended already.");
                    return Err(conflict.with_allowed_actions(vec!["reinstate".to_owned()]));
                }
                AccountStatus::Erased => {
                    return Err(Error::new(Code::StateConflict, "The account was erased."));
                }
            }
            if store::staff::permissions(conn, id).await?.contains(&Permission::Admin) {
                let others = store::staff::other_admins(conn, id).await?;
                policy::require_admin_left(Permission::Admin, others)?;
            }
            let code = input.reason_code.as_str();
            store::staff::suspend(conn, ctx.ids.uuid(), id, code, &input.reason, actor.account_id, now)
                .await?;
            let row = store::accounts::set_status(conn, id, AccountStatus::Suspended, now).await?;
            end_everything(conn, id, "suspended", now).await?;
            let audience = [Audience::Account(id), Audience::Staff(Permission::Admin)];
            let data = json!({ "reason_code": input.reason_code, "reason": &*input.reason });
            outbox::publish(ctx, conn, "account.suspended", id.to_string(), data, &audience).await?;
            let entry = audit::Entry {
                actor: Some(actor.account_id),
                action: "account.suspend",
                subject: id.to_string(),
                reason: Some(&input.reason),
                data: json!({ "reason_code": input.reason_code }),
            };
            audit::record(ctx, conn, entry).await?;
            staff_view(conn, row).await
        })
        .await
}

/// Ends a suspension.
pub async fn reinstate(ctx: &Ctx, actor: &Actor, id: AccountId, reason: &str) -> Result<StaffAccount> {
    policy::require_another(actor, id, "reinstate")?;
    let now = ctx.clock.now();
    ctx.db
        .tx(async |conn| {
            let row = store::accounts::lock(conn, id).await?.ok_or_else(|| Error::not_found("account"))?;
            if row.status != AccountStatus::Suspended.as_str() {
                let conflict = Error::new(Code::StateConflict, "The account is not suspended.");
                return Err(conflict.with_allowed_actions(vec!["suspend".to_owned()]));
            }
            if let Some((_, Some(appeal))) = store::staff::suspension(conn, id).await?
                && appeal.state == MACHINE.initial
            {
                let step = MACHINE.transition(&appeal.state, "reinstated", &[Who::System])?;
                store::staff::close_appeal(conn, appeal.id, step.to, None, None, now).await?;
            }
            let row = end_in(ctx, conn, actor, id, row.terms_version.is_some(), reason, now).await?;
            staff_view(conn, row).await
        })
        .await
}

async fn end_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: AccountId,
    signed_up: bool,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<store::accounts::AccountRow> {
    store::staff::end_suspension(conn, id, actor.account_id, reason, now).await?;
    let status = if signed_up { AccountStatus::Active } else { AccountStatus::Pending };
    let row = store::accounts::set_status(conn, id, status, now).await?;
    let audience = [Audience::Account(id), Audience::Staff(Permission::Admin)];
    outbox::publish(ctx, conn, "account.reinstated", id.to_string(), json!({ "reason": reason }), &audience)
        .await?;
    let entry = audit::Entry {
        actor: Some(actor.account_id),
        action: "account.reinstate",
        subject: id.to_string(),
        reason: Some(reason),
        data: json!({}),
    };
    audit::record(ctx, conn, entry).await?;
    Ok(row)
}

/// The suspended caller appeals; once for each suspension.
pub async fn appeal_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    input: &AppealSuspension,
) -> Result<OwnAppeal> {
    actor.require_scope(Scope::Account)?;
    let now = ctx.clock.now();
    store::accounts::lock(conn, actor.account_id).await?;
    let Some((suspension, appeal)) = store::staff::suspension(conn, actor.account_id).await? else {
        return Err(
            Error::new(Code::StateConflict, "The account is not suspended.").with_allowed_actions(Vec::new())
        );
    };
    if appeal.is_some() {
        return Err(Error::new(Code::AlreadyExists, "There is an appeal against this suspension already."));
    }
    let id: AppealId = ctx.ids.id();
    let row =
        store::staff::insert_appeal(conn, id, suspension.id, actor.account_id, &input.text, now).await?;
    store::accounts::bump(conn, actor.account_id, now).await?;
    let audience = [Audience::Account(actor.account_id), Audience::Staff(Permission::Reviewer)];
    let data = json!({ "account_id": actor.account_id });
    outbox::publish(ctx, conn, "suspension_appeal.opened", id.to_string(), data, &audience).await?;
    own(row)
}

/// Appeals in a state, the longest waiting first.
pub async fn list(
    ctx: &Ctx,
    actor: &Actor,
    state: SuspensionAppealState,
    limit: Limit,
    cursor: Option<&str>,
) -> Result<Page<SuspensionAppealView>> {
    let after = position(ctx, "suspension_appeals", &state, cursor)?;
    let rows = ctx
        .db
        .read(async |conn| Ok(store::staff::appeals(conn, state.as_str(), after, limit.fetch()).await?))
        .await?;
    page_by_id(ctx, "suspension_appeals", &state, rows, limit, |(appeal, _)| appeal.id)?
        .try_map(|(a, s)| view(actor, a, &s))
}

/// One appeal.
pub async fn read(ctx: &Ctx, actor: &Actor, id: AppealId) -> Result<SuspensionAppealView> {
    let found = ctx.db.read(async |conn| Ok(store::staff::appeal(conn, id).await?)).await?;
    let (appeal, suspension) = found.ok_or_else(|| Error::not_found("appeal"))?;
    view(actor, appeal, &suspension)
}

/// Decides an appeal; overturning ends the suspension.
pub async fn decide(
    ctx: &Ctx,
    actor: &Actor,
    id: AppealId,
    input: &DecideAppeal,
) -> Result<SuspensionAppealView> {
    let now = ctx.clock.now();
    ctx.db
        .tx(async |conn| {
            let missing = || Error::not_found("appeal");
            let (seen_row, _) = store::staff::appeal(conn, id).await?.ok_or_else(missing)?;
            let account = typed(seen_row.account_id);
            let person = store::accounts::lock(conn, account).await?.ok_or_else(missing)?;
            // Read again under the account's lock, which every change of a suspension takes.
            let (appeal, suspension) = store::staff::appeal(conn, id).await?.ok_or_else(missing)?;
            let step = MACHINE.transition(&appeal.state, input.decision.as_str(), REVIEWER)?;
            MACHINE.check(step, |_| blocked(actor, &suspension))?;
            let by = Some(actor.account_id);
            let closed =
                store::staff::close_appeal(conn, appeal.id, step.to, by, Some(&input.reason), now).await?;
            let audience = [Audience::Account(account), Audience::Staff(Permission::Reviewer)];
            let data = json!({ "account_id": account, "decision": input.decision, "reason": &*input.reason });
            outbox::publish(ctx, conn, "suspension_appeal.decided", id.to_string(), data, &audience).await?;
            let entry = audit::Entry {
                actor: by,
                action: "suspension_appeal.decide",
                subject: id.to_string(),
                reason: Some(&input.reason),
                data: json!({ "account_id": account, "decision": input.decision }),
            };
            match input.decision {
                AppealDecision::Uphold => {
                    store::accounts::bump(conn, account, now).await?;
                }
                AppealDecision::Overturn => {
                    let signed_up = person.terms_version.is_some();
                    end_in(ctx, conn, actor, account, signed_up, &input.reason, now).await?;
                }
            }
            audit::record(ctx, conn, entry).await?;
            view(actor, closed, &suspension)
        })
        .await
}
