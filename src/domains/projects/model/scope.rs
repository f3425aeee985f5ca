//! The scope of a project: milestones, deliverables, skills, dates, and the guards that a submission must pass.

use assay_kernel::ids::{DeliverableId, MilestoneId};
use assay_kernel::{Currency, string_enum};
use chrono::{DateTime, NaiveDate, Offset, TimeZone, Utc};
use serde::{Deserialize, Serialize};

use assay_platform::policy::ProjectPolicy;

/// All of something, in basis points.
pub const WHOLE_BPS: u32 = 10_000;

string_enum! {
    /// How it is told that a deliverable is done.
    pub enum AcceptanceKind {
        /// The client looks at it.
        Human = "human",
        /// A named status of continuous integration is green.
        CiStatus = "ci_status",
        /// A URL answers as described.
        UrlProbe = "url_probe",
        /// A named third party signs it off.
        ThirdParty = "third_party",
    }
}

string_enum! {
    /// Who may read the full text of a listed project.
    pub enum Confidentiality {
        /// Everybody.
        Public = "public",
        /// Approved developers.
        VettedOnly = "vetted_only",
        /// Approved developers; the contract carries a confidentiality agreement.
        Nda = "nda",
    }
}

string_enum! {
    /// How well a skill must be known.
    pub enum Level {
        /// Works with guidance.
        Working = "working",
        /// Works alone.
        Proficient = "proficient",
        /// Leads others.
        Expert = "expert",
    }
}

/// A skill that the project needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SkillNeed {
    /// The skill's slug in the taxonomy.
    #[schema(example = "rust")]
    pub skill: String,
    /// How well.
    pub level: Level,
    /// Nobody without it fits; otherwise it is welcome.
    pub must: bool,
}

/// How it is told that a deliverable is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AcceptanceCheck {
    /// The kind of check.
    pub kind: AcceptanceKind,
    /// What is checked: the criterion in words, the CI status, the URL, or the third party.
    #[schema(example = "The export opens in Excel and sums to the ledger's totals.")]
    pub criterion: String,
}

/// A thing to be delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Deliverable {
    /// Its id.
    pub id: DeliverableId,
    /// What it is.
    pub title: String,
    /// What it must be.
    pub specification: String,
    /// Its share of the milestone's amount, in basis points.
    #[schema(example = 4000)]
    pub weight_bps: u32,
    /// How it is told that it is done; missing in unfinished drafts.
    pub acceptance: Option<AcceptanceCheck>,
}

/// A milestone: an amount for deliverables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Milestone {
    /// Its id.
    pub id: MilestoneId,
    /// What it is.
    pub title: String,
    /// What it costs, in minor units of the project's currency.
    #[schema(example = 600000)]
    pub amount: i64,
    /// Days from its start to its delivery.
    pub duration_days: Option<u32>,
    /// What is delivered.
    pub deliverables: Vec<Deliverable>,
}

/// How a client stands, as far as listing asks.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Have staff verified the organisation?
    pub verified: bool,
    /// Has it a payment method that can be paid with?
    pub payable: bool,
}

/// What the guards look at.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    /// The budget in minor units of `currency`.
    pub budget: Option<i64>,
    /// The project's currency.
    pub currency: Currency,
    /// The budget in US cents at the dated rate; none when there is no budget or no rate.
    pub budget_usd_minor: Option<i64>,
    /// Estimated effort.
    pub effort_hours: Option<u32>,
    /// When work should start.
    pub starts_on: Option<NaiveDate>,
    /// Days from start to end.
    pub duration_days: Option<u32>,
    /// The outcome wanted.
    pub outcome: Option<&'a str>,
    /// Skills.
    pub skills: &'a [SkillNeed],
    /// Milestones.
    pub milestones: &'a [Milestone],
    /// The highest floor among the must-skills, US dollars per hour.
    pub floor_usd_per_hour: i64,
    /// The client's organisation.
    pub client: Standing,
}

