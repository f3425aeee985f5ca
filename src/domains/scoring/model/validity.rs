//! Do scores foretell deliveries? A hierarchical logistic model links them to outcomes: coefficients drawn to their
//! priors, an effect of each developer drawn to zero (maximum a posteriori, by Newton). What is published is judged on
//! developers that the model has not seen: five parts by developer, each foretold from the other four.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::logistic::{LogPosterior, logistic};

/// An outcome with what was known before.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Whose.
    pub developer: Uuid,
    /// Technical score, logits.
    pub technical: f64,
    /// Collaboration score, logits.
    pub collaboration: f64,
    /// Share of the needed skills that the portfolio showed.
    pub fit: Option<f64>,
    /// By which rubric the scores were rated.
    pub rubric_version: String,
    /// Whose cards the scores rest on.
    pub assessors: Vec<Uuid>,
    /// All of it accepted, and nothing asked back?
    pub delivered: bool,
}

/// How many there must be.
#[derive(Clone, Copy, Debug)]
pub struct Needed {
    /// Outcomes.
    pub outcomes: usize,
    /// Developers.
    pub developers: usize,
    /// Outcomes of the rarer kind.
    pub of_each: usize,
}

/// A figure with the interval that holds the true value nine times in ten.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Interval {
    /// The figure.
    #[schema(example = 0.71)]
    pub value: f64,
    /// Lower end.
    #[schema(example = 0.64)]
    pub lower: f64,
    /// Upper end.
    #[schema(example = 0.78)]
    pub upper: f64,
}

impl Interval {
    fn around(value: f64, se: f64) -> Self {
        let half = 1.644_853_6 * se;
        Self { value, lower: (value - half).max(0.0), upper: (value + half).min(1.0) }
    }
}

/// Outcomes foretold alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReliabilityBin {
    /// Outcomes.
    #[schema(example = 60)]
    pub outcomes: u32,
    /// Mean probability that was foretold.
    #[schema(example = 0.82)]
    pub foretold: f64,
    /// Share that was delivered (Wilson's interval).
    pub delivered: Interval,
}

/// How well the scores of a part of the data foretell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Judged {
    /// Outcomes.
    #[schema(example = 300)]
    pub outcomes: u32,
    /// Developers.
    #[schema(example = 90)]
    pub developers: u32,
    /// Share that was delivered.
    #[schema(example = 0.84)]
    pub base_rate: f64,
    /// Mean squared error of the probability: 0 is perfect. Standard error by developer.
    pub brier: Interval,
    /// The same for who always says the base rate.
    #[schema(example = 0.134)]
    pub brier_of_base_rate: f64,
    /// Probability that a delivered one was foretold as likelier than one that was not (Hanley & McNeil 1982).
    pub auc: Interval,
    /// By what was foretold, the least likely first.
    pub bins: Vec<ReliabilityBin>,
}

/// What is told of a part of the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Told {
    /// There are too few outcomes to say anything.
    TooFew {
        /// Outcomes so far.
        #[schema(example = 12)]
        outcomes: u32,
        /// Developers so far.
        #[schema(example = 7)]
        developers: u32,
        /// Outcomes of the rarer kind so far.
        #[schema(example = 2)]
        of_rarer_kind: u32,
        /// Outcomes that are needed.
        #[schema(example = 150)]
        needed_outcomes: u32,
        /// Developers that are needed.
        #[schema(example = 40)]
        needed_developers: u32,
        /// Outcomes of the rarer kind that are needed.
        #[schema(example = 15)]
        needed_of_rarer_kind: u32,
    },
    /// How well they foretell.
    Judged(Judged),
}

/// The coefficients, for who wants to compute it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Coefficients {
    /// At average scores.
    #[schema(example = 1.6)]
    pub constant: f64,
    /// A logit of the technical score.
    #[schema(example = 0.5)]
    pub technical: f64,
    /// A logit of the collaboration score.
    #[schema(example = 0.3)]
    pub collaboration: f64,
    /// All the needed skills shown against none.
    #[schema(example = 0.8)]
    pub fit: f64,
}

