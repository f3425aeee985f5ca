//! Joint maximum likelihood (Linacre 1989, Many-Facet Rasch Measurement; Wright & Masters 1982): every parameter at
//! once, by Newton steps facet by facet, accelerated, to full convergence. No session effect, no correction of its
//! known spread (about `L / (L − 1)` for `L` ratings an element): what the published programs print.
//!
//! Elements whose ratings are all lowest or all highest have no finite estimate. They are left out, which may make
//! others extreme in turn; afterwards they are measured against the rest with their raw score moved 0.3 inwards.

use super::connectivity::Components;
use super::data::Ratings;
use super::fit::{FitSums, Measure};
use super::pcm::{Expected, StepSums, expected};
use super::squarem::accelerate;

/// What extreme raw scores are moved by.
const EXTREME: f64 = 0.3;
/// No measure lies further out: designs that separate completely have no finite estimate.
const FARTHEST: f64 = 30.0;
const TOLERANCE: f64 = 1e-6;
const EVALUATIONS: usize = 600;

/// Measures of every facet.
pub struct Joint {
    /// Developers, in the order of the ratings' names.
    pub developers: Vec<Measure>,
    /// Severities.
    pub assessors: Vec<Measure>,
    /// Difficulties.
    pub criteria: Vec<Measure>,
    /// `τ` of each criterion; they sum to zero.
    pub thresholds: Vec<Vec<f64>>,
    /// Passes over the ratings.
    pub evaluations: usize,
    /// Largest change of the last step, in logits.
    pub residual: f64,
}

/// Which ratings take part, after extreme elements were left out again and again.
struct Active {
    developer: Vec<u32>,
    assessor: Vec<u32>,
    criterion: Vec<u32>,
    last_round: u32,
}

const IN: u32 = u32::MAX;

impl Active {
    fn of(ratings: &Ratings) -> Self {
        let mut active = Self {
            developer: vec![IN; ratings.developers.len()],
            assessor: vec![IN; ratings.assessors.len()],
            criterion: vec![IN; ratings.criteria.len()],
            last_round: 0,
        };
        let top = ratings.steps();
        loop {
            let mut seen = [
                vec![(usize::MAX, 0); active.developer.len()],
                vec![(usize::MAX, 0); active.assessor.len()],
                vec![(usize::MAX, 0); active.criterion.len()],
            ];
            for (developer, assessor, criterion, level) in ratings.each() {
                if active.takes(developer, assessor, criterion) {
                    for (facet, at) in [developer, assessor, criterion].into_iter().enumerate() {
                        let (low, high) = &mut seen[facet][at];
                        (*low, *high) = ((*low).min(level), (*high).max(level));
                    }
                }
            }
            let round = active.last_round;
            let mut changed = false;
            let facets = [&mut active.developer, &mut active.assessor, &mut active.criterion];
            for (state, seen) in facets.into_iter().zip(seen) {
                for (state, (low, high)) in state.iter_mut().zip(seen) {
                    if *state == IN && (low == top || high == 0) {
                        *state = round;
                        changed = true;
                    }
                }
            }
            if !changed {
                return active;
            }
            active.last_round += 1;
        }
    }

    fn takes(&self, developer: usize, assessor: usize, criterion: usize) -> bool {
        self.developer[developer] == IN && self.assessor[assessor] == IN && self.criterion[criterion] == IN
    }
}

/// The parameters in one vector, for the acceleration.
struct Layout {
    developers: usize,
    assessors: usize,
    steps: usize,
}

impl Layout {
    fn split<'a>(&self, at: &'a mut [f64]) -> (&'a mut [f64], &'a mut [f64], &'a mut [f64]) {
        let (theta, rest) = at.split_at_mut(self.developers);
        let (severity, steps) = rest.split_at_mut(self.assessors);
        (theta, severity, steps)
    }
}

/// Estimates every facet; the parts of a disconnected design are centred each on its own assessors.
pub fn joint(ratings: &Ratings, parts: &Components) -> Joint {
    let active = Active::of(ratings);
    let m = ratings.steps();
    let layout =
        Layout { developers: ratings.developers.len(), assessors: ratings.assessors.len(), steps: m };
    let observed = observed(ratings, &active);
    let start = vec![0.0; layout.developers + layout.assessors + ratings.criteria.len() * m];
    let run = accelerate(start, TOLERANCE, EVALUATIONS, |at| {
        let (theta, severity, steps) = layout.split(at);
        let before = move_theta(ratings, &active, theta, severity, steps, m);
        move_severity(ratings, &active, theta, severity, steps, m);
        move_steps(ratings, &active, &observed, theta, severity, steps, m);
        centre(ratings, &active, parts, theta, severity, steps, m);
        before
    });
    let mut at = run.at;
    let (theta, severity, steps) = layout.split(&mut at);
    measure_extremes(ratings, &active, theta, severity, steps, m);
    finish(ratings, theta, severity, steps, &layout, (run.evaluations, run.residual))
}

