//! Cards: what a rater fills in, when it is complete, how cards compare, what their mean is.

use std::collections::BTreeMap;

use assay_kernel::error::FieldErrors;
use assay_kernel::string_enum;
use assay_kernel::text::{self, Text};
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::rubric::{Rubric, TOP};

string_enum! {
    /// What a rater recommends on the whole.
    pub enum Recommendation {
        /// Certainly not.
        DefinitelyNo = "definitely_no",
        /// Not yet.
        No = "no",
        /// Approve.
        Yes = "yes",
        /// Approve, gladly.
        StrongYes = "strong_yes",
        /// Cannot tell: a third rater is asked.
        NoDecision = "no_decision",
    }
}

string_enum! {
    /// How an assessment is decided.
    pub enum Outcome {
        /// The candidate is approved.
        Approved = "approved",
        /// Not yet.
        NotReady = "not_ready",
    }
}

string_enum! {
    /// As what somebody rates.
    pub enum CardRole {
        /// Led the session, or rates in the place of who did.
        Lead = "lead",
        /// Watched the session, or rates in the place of who did.
        Observer = "observer",
        /// Was asked because the first two are far apart.
        Third = "third",
        /// Was asked because of an appeal.
        Appeal = "appeal",
    }
}

string_enum! {
    /// Where a card stands.
    pub enum CardState {
        /// Being filled in.
        Open = "open",
        /// Submitted; it never changes.
        Submitted = "submitted",
        /// No longer asked for.
        Withdrawn = "withdrawn",
    }
}

/// The longest text of evidence.
const EVIDENCE_MAX: usize = 2_000;

/// What a card says of a criterion: a level, or that it was not observed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CriterionRating {
    /// The level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 4, example = 3)]
    pub level: Option<u8>,
    /// The session did not show it. Then there is no level.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false, example = false)]
    pub not_observed: bool,
    /// What was seen or heard that shows it; needed for the levels 0 and 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 2000, example = "Wrote the failing test first, then fixed the off-by-one that it showed.")]
    pub evidence: Option<Text>,
}

/// What a rater fills in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardContent {
    /// What it says, by criterion of the rubric.
    #[serde(default)]
    #[schema(required = false)]
    pub ratings: BTreeMap<String, CriterionRating>,
    /// The overall recommendation.
    #[serde(default)]
    pub recommendation: Option<Recommendation>,
    /// The rater's view in a few sentences, for the reviewer.
    #[serde(default)]
    #[validate(length(max = 4_000), custom(function = "text::prose"))]
    #[schema(value_type = Option<String>, max_length = 4000, example = "Calm and exact; tests came late but hit the right edges.")]
    pub summary: Option<Text>,
}

impl CardContent {
    /// Checks a draft: what is there must fit the rubric; anything may be missing.
    pub fn check_draft(&self, rubric: &Rubric, errors: &mut FieldErrors) {
        for (name, rating) in &self.ratings {
            let at = |field: &str| format!("/ratings/{}{field}", name.replace('~', "~0").replace('/', "~1"));
            if rubric.criterion(name).is_none() {
                errors.push(at(""), "unknown_value", "is no criterion of the rubric");
                continue;
            }
            if rating.level.is_some_and(|level| level > TOP) {
                errors.push(at("/level"), "out_of_range", format!("must be between 0 and {TOP}"));
            }
            if rating.level.is_some() && rating.not_observed {
                errors.push(at("/not_observed"), "inconsistent", "has a level, so it was observed");
            }
            let Some(evidence) = &rating.evidence else { continue };
            if evidence.chars().count() > EVIDENCE_MAX {
                errors.push(
                    at("/evidence"),
                    "too_long",
                    format!("must be at most {EVIDENCE_MAX} characters long"),
                );
            }
            if text::prose(evidence).is_err() {
                errors.push(
                    at("/evidence"),
                    "invalid_format",
                    "must have no control or invisible characters",
                );
            }
        }
    }