/// The report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ValidityReport {
    /// Over everything.
    pub overall: Told,
    /// By the rubric that the scores were rated by.
    pub by_rubric: BTreeMap<String, Told>,
    /// By who rated: an outcome counts with each assessor whose card its scores rest on. For staff.
    #[serde(default)]
    pub by_assessor: BTreeMap<Uuid, Told>,
    /// The model on all outcomes; null when there are too few.
    pub coefficients: Option<Coefficients>,
}

const FEATURES: usize = 4;
/// What is expected before there are data: means and standard deviations, in the order of [`features`].
const PRIOR: [(f64, f64); FEATURES] = [(1.5, 1.0), (0.4, 0.5), (0.2, 0.5), (0.5, 0.5)];
/// Precision of a developer's own effect: a standard deviation of 0.7.
const OWN: f64 = 2.0;
const PARTS: usize = 5;
const BINS: usize = 5;

fn features(one: &Known) -> [f64; FEATURES] {
    [1.0, one.technical, one.collaboration, one.fit.unwrap_or(0.6) - 0.6]
}

/// The coefficients that are likeliest given outcomes and priors. Alternates between the coefficients (Newton) and each
/// developer's own effect (Newton in one dimension) until nothing moves.
fn fit<'a>(known: impl Iterator<Item = &'a Known> + Clone) -> [f64; FEATURES] {
    let mut beta = PRIOR.map(|(mean, _)| mean);
    let mut own: BTreeMap<Uuid, f64> = BTreeMap::new();
    for _ in 0..60 {
        let mut posterior = LogPosterior::of_priors(&PRIOR, &beta);
        let mut effects: BTreeMap<Uuid, (f64, f64)> = BTreeMap::new();
        for one in known.clone() {
            let x = features(one);
            let effect = own.get(&one.developer).copied().unwrap_or(0.0);
            let p = logistic(x.iter().zip(&beta).map(|(x, b)| x * b).sum::<f64>() + effect);
            let residual = f64::from(u8::from(one.delivered)) - p;
            let weight = (p * (1.0 - p)).max(1e-9);
            posterior.add(&x, residual, weight);
            let sums = effects.entry(one.developer).or_insert((-OWN * effect, OWN));
            sums.0 += residual;
            sums.1 += weight;
        }
        for (developer, (gradient, information)) in effects {
            *own.entry(developer).or_default() += 0.7 * gradient / information;
        }
        let step = posterior.step();
        beta.iter_mut().zip(step).for_each(|(value, step)| *value += 0.7 * step.clamp(-2.0, 2.0));
        if step.iter().all(|step| step.abs() < 1e-7) {
            break;
        }
    }
    beta
}

/// The report on everything that is known.
pub fn validity(known: &[Known], needed: Needed) -> ValidityReport {
    let foretold = foretell(known);
    let all: Vec<(&Known, f64)> = known.iter().zip(foretold).collect();
    let overall = tell(&all, needed);
    let coefficients = matches!(overall, Told::Judged(_)).then(|| {
        let [constant, technical, collaboration, fit] = fit(known.iter());
        Coefficients { constant, technical, collaboration, fit }
    });
    let by_rubric = tell_by(&all, |one| std::slice::from_ref(&one.rubric_version), needed);
    let by_assessor = tell_by(&all, |one| &one.assessors, needed);
    ValidityReport { overall, by_rubric, by_assessor, coefficients }
}

/// The same by what outcomes have in common; one may belong to several parts.
fn tell_by<K: Clone + Ord>(
    all: &[(&Known, f64)],
    keys: impl Fn(&Known) -> &[K],
    needed: Needed,
) -> BTreeMap<K, Told> {
    let mut parts: BTreeMap<K, Vec<(&Known, f64)>> = BTreeMap::new();
    for one in all {
        for key in keys(one.0) {
            parts.entry(key.clone()).or_default().push(*one);
        }
    }
    parts.into_iter().map(|(key, part)| (key, tell(&part, needed))).collect()
}