/// How often each category of each criterion occurs among the active ratings.
fn observed(ratings: &Ratings, active: &Active) -> Vec<Vec<u64>> {
    let mut counts = vec![vec![0; ratings.steps() + 1]; ratings.criteria.len()];
    for (developer, assessor, criterion, level) in ratings.each() {
        if active.takes(developer, assessor, criterion) {
            counts[criterion][level] += 1;
        }
    }
    counts
}

/// One Newton step for each developer; the log-likelihood where it came from.
fn move_theta(
    ratings: &Ratings,
    active: &Active,
    theta: &mut [f64],
    severity: &[f64],
    steps: &[f64],
    m: usize,
) -> f64 {
    let mut likelihood = 0.0;
    for (developer, theta) in theta.iter_mut().enumerate() {
        if active.developer[developer] != IN {
            continue;
        }
        let (mut residual, mut information) = (0.0, 0.0);
        for session in ratings.sessions_of(developer) {
            let (assessor, rows) = ratings.session(session);
            for row in rows {
                let criterion = ratings.pairs[row.pair as usize].criterion as usize;
                if !active.takes(developer, assessor, criterion) {
                    continue;
                }
                let steps = &steps[criterion * m..(criterion + 1) * m];
                let u = *theta - severity[assessor];
                let expected = expected(u, steps);
                let level = usize::from(row.level);
                residual += level as f64 - expected.mean;
                information += expected.variance;
                likelihood += level as f64 * u - steps[..level].iter().sum::<f64>() - expected.log_z;
            }
        }
        if information > 0.0 {
            *theta = (*theta + (residual / information).clamp(-1.0, 1.0)).clamp(-FARTHEST, FARTHEST);
        }
    }
    likelihood
}

/// One Newton step for each severity.
fn move_severity(
    ratings: &Ratings,
    active: &Active,
    theta: &[f64],
    severity: &mut [f64],
    steps: &[f64],
    m: usize,
) {
    let mut sums = vec![(0.0, 0.0); severity.len()];
    for (developer, assessor, criterion, level) in ratings.each() {
        if active.takes(developer, assessor, criterion) {
            let expected = at(theta[developer] - severity[assessor], steps, criterion, m);
            sums[assessor].0 += expected.mean - level as f64;
            sums[assessor].1 += expected.variance;
        }
    }
    for (severity, (residual, information)) in severity.iter_mut().zip(sums) {
        if information > 0.0 {
            *severity = (*severity + (residual / information).clamp(-1.0, 1.0)).clamp(-FARTHEST, FARTHEST);
        }
    }
}

/// One Newton step for each criterion's steps together. Where a category was never seen, its steps are held near the
/// criterion's middle by a weak prior (standard deviation 2).
fn move_steps(
    ratings: &Ratings,
    active: &Active,
    observed: &[Vec<u64>],
    theta: &[f64],
    severity: &[f64],
    steps: &mut [f64],
    m: usize,
) {
    let mut sums: Vec<StepSums> = observed.iter().map(|_| StepSums::new(m)).collect();
    for (developer, assessor, criterion, level) in ratings.each() {
        if active.takes(developer, assessor, criterion) {
            let expected = at(theta[developer] - severity[assessor], steps, criterion, m);
            sums[criterion].add_expected(&expected, 1.0);
            sums[criterion].take_observed(level, 1.0);
        }
    }
    for (criterion, mut sums) in sums.into_iter().enumerate() {
        if active.criterion[criterion] != IN {
            continue;
        }
        let steps = &mut steps[criterion * m..(criterion + 1) * m];
        if observed[criterion].contains(&0) {
            sums.pull(steps, mean(steps), 0.25);
        }
        for (step, change) in steps.iter_mut().zip(sums.newton()) {
            *step = (*step + change).clamp(-FARTHEST, FARTHEST);
        }
    }
}

