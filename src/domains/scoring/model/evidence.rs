//! From cards to a posterior: every card of every assessment that counts, under one frozen calibration.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::calibration::{Grid, Posterior, Scorer};
use super::data::{Fault, Ratings, RatingsBuilder};
use super::parameters::{LEVELS, RatedParameters, criterion_key};
use super::pcm::expected;
use super::score::{Figures, Verdict};

/// A submitted card, as far as it bears on one scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// Of which assessment.
    pub assessment: Uuid,
    /// When that took place.
    pub at: DateTime<Utc>,
    /// Whose: the name in the calibration.
    pub assessor: String,
    /// By which rubric.
    pub rubric_version: String,
    /// Levels by criterion.
    pub levels: Vec<(String, i32)>,
}

/// How far ability may have moved between two assessments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drifting {
    /// From one assessment to the next, logits.
    pub each: f64,
    /// In a year, logits.
    pub year: f64,
}

impl Drifting {
    fn between(self, earlier: DateTime<Utc>, later: DateTime<Utc>) -> f64 {
        let years = (later - earlier).num_days().max(0) as f64 / 365.25;
        (self.each.powi(2) + self.year.powi(2) * years).sqrt()
    }
}

/// What cards say.
#[derive(Clone, Debug)]
pub struct Weighed {
    /// The posterior.
    pub posterior: Posterior,
    /// Its nodes.
    pub grid: Grid,
    /// Ratings that it rests on.
    pub ratings: i32,
}

impl Weighed {
    /// The figures to publish.
    pub fn figures(&self) -> Figures {
        Figures::new(self.posterior.mean, self.posterior.sd)
    }

    /// `P(θ ≥ cut)`.
    pub fn above(&self, cut: f64) -> f64 {
        self.posterior.above(self.grid, cut).clamp(0.0, 1.0)
    }
}

/// Pass, fail, or neither yet.
pub fn verdict(above_cut: f64, pass: f64, fail: f64) -> Verdict {
    if above_cut >= pass {
        Verdict::Pass
    } else if above_cut <= fail {
        Verdict::Fail
    } else {
        Verdict::Border
    }
}

/// On all scales together: one that fails decides, and all must pass.
pub fn overall(verdicts: &[Verdict]) -> Verdict {
    if verdicts.contains(&Verdict::Fail) {
        Verdict::Fail
    } else if verdicts.contains(&Verdict::Border) {
        Verdict::Border
    } else {
        Verdict::Pass
    }
}

const SPACING: f64 = 0.08;

/// The posterior after all cards, the oldest assessment first. Cards of one assessment see one ability; until the next
/// it may drift, so that a later assessment counts more than an earlier one, and neither alone. None without a rating.
pub fn weigh(parameters: &RatedParameters, cards: &[Card], drifting: Drifting) -> Option<Weighed> {
    let grid = Grid::new(parameters.mu, (6.0 * parameters.sigma + 1.0).clamp(4.0, 20.0), SPACING, true);
    let mut assessments: Vec<&[Card]> = cards.chunk_by(|a, b| a.assessment == b.assessment).collect();
    assessments.sort_by_key(|cards| cards.first().map(|card| card.at));
    let mut known: Option<(Posterior, DateTime<Utc>)> = None;
    let mut count = 0_usize;
    for cards in assessments {
        let (Ok(ratings), Some(first)) = (ratings_of(cards), cards.first()) else { continue };
        let mut scorer = Scorer::of(&parameters.of(&ratings), &ratings, grid);
        if let Some((posterior, at)) = &known {
            scorer = scorer.starting_from(grid.spread(&posterior.density, drifting.between(*at, first.at)));
        }
        known = Some((scorer.posterior(&ratings, 0), first.at));
        count += ratings.len();
    }
    known.map(|(posterior, _)| Weighed { posterior, grid, ratings: i32::try_from(count).unwrap_or(i32::MAX) })
}

fn ratings_of(cards: &[Card]) -> Result<Ratings, Fault> {
    let mut builder = RatingsBuilder::new(Some(LEVELS));
    for card in cards {
        for (criterion, level) in &card.levels {
            let key = criterion_key(&card.rubric_version, criterion);
            builder.add("candidate", &card.assessor, &key, i64::from(*level))?;
        }
    }
    builder.build()
}

/// What was rated on a criterion.
#[derive(Clone, Debug, PartialEq)]
pub struct CriterionMeans {
    /// The rubric that has it.
    pub rubric_version: String,
    /// The criterion.
    pub criterion: String,
    /// Ratings.
    pub ratings: i32,
    /// Their mean.
    pub mean: f64,
    /// The mean that assessors of average severity would have given.
    pub adjusted: f64,
}

