//! Who may do what with applications, approvals and appeals.

use assay_kernel::ids::AccountId;
use assay_kernel::process::Who;
use assay_kernel::{Actor, Code, Error, Permission, Result, Scope};

/// May the actor read everybody's approvals? Others read their own.
pub fn reads_all(actor: &Actor) -> bool {
    actor.is_staff() && actor.scopes.contains(&Scope::Account)
}

/// May the actor read applications, decisions and appeals of others?
pub fn screens(actor: &Actor) -> bool {
    const SCREENING: &[Permission] = &[Permission::Reviewer, Permission::Assessor, Permission::Admin];
    reads_all(actor) && SCREENING.iter().any(|permission| actor.is(*permission))
}

/// Nobody decides about themselves.
///
/// # Errors
/// `forbidden`.
pub fn require_another(by: AccountId, account: AccountId) -> Result<()> {
    if by == account {
        return Err(Error::new(Code::Forbidden, "Nobody decides about themselves."));
    }
    Ok(())
}

/// Who the actor is to what concerns `account`.
pub fn who(actor: &Actor, account: AccountId) -> Vec<Who> {
    if actor.account_id == account {
        return vec![Who::Developer];
    }
    if reads_all(actor) { actor.permissions.iter().copied().map(Who::Staff).collect() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use assay_kernel::actor::{AccountStatus, Credential};
    use assay_kernel::ids::SessionId;
    use assay_kernel::{Role, Scope};
    use uuid::Uuid;

    use super::*;

    fn account(n: u128) -> AccountId {
        AccountId::from_uuid(Uuid::from_u128(n))
    }

    fn actor(permissions: &[Permission], scopes: &[Scope]) -> Actor {
        Actor {
            account_id: account(1),
            status: AccountStatus::Active,
            roles: vec![Role::Developer],
            permissions: permissions.to_vec(),
            credential: Credential::Cookie(SessionId::from_uuid(Uuid::from_u128(9))),
            scopes: scopes.to_vec(),
            spend_limit_usd_minor: None,
            authenticated_at: "2026-11-01T00:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn nobody_decides_about_themselves() {
        let admin = actor(&[Permission::Admin], Scope::ALL);
        assert!(require_another(admin.account_id, account(2)).is_ok());
        assert!(require_another(admin.account_id, account(1)).is_err());
        assert_eq!(who(&admin, account(2)), [Who::Staff(Permission::Admin)]);
        assert_eq!(who(&admin, account(1)), [Who::Developer]);
    }

    #[test]
    fn a_token_that_only_reads_is_no_staff() {
        assert!(reads_all(&actor(&[Permission::Curator], Scope::ALL)));
        assert!(!reads_all(&actor(&[Permission::Curator], &[Scope::Read])));
        assert!(!reads_all(&actor(&[], Scope::ALL)));
    }

    #[test]
    fn curators_and_finance_do_not_read_applications() {
        for permission in Permission::ALL {
            let screening = !matches!(permission, Permission::Curator | Permission::Finance);
            assert_eq!(screens(&actor(&[*permission], Scope::ALL)), screening, "{permission}");
        }
        assert!(!screens(&actor(&[Permission::Reviewer], &[Scope::Read])));
    }
}
