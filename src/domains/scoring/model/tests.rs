//! Invariances, extreme patterns, recovery of a known truth.

use proptest::prelude::*;

use super::connectivity::connectivity;
use super::data::{Fault, Ratings, RatingsBuilder, Scale, read_line};
use super::jmle::joint;
use super::mml::{MarginalOptions, marginal};
use super::pcm::expected;
use super::report::{Estimator, by_scale, report};

/// SplitMix64: enough for a simulation.
struct Chance(u64);

impl Chance {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// A truth and ratings drawn from it: 24 assessors, two a developer, ten criteria on 0..4.
struct World {
    ratings: Ratings,
    theta: Vec<f64>,
    severity: Vec<f64>,
    difficulty: Vec<f64>,
}

fn world(seed: u64, developers: usize, halo: f64, scales: usize) -> World {
    let mut chance = Chance(seed);
    let severity: Vec<f64> = (0..24).map(|_| 0.6 * chance.normal()).collect();
    let difficulty: Vec<f64> = (0..10).map(|_| 0.5 * chance.normal()).collect();
    let taus = [-1.5, -0.5, 0.5, 1.5];
    let mut builder = RatingsBuilder::new(Some(Scale { min: 0, max: 4 }));
    let mut thetas = Vec::new();
    for developer in 0..developers {
        let theta: Vec<f64> = (0..scales).map(|_| chance.normal()).collect();
        let first = (chance.uniform() * 24.0) as usize;
        let second = (first + 1 + (chance.uniform() * 23.0) as usize) % 24;
        for assessor in [first, second] {
            let gamma = halo * chance.normal();
            for (criterion, difficulty) in difficulty.iter().enumerate() {
                let scale = if criterion < 7 { 0 } else { scales - 1 };
                let u = theta[scale] + gamma - severity[assessor] - difficulty;
                let probability = expected(u, &taus).probability;
                let (mut at, mut left) = (0, chance.uniform());
                while at < 4 && left > probability[at] {
                    left -= probability[at];
                    at += 1;
                }
                let names = (format!("d{developer}"), format!("a{assessor}"), format!("c{criterion}"));
                builder.add(&names.0, &names.1, &names.2, at as i64).unwrap();
            }
        }
        thetas.push(theta[0]);
    }
    World { ratings: builder.build().unwrap(), theta: thetas, severity, difficulty }
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let (ma, mb) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let cov: f64 = a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)).sum();
    let (va, vb): (f64, f64) =
        (a.iter().map(|a| (a - ma).powi(2)).sum(), b.iter().map(|b| (b - mb).powi(2)).sum());
    cov / (va * vb).sqrt()
}

