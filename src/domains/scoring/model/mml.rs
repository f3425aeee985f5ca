//! Marginal maximum likelihood (Bock & Aitkin 1981, Psychometrika 46, 443–459): the EM algorithm on a fixed grid, with
//! quadrature over ability and over the session effect (the "rater bundle": Wilson & Hoskens 2001, J. Educ. Behav.
//! Statist. 26, 283–306), one Newton step in each M-step (Lange 1995, J. R. Statist. Soc. B 57, 425–437).
//!
//! Weak priors keep everything finite and vanish beside data: severities have standard deviation 1, steps 7, the
//! population's variance weighs as half a person with standard deviation 1.

use super::calibration::{Calibration, Grid, Posterior, Scorer, Work};
use super::data::Ratings;
use super::fit::{FitSums, Measure};
use super::jmle::mean;
use super::pcm::{Expected, StepSums, expected};
use super::squarem::accelerate;

/// Standard deviation of the session effect where the design cannot tell it from ability: one session each.
const ASSUMED_HALO: f64 = 0.5;
/// What the prior of a variance weighs, in people or sessions.
const PRIOR_PEOPLE: f64 = 0.5;
const SEVERITY_PRECISION: f64 = 1.0;
const STEP_PRECISION: f64 = 0.02;
const UNSEEN_PRECISION: f64 = 0.25;

/// What to estimate and how far.
#[derive(Clone, Copy, Debug)]
pub struct MarginalOptions {
    /// Does a session share an effect of its own?
    pub session_effect: bool,
    /// Largest change of the last step, in logits.
    pub tolerance: f64,
    /// Most passes over the ratings.
    pub evaluations: usize,
}

impl Default for MarginalOptions {
    fn default() -> Self {
        Self { session_effect: true, tolerance: 1e-4, evaluations: 300 }
    }
}

/// A calibration with what it says of everybody in it.
pub struct Marginal {
    /// The parameters.
    pub calibration: Calibration,
    /// The nodes they were found on.
    pub grid: Grid,
    /// Posterior means and standard deviations.
    pub developers: Vec<Measure>,
    /// Severities; standard errors from the observed information of developers (the outer product of their scores).
    pub assessors: Vec<Measure>,
    /// Difficulties, likewise.
    pub criteria: Vec<Measure>,
    /// `τ` of each criterion; they sum to zero.
    pub thresholds: Vec<Vec<f64>>,
    /// Log-likelihood of all ratings.
    pub log_likelihood: f64,
    /// Passes over the ratings.
    pub evaluations: usize,
    /// Largest change of the last step.
    pub residual: f64,
    /// Could the design tell the session effect from ability?
    pub session_effect_estimated: bool,
}

/// What never changes: observed sums, and which criteria lack a category.
struct Observed {
    level: Vec<f64>,
    at_least: Vec<Vec<f64>>,
    unseen: Vec<bool>,
    /// Sessions of developers, all together.
    sessions: f64,
    halo_known: bool,
}

impl Observed {
    fn of(ratings: &Ratings) -> Self {
        let m = ratings.steps();
        let mut level = vec![0.0; ratings.assessors.len()];
        let mut counts = vec![vec![0.0; m + 1]; ratings.criteria.len()];
        for (_, assessor, criterion, value) in ratings.each() {
            level[assessor] += value as f64;
            counts[criterion][value] += 1.0;
        }
        let tails = |counts: &Vec<f64>| (1..=m).map(|k| counts[k..].iter().sum()).collect();
        Self {
            level,
            at_least: counts.iter().map(tails).collect(),
            unseen: counts.iter().map(|counts| counts.contains(&0.0)).collect(),
            sessions: (ratings.sessions.len() - 1) as f64,
            halo_known: (0..ratings.developers.len()).any(|at| ratings.sessions_of(at).len() > 1),
        }
    }
}

/// Calibrates, and says what it means for everybody.
pub fn marginal(ratings: &Ratings, options: MarginalOptions) -> Marginal {
    let observed = Observed::of(ratings);
    let halo = options.session_effect;
    let grid = Grid::new(0.0, 7.0, 0.5, halo);
    let mut start = first_guess(ratings, halo);
    // A rough run says where the people are; the second run's grid fits them.
    let rough =
        em(ratings, &observed, grid, start, MarginalOptions { tolerance: 0.02, evaluations: 40, ..options });
    start = rough.at;
    let calibration = unpack(ratings, &start, halo);
    let scorer = Scorer::of(&calibration, ratings, grid);
    let mut work = Work::default();
    let some = (0..ratings.developers.len()).step_by(ratings.developers.len() / 200 + 1);
    let sds: Vec<f64> = some.map(|at| scorer.weigh(ratings, at, &mut work, false).0.sd).collect();
    let reach = (5.5 * calibration.sigma + 1.0).clamp(4.0, 30.0);
    let grid = Grid::new(calibration.mu, reach, (0.6 * mean(&sds)).clamp(0.05, 0.25), halo);
    let run = em(ratings, &observed, grid, start, options);
    let calibration = unpack(ratings, &run.at, halo);
    finish(ratings, calibration, grid, (run.evaluations, run.residual), halo && observed.halo_known)
}

