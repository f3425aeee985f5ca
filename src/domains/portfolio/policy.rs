//! Who may see what of a portfolio.

use assay_kernel::ids::AccountId;
use assay_kernel::{Actor, Permission, Scope};

/// Everything, or only what was made public?
pub fn sees_all(actor: &Actor, owner: AccountId) -> bool {
    actor.account_id == owner || reviews(actor)
}

/// Signs of gaming are for reviewers, and nobody reviews themselves.
pub fn sees_flags(actor: &Actor, owner: AccountId) -> bool {
    actor.account_id != owner && reviews(actor)
}

fn reviews(actor: &Actor) -> bool {
    actor.is(Permission::Reviewer) && actor.scopes.contains(&Scope::Account)
}

#[cfg(test)]
mod tests {
    use assay_kernel::Role;
    use assay_kernel::actor::{AccountStatus, Credential};
    use assay_kernel::ids::SessionId;
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
    fn reviewers_see_everything_of_others_and_no_flags_of_their_own() {
        let reviewer = actor(&[Permission::Reviewer], Scope::ALL);
        assert!(sees_all(&reviewer, account(2)) && sees_flags(&reviewer, account(2)));
        assert!(sees_all(&reviewer, account(1)) && !sees_flags(&reviewer, account(1)));
        let reading = actor(&[Permission::Reviewer], &[Scope::Read]);
        assert!(!sees_all(&reading, account(2)) && !sees_flags(&reading, account(2)));
    }

    #[test]
    fn others_see_what_is_public() {
        for permission in [Permission::Curator, Permission::Finance, Permission::Admin, Permission::Assessor]
        {
            assert!(!sees_all(&actor(&[permission], Scope::ALL), account(2)));
        }
        assert!(sees_all(&actor(&[], Scope::ALL), account(1)));
    }
}