/// Share of truths inside `score ± 1.645 se`, the origin of the truth moved to the estimates'.
fn coverage(measures: &[super::fit::Measure], truth: &[f64], shift: f64) -> f64 {
    let inside = measures.iter().zip(truth).filter(|(m, t)| (m.measure - *t + shift).abs() <= 1.645 * m.se);
    inside.count() as f64 / truth.len() as f64
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn in_order(names: &[String], truth: &[f64]) -> Vec<f64> {
    names.iter().map(|name| truth[name[1..].parse::<usize>().unwrap()]).collect()
}

#[test]
fn a_truth_with_halo_is_recovered_and_the_interval_is_honest() {
    for (seed, halo) in [(1, 0.0), (2, 0.5), (3, 0.8)] {
        let world = world(seed, 500, halo, 1);
        let found = marginal(&world.ratings, MarginalOptions::default());
        assert!(found.residual <= 1e-4, "halo {halo}: {}", found.residual);
        let severity = in_order(&world.ratings.assessors, &world.severity);
        let difficulty = in_order(&world.ratings.criteria, &world.difficulty);
        let measures = |of: &[super::fit::Measure]| of.iter().map(|m| m.measure).collect::<Vec<_>>();
        assert!(correlation(&measures(&found.assessors), &severity) > 0.95, "severity, halo {halo}");
        assert!(correlation(&measures(&found.criteria), &difficulty) > 0.98, "difficulty, halo {halo}");
        assert!((found.calibration.sigma - 1.0).abs() < 0.15, "σ {}", found.calibration.sigma);
        assert!((found.calibration.phi - halo).abs() < 0.15, "φ {} for {halo}", found.calibration.phi);
        // The origin: assessors and criteria average zero in the estimates.
        let shift = mean(&severity) + mean(&difficulty);
        let share = coverage(&found.developers, &world.theta, shift);
        assert!((0.85..=0.94).contains(&share), "halo {halo}: covered {share}");
    }
}

#[test]
fn without_the_session_effect_the_interval_is_too_narrow() {
    let world = world(2, 500, 0.5, 1);
    let plain = MarginalOptions { session_effect: false, ..MarginalOptions::default() };
    let found = marginal(&world.ratings, plain);
    let shift = mean(&in_order(&world.ratings.assessors, &world.severity)) + mean(&world.difficulty);
    let share = coverage(&found.developers, &world.theta, shift);
    assert!(share < 0.82, "covered {share}: the test world has no halo");
}

#[test]
fn joint_estimates_follow_the_truth_to_full_convergence() {
    let world = world(4, 400, 0.0, 1);
    let found = joint(&world.ratings, &connectivity(&world.ratings));
    assert!(found.residual <= 1e-6, "{}", found.residual);
    let severity: Vec<f64> = found.assessors.iter().map(|m| m.measure).collect();
    assert!(correlation(&severity, &in_order(&world.ratings.assessors, &world.severity)) > 0.95);
    let theta: Vec<f64> = found.developers.iter().map(|m| m.measure).collect();
    assert!(correlation(&theta, &world.theta) > 0.9);
    // At a maximum every raw score is what is expected, so residuals of each facet sum to zero; infit averages one.
    let infit = mean(&found.assessors.iter().map(|m| m.infit).collect::<Vec<_>>());
    assert!((infit - 1.0).abs() < 0.1, "{infit}");
}

#[test]
fn unrelated_criteria_are_two_scales_and_related_ones_are_one() {
    let (_, two) = report(&world(5, 500, 0.4, 2).ratings, Estimator::Bayes);
    let names: Vec<usize> = two.scales.iter().map(|scale| scale.criteria.len()).collect();
    assert_eq!(names, [7, 3]);
    let (_, one) = report(&world(6, 500, 0.4, 1).ratings, Estimator::Bayes);
    assert_eq!(one.scales.len(), 1);
}

#[test]
fn a_halo_that_two_scales_share_is_taken_out_of_both() {
    let world = world(6, 900, 0.8, 2);
    let alone = marginal(&world.ratings.only(&(0..7).collect::<Vec<_>>()), MarginalOptions::default());
    let together = &by_scale(&world.ratings)[0];
    let truth = in_order(&world.ratings.developers, &world.theta);
    let r = |measures: &[super::fit::Measure]| {
        correlation(&measures.iter().map(|m| m.measure).collect::<Vec<_>>(), &truth)
    };
    assert!(r(&together.developers) > r(&alone.developers) + 0.005, "{}", r(&alone.developers));
    let shift = mean(&truth) - together.calibration.mu;
    let covered = coverage(&together.developers, &truth, shift);
    assert!((0.85..=0.94).contains(&covered), "{covered}");
}

#[test]
fn disconnected_designs_are_reported_with_what_would_link_them() {
    let mut builder = RatingsBuilder::new(None);
    for (developer, assessor) in [("d1", "a1"), ("d2", "a1"), ("d2", "a2"), ("d3", "a3"), ("d4", "a3")] {
        for (criterion, level) in [("c1", 1), ("c2", 2)] {
            builder.add(developer, assessor, criterion, level).unwrap();
        }
    }
    let ratings = builder.build().unwrap();
    let parts = connectivity(&ratings);
    assert!(!parts.connected);
    assert_eq!(parts.components.len(), 2);
    assert_eq!(parts.links.len(), 1);
    let link = &parts.links[0];
    assert!(
        ["a1", "a2"].contains(&link.assessor_id.as_str())
            != ["d1", "d2"].contains(&link.developer_id.as_str())
    );
}

#[test]
fn what_is_refused() {
    let mut builder = RatingsBuilder::new(Some(Scale { min: 0, max: 4 }));
    let line = |rating: &str| {
        format!(
            r#"{{"developer_id":"d","assessor_id":"a","role":"primary","criterion":"c","rating":{rating}}}"#
        )
    };
    assert_eq!(read_line(&mut builder, &line("3")), Ok(()));
    assert!(matches!(read_line(&mut builder, &line("5")), Err(Fault::OffScale { rating: 5, .. })));
    assert!(matches!(read_line(&mut builder, &line("2.5")), Err(Fault::Malformed(_))));
    assert!(matches!(read_line(&mut builder, &line("\"3\"")), Err(Fault::Malformed(_))));
    assert!(matches!(read_line(&mut builder, "{"), Err(Fault::Malformed(_))));
    assert!(matches!(RatingsBuilder::new(None).build(), Err(Fault::None)));
    assert!(Scale::new(i64::MIN, i64::MAX).is_err());
    assert!(Scale::new(3, 3).is_err());
}

/// Any small design at all.
fn designs() -> impl Strategy<Value = Vec<(u8, u8, u8, i64)>> {
    proptest::collection::vec((0..6_u8, 0..4_u8, 0..3_u8, 0..=4_i64), 1..60)
}

fn build(rows: &[(u8, u8, u8, i64)], name: impl Fn(char, u8) -> String) -> Ratings {
    let mut builder = RatingsBuilder::new(Some(Scale { min: 0, max: 4 }));
    for (developer, assessor, criterion, level) in rows {
        builder.add(&name('d', *developer), &name('a', *assessor), &name('c', *criterion), *level).unwrap();
    }
    builder.build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn everything_is_finite(rows in designs(), all in proptest::option::of(prop_oneof![Just(0_i64), Just(4)])) {
        // Some designs are all lowest or all highest.
        let rows: Vec<_> = rows.into_iter().map(|(d, a, c, x)| (d, a, c, all.unwrap_or(x))).collect();
        let ratings = build(&rows, |kind, number| format!("{kind}{number}"));
        for estimator in [Estimator::Jmle, Estimator::Bayes] {
            let (scores, report) = report(&ratings, estimator);
            for score in &scores {
                prop_assert!([score.score, score.se, score.infit, score.outfit].iter().all(|x| x.is_finite()), "{score:?}");
                prop_assert!(score.se > 0.0);
            }
            for assessor in &report.assessors {
                prop_assert!(assessor.severity.is_finite() && assessor.se.is_finite());
            }
            for criterion in &report.criteria {
                prop_assert!(criterion.difficulty.is_finite() && criterion.thresholds.iter().all(|x| x.is_finite()));
            }
        }
    }

    #[test]
    fn names_and_the_order_of_lines_mean_nothing(rows in designs()) {
        let plain = build(&rows, |kind, number| format!("{kind}{number}"));
        let mut turned = rows.clone();
        turned.reverse();
        let turned = build(&turned, |kind, number| format!("{kind}{}", 9 - number));
        let (a, _) = report(&plain, Estimator::Bayes);
        let (b, _) = report(&turned, Estimator::Bayes);
        for score in &a {
            let other = format!("d{}", 9 - score.developer_id[1..].parse::<u8>().unwrap());
            let other = b.iter().find(|b| b.developer_id == other).unwrap();
            prop_assert!((score.score - other.score).abs() < 5e-3, "{} {}", score.score, other.score);
        }
    }
}

#[test]
fn a_scale_that_starts_elsewhere_gives_the_same_measures() {
    let world = world(7, 60, 0.3, 1);
    let mut builder = RatingsBuilder::new(None);
    for (developer, assessor, criterion, level) in world.ratings.each() {
        let names = (&world.ratings.developers, &world.ratings.assessors, &world.ratings.criteria);
        let level = level as i64 + 11;
        builder.add(&names.0[developer], &names.1[assessor], &names.2[criterion], level).unwrap();
    }
    for estimator in [Estimator::Jmle, Estimator::Bayes] {
        let (a, _) = report(&world.ratings, estimator);
        let (b, _) = report(&builder_again(&builder), estimator);
        assert!(a.iter().zip(&b).all(|(a, b)| (a.score - b.score).abs() < 1e-9));
    }
}

fn builder_again(builder: &RatingsBuilder) -> Ratings {
    builder.clone().build().unwrap()
}

/// The Law School Admission Test, section 6 (Bock & Lieberman 1970; Thissen 1982): answers to five questions by 1,000
/// people, as (pattern, count).
const LSAT: [(&str, u32); 30] = [
    ("00000", 3),
    ("00001", 6),
    ("00010", 2),
    ("00011", 11),
    ("00100", 1),
    ("00101", 1),
    ("00110", 3),
    ("00111", 4),
    ("01000", 1),
    ("01001", 8),
    ("01011", 16),
    ("01101", 3),
    ("01110", 2),
    ("01111", 15),
    ("10000", 10),
    ("10001", 29),
    ("10010", 14),
    ("10011", 81),
    ("10100", 3),
    ("10101", 28),
    ("10110", 15),
    ("10111", 80),
    ("11000", 16),
    ("11001", 56),
    ("11010", 21),
    ("11011", 173),
    ("11100", 11),
    ("11101", 61),
    ("11110", 28),
    ("11111", 298),
];

/// Against lme4 1.1 (R), `glmer(y ~ 0 + question + (1 | person), family = binomial, nAGQ = 25)`.
#[test]
fn the_lsat_comes_out_as_by_lme4() {
    let mut builder = RatingsBuilder::new(None);
    let mut person = 0;
    for (pattern, count) in LSAT {
        for _ in 0..count {
            person += 1;
            for (question, answer) in pattern.chars().enumerate() {
                let level = i64::from(answer == '1');
                builder.add(&format!("p{person}"), "key", &format!("q{question}"), level).unwrap();
            }
        }
    }
    let ratings = builder.build().unwrap();
    let options = MarginalOptions { session_effect: false, tolerance: 1e-6, evaluations: 1_000 };
    let found = marginal(&ratings, options);
    assert!((found.calibration.sigma - 0.755_13).abs() < 0.005, "σ {}", found.calibration.sigma);
    assert!((found.log_likelihood + 2_466.937_6).abs() < 0.01, "{}", found.log_likelihood);
    // Easiness there is our mean ability less the difficulty.
    for (at, easy) in [2.730_01, 0.998_61, 0.239_85, 1.306_45, 2.099_40].into_iter().enumerate() {
        let ours = found.calibration.mu - found.criteria[at].measure;
        assert!((ours - easy).abs() < 0.01, "question {at}: {ours} for {easy}");
    }
}