/// Steps from the categories' counts; severities equal.
fn first_guess(ratings: &Ratings, halo: bool) -> Vec<f64> {
    let m = ratings.steps();
    let mut counts = vec![vec![0.5_f64; m + 1]; ratings.criteria.len()];
    ratings.each().for_each(|(_, _, criterion, level)| counts[criterion][level] += 1.0);
    let mut at = vec![0.0; ratings.assessors.len()];
    let steps: Vec<f64> = counts
        .iter()
        .flat_map(|counts| (1..=m).map(|k| (counts[k - 1] / counts[k]).ln().clamp(-4.0, 4.0)))
        .collect();
    let level = mean(&steps);
    at.extend(steps.iter().map(|step| step - level));
    at.extend([-level, 0.0, if halo { ASSUMED_HALO.ln() } else { -7.0 }]);
    at
}

fn unpack(ratings: &Ratings, at: &[f64], halo: bool) -> Calibration {
    let m = ratings.steps();
    let (severity, rest) = at.split_at(ratings.assessors.len());
    let (steps, rest) = rest.split_at(ratings.criteria.len() * m);
    Calibration {
        severity: severity.to_vec(),
        steps: steps.chunks(m).map(<[f64]>::to_vec).collect(),
        mu: rest[0],
        sigma: rest[1].exp(),
        phi: if halo { rest[2].exp() } else { 0.0 },
    }
}

fn pack(calibration: &Calibration, at: &mut Vec<f64>) {
    at.clear();
    at.extend(&calibration.severity);
    at.extend(calibration.steps.iter().flatten());
    at.extend([calibration.mu, calibration.sigma.ln(), calibration.phi.max(1e-3).ln()]);
}

fn em(
    ratings: &Ratings,
    observed: &Observed,
    grid: Grid,
    start: Vec<f64>,
    options: MarginalOptions,
) -> super::squarem::Run {
    let halo = options.session_effect;
    accelerate(start, options.tolerance, options.evaluations, |at| {
        let mut calibration = unpack(ratings, at, halo);
        let scorer = Scorer::of(&calibration, ratings, grid);
        let sums = expect(ratings, &scorer);
        maximise(ratings, observed, &sums, grid, &mut calibration, halo);
        pack(&calibration, at);
        sums.log_likelihood
    })
}

/// What the E-step gathers.
struct Sums {
    /// Expected ratings of each pair at each location.
    counts: Vec<f64>,
    mean: f64,
    square: f64,
    halo_square: f64,
    log_likelihood: f64,
}

fn expect(ratings: &Ratings, scorer: &Scorer) -> Sums {
    let locations = scorer.grid.locations();
    let mut sums = Sums {
        counts: vec![0.0; ratings.pairs.len() * locations],
        mean: 0.0,
        square: 0.0,
        halo_square: 0.0,
        log_likelihood: 0.0,
    };
    let mut work = Work::default();
    for developer in 0..ratings.developers.len() {
        let (Posterior { mean, sd, .. }, likelihood) = scorer.weigh(ratings, developer, &mut work, true);
        sums.mean += mean;
        sums.square += mean * mean + sd * sd;
        sums.halo_square += work.halo_square;
        sums.log_likelihood += likelihood;
        for (session, located) in ratings.sessions_of(developer).zip(work.located.chunks(locations)) {
            for row in ratings.session(session).1 {
                let counts = &mut sums.counts[row.pair as usize * locations..][..locations];
                counts.iter_mut().zip(located).for_each(|(count, located)| *count += located);
            }
        }
    }
    sums
}

/// Hands over what is expected of each assessor on each criterion wherever ratings are expected to lie.
fn at_each(
    ratings: &Ratings,
    sums: &Sums,
    grid: Grid,
    calibration: &Calibration,
    mut add: impl FnMut(usize, usize, &Expected, f64),
) {
    for (pair, counts) in ratings.pairs.iter().zip(sums.counts.chunks(grid.locations())) {
        let (assessor, criterion) = (pair.assessor as usize, pair.criterion as usize);
        for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 1e-9) {
            let u = grid.location(at) - calibration.severity[assessor];
            add(assessor, criterion, &expected(u, &calibration.steps[criterion]), *count);
        }
    }
}

