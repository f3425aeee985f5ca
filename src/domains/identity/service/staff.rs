//! Staff: who they are, and people as staff see them.

use assay_kernel::ids::AccountId;
use assay_kernel::text::{self, Text};
use assay_kernel::{AccountStatus, Actor, Code, Error, Page, Permission, Result, Role};
use assay_platform::db::{Conn, advisory_lock};
use assay_platform::outbox::{self, Audience};
use assay_platform::{Ctx, audit};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use validator::Validate;

use super::second_factor::require_step_up;
use super::suspensions::{SuspensionView, suspension_of};
use super::typed;
use crate::policy;
use crate::store;
use crate::store::accounts::AccountRow;
use crate::store::{stored, stored_all};

/// Grants a staff permission.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantPermission {
    /// Which.
    pub permission: Permission,
    /// Why, for the audit log.
    #[validate(length(min = 3, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 3, max_length = 1000, example = "Joins the curation team on 1 December.")]
    pub reason: Text,
}

/// An account, as staff see it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct StaffAccount {
    /// Its id.
    #[schema(value_type = String, example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub id: AccountId,
    /// GitHub's number for the person: who they are.
    #[schema(example = 583231)]
    pub github_id: i64,
    /// The login at GitHub when the person last signed in.
    #[schema(example = "octocat")]
    pub login: String,
    /// The name they go by.
    #[schema(example = "Mona Lisa")]
    pub display_name: Option<String>,
    /// Whether the account may act.
    pub status: AccountStatus,
    /// What the person does here.
    pub roles: Vec<Role>,
    /// Staff permissions.
    pub permissions: Vec<Permission>,
    /// Why the account is suspended; none when it is not.
    pub suspension: Option<SuspensionView>,
    /// The account's version.
    #[schema(example = 3)]
    pub version: i64,
    /// When the person first signed in.
    pub created_at: DateTime<Utc>,
}

pub(super) async fn staff_view(conn: &mut Conn, row: AccountRow) -> Result<StaffAccount> {
    let id = typed(row.id);
    let status = stored(&row.status)?;
    let suspension = match status {
        AccountStatus::Suspended => suspension_of(conn, id).await?,
        _ => None,
    };
    Ok(StaffAccount {
        id,
        github_id: row.github_id,
        login: row.login,
        display_name: row.display_name,
        status,
        roles: stored_all(&row.roles)?,
        permissions: store::staff::permissions(conn, id).await?,
        suspension,
        version: row.version,
        created_at: row.created_at,
    })
}

/// Accounts of a login, letter case aside.
pub async fn accounts_by_login(ctx: &Ctx, login: &str) -> Result<Page<StaffAccount>> {
    ctx.db
        .read(async |conn| {
            let mut data = Vec::new();
            // A login has one account, or a few that are out of date.
            for row in store::accounts::by_login(conn, login).await? {
                data.push(staff_view(conn, row).await?);
            }
            Ok(Page::whole(data))
        })
        .await
}

/// Gives somebody a permission.
pub async fn grant(ctx: &Ctx, actor: &Actor, id: AccountId, input: &GrantPermission) -> Result<StaffAccount> {
    policy::require_another(actor, id, "change the permissions of")?;
    let change = Change { account: id, permission: input.permission, grant: true, reason: &input.reason };
    ctx.db
        .tx(async |conn| {
            require_step_up(ctx, conn, actor).await?;
            change.apply(ctx, conn, Some(actor.account_id)).await
        })
        .await
}

/// Takes a permission back.
pub async fn revoke(
    ctx: &Ctx,
    actor: &Actor,
    id: AccountId,
    permission: Permission,
    reason: &str,
) -> Result<StaffAccount> {
    policy::require_another(actor, id, "change the permissions of")?;
    let change = Change { account: id, permission, grant: false, reason };
    ctx.db
        .tx(async |conn| {
            require_step_up(ctx, conn, actor).await?;
            change.apply(ctx, conn, Some(actor.account_id)).await
        })
        .await
}

/// A change of who is staff.
struct Change<'a> {
    account: AccountId,
    permission: Permission,
    grant: bool,
    reason: &'a str,
}

