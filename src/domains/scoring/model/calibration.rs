//! Frozen parameters, and the posterior of one developer under them.

use serde::Serialize;

use super::data::{MAX_CATEGORIES, Pair, Ratings};
use super::pcm::expected;

/// The parameters of the model: what a calibration freezes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Severity of each assessor; they average zero.
    pub severity: Vec<f64>,
    /// `δ = difficulty + τ` of each criterion and step; they average zero.
    pub steps: Vec<Vec<f64>>,
    /// Mean of ability.
    pub mu: f64,
    /// Standard deviation of ability.
    pub sigma: f64,
    /// Standard deviation of the session effect.
    pub phi: f64,
}

/// Equally spaced nodes for ability and, with the same spacing around zero, for the session effect; so their sum takes
/// few values, and what a card says of each is worked out once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// The lowest node of ability.
    pub lowest: f64,
    /// Distance of two nodes.
    pub spacing: f64,
    /// How many nodes of ability.
    pub ability: usize,
    /// How many nodes of the session effect on either side of zero.
    pub session: usize,
}

impl Grid {
    /// Nodes from `centre − reach` to `centre + reach`; the session effect reaches two logits either way, or none.
    pub fn new(centre: f64, reach: f64, spacing: f64, session_effect: bool) -> Self {
        let half = (reach / spacing).ceil().max(1.0);
        Self {
            lowest: centre - half * spacing,
            spacing,
            ability: half as usize * 2 + 1,
            session: if session_effect { (2.0 / spacing).ceil() as usize } else { 0 },
        }
    }

    /// How many values ability plus session effect takes.
    pub fn locations(self) -> usize {
        self.ability + 2 * self.session
    }

    /// Ability plus session effect at a location.
    pub fn location(self, at: usize) -> f64 {
        self.lowest + (at as f64 - self.session as f64) * self.spacing
    }

    /// A node of ability.
    pub fn node(self, at: usize) -> f64 {
        self.lowest + at as f64 * self.spacing
    }

    /// A density on the nodes of ability after its owner may have moved by a normal step.
    pub fn spread(self, density: &[f64], sd: f64) -> Vec<f64> {
        let reach = ((4.0 * sd / self.spacing).ceil() as usize).min(self.ability);
        let steps = (0..=2 * reach).map(|at| (at as f64 - reach as f64) * self.spacing);
        let weights = self.weights(steps, 0.0, sd);
        let mut spread = vec![0.0; density.len()];
        for (at, mass) in density.iter().enumerate() {
            for (step, weight) in weights.iter().enumerate() {
                // What would leave the grid stays at its end.
                let to = (at + step).saturating_sub(reach).min(density.len() - 1);
                spread[to] += mass * weight;
            }
        }
        spread
    }

    /// Weights of a normal density on nodes, summing to one.
    fn weights(self, nodes: impl Iterator<Item = f64>, mean: f64, sd: f64) -> Vec<f64> {
        let mut weights: Vec<f64> =
            nodes.map(|node| (-0.5 * ((node - mean) / sd.max(1e-3)).powi(2)).exp()).collect();
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum.max(1e-300));
        weights
    }
}

/// What is known of a developer.
#[derive(Clone, Debug, PartialEq)]
pub struct Posterior {
    /// Posterior mean of ability.
    pub mean: f64,
    /// Posterior standard deviation.
    pub sd: f64,
    /// Probability of each node of the grid.
    pub density: Vec<f64>,
}

impl Posterior {
    /// `P(θ ≥ cut)`, linear inside a cell of the grid: pass at 0.8, fail at 0.2, otherwise another rater.
    pub fn above(&self, grid: Grid, cut: f64) -> f64 {
        let share = |(node, weight): (usize, &f64)| {
            weight * ((grid.node(node) - cut) / grid.spacing + 0.5).clamp(0.0, 1.0)
        };
        self.density.iter().enumerate().map(share).sum()
    }
}

/// A calibration made ready: tables for every assessor with every criterion that occurs.
pub struct Scorer {
    /// The nodes.
    pub grid: Grid,
    /// `ln Z` of each pair at each location.
    pub(super) log_z: Vec<f64>,
    /// Expected level of each pair at each location.
    pub(super) mean: Vec<f64>,
    /// Variance of the level of each pair at each location.
    pub(super) variance: Vec<f64>,
    /// `Σ_{h ≤ k} δ_h + k·severity` of each pair and level.
    offset: Vec<f64>,
    prior: Vec<f64>,
    /// Weights of the session effect's nodes, and the same times its square.
    halo: Vec<f64>,
    halo_square: Vec<f64>,
}

/// Room for one developer's work, kept from one to the next.
#[derive(Default)]
pub struct Work {
    /// Likelihood of each session at each location, scaled to one at its highest.
    likelihood: Vec<f64>,
    /// Likelihood of each session at each node of ability, the session effect integrated out.
    marginal: Vec<f64>,
    /// Posterior of each session's location.
    pub(super) located: Vec<f64>,
    /// Posterior mean of the squared session effect, summed over sessions.
    pub(super) halo_square: f64,
}