fn maximise(
    ratings: &Ratings,
    observed: &Observed,
    sums: &Sums,
    grid: Grid,
    calibration: &mut Calibration,
    halo: bool,
) {
    let mut severity: Vec<(f64, f64)> = observed
        .level
        .iter()
        .zip(&calibration.severity)
        .map(|(level, severity)| (-level - SEVERITY_PRECISION * severity, SEVERITY_PRECISION))
        .collect();
    at_each(ratings, sums, grid, calibration, |assessor, _, expected, count| {
        severity[assessor].0 += count * expected.mean;
        severity[assessor].1 += count * expected.variance;
    });
    for (value, (gradient, information)) in calibration.severity.iter_mut().zip(severity) {
        *value += (gradient / information).clamp(-1.0, 1.0);
    }
    let mut steps: Vec<StepSums> = observed.at_least.iter().map(|_| StepSums::new(ratings.steps())).collect();
    at_each(ratings, sums, grid, calibration, |_, criterion, expected, count| {
        steps[criterion].add_expected(expected, count);
    });
    for (criterion, mut sums) in steps.into_iter().enumerate() {
        let values = &mut calibration.steps[criterion];
        sums.gradient.iter_mut().zip(&observed.at_least[criterion]).for_each(|(g, seen)| *g -= seen);
        sums.pull(values, 0.0, STEP_PRECISION);
        if observed.unseen[criterion] {
            sums.pull(values, mean(values), UNSEEN_PRECISION);
        }
        values.iter_mut().zip(sums.newton()).for_each(|(value, change)| *value += change);
    }
    let people = ratings.developers.len() as f64;
    let average = sums.mean / people;
    calibration.mu = average;
    calibration.sigma = ((sums.square - people * average * average + PRIOR_PEOPLE) / (people + PRIOR_PEOPLE))
        .max(1e-4)
        .sqrt();
    if halo && observed.halo_known {
        calibration.phi = ((sums.halo_square + PRIOR_PEOPLE * ASSUMED_HALO.powi(2))
            / (observed.sessions + PRIOR_PEOPLE))
            .max(1e-4)
            .sqrt();
    }
    let severity = mean(&calibration.severity);
    let difficulty = calibration.steps.iter().flatten().sum::<f64>()
        / calibration.steps.iter().map(Vec::len).sum::<usize>().max(1) as f64;
    calibration.severity.iter_mut().for_each(|value| *value -= severity);
    calibration.steps.iter_mut().flatten().for_each(|value| *value -= difficulty);
    calibration.mu -= severity + difficulty;
}

/// Measures, standard errors and fit under the final parameters. Residuals are taken at the posterior mean of ability
/// plus session effect.
fn finish(
    ratings: &Ratings,
    calibration: Calibration,
    grid: Grid,
    (evaluations, residual): (usize, f64),
    session_effect_estimated: bool,
) -> Marginal {
    let scorer = Scorer::of(&calibration, ratings, grid);
    let locations = grid.locations();
    let mut work = Work::default();
    let mut log_likelihood = 0.0;
    let mut developers = Vec::with_capacity(ratings.developers.len());
    let mut assessors = vec![(FitSums::default(), SEVERITY_PRECISION); ratings.assessors.len()];
    let mut criteria = vec![(FitSums::default(), STEP_PRECISION); ratings.criteria.len()];
    let mut slope = vec![0.0; ratings.criteria.len()];
    for developer in 0..ratings.developers.len() {
        let (posterior, likelihood) = scorer.weigh(ratings, developer, &mut work, true);
        log_likelihood += likelihood;
        let mut fit = FitSums::default();
        slope.iter_mut().for_each(|value| *value = 0.0);
        for (session, located) in ratings.sessions_of(developer).zip(work.located.chunks(locations)) {
            let (assessor, rows) = ratings.session(session);
            let u: f64 = located.iter().enumerate().map(|(at, p)| p * grid.location(at)).sum();
            let mut score = 0.0;
            for row in rows {
                let pair = row.pair as usize;
                let criterion = ratings.pairs[pair].criterion as usize;
                let expected = expected(u - calibration.severity[assessor], &calibration.steps[criterion]);
                let residual = f64::from(row.level) - expected.mean;
                fit.add(residual, expected.variance);
                assessors[assessor].0.add(residual, expected.variance);
                criteria[criterion].0.add(residual, expected.variance);
                let means = &scorer.mean[pair * locations..(pair + 1) * locations];
                let mean: f64 = means.iter().zip(located).map(|(mean, p)| mean * p).sum();
                score += mean - f64::from(row.level);
                slope[criterion] += mean - f64::from(row.level);
            }
            assessors[assessor].1 += score * score;
        }
        criteria.iter_mut().zip(&slope).for_each(|(sums, slope)| sums.1 += slope * slope);
        developers.push(fit.measure(posterior.mean, posterior.sd));
    }
    let measures = |sums: Vec<(FitSums, f64)>, value: &dyn Fn(usize) -> f64| -> Vec<Measure> {
        let sums = sums.into_iter().enumerate();
        sums.map(|(at, (fit, information))| fit.measure(value(at), information.sqrt().recip())).collect()
    };
    let thresholds =
        calibration.steps.iter().map(|steps| steps.iter().map(|step| step - mean(steps)).collect());
    Marginal {
        developers,
        assessors: measures(assessors, &|at| calibration.severity[at]),
        criteria: measures(criteria, &|at| mean(&calibration.steps[at])),
        thresholds: thresholds.collect(),
        calibration,
        grid,
        log_likelihood,
        evaluations,
        residual,
        session_effect_estimated,
    }
}