    /// Checks what is to be submitted: nothing may be missing.
    pub fn check_whole(&self, rubric: &Rubric, errors: &mut FieldErrors) {
        self.check_draft(rubric, errors);
        for criterion in &rubric.criteria {
            let at = |field: &str| format!("/ratings/{}{field}", criterion.name);
            let rating = self.ratings.get(&criterion.name);
            match rating.and_then(|rating| rating.level) {
                None if rating.is_some_and(|rating| rating.not_observed) => {}
                None => errors.push(at("/level"), "required", "needs a level, or `not_observed`"),
                Some(level) if rubric.evidence_required.contains(&level) => {
                    let evidence = rating.and_then(|rating| rating.evidence.as_deref());
                    if evidence.is_none_or(|evidence| evidence.chars().count() < 10) {
                        let detail = format!("level {level} needs evidence of at least 10 characters");
                        errors.push(at("/evidence"), "required", detail);
                    }
                }
                Some(_) => {}
            }
        }
        let unseen = self.ratings.values().filter(|rating| rating.not_observed).count();
        if unseen > rubric.max_not_observed {
            let detail = format!("at most {} criteria may be left as not observed", rubric.max_not_observed);
            errors.push("/ratings", "out_of_range", detail);
        }
        errors.check(self.recommendation.is_some(), "/recommendation", "required", "is needed");
        let summary = self.summary.as_deref().map_or(0, |summary| summary.chars().count());
        errors.check(summary >= 20, "/summary", "required", "needs at least 20 characters");
    }

    /// The level of a criterion.
    pub fn level(&self, criterion: &str) -> Option<u8> {
        self.ratings.get(criterion)?.level
    }
}

/// Why two cards need a third.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Disagreement {
    /// Criteria on which they are too far apart.
    #[schema(example = json!(["testing"]))]
    pub criteria: Vec<String>,
    /// Are their recommendations on both sides of the pass line?
    pub across_the_pass_line: bool,
    /// Does one of them recommend nothing?
    pub no_decision: bool,
}

/// Compares two cards; none when they agree. A criterion that one of them did not observe is not compared. Who
/// recommends nothing leaves the decision to another: that asks for a third rater too.
pub fn disagreement(a: &CardContent, b: &CardContent, rubric: &Rubric, levels: u8) -> Option<Disagreement> {
    let apart = |name: &str| matches!((a.level(name), b.level(name)), (Some(one), Some(other)) if one.abs_diff(other) >= levels);
    let side = |card: &CardContent| card.recommendation.and_then(|given| rubric.passes(given));
    let found = Disagreement {
        criteria: rubric
            .criteria
            .iter()
            .filter(|criterion| apart(&criterion.name))
            .map(|criterion| criterion.name.clone())
            .collect(),
        across_the_pass_line: matches!((side(a), side(b)), (Some(one), Some(other)) if one != other),
        no_decision: side(a).is_none() || side(b).is_none(),
    };
    (!found.criteria.is_empty() || found.across_the_pass_line || found.no_decision).then_some(found)
}