/// By criterion, in the order of names: what was rated, and what it is once severity is taken out.
pub fn by_criterion(parameters: &RatedParameters, cards: &[Card], theta: f64) -> Vec<CriterionMeans> {
    let mut sums: BTreeMap<(&str, &str), (i32, f64, f64)> = BTreeMap::new();
    for card in cards {
        let severity = parameters.severity.get(&card.assessor).map_or(0.0, |one| one.measure);
        for (criterion, level) in &card.levels {
            let steps = parameters.criteria.get(&criterion_key(&card.rubric_version, criterion));
            let steps = steps.map_or(&parameters.steps, |one| &one.steps);
            let taken = expected(theta, steps).mean - expected(theta - severity, steps).mean;
            let sum = sums.entry((&card.rubric_version, criterion)).or_default();
            sum.0 += 1;
            sum.1 += f64::from(*level);
            sum.2 += f64::from(*level) + taken;
        }
    }
    let top = f64::from(u8::try_from(LEVELS.max).unwrap_or(u8::MAX));
    let means = sums.into_iter().map(|((rubric_version, criterion), (n, sum, adjusted))| CriterionMeans {
        rubric_version: rubric_version.to_owned(),
        criterion: criterion.to_owned(),
        ratings: n,
        mean: sum / f64::from(n),
        adjusted: (adjusted / f64::from(n)).clamp(0.0, top),
    });
    means.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::parameters::Severity;
    use super::*;

    const DRIFTING: Drifting = Drifting { each: 0.2, year: 0.3 };

    fn prior() -> RatedParameters {
        RatedParameters::prior(&[-1.5, -0.5, 0.5, 1.5], 1.0, 0.65)
    }

    fn card(assessment: u128, day: i64, assessor: &str, level: i32) -> Card {
        let levels = ["a", "b", "c", "d", "e", "f", "g"].map(|name| (name.to_owned(), level)).to_vec();
        Card {
            assessment: Uuid::from_u128(assessment),
            at: DateTime::UNIX_EPOCH + chrono::Duration::days(day),
            assessor: assessor.to_owned(),
            rubric_version: "r".to_owned(),
            levels,
        }
    }

    fn theta(cards: &[Card]) -> f64 {
        weigh(&prior(), cards, DRIFTING).unwrap().figures().theta
    }

    #[test]
    fn no_rating_is_no_score() {
        let unrated = Card { levels: Vec::new(), ..card(1, 0, "x", 2) };
        assert!(weigh(&prior(), &[unrated], DRIFTING).is_none());
        assert!(weigh(&prior(), &[], DRIFTING).is_none());
    }

    #[test]
    fn strong_cards_pass_weak_ones_fail_and_middling_ones_ask_for_a_third() {
        let decide = |level| {
            let weighed =
                weigh(&prior(), &[card(1, 0, "x", level), card(1, 0, "y", level)], DRIFTING).unwrap();
            verdict(weighed.above(0.0), 0.8, 0.2)
        };
        assert_eq!([0, 1, 2, 3, 4].map(decide), {
            use Verdict::{Border, Fail, Pass};
            [Fail, Fail, Border, Pass, Pass]
        });
    }

    #[test]
    fn a_severe_rater_is_taken_into_account() {
        let mut known = prior();
        known.severity.insert("x".to_owned(), Severity { measure: 1.0, se: 0.1 });
        let cards = [card(1, 0, "x", 2), card(1, 0, "y", 2)];
        let figures = weigh(&known, &cards, DRIFTING).unwrap().figures();
        assert!(figures.theta > theta(&cards) + 0.2);
        let means = by_criterion(&known, &cards, figures.theta);
        assert_eq!(means.len(), 7);
        assert!(means.iter().all(|one| one.ratings == 2 && one.mean == 2.0 && one.adjusted > 2.2));
    }

    #[test]
    fn more_raters_make_it_surer() {
        let sd = |count: usize| {
            let cards: Vec<Card> = (0..count).map(|at| card(1, 0, &at.to_string(), 3)).collect();
            weigh(&prior(), &cards, DRIFTING).unwrap().figures().se
        };
        assert!(sd(2) < sd(1) && sd(3) < sd(2), "{} {} {}", sd(1), sd(2), sd(3));
    }

    #[test]
    fn a_redo_counts_with_the_first_and_more_than_it() {
        let first = [card(1, 0, "x", 1), card(1, 0, "y", 1)];
        let second = [card(2, 30, "v", 3), card(2, 30, "w", 3)];
        let both = [first.clone(), second.clone()].concat();
        let (one, other, combined) = (theta(&first), theta(&second), theta(&both));
        assert!(one < combined && combined < other, "{one} {combined} {other}");
        assert!(combined > f64::midpoint(one, other), "the later one counts more: {one} {combined} {other}");
        let years_later =
            [first, second.map(|card| Card { at: card.at + chrono::Duration::days(3_650), ..card })];
        assert!(theta(&years_later.concat()) > combined, "and the more the later it is");
    }

    #[test]
    fn one_scale_that_fails_decides_and_all_must_pass() {
        use Verdict::{Border, Fail, Pass};
        assert_eq!(overall(&[Pass, Pass]), Pass);
        assert_eq!(overall(&[Pass, Border]), Border);
        assert_eq!(overall(&[Border, Fail]), Fail);
    }

    proptest! {
        #[test]
        fn the_order_of_cards_does_not_matter_and_a_better_one_never_lowers(
            levels in prop::collection::vec(0..=4_i32, 2..5), raised in 0..4_usize,
        ) {
            let cards: Vec<Card> =
                levels.iter().enumerate().map(|(at, level)| card(1, 0, &at.to_string(), *level)).collect();
            let mut turned = cards.clone();
            turned.reverse();
            prop_assert!((theta(&cards) - theta(&turned)).abs() < 1e-9);
            let mut better = cards.clone();
            let one = raised % better.len();
            better[one].levels[0].1 = (better[one].levels[0].1 + 1).min(4);
            prop_assert!(theta(&better) >= theta(&cards) - 1e-9);
        }
    }
}