impl Change<'_> {
    async fn apply(&self, ctx: &Ctx, conn: &mut Conn, by: Option<AccountId>) -> Result<StaffAccount> {
        let now = ctx.clock.now();
        let (id, permission) = (self.account, self.permission);
        advisory_lock(conn, store::staff::LOCK_STAFF).await?;
        let row = store::accounts::lock(conn, id).await?.ok_or_else(|| Error::not_found("account"))?;
        let changed = if self.grant {
            let status: AccountStatus = stored(&row.status)?;
            if matches!(status, AccountStatus::Suspended | AccountStatus::Erased) {
                return Err(Error::new(Code::StateConflict, "The account is suspended or erased."));
            }
            store::staff::grant(conn, id, permission, by, self.reason, now).await?
        } else {
            let others = store::staff::other_admins(conn, id).await?;
            // The command line may take the last one: it can also give one back.
            if by.is_some() && store::staff::permissions(conn, id).await?.contains(&permission) {
                policy::require_admin_left(permission, others)?;
            }
            store::staff::revoke(conn, id, permission).await?
        };
        if changed == 0 {
            let error = if self.grant {
                Error::new(Code::AlreadyExists, format!("The account holds `{permission}` already."))
            } else {
                Error::new(Code::NotFound, format!("The account does not hold `{permission}`."))
            };
            return Err(error);
        }
        let row = store::accounts::bump(conn, id, now).await?;
        let (kind, action) = if self.grant {
            ("permission.granted", "permission.grant")
        } else {
            ("permission.revoked", "permission.revoke")
        };
        let audience = [Audience::Account(id), Audience::Staff(Permission::Admin)];
        let data = json!({ "permission": permission });
        outbox::publish(ctx, conn, kind, id.to_string(), data.clone(), &audience).await?;
        let entry =
            audit::Entry { actor: by, action, subject: id.to_string(), reason: Some(self.reason), data };
        audit::record(ctx, conn, entry).await?;
        staff_view(conn, row).await
    }
}

/// For the command line: gives or takes a permission of the person with that login, who must have signed in once.
/// Doing it twice changes nothing the second time.
///
/// # Errors
/// `not_found` for an unknown login, `state_conflict` for one that several accounts have.
pub async fn grant_permission_by_login(
    ctx: &Ctx,
    login: &str,
    permission: Permission,
    grant: bool,
) -> Result<crate::AccountRef> {
    ctx.db
        .tx(async |conn| {
            let account = by_login(conn, login).await?;
            let has = store::staff::permissions(conn, account.id).await?.contains(&permission);
            if has != grant {
                let change = Change { account: account.id, permission, grant, reason: "command line" };
                change.apply(ctx, conn, None).await?;
            }
            Ok(account)
        })
        .await
}

/// The one account of that login, letter case aside.
async fn by_login(conn: &mut Conn, login: &str) -> Result<crate::AccountRef> {
    let mut found = store::accounts::by_login(conn, login).await?;
    match (found.pop(), found.is_empty()) {
        (Some(row), true) => {
            Ok(crate::AccountRef { id: typed(row.id), login: row.login, display_name: row.display_name })
        }
        (Some(_), false) => {
            Err(Error::new(Code::StateConflict, format!("Several accounts have the login {login:?}.")))
        }
        (None, _) => {
            Err(Error::new(Code::NotFound, format!("Nobody with the login {login:?} has signed in.")))
        }
    }
}

/// The staff member of that login, who must hold the permission; for the command line.
///
/// # Errors
/// `not_found` when nobody of that login has signed in, `state_conflict` when several have it, `forbidden` without the
/// permission.
pub async fn staff_by_login(
    conn: &mut Conn,
    login: &str,
    permission: Permission,
) -> Result<crate::AccountRef> {
    let account = by_login(conn, login).await?;
    if store::staff::permissions(conn, account.id).await?.contains(&permission) {
        return Ok(account);
    }
    Err(Error::new(Code::Forbidden, format!("{login} does not hold the permission `{permission}`.")))
}