impl Scope<'_> {
    /// Why a guard of the project's table does not hold; `None` when it does (or is not about the scope).
    pub fn blocked(&self, guard: &str, policy: &ProjectPolicy, now: DateTime<Utc>) -> Option<String> {
        match guard {
            "budget_in_range" => self.budget_fault(policy),
            "milestones_complete" => self.milestones_fault(),
            "milestones_sum" => self.sum_fault(),
            "skills_named" => (!self.skills.iter().any(|need| need.must))
                .then(|| "Name at least one skill that is a must.".to_owned()),
            "effort_stated" => self.effort_hours.is_none().then(|| "State the effort in hours.".to_owned()),
            "floor_met" => self.floor_fault(),
            "dates_plausible" => self.dates_fault(now),
            "outcome_stated" => self.outcome.is_none_or(|outcome| outcome.chars().count() < 20).then(|| {
                "State the outcome that you want, in a sentence of at least 20 characters.".to_owned()
            }),
            "client_verified" => (!self.client.verified)
                .then(|| "Staff have not verified the client's organisation yet.".to_owned()),
            "payment_method_verified" => (!self.client.payable)
                .then(|| "The client's organisation has no verified payment method yet.".to_owned()),
            _ => None,
        }
    }

    fn budget_fault(&self, policy: &ProjectPolicy) -> Option<String> {
        let Some(usd) = self.budget_usd_minor else {
            return Some(match self.budget {
                None => "State the budget.".to_owned(),
                Some(_) => format!("There is no rate for {} yet.", self.currency),
            });
        };
        (!(policy.budget_min_usd_minor..=policy.budget_max_usd_minor).contains(&usd)).then(|| {
            format!(
                "The budget is ${} at the dated rate; it must be between ${} and ${}.",
                dollars(usd),
                dollars(policy.budget_min_usd_minor),
                dollars(policy.budget_max_usd_minor)
            )
        })
    }

    fn milestones_fault(&self) -> Option<String> {
        if self.milestones.is_empty() {
            return Some("Add at least one milestone.".to_owned());
        }
        for (m, milestone) in self.milestones.iter().enumerate() {
            let place = format!("Milestone {}", m.saturating_add(1));
            if milestone.deliverables.is_empty() {
                return Some(format!("{place} has no deliverable."));
            }
            if let Some(d) = milestone.deliverables.iter().position(|d| d.acceptance.is_none()) {
                return Some(format!(
                    "{place}, deliverable {} has no acceptance check.",
                    d.saturating_add(1)
                ));
            }
            if let Some(d) = milestone.deliverables.iter().position(|d| d.weight_bps == 0) {
                return Some(format!("{place}, deliverable {} has no weight.", d.saturating_add(1)));
            }
            let sum: u64 = milestone.deliverables.iter().map(|d| u64::from(d.weight_bps)).sum();
            if sum != u64::from(WHOLE_BPS) {
                return Some(format!("{place}: the weights sum to {sum} basis points, not {WHOLE_BPS}."));
            }
        }
        None
    }

    fn sum_fault(&self) -> Option<String> {
        let budget = self.budget?;
        let sum: i128 = self.milestones.iter().map(|milestone| i128::from(milestone.amount)).sum();
        (sum != i128::from(budget))
            .then(|| format!("The milestones sum to {sum} minor units, the budget is {budget}."))
    }

    fn floor_fault(&self) -> Option<String> {
        let (hours, usd) = (i64::from(self.effort_hours?), self.budget_usd_minor?);
        let floor = self.floor_usd_per_hour.saturating_mul(100).saturating_mul(hours);
        (usd < floor).then(|| {
            format!(
                "${} for {hours} hours is ${} an hour; the floor of the skills asked is ${}.",
                dollars(usd),
                dollars(usd.checked_div(hours).unwrap_or(0)),
                self.floor_usd_per_hour
            )
        })
    }

    fn dates_fault(&self, now: DateTime<Utc>) -> Option<String> {
        let (Some(start), Some(days)) = (self.starts_on, self.duration_days) else {
            return Some("State when work should start and how many days it may take.".to_owned());
        };
        if start < now.date_naive() {
            return Some("The start is in the past.".to_owned());
        }
        if start > now.date_naive() + chrono::Days::new(365) {
            return Some("The start is more than a year away.".to_owned());
        }
        // Nobody works more than 12 hours a day, and a project of this size takes a team of five at most.
        let most_hours = u64::from(days).saturating_mul(12 * 5);
        if self.effort_hours.is_some_and(|hours| u64::from(hours) > most_hours) {
            return Some(format!("The effort does not fit into {days} days."));
        }
        let longest: u64 =
            self.milestones.iter().filter_map(|m| m.duration_days).map(u64::from).max().unwrap_or(0);
        (longest > u64::from(days))
            .then(|| format!("A milestone of {longest} days does not fit into {days} days."))
    }
}

