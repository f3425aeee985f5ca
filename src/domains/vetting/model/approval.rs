//! Approvals and their states.

use assay_kernel::ids::{AccountId, ApplicationId, ApprovalId};
use assay_kernel::process::{Machine, State, Transition, Who, row};
use assay_kernel::{Permission, string_enum};
use chrono::{DateTime, Utc};

string_enum! {
    /// Where an approval stands.
    pub enum ApprovalState {
        /// Granted; holds until it expires.
        Active = "active",
        /// Taken back by an admin.
        Revoked = "revoked",
        /// Its time has run out.
        Expired = "expired",
    }
}

/// The name of the machine, of its timers and of its jobs.
pub const MACHINE: &str = "approval";
/// The event that the timer takes.
pub const EXPIRE: &str = "expire";
/// The event of a newer approval.
pub const RENEW: &str = "renew";
/// The event that an admin takes.
pub const REVOKE: &str = "revoke";
/// The event of an overturned revocation.
pub const REINSTATE: &str = "reinstate";
/// The timer that tells of the end to come.
pub const NOTICE: &str = "notice";

/// How approvals change.
pub const APPROVAL: Machine = Machine {
    name: MACHINE,
    version: "2026-11-21",
    meaning: "A developer's right to bid: the outcome of an application.",
    initial: "active",
    states: &[
        State { name: "active", meaning: "The developer may bid until the approval expires." },
        State {
            name: "revoked",
            meaning: "An admin took the approval back; the reason is readable by the developer.",
        },
        State { name: "expired", meaning: "The time of the approval has run out." },
    ],
    guards: &[],
    transitions: &[
        Transition {
            effects: &[
                "the developer can bid no more",
                "decision that can be appealed for 14 days",
                "mail to the developer",
            ],
            reason_required: true,
            ..row(REVOKE, &["active"], "revoked", &[Who::Staff(Permission::Admin)])
        },
        Transition {
            effects: &["with an overturned revocation; the term goes on"],
            ..row(REINSTATE, &["revoked"], "active", &[Who::System])
        },
        Transition {
            effects: &["a newer approval takes its place, and begins where this one would have ended"],
            ..row(RENEW, &["active"], "expired", &[Who::System])
        },
        Transition {
            clock: Some("60 days before the end"),
            effects: &["mail to the developer, who may apply again from now on"],
            ..row(NOTICE, &["active"], "active", &[Who::System])
        },
        Transition {
            clock: Some("548 days (18 months) after the grant, or after the end of the approval it renews"),
            effects: &["the developer can bid no more", "mail to the developer"],
            ..row(EXPIRE, &["active"], "expired", &[Who::System])
        },
    ],
};

/// A developer's right to bid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// The application whose outcome it is.
    pub application_id: ApplicationId,
    /// Whose right it is.
    pub account_id: AccountId,
    /// Where it stands.
    pub state: ApprovalState,
    /// Who granted it.
    pub granted_by: AccountId,
    /// When.
    pub granted_at: DateTime<Utc>,
    /// Until when it holds.
    pub expires_at: DateTime<Utc>,
    /// Why it was granted.
    pub reason: String,
    /// How it was taken back, if it was.
    pub revocation: Option<Revocation>,
    /// Version of the policy that set its term.
    pub policy_version: String,
    /// Version of the row.
    pub version: i64,
}

/// How an approval was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// By whom.
    pub by: AccountId,
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: String,
}

impl Approval {
    /// May the developer bid by virtue of it?
    pub fn holds_at(&self, now: DateTime<Utc>) -> bool {
        self.state == ApprovalState::Active && now < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use assay_kernel::{Code, Permission};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_machine_is_sound_and_knows_the_states() {
        assert_eq!(APPROVAL.faults(), Vec::<String>::new());
        let named: Vec<&str> = APPROVAL.states.iter().map(|state| state.name).collect();
        let typed: Vec<&str> = ApprovalState::ALL.iter().map(|state| state.as_str()).collect();
        assert_eq!(named, typed);
    }

    #[test]
    fn the_machine_tells_the_numbers_of_the_policy() {
        let policy = assay_platform::policy::Policy::shipped().unwrap().vetting;
        for (event, days) in [(EXPIRE, policy.approval_days), (NOTICE, policy.approval_notice_days)] {
            let row = APPROVAL.transitions.iter().find(|transition| transition.event == event);
            let clock = row.and_then(|row| row.clock).unwrap();
            assert!(clock.starts_with(&format!("{days} days")), "{clock}");
        }
    }

    #[test]
    fn an_ended_approval_stays_ended() {
        let admin = [Who::Staff(Permission::Admin)];
        assert_eq!(APPROVAL.transition("active", REVOKE, &admin).unwrap().to, "revoked");
        for state in ["revoked", "expired"] {
            assert_eq!(APPROVAL.transition(state, REVOKE, &admin).unwrap_err().code(), Code::StateConflict);
            assert_eq!(
                APPROVAL.transition(state, EXPIRE, &[Who::System]).unwrap_err().code(),
                Code::StateConflict
            );
        }
        assert_eq!(
            APPROVAL.transition("active", REVOKE, &[Who::Developer]).unwrap_err().code(),
            Code::Forbidden
        );
    }

    #[test]
    fn it_holds_until_the_instant_of_expiry_and_only_when_active() {
        let at = |text: &str| -> DateTime<Utc> { text.parse().unwrap() };
        let account = AccountId::from_uuid(Uuid::from_u128(1));
        let mut approval = Approval {
            id: ApprovalId::from_uuid(Uuid::from_u128(2)),
            application_id: ApplicationId::from_uuid(Uuid::from_u128(3)),
            account_id: account,
            state: ApprovalState::Active,
            granted_by: account,
            granted_at: at("2026-11-01T00:00:00Z"),
            expires_at: at("2028-05-02T00:00:00Z"),
            reason: String::new(),
            revocation: None,
            policy_version: String::new(),
            version: 1,
        };
        assert!(approval.holds_at(at("2028-05-01T23:59:59Z")));
        assert!(!approval.holds_at(approval.expires_at));
        approval.state = ApprovalState::Revoked;
        assert!(!approval.holds_at(at("2026-11-02T00:00:00Z")));
    }
}