/// The probability of each outcome from a model that has not seen its developer.
fn foretell(known: &[Known]) -> Vec<f64> {
    let mut part_of: BTreeMap<Uuid, usize> = BTreeMap::new();
    for one in known {
        let next = part_of.len() % PARTS;
        part_of.entry(one.developer).or_insert(next);
    }
    let part = |one: &Known| part_of.get(&one.developer).copied().unwrap_or(0);
    let models: Vec<[f64; FEATURES]> =
        (0..PARTS).map(|left_out| fit(known.iter().filter(|one| part(one) != left_out))).collect();
    // An unseen developer's own effect flattens the mean probability.
    let flat = (1.0 + std::f64::consts::PI / (8.0 * OWN)).sqrt();
    known
        .iter()
        .map(|one| {
            let beta = &models[part(one)];
            logistic(features(one).iter().zip(beta).map(|(x, b)| x * b).sum::<f64>() / flat)
        })
        .collect()
}

fn tell(part: &[(&Known, f64)], needed: Needed) -> Told {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let delivered = part.iter().filter(|(one, _)| one.delivered).count();
    let rarer = delivered.min(part.len() - delivered);
    let mut errors: BTreeMap<Uuid, (f64, f64)> = BTreeMap::new();
    for (one, p) in part {
        let sums = errors.entry(one.developer).or_default();
        sums.0 += (f64::from(u8::from(one.delivered)) - p).powi(2);
        sums.1 += 1.0;
    }
    if part.len() < needed.outcomes || errors.len() < needed.developers || rarer < needed.of_each {
        return Told::TooFew {
            outcomes: count(part.len()),
            developers: count(errors.len()),
            of_rarer_kind: count(rarer),
            needed_outcomes: count(needed.outcomes),
            needed_developers: count(needed.developers),
            needed_of_rarer_kind: count(needed.of_each),
        };
    }
    let n = part.len() as f64;
    let base_rate = delivered as f64 / n;
    let brier = errors.values().map(|(sum, _)| sum).sum::<f64>() / n;
    // Outcomes of one developer are not independent: the variance is taken over developers.
    let variance = errors.values().map(|(sum, count)| (sum - count * brier).powi(2)).sum::<f64>() / (n * n);
    Told::Judged(Judged {
        outcomes: count(part.len()),
        developers: count(errors.len()),
        base_rate,
        brier: Interval::around(brier, variance.sqrt()),
        brier_of_base_rate: base_rate * (1.0 - base_rate),
        auc: auc(part),
        bins: bins(part),
    })
}

/// Area under the curve by ranks (ties count half), with Hanley and McNeil's standard error.
fn auc(part: &[(&Known, f64)]) -> Interval {
    let mut sorted: Vec<(f64, bool)> = part.iter().map(|(one, p)| (*p, one.delivered)).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut ranks, mut before) = (0.0, 0.0);
    for same in sorted.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let rank = before + f64::midpoint(same.len() as f64, 1.0);
        ranks += rank * same.iter().filter(|(_, delivered)| *delivered).count() as f64;
        before += same.len() as f64;
    }
    let yes = sorted.iter().filter(|(_, delivered)| *delivered).count() as f64;
    let no = sorted.len() as f64 - yes;
    let a = (ranks - yes * (yes + 1.0) / 2.0) / (yes * no).max(1.0);
    let (q1, q2) = (a / (2.0 - a), 2.0 * a * a / (1.0 + a));
    let variance =
        (a * (1.0 - a) + (yes - 1.0) * (q1 - a * a) + (no - 1.0) * (q2 - a * a)) / (yes * no).max(1.0);
    Interval::around(a, variance.max(0.0).sqrt())
}