impl Scorer {
    /// Tables for pairs of (assessor, criterion).
    pub(super) fn new(calibration: &Calibration, pairs: &[Pair], grid: Grid) -> Self {
        let locations = grid.locations();
        let mut scorer = Self {
            grid,
            log_z: Vec::with_capacity(pairs.len() * locations),
            mean: Vec::with_capacity(pairs.len() * locations),
            variance: Vec::with_capacity(pairs.len() * locations),
            offset: vec![0.0; pairs.len() * MAX_CATEGORIES],
            prior: grid.weights((0..grid.ability).map(|at| grid.node(at)), calibration.mu, calibration.sigma),
            halo: grid.weights(
                (0..=2 * grid.session).map(|at| (at as f64 - grid.session as f64) * grid.spacing),
                0.0,
                calibration.phi,
            ),
            halo_square: Vec::new(),
        };
        let square =
            |(at, weight): (usize, &f64)| weight * ((at as f64 - grid.session as f64) * grid.spacing).powi(2);
        scorer.halo_square = scorer.halo.iter().enumerate().map(square).collect();
        for (number, pair) in pairs.iter().enumerate() {
            let severity = calibration.severity[pair.assessor as usize];
            let steps = &calibration.steps[pair.criterion as usize];
            for at in 0..locations {
                let expected = expected(grid.location(at) - severity, steps);
                scorer.log_z.push(expected.log_z);
                scorer.mean.push(expected.mean);
                scorer.variance.push(expected.variance);
            }
            for (level, step) in steps.iter().enumerate() {
                let at = number * MAX_CATEGORIES + level;
                scorer.offset[at + 1] = scorer.offset[at] + step + severity;
            }
        }
        scorer
    }

    /// Tables for the assessors and criteria of some ratings, whose order is the calibration's.
    pub fn of(calibration: &Calibration, ratings: &Ratings, grid: Grid) -> Self {
        Self::new(calibration, &ratings.pairs, grid)
    }

    /// The same with something else known of ability beforehand: a density on the nodes.
    pub fn starting_from(self, prior: Vec<f64>) -> Self {
        Self { prior, ..self }
    }

    /// The posterior of one developer.
    pub fn posterior(&self, ratings: &Ratings, developer: usize) -> Posterior {
        self.weigh(ratings, developer, &mut Work::default(), false).0
    }

    /// The posterior and the log-likelihood of a developer's ratings; with `locate`, where each session lies too.
    pub(super) fn weigh(
        &self,
        ratings: &Ratings,
        developer: usize,
        work: &mut Work,
        locate: bool,
    ) -> (Posterior, f64) {
        let grid = self.grid;
        let (locations, nodes) = (grid.locations(), grid.ability);
        let sessions = ratings.sessions_of(developer);
        let count = sessions.len();
        work.likelihood.clear();
        work.likelihood.resize(count * locations, 0.0);
        work.marginal.clear();
        work.marginal.resize(count * nodes, 0.0);
        let mut log_likelihood = 0.0;
        let mut density = vec![0.0_f64; nodes];
        for (number, session) in sessions.enumerate() {
            let likelihood = &mut work.likelihood[number * locations..(number + 1) * locations];
            let (mut level, mut offset) = (0.0, 0.0);
            for row in ratings.session(session).1 {
                let pair = row.pair as usize;
                let log_z = &self.log_z[pair * locations..(pair + 1) * locations];
                likelihood.iter_mut().zip(log_z).for_each(|(value, log_z)| *value -= log_z);
                level += f64::from(row.level);
                offset += self.offset[pair * MAX_CATEGORIES + usize::from(row.level)];
            }
            let mut highest = f64::NEG_INFINITY;
            for (at, value) in likelihood.iter_mut().enumerate() {
                *value += level * grid.location(at) - offset;
                highest = highest.max(*value);
            }
            likelihood.iter_mut().for_each(|value| *value = (*value - highest).exp());
            log_likelihood += highest;
            let marginal = &mut work.marginal[number * nodes..(number + 1) * nodes];
            for (at, marginal) in marginal.iter_mut().enumerate() {
                let near = &likelihood[at..at + self.halo.len()];
                *marginal = near.iter().zip(&self.halo).map(|(l, w)| l * w).sum::<f64>().max(1e-300);
            }
            density.iter_mut().zip(marginal.iter()).for_each(|(density, marginal)| *density += marginal.ln());
        }
        let highest = density.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut sum = 0.0;
        for (density, prior) in density.iter_mut().zip(&self.prior) {
            *density = (*density - highest).exp() * prior;
            sum += *density;
        }
        let sum = sum.max(1e-300);
        log_likelihood += highest + sum.ln();
        density.iter_mut().for_each(|density| *density /= sum);
        let mean: f64 = density.iter().enumerate().map(|(at, p)| p * grid.node(at)).sum();
        let variance: f64 =
            density.iter().enumerate().map(|(at, p)| p * (grid.node(at) - mean).powi(2)).sum();
        if locate {
            self.locate(&density, count, work);
        }
        (Posterior { mean, sd: variance.max(1e-12).sqrt(), density }, log_likelihood)
    }

    /// Where each session's ability plus session effect lies, given everything of the developer.
    fn locate(&self, density: &[f64], count: usize, work: &mut Work) {
        let (locations, nodes) = (self.grid.locations(), self.grid.ability);
        work.located.clear();
        work.located.resize(count * locations, 0.0);
        work.halo_square = 0.0;
        for number in 0..count {
            let likelihood = &work.likelihood[number * locations..(number + 1) * locations];
            let marginal = &work.marginal[number * nodes..(number + 1) * nodes];
            let located = &mut work.located[number * locations..(number + 1) * locations];
            for (at, (density, marginal)) in density.iter().zip(marginal).enumerate() {
                let share = density / marginal;
                if share > 0.0 {
                    let near = located[at..at + self.halo.len()].iter_mut();
                    near.zip(&self.halo).for_each(|(located, weight)| *located += share * weight);
                    let near = likelihood[at..at + self.halo.len()].iter();
                    let square = near.zip(&self.halo_square).map(|(l, w)| l * w).sum::<f64>();
                    work.halo_square += share * square;
                }
            }
            located.iter_mut().zip(likelihood).for_each(|(located, likelihood)| *located *= likelihood);
        }
    }
}