/// Criteria average zero, assessors average zero in each connected part; no probability changes.
fn centre(
    ratings: &Ratings,
    active: &Active,
    parts: &Components,
    theta: &mut [f64],
    severity: &mut [f64],
    steps: &mut [f64],
    m: usize,
) {
    let of_active: Vec<f64> =
        (0..steps.len()).filter(|at| active.criterion[at / m] == IN).map(|at| steps[at]).collect();
    let difficulty = mean(&of_active);
    for (at, step) in steps.iter_mut().enumerate() {
        if active.criterion[at / m] == IN {
            *step -= difficulty;
        }
    }
    let mut sums = vec![(0.0, 0.0); parts.components.len()];
    for (assessor, severity) in severity.iter().enumerate().filter(|(at, _)| active.assessor[*at] == IN) {
        let sum = &mut sums[parts.of_assessor[assessor] as usize];
        *sum = (sum.0 + severity, sum.1 + 1.0);
    }
    let shift = |part: u32| {
        let (sum, count) = sums[part as usize];
        if count > 0.0 { sum / count } else { 0.0 }
    };
    for (assessor, severity) in severity.iter_mut().enumerate() {
        if active.assessor[assessor] == IN {
            *severity -= shift(parts.of_assessor[assessor]);
        }
    }
    for (developer, theta) in theta.iter_mut().enumerate().take(ratings.developers.len()) {
        if active.developer[developer] == IN {
            *theta -= shift(parts.of_developer[developer]) + difficulty;
        }
    }
}

/// Extreme elements against the rest, those left out last first.
fn measure_extremes(
    ratings: &Ratings,
    active: &Active,
    theta: &mut [f64],
    severity: &mut [f64],
    steps: &mut [f64],
    m: usize,
) {
    for round in (0..active.last_round).rev() {
        for facet in [2, 1, 0] {
            let state = [&active.developer, &active.assessor, &active.criterion][facet];
            if !state.contains(&round) {
                continue;
            }
            let mut moved = vec![0.0; state.len()];
            for _ in 0..60 {
                // (score, greatest score, expected, information)
                let mut sums = vec![(0.0, 0.0, 0.0, 0.0); state.len()];
                for (developer, assessor, criterion, level) in ratings.each() {
                    let element = [developer, assessor, criterion][facet];
                    let others =
                        [active.developer[developer], active.assessor[assessor], active.criterion[criterion]];
                    if state[element] != round || others.iter().any(|other| *other < round) {
                        continue;
                    }
                    let expected =
                        at(theta[developer] - severity[assessor] + moved[element], steps, criterion, m);
                    let sum = &mut sums[element];
                    *sum = (
                        sum.0 + level as f64,
                        sum.1 + m as f64,
                        sum.2 + expected.mean,
                        sum.3 + expected.variance,
                    );
                }
                let mut largest = 0.0_f64;
                for (moved, (score, top, expected, information)) in moved.iter_mut().zip(sums) {
                    if information > 0.0 {
                        let change = (score.clamp(EXTREME, top - EXTREME) - expected) / information;
                        let change = change.clamp(-1.0, 1.0);
                        *moved = (*moved + change).clamp(-FARTHEST, FARTHEST);
                        largest = largest.max(change.abs());
                    }
                }
                if largest < TOLERANCE {
                    break;
                }
            }
            for (element, moved) in moved.into_iter().enumerate() {
                match facet {
                    0 => theta[element] += moved,
                    1 => severity[element] -= moved,
                    _ => steps[element * m..(element + 1) * m].iter_mut().for_each(|step| *step -= moved),
                }
            }
        }
    }
}

fn finish(
    ratings: &Ratings,
    theta: &[f64],
    severity: &[f64],
    steps: &[f64],
    layout: &Layout,
    (evaluations, residual): (usize, f64),
) -> Joint {
    let m = layout.steps;
    let mut fits = [
        vec![(FitSums::default(), 0.0); layout.developers],
        vec![(FitSums::default(), 0.0); layout.assessors],
        vec![(FitSums::default(), 0.0); ratings.criteria.len()],
    ];
    for (developer, assessor, criterion, level) in ratings.each() {
        let expected = at(theta[developer] - severity[assessor], steps, criterion, m);
        for (facet, element) in [developer, assessor, criterion].into_iter().enumerate() {
            let (fit, information) = &mut fits[facet][element];
            fit.add(level as f64 - expected.mean, expected.variance);
            *information += expected.variance;
        }
    }
    let measures = |facet: usize, value: &dyn Fn(usize) -> f64| -> Vec<Measure> {
        let fits = fits[facet].iter().enumerate();
        fits.map(|(at, (fit, information))| fit.measure(value(at), information.max(1e-6).sqrt().recip()))
            .collect()
    };
    let difficulty = |criterion: usize| mean(&steps[criterion * m..(criterion + 1) * m]);
    let thresholds = (0..ratings.criteria.len())
        .map(|at| steps[at * m..(at + 1) * m].iter().map(|step| step - difficulty(at)).collect());
    Joint {
        developers: measures(0, &|developer| theta[developer]),
        assessors: measures(1, &|assessor| severity[assessor]),
        criteria: measures(2, &difficulty),
        thresholds: thresholds.collect(),
        evaluations,
        residual,
    }
}

fn at(u: f64, steps: &[f64], criterion: usize, m: usize) -> Expected {
    expected(u, &steps[criterion * m..(criterion + 1) * m])
}

/// The average, 0 of nothing.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}
