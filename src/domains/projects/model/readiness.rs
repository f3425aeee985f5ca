//! The eight signals of a good posting, each with its evidence and a fix.

use serde::Serialize;

use super::scope::{AcceptanceKind, Scope, dollars};
use assay_platform::policy::ProjectPolicy;
use chrono::{DateTime, Utc};

/// What readiness knows beside the scope.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Who decides on the client's side.
    pub decision_maker: Option<&'a str>,
    /// Projects of the organisation that were awarded before.
    pub awarded_before: i64,
    /// Median budget per hour, US cents, of open projects with these skills; none when there are too few.
    pub market_usd_minor_per_hour: Option<i64>,
}

/// One signal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ReadinessSignal {
    /// Which signal.
    #[schema(example = "deliverables_checkable")]
    pub signal: &'static str,
    /// Does the posting show it?
    pub ok: bool,
    /// What was found.
    pub evidence: String,
    /// What would bring it; null when it is there.
    pub fix: Option<String>,
}

/// The eight signals, in a fixed order.
pub fn readiness(
    scope: &Scope<'_>,
    facts: Facts<'_>,
    policy: &ProjectPolicy,
    now: DateTime<Utc>,
) -> Vec<ReadinessSignal> {
    let signal = |name, fault: Option<String>, evidence: String| ReadinessSignal {
        signal: name,
        ok: fault.is_none(),
        evidence,
        fix: fault,
    };
    let blocked = |guards: &[&str]| guards.iter().find_map(|guard| scope.blocked(guard, policy, now));
    let deliverables = scope.milestones.iter().flat_map(|m| &m.deliverables);
    let total = deliverables.clone().count();
    let checked = deliverables.clone().filter(|d| d.acceptance.is_some()).count();
    let automatic = deliverables
        .filter(|d| d.acceptance.as_ref().is_some_and(|a| a.kind != AcceptanceKind::Human))
        .count();
    vec![
        signal(
            "outcome_stated",
            blocked(&["outcome_stated"]),
            scope
                .outcome
                .map_or_else(|| "No outcome is stated.".to_owned(), |outcome| format!("“{outcome}”")),
        ),
        signal(
            "deliverables_checkable",
            blocked(&["milestones_complete"]),
            format!(
                "{checked} of {total} deliverables have an acceptance check, {automatic} of them not by eye."
            ),
        ),
        budget_signal(
            scope,
            facts,
            blocked(&["budget_in_range", "effort_stated", "floor_met", "milestones_sum"]),
        ),
        signal("dates_plausible", blocked(&["dates_plausible"]), dates_evidence(scope)),
        signal(
            "skills_named",
            blocked(&["skills_named"]),
            if scope.skills.is_empty() {
                "No skill is named.".to_owned()
            } else {
                scope.skills.iter().map(|need| need.skill.as_str()).collect::<Vec<_>>().join(", ")
            },
        ),
        signal(
            "client_verified",
            blocked(&["client_verified", "payment_method_verified"]),
            format!(
                "{}; {}.",
                if scope.client.verified { "Verified by staff" } else { "Not verified by staff" },
                if scope.client.payable {
                    "a payment method is verified"
                } else {
                    "no verified payment method"
                }
            ),
        ),
        signal(
            "decision_maker_named",
            facts.decision_maker.is_none().then(|| "Name who decides on bids and acceptance.".to_owned()),
            facts.decision_maker.unwrap_or("Nobody is named.").to_owned(),
        ),
        signal(
            "prior_outcomes",
            (facts.awarded_before == 0)
                .then(|| "Nothing to do: this signal comes with the first awarded project.".to_owned()),
            format!("{} projects awarded before.", facts.awarded_before),
        ),
    ]
}

fn budget_signal(scope: &Scope<'_>, facts: Facts<'_>, fault: Option<String>) -> ReadinessSignal {
    let rate = match (scope.budget_usd_minor, scope.effort_hours) {
        (Some(usd), Some(hours)) => usd.checked_div(i64::from(hours)),
        _ => None,
    };
    let mut evidence = match (scope.budget_usd_minor, rate) {
        (None, _) => "No budget that can be converted.".to_owned(),
        (Some(usd), None) => format!("${} for an effort that is not stated.", dollars(usd)),
        (Some(usd), Some(rate)) => {
            format!("${}, ${} an hour; floor ${}.", dollars(usd), dollars(rate), scope.floor_usd_per_hour)
        }
    };
    let mut fix = fault;
    match facts.market_usd_minor_per_hour {
        Some(market) => {
            evidence.push_str(&format!(
                " Open projects with these skills: ${} an hour at the median.",
                dollars(market)
            ));
            // Far below what others pay: bids will be few.
            let far_below = rate.is_some_and(|rate| rate.saturating_mul(10) < market.saturating_mul(6));
            if fix.is_none() && far_below {
                fix = Some("Raise the budget or cut the effort: it is far below the market.".to_owned());
            }
        }
        None => evidence.push_str(" Too few open projects with these skills to compare."),
    }
    ReadinessSignal { signal: "budget_fits", ok: fix.is_none(), evidence, fix }
}

fn dates_evidence(scope: &Scope<'_>) -> String {
    match (scope.starts_on, scope.duration_days) {
        (Some(start), Some(days)) => format!("Start {start}, {days} days."),
        (Some(start), None) => format!("Start {start}, no duration."),
        (None, Some(days)) => format!("No start, {days} days."),
        (None, None) => "Neither start nor duration.".to_owned(),
    }
}