fn bins(part: &[(&Known, f64)]) -> Vec<ReliabilityBin> {
    let mut sorted: Vec<(f64, bool)> = part.iter().map(|(one, p)| (*p, one.delivered)).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let size = sorted.len().div_ceil(BINS).max(1);
    let bin = |bin: &[(f64, bool)]| {
        let n = bin.len() as f64;
        let share = bin.iter().filter(|(_, delivered)| *delivered).count() as f64 / n;
        let z2 = 1.644_853_6_f64.powi(2);
        let centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = (z2 * (share * (1.0 - share) / n + z2 / (4.0 * n * n))).sqrt() / (1.0 + z2 / n);
        ReliabilityBin {
            outcomes: u32::try_from(bin.len()).unwrap_or(u32::MAX),
            foretold: bin.iter().map(|(p, _)| p).sum::<f64>() / n,
            delivered: Interval {
                value: share,
                lower: (centre - half).max(0.0),
                upper: (centre + half).min(1.0),
            },
        }
    };
    sorted.chunks(size).map(bin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDED: Needed = Needed { outcomes: 150, developers: 40, of_each: 15 };

    /// 200 developers, five outcomes each; the share delivered follows the score by `slope`.
    fn world(slope: f64) -> Vec<Known> {
        let mut state = 7_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut known = Vec::new();
        for developer in 0..200_u128 {
            let technical = 3.0 * (random() - 0.5);
            for _ in 0..5 {
                known.push(Known {
                    developer: Uuid::from_u128(developer),
                    technical,
                    collaboration: random() - 0.5,
                    fit: Some(random()),
                    rubric_version: if developer % 4 == 0 { "new" } else { "old" }.to_owned(),
                    assessors: vec![Uuid::from_u128(1), Uuid::from_u128(2 + developer % 2)],
                    delivered: random() < logistic(1.0 + slope * technical),
                });
            }
        }
        known
    }

    fn judged(told: &Told) -> &Judged {
        match told {
            Told::Judged(judged) => judged,
            Told::TooFew { .. } => panic!("too few"),
        }
    }

    #[test]
    fn scores_that_foretell_are_found_to() {
        let report = validity(&world(1.2), NEEDED);
        let overall = judged(&report.overall);
        assert!(overall.auc.lower > 0.6 && overall.auc.value < 0.85, "{:?}", overall.auc);
        assert!(overall.brier.upper < overall.brier_of_base_rate, "{:?}", overall.brier);
        let coefficients = report.coefficients.as_ref().unwrap();
        assert!((coefficients.technical - 1.2).abs() < 0.35, "{coefficients:?}");
        assert!(coefficients.collaboration.abs() < 0.5);
        let near =
            |bin: &&ReliabilityBin| (bin.delivered.lower..=bin.delivered.upper).contains(&bin.foretold);
        assert!(overall.bins.iter().filter(near).count() >= 4, "{:?}", overall.bins);
        assert_eq!(report.by_rubric.len(), 2);
        assert_eq!(judged(&report.by_rubric["new"]).outcomes, 250);
        let of = |assessor| judged(&report.by_assessor[&Uuid::from_u128(assessor)]);
        assert_eq!((of(1).outcomes, of(2).outcomes, of(3).outcomes), (1000, 500, 500));
        assert_eq!(of(1), overall, "who rated everybody is judged by everything");
    }

    #[test]
    fn scores_that_say_nothing_are_not_praised() {
        let report = validity(&world(0.0), NEEDED);
        let overall = judged(&report.overall);
        assert!(overall.auc.lower < 0.52, "{:?}", overall.auc);
        assert!(overall.brier.upper > overall.brier_of_base_rate);
    }

    #[test]
    fn too_few_says_so() {
        let known = world(1.0);
        for part in [&known[..0], &known[..1], &known[..149]] {
            let report = validity(part, NEEDED);
            assert!(matches!(&report.overall, Told::TooFew { needed_outcomes: 150, .. }));
            assert!(report.coefficients.is_none());
        }
        let all_delivered: Vec<Known> =
            known.into_iter().map(|one| Known { delivered: true, ..one }).collect();
        assert!(matches!(validity(&all_delivered, NEEDED).overall, Told::TooFew { of_rarer_kind: 0, .. }));
    }

    #[test]
    fn the_area_is_the_share_of_pairs_in_order() {
        let known = world(0.0);
        let part: Vec<(&Known, f64)> =
            [(0, 0.1), (1, 0.4), (2, 0.4), (3, 0.8)].into_iter().map(|(at, p)| (&known[at], p)).collect();
        let (yes, no): (Vec<_>, Vec<_>) = part.iter().partition(|(one, _)| one.delivered);
        let mut pairs = 0.0;
        for (_, a) in &yes {
            for (_, b) in &no {
                pairs += if a > b {
                    1.0
                } else if a == b {
                    0.5
                } else {
                    0.0
                };
            }
        }
        let expected = pairs / ((yes.len() * no.len()).max(1) as f64);
        assert!((auc(&part).value - expected).abs() < 1e-9);
    }
}
