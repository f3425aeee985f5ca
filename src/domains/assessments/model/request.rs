//! How a new assessment follows the last one of its application.

use chrono::{DateTime, Duration, Utc};

use assay_platform::policy::AssessmentPolicy;

use super::{AssessmentState, RedoReason};

/// What is known of an earlier assessment.
#[derive(Clone, Copy, Debug)]
pub struct Earlier {
    /// Where it ended.
    pub state: AssessmentState,
    /// When its session was to begin.
    pub starts_at: Option<DateTime<Utc>>,
}

/// On what terms a new assessment may be requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Why it follows another.
    pub redo: Option<RedoReason>,
    /// No start before it.
    pub bookable_from: Option<DateTime<Utc>>,
    /// Does it come before others?
    pub priority: bool,
}

impl Terms {
    const FIRST: Self = Self { redo: None, bookable_from: None, priority: false };
}

/// The terms on which an assessment follows `earlier` ones, newest first. None: it needs a reviewer's leave.
pub fn terms(earlier: &[Earlier], policy: &AssessmentPolicy) -> Option<Terms> {
    use AssessmentState as S;
    let Some(last) = earlier.first() else { return Some(Terms::FIRST) };
    // Giving a request up does not shorten the wait after a no-show.
    let newest_no_show = earlier.iter().find(|one| one.state == S::CandidateNoShow);
    let missed = earlier.iter().filter(|one| one.state == S::CandidateNoShow).count();
    let days = if missed > 1 { policy.no_show_again_days } else { policy.no_show_first_days };
    let bookable_from =
        newest_no_show.and_then(|one| one.starts_at).map(|start| start + Duration::days(days));
    let redo = match last.state {
        S::Cancelled => RedoReason::Cancelled,
        S::CandidateNoShow => RedoReason::CandidateNoShow,
        S::AssessorNoShow => RedoReason::AssessorNoShow,
        S::AbortedTechnical => RedoReason::Technical,
        _ => return None,
    };
    Some(Terms { redo: Some(redo), bookable_from, priority: last.state == S::AssessorNoShow })
}

#[cfg(test)]
mod tests {
    use assay_platform::policy::Policy;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn of(state: AssessmentState, starts_at: Option<&str>) -> Earlier {
        Earlier { state, starts_at: starts_at.map(at) }
    }

    #[test]
    fn a_no_show_costs_a_week_then_a_month() {
        use AssessmentState as S;
        let policy = Policy::shipped().unwrap().assessments.default;
        let first = of(S::CandidateNoShow, Some("2026-12-01T09:00:00Z"));
        let second = of(S::CandidateNoShow, Some("2026-12-10T09:00:00Z"));
        let redo = Some(RedoReason::CandidateNoShow);
        let wait = |until| Some(Terms { redo, bookable_from: Some(at(until)), priority: false });
        assert_eq!(terms(&[first], &policy), wait("2026-12-08T09:00:00Z"));
        assert_eq!(terms(&[second, first], &policy), wait("2027-01-09T09:00:00Z"));
        let given_up = terms(&[of(S::Cancelled, None), second, first], &policy).unwrap();
        assert_eq!(given_up.bookable_from, Some(at("2027-01-09T09:00:00Z")));
    }

    #[test]
    fn what_is_not_the_candidates_fault_costs_nothing() {
        use AssessmentState as S;
        let policy = Policy::shipped().unwrap().assessments.default;
        let absent = terms(&[of(S::AssessorNoShow, Some("2026-12-01T09:00:00Z"))], &policy).unwrap();
        assert!(absent.priority && absent.bookable_from.is_none());
        assert_eq!(terms(&[], &policy), Some(Terms::FIRST));
        for decided in [S::Finalized, S::VoidedIntegrity, S::Booked] {
            assert_eq!(terms(&[of(decided, None)], &policy), None);
        }
    }
}
