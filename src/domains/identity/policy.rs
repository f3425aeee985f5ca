//! Who may do what: (actor, thing) → allow or deny, without IO.

use assay_kernel::ids::AccountId;
use assay_kernel::{Actor, Code, Error, Permission, Result, Scope};
use chrono::{DateTime, Duration, Utc};

use crate::model::OrganisationRole;

/// How recent a sign-in, or a code of the second factor, must be for sensitive acts.
pub const RECENT_MINUTES: i64 = 10;

/// 403 unless the person went through GitHub's sign-in lately with this very credential.
pub fn require_recent_sign_in(actor: &Actor, now: DateTime<Utc>) -> Result<()> {
    if now - actor.authenticated_at <= Duration::minutes(RECENT_MINUTES) {
        return Ok(());
    }
    Err(Error::new(Code::ReauthenticationRequired, Code::ReauthenticationRequired.meaning()))
}

/// 403 when somebody acts on their own account where another person must.
pub fn require_another(actor: &Actor, account: AccountId, act: &str) -> Result<()> {
    if actor.account_id != account {
        return Ok(());
    }
    Err(Error::new(Code::Forbidden, format!("Nobody may {act} their own account; ask a colleague.")))
}

/// May staff read organisations of which they are no member?
pub fn reads_all_organisations(actor: &Actor) -> bool {
    (actor.is(Permission::Curator) || actor.is(Permission::Admin)) && actor.scopes.contains(&Scope::Account)
}

/// 403 unless the member is an owner.
pub fn require_owner(role: OrganisationRole) -> Result<()> {
    if role == OrganisationRole::Owner {
        return Ok(());
    }
    Err(Error::new(Code::Forbidden, "This is for owners of the organisation."))
}

/// 409 when an organisation would be left without an owner.
pub fn require_owner_left(
    was: OrganisationRole,
    becomes: Option<OrganisationRole>,
    other_owners: i64,
) -> Result<()> {
    let leaves = was == OrganisationRole::Owner && becomes != Some(OrganisationRole::Owner);
    if !leaves || other_owners > 0 {
        return Ok(());
    }
    Err(Error::new(Code::StateConflict, "The last owner must stay; make another member an owner first."))
}

/// 409 when nobody would be left to administer.
pub fn require_admin_left(permission: Permission, other_admins: i64) -> Result<()> {
    if permission != Permission::Admin || other_admins > 0 {
        return Ok(());
    }
    Err(Error::new(
        Code::StateConflict,
        "The last admin must stay; grant somebody else the permission first.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisation_keeps_an_owner() {
        use OrganisationRole::{Hirer, Owner, Viewer};
        assert!(require_owner_left(Owner, None, 0).is_err());
        assert!(require_owner_left(Owner, Some(Hirer), 0).is_err());
        assert!(require_owner_left(Owner, Some(Owner), 0).is_ok());
        assert!(require_owner_left(Owner, None, 1).is_ok());
        assert!(require_owner_left(Viewer, None, 0).is_ok());
    }

    #[test]
    fn the_service_keeps_an_admin() {
        assert!(require_admin_left(Permission::Admin, 0).is_err());
        assert!(require_admin_left(Permission::Admin, 1).is_ok());
        assert!(require_admin_left(Permission::Finance, 0).is_ok());
    }
}
