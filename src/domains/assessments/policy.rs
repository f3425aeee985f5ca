//! Who may do what with assessments.

use assay_kernel::process::Who;
use assay_kernel::{Actor, Code, Error, Permission, Result, Scope};
use uuid::Uuid;

/// Is the actor staff with this permission, by a credential that may act as staff?
pub fn is_staff(actor: &Actor, permission: Permission) -> bool {
    actor.is(permission) && actor.scopes.contains(&Scope::Account)
}

/// May the actor read everybody's assessments, and who assesses?
pub fn oversees(actor: &Actor) -> bool {
    is_staff(actor, Permission::Reviewer) || is_staff(actor, Permission::Admin)
}

/// 403 unless the actor oversees assessments.
///
/// # Errors
/// `forbidden`.
pub fn require_oversight(actor: &Actor) -> Result<()> {
    if oversees(actor) {
        return Ok(());
    }
    Err(Error::new(Code::Forbidden, "This is for reviewers and admins."))
}

/// Who the actor is to an assessment of `candidate`.
pub fn who(actor: &Actor, candidate: Uuid) -> Vec<Who> {
    if actor.account_id.uuid() == candidate {
        return vec![Who::Developer];
    }
    staff(actor)
}

/// What the actor is of the staff.
pub fn staff(actor: &Actor) -> Vec<Who> {
    let held = actor.permissions.iter().filter(|permission| is_staff(actor, **permission));
    held.copied().map(Who::Staff).collect()
}

#[cfg(test)]
mod tests {
    use assay_kernel::actor::{AccountStatus, Credential};
    use assay_kernel::ids::{AccountId, SessionId};

    use super::*;

    fn actor(permissions: &[Permission], scopes: &[Scope]) -> Actor {
        Actor {
            account_id: AccountId::from_uuid(Uuid::from_u128(1)),
            status: AccountStatus::Active,
            roles: Vec::new(),
            permissions: permissions.to_vec(),
            credential: Credential::Cookie(SessionId::from_uuid(Uuid::from_u128(9))),
            scopes: scopes.to_vec(),
            spend_limit_usd_minor: None,
            authenticated_at: "2026-11-01T00:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_candidate_is_no_staff_to_themselves() {
        let reviewer = actor(&[Permission::Reviewer], Scope::ALL);
        assert_eq!(who(&reviewer, Uuid::from_u128(1)), [Who::Developer]);
        assert_eq!(who(&reviewer, Uuid::from_u128(2)), [Who::Staff(Permission::Reviewer)]);
        let reading = actor(&[Permission::Reviewer], &[Scope::Read]);
        assert_eq!(who(&reading, Uuid::from_u128(2)), []);
    }

    #[test]
    fn reviewers_and_admins_oversee() {
        for permission in Permission::ALL {
            let oversight = matches!(permission, Permission::Reviewer | Permission::Admin);
            assert_eq!(oversees(&actor(&[*permission], Scope::ALL)), oversight, "{permission}");
        }
        assert!(require_oversight(&actor(&[Permission::Admin], &[Scope::Read])).is_err());
    }
}
