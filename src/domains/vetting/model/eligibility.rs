//! Who may apply when: cool-downs, the term of an approval, and what integrity forbids.

use assay_kernel::error::WhyNot;
use assay_platform::policy::VettingPolicy;
use chrono::{DateTime, Duration, SecondsFormat, Utc};

use super::{DecisionKind, ReasonCode};

/// An adverse decision that stands: no appeal has overturned it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What was decided.
    pub kind: DecisionKind,
    /// The kind of reason.
    pub reason_code: ReasonCode,
    /// When.
    pub decided_at: DateTime<Utc>,
}

/// Why somebody may not apply now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// Their approval holds; they may renew it from this time.
    Approved(DateTime<Utc>),
    /// A decline or a revocation is too fresh; they may apply from this time.
    CoolDown(DateTime<Utc>),
    /// A decision about integrity stands.
    Integrity,
}

impl Bar {
    /// From when they may apply; none when only an appeal leads on.
    pub fn until(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Approved(at) | Self::CoolDown(at) => Some(at),
            Self::Integrity => None,
        }
    }

    /// As a condition that blocks the act `apply`.
    pub fn why_not(self) -> WhyNot {
        let date = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let (code, detail) = match self {
            Self::Approved(at) => {
                ("not_approved", format!("Your approval holds; it can be renewed from {}.", date(at)))
            }
            Self::CoolDown(at) => ("cool_down", format!("You may apply again from {}.", date(at))),
            Self::Integrity => (
                "no_integrity_decision",
                "A decision about integrity stands; only an appeal against it leads on.".to_owned(),
            ),
        };
        WhyNot { action: "apply".to_owned(), code: code.to_owned(), detail }
    }
}

/// What keeps a person from applying now. `standing` is ordered by time; `approved_at` is when they were approved last,
/// which forgives the declines before it; `approval_ends` is when an approval that holds now ends.
pub fn bar(
    standing: &[Standing],
    approved_at: Option<DateTime<Utc>>,
    approval_ends: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    policy: &VettingPolicy,
) -> Option<Bar> {
    if standing.iter().any(|decision| decision.reason_code.is_integrity()) {
        return Some(Bar::Integrity);
    }
    if let Some(ends) = approval_ends {
        let renewable = ends - Duration::days(policy.approval_notice_days);
        if now < renewable {
            return Some(Bar::Approved(renewable));
        }
    }
    let counted: Vec<&Standing> =
        standing.iter().filter(|decision| approved_at.is_none_or(|at| decision.decided_at >= at)).collect();
    let last = counted.last()?;
    let days = if counted.len() == 1 && last.kind == DecisionKind::NotReady {
        policy.reapply_first_days
    } else {
        policy.reapply_again_days
    };
    let until = last.decided_at + Duration::days(days);
    (now < until).then_some(Bar::CoolDown(until))
}

#[cfg(test)]
mod tests {
    use assay_platform::policy::Policy;
    use proptest::prelude::*;

    use super::*;

    fn day(n: i64) -> DateTime<Utc> {
        "2026-11-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + Duration::days(n)
    }

    fn declined(n: i64) -> Standing {
        Standing { kind: DecisionKind::NotReady, reason_code: ReasonCode::BelowBar, decided_at: day(n) }
    }

    fn check(standing: &[Standing], approved: Option<i64>, ends: Option<i64>, now: i64) -> Option<Bar> {
        bar(standing, approved.map(day), ends.map(day), day(now), &Policy::shipped().unwrap().vetting)
    }

    #[test]
    fn thirty_days_after_a_decline_then_ninety() {
        assert_eq!(check(&[], None, None, 0), None);
        assert_eq!(check(&[declined(0)], None, None, 29), Some(Bar::CoolDown(day(30))));
        assert_eq!(check(&[declined(0)], None, None, 30), None);
        let twice = [declined(0), declined(40)];
        assert_eq!(check(&twice, None, None, 129), Some(Bar::CoolDown(day(130))));
        assert_eq!(check(&twice, None, None, 130), None);
    }

    #[test]
    fn an_approval_forgives_what_was_before() {
        assert_eq!(
            check(&[declined(0), declined(40), declined(900)], Some(200), None, 929),
            Some(Bar::CoolDown(day(930)))
        );
    }

    #[test]
    fn an_approval_is_renewed_in_its_last_sixty_days() {
        assert_eq!(check(&[], Some(0), Some(548), 487), Some(Bar::Approved(day(488))));
        assert_eq!(check(&[], Some(0), Some(548), 488), None);
    }

    #[test]
    fn a_revocation_counts_as_a_further_decline() {
        let revoked = Standing { kind: DecisionKind::ApprovalRevoked, ..declined(10) };
        assert_eq!(check(&[revoked], Some(0), None, 99), Some(Bar::CoolDown(day(100))));
    }

    proptest! {
        #[test]
        fn integrity_bars_for_ever(at in 0_i64..1_000, later in 0_i64..100_000, code in 0_usize..9) {
            let reason_code = ReasonCode::ALL[code];
            let decision = Standing { kind: DecisionKind::RejectedIntegrity, reason_code, decided_at: day(at) };
            let barred = check(&[decision], None, None, at + later);
            if reason_code.is_integrity() {
                prop_assert_eq!(barred, Some(Bar::Integrity));
            } else {
                prop_assert_eq!(barred.is_some(), later < 90);
            }
        }

        #[test]
        fn whoever_waits_until_the_date_that_was_told_may_apply(days in proptest::collection::vec(0_i64..400, 0..6), now in 0_i64..500) {
            let mut days = days;
            days.sort_unstable();
            let standing: Vec<Standing> = days.into_iter().map(declined).collect();
            if let Some(Bar::CoolDown(until)) = check(&standing, None, None, now) {
                let policy = Policy::shipped().unwrap().vetting;
                prop_assert_eq!(bar(&standing, None, None, until, &policy), None);
            }
        }
    }
}