/// The plain mean of the levels that cards give, by criterion; null where nobody observed it. Not adjusted for how
/// severe a rater is.
pub fn means<'a>(
    cards: impl Iterator<Item = &'a CardContent> + Clone,
    rubric: &Rubric,
) -> BTreeMap<String, Option<f64>> {
    let of = |name: &str| {
        let levels: Vec<f64> = cards.clone().filter_map(|card| card.level(name)).map(f64::from).collect();
        let count = u32::try_from(levels.len()).unwrap_or(u32::MAX);
        (count > 0).then(|| levels.iter().sum::<f64>() / f64::from(count))
    };
    rubric.criteria.iter().map(|criterion| (criterion.name.clone(), of(&criterion.name))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rubric() -> &'static Rubric {
        Rubric::shipped().unwrap()
    }

    fn card(level: u8, recommendation: Recommendation) -> CardContent {
        let rating = |name: &String| {
            let evidence = Some(Text::new("What was seen and heard."));
            (name.clone(), CriterionRating { level: Some(level), not_observed: false, evidence })
        };
        CardContent {
            ratings: rubric().criteria.iter().map(|criterion| rating(&criterion.name)).collect(),
            recommendation: Some(recommendation),
            summary: Some(Text::new("Calm and exact throughout.")),
        }
    }

    fn faults(card: &CardContent) -> Vec<(String, String)> {
        let mut errors = FieldErrors::new();
        card.check_whole(rubric(), &mut errors);
        errors.into_vec().into_iter().map(|error| (error.pointer, error.code)).collect()
    }

    #[test]
    fn a_whole_card_has_a_level_or_says_that_it_was_not_observed() {
        let whole = card(2, Recommendation::Yes);
        assert_eq!(faults(&whole), []);
        assert_eq!(faults(&CardContent::default()).len(), 12, "ten criteria, recommendation, summary");
        let mut unseen = whole.clone();
        for name in ["testing", "design", "planning"] {
            unseen.ratings.insert(name.into(), CriterionRating { not_observed: true, ..Default::default() });
        }
        assert_eq!(faults(&unseen), []);
        unseen
            .ratings
            .insert("debugging".into(), CriterionRating { not_observed: true, ..Default::default() });
        assert_eq!(faults(&unseen), [("/ratings".into(), "out_of_range".into())]);
    }

    #[test]
    fn the_ends_of_the_scale_need_evidence() {
        for level in 0..=TOP {
            let mut bare = card(level, Recommendation::No);
            if let Some(rating) = bare.ratings.get_mut("testing") {
                rating.evidence = Some(Text::new("too short"));
            }
            let wanted = matches!(level, 0 | 4);
            assert_eq!(faults(&bare).len(), usize::from(wanted), "{level}");
        }
    }

    #[test]
    fn what_does_not_fit_the_rubric_is_told() {
        let mut odd = card(2, Recommendation::Yes);
        let level = |level| CriterionRating { level: Some(level), ..Default::default() };
        odd.ratings.insert("charm".into(), level(2));
        odd.ratings.insert("testing".into(), level(5));
        odd.ratings.insert("design".into(), CriterionRating { not_observed: true, ..level(1) });
        let evidence = Some(Text::new(&"x".repeat(EVIDENCE_MAX + 1)));
        odd.ratings.insert("planning".into(), CriterionRating { evidence, ..level(1) });
        let found: Vec<String> = faults(&odd).into_iter().map(|(at, code)| format!("{at} {code}")).collect();
        assert_eq!(
            found,
            [
                "/ratings/charm unknown_value",
                "/ratings/design/not_observed inconsistent",
                "/ratings/planning/evidence too_long",
                "/ratings/testing/level out_of_range"
            ]
        );
    }

    #[test]
    fn a_mean_counts_who_observed() {
        let (low, high) = (card(1, Recommendation::No), card(4, Recommendation::Yes));
        let mut blank = card(0, Recommendation::No);
        blank.ratings.insert("testing".into(), CriterionRating { not_observed: true, ..Default::default() });
        let found = means([&low, &high, &blank].into_iter(), rubric());
        assert_eq!(found["testing"], Some(2.5));
        assert_eq!(found["design"], Some(5.0 / 3.0));
        assert_eq!(means(std::iter::empty(), rubric())["design"], None);
    }

    proptest! {
        #[test]
        fn cards_disagree_by_levels_or_across_the_pass_line(a in 0_u8..5, b in 0_u8..5, x in 0_usize..5, y in 0_usize..5, levels in 1_u8..5) {
            let (one, other) = (Recommendation::ALL[x], Recommendation::ALL[y]);
            let found = disagreement(&card(a, one), &card(b, other), rubric(), levels);
            // The same seen from the other side.
            prop_assert_eq!(&found, &disagreement(&card(b, other), &card(a, one), rubric(), levels));
            let against = |r| matches!(r, Recommendation::No | Recommendation::DefinitelyNo);
            let undecided = x == 4 || y == 4;
            let across = !undecided && against(one) != against(other);
            let far = a.abs_diff(b) >= levels;
            prop_assert_eq!(found.is_some(), far || across || undecided);
            if let Some(found) = found {
                prop_assert_eq!(found.criteria.len(), if far { 10 } else { 0 });
                prop_assert_eq!((found.across_the_pass_line, found.no_decision), (across, undecided));
            }
        }
    }
}
