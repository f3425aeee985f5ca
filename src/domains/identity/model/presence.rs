//! Who was where, by what credential: links of a chain, and what in them staff should look at.

use assay_kernel::ids::{AccountId, ApiTokenId, SessionId};
use assay_kernel::string_enum;
use chrono::{DateTime, Utc};
use serde::Serialize;

string_enum! {
    /// What a person did that says that it was them.
    pub enum PresenceKind {
        /// Booked a session.
        Booked = "booked",
        /// Came to a session.
        CheckedIn = "checked_in",
        /// Signed a contract.
        Signed = "signed",
    }
}

/// A link of an account's chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Presence {
    /// Whose chain.
    pub account_id: AccountId,
    /// Its place in the chain, from 1 without gaps.
    #[schema(minimum = 1, example = 1)]
    pub seq: i64,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// What the person did.
    pub kind: PresenceKind,
    /// About what: a prefixed id.
    #[schema(example = "asm_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub subject: String,
    /// The sign-in that acted.
    pub session_id: Option<SessionId>,
    /// The API token that acted.
    pub api_token_id: Option<ApiTokenId>,
    /// When the person had last gone through GitHub's sign-in with it.
    pub authenticated_at: DateTime<Utc>,
    /// The person's number at GitHub; none any more once they were erased.
    #[schema(example = 583_231)]
    pub github_number: Option<i64>,
    /// SHA-256 over the link before and this one.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub hash: String,
}

string_enum! {
    /// What staff should look at. None of these blocks anybody: people change computers.
    pub enum PresenceFlag {
        /// Another account checked in than the one that booked.
        AnotherAccount = "another_account",
        /// Another person at GitHub.
        AnotherGithub = "another_github",
        /// Booked by a sign-in and checked in by an API token, or the other way round, or by another token.
        AnotherCredential = "another_credential",
        /// Another sign-in.
        AnotherSignIn = "another_sign_in",
    }
}

/// How what came later differs from the first link of the same person's doings.
pub fn flags(links: &[Presence]) -> Vec<PresenceFlag> {
    let Some((first, later)) = links.split_first() else { return Vec::new() };
    let mut found = Vec::new();
    let mut flag = |holds: bool, flag| {
        if holds && !found.contains(&flag) {
            found.push(flag);
        }
    };
    for link in later {
        flag(link.account_id != first.account_id, PresenceFlag::AnotherAccount);
        flag(link.github_number != first.github_number, PresenceFlag::AnotherGithub);
        flag(link.api_token_id != first.api_token_id, PresenceFlag::AnotherCredential);
        let both_signed_in = link.session_id.is_some() && first.session_id.is_some();
        flag(both_signed_in && link.session_id != first.session_id, PresenceFlag::AnotherSignIn);
    }
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn link(account: u128, session: Option<u128>, token: Option<u128>, github: i64) -> Presence {
        let at = "2026-12-01T10:00:00Z".parse().unwrap();
        Presence {
            account_id: AccountId::from_uuid(Uuid::from_u128(account)),
            seq: 1,
            occurred_at: at,
            kind: PresenceKind::Booked,
            subject: "asm_1".into(),
            session_id: session.map(|id| SessionId::from_uuid(Uuid::from_u128(id))),
            api_token_id: token.map(|id| ApiTokenId::from_uuid(Uuid::from_u128(id))),
            authenticated_at: at,
            github_number: Some(github),
            hash: String::new(),
        }
    }

    #[test]
    fn what_differs_is_flagged_once() {
        use PresenceFlag as F;
        let first = link(1, Some(1), None, 7);
        let of = |later: Presence| flags(&[first.clone(), later.clone(), later]);
        assert_eq!(flags(&[]), []);
        assert_eq!(of(first.clone()), []);
        assert_eq!(of(link(1, Some(2), None, 7)), [F::AnotherSignIn]);
        assert_eq!(of(link(1, None, Some(2), 7)), [F::AnotherCredential]);
        assert_eq!(of(link(1, Some(1), None, 8)), [F::AnotherGithub]);
        assert_eq!(of(link(2, Some(2), None, 8)), [F::AnotherAccount, F::AnotherGithub, F::AnotherSignIn]);
    }
}