/// Whole dollars of an amount in cents, with thousands separators.
pub fn dollars(cents: i64) -> String {
    let whole = (cents / 100).to_string();
    let digits = whole.trim_start_matches('-');
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && digits.len().saturating_sub(i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if cents < 0 { format!("-{out}") } else { out }
}

/// The UTC offset of an IANA zone at an instant, in minutes; 0 for an unknown zone.
pub fn utc_offset_minutes(zone: &str, at: DateTime<Utc>) -> i32 {
    zone.parse::<chrono_tz::Tz>()
        .map(|tz| tz.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc() / 60)
        .unwrap_or(0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use assay_platform::policy::Policy;
    use uuid::Uuid;

    pub(crate) fn milestone(amount: i64, weights: &[u32]) -> Milestone {
        Milestone {
            id: MilestoneId::from_uuid(Uuid::from_u128(1)),
            title: "First".into(),
            amount,
            duration_days: Some(20),
            deliverables: weights
                .iter()
                .map(|weight| Deliverable {
                    id: DeliverableId::from_uuid(Uuid::from_u128(u128::from(*weight) + 2)),
                    title: "Thing".into(),
                    specification: "It works.".into(),
                    weight_bps: *weight,
                    acceptance: Some(AcceptanceCheck {
                        kind: AcceptanceKind::Human,
                        criterion: "Seen.".into(),
                    }),
                })
                .collect(),
        }
    }

    fn now() -> DateTime<Utc> {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    fn scope<'a>(milestones: &'a [Milestone], skills: &'a [SkillNeed]) -> Scope<'a> {
        Scope {
            budget: Some(1_000_000),
            currency: Currency::USD,
            budget_usd_minor: Some(1_000_000),
            effort_hours: Some(200),
            starts_on: Some("2026-12-01".parse().unwrap()),
            duration_days: Some(40),
            outcome: Some("Finance closes the month in one day."),
            skills,
            milestones,
            floor_usd_per_hour: 50,
            client: Standing { verified: true, payable: true },
        }
    }

    fn faults(scope: &Scope<'_>) -> Vec<&'static str> {
        let policy = Policy::shipped().unwrap().projects;
        crate::model::PROJECT
            .guards
            .iter()
            .map(|guard| guard.code)
            .filter(|code| scope.blocked(code, &policy, now()).is_some())
            .collect()
    }

    #[test]
    fn each_guard_blocks_for_its_own_reason() {
        let milestones = [milestone(600_000, &[4_000, 6_000]), milestone(400_000, &[10_000])];
        let skills = [SkillNeed { skill: "rust".into(), level: Level::Expert, must: true }];
        let good = scope(&milestones, &skills);
        assert_eq!(faults(&good), Vec::<&str>::new());

        assert_eq!(
            faults(&Scope { budget_usd_minor: Some(499_999), effort_hours: Some(90), ..good.clone() }),
            ["budget_in_range"]
        );
        assert_eq!(faults(&Scope { budget_usd_minor: Some(5_000_001), ..good.clone() }), ["budget_in_range"]);
        assert_eq!(faults(&Scope { budget: Some(1_000_001), ..good.clone() }), ["milestones_sum"]);
        assert_eq!(faults(&Scope { effort_hours: Some(201), ..good.clone() }), ["floor_met"]);
        assert_eq!(faults(&Scope { effort_hours: None, ..good.clone() }), ["effort_stated"]);
        assert_eq!(faults(&Scope { outcome: Some("Good."), ..good.clone() }), ["outcome_stated"]);
        assert_eq!(
            faults(&Scope { starts_on: Some("2026-11-19".parse().unwrap()), ..good.clone() }),
            ["dates_plausible"]
        );
        assert_eq!(faults(&Scope { duration_days: Some(3), ..good.clone() }), ["dates_plausible"]);
        for (verified, payable, fault) in
            [(false, true, "client_verified"), (true, false, "payment_method_verified")]
        {
            assert_eq!(faults(&Scope { client: Standing { verified, payable }, ..good.clone() }), [fault]);
        }
        let optional = [SkillNeed { must: false, ..skills[0].clone() }];
        assert_eq!(faults(&Scope { skills: &optional, ..good.clone() }), ["skills_named"]);
        let light = [milestone(600_000, &[4_000, 5_999]), milestone(400_000, &[10_000])];
        assert_eq!(faults(&Scope { milestones: &light, ..good.clone() }), ["milestones_complete"]);
        let empty: [Milestone; 0] = [];
        assert_eq!(faults(&Scope { milestones: &empty, ..good }), ["milestones_complete", "milestones_sum"]);
    }

    #[test]
    fn offsets_follow_the_zone_at_the_instant() {
        assert_eq!(utc_offset_minutes("Asia/Kolkata", now()), 330);
        assert_eq!(utc_offset_minutes("America/New_York", now()), -300);
    }
}
