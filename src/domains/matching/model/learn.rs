//! Coefficients from history: ridge-MAP logistic regression around prior coefficients, so that an empty history gives
//! the priors and a long one its own.

use std::collections::HashMap;

use assay_scoring::{LogPosterior, logistic};

use super::market::{Contract, Invitation, Project};
use super::snapshot::Snapshot;
use super::value::Terms;

/// A developer's own record.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Record {
    /// Shrunk effect on the logit of success.
    pub effect: f64,
    /// Its variance.
    pub variance: f64,
    /// How many outcomes it rests on.
    pub outcomes: u16,
}

/// What values are worked out with.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// Constant, headroom, domain.
    pub acceptance: [f64; 3],
    /// Constant, technical, collaboration, must, nice, domain, overlap.
    pub success: [f64; 7],
    /// Variance of a developer's own effect on the logit of success.
    pub record_variance: f64,
    /// Invitations and contracts that they rest on.
    pub learned_from: (usize, usize),
}

/// Means from the histories of two markets together, deviations twice their standard errors and more.
const ACCEPTANCE: [(f64, f64); 3] = [(0.75, 0.5), (3.6, 0.8), (0.54, 0.2)];
const SUCCESS: [(f64, f64); 7] =
    [(0.57, 0.5), (0.45, 0.15), (0.28, 0.12), (1.6, 0.5), (0.7, 0.2), (0.38, 0.15), (1.05, 0.3)];
/// Own effects: prior variance, and how many outcomes' information it weighs.
const RECORD: (f64, f64) = (0.2, 60.0);

impl Default for Parameters {
    fn default() -> Self {
        Self {
            acceptance: ACCEPTANCE.map(|(mean, _)| mean),
            success: SUCCESS.map(|(mean, _)| mean),
            record_variance: RECORD.0,
            learned_from: (0, 0),
        }
    }
}

type Answers = Vec<([f64; 3], f64)>;
type Outcomes = Vec<(usize, [f64; 7], f64)>;

/// Learns from what happened, and notes each developer's own record in the snapshot. `row_of` finds developers by name.
pub fn learn(
    snapshot: &mut Snapshot,
    row_of: impl Fn(&str) -> Option<usize>,
    invitations: &[Invitation],
    contracts: &[Contract],
) -> Parameters {
    let answers = answers(snapshot, &row_of, invitations);
    let outcomes = outcomes(snapshot, &row_of, contracts);
    let plain: Vec<([f64; 7], f64)> = outcomes.iter().map(|(_, x, y)| (*x, *y)).collect();
    let mut parameters = Parameters {
        acceptance: fit(&answers, &ACCEPTANCE),
        success: fit(&plain, &SUCCESS),
        record_variance: RECORD.0,
        learned_from: (answers.len(), outcomes.len()),
    };
    parameters.record_variance = spread_between(&parameters, &outcomes, snapshot.len());
    note_records(snapshot, &parameters, &outcomes);
    parameters
}

/// Mean log loss of the answers and of the outcomes that parameters did not see, with the own records of the snapshot.
pub fn log_loss(
    snapshot: &Snapshot,
    row_of: impl Fn(&str) -> Option<usize>,
    parameters: &Parameters,
    invitations: &[Invitation],
    contracts: &[Contract],
) -> f64 {
    let loss = |p: f64, y: f64| {
        let p = p.clamp(1e-9, 1.0 - 1e-9);
        -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
    };
    let answers = answers(snapshot, &row_of, invitations);
    let outcomes = outcomes(snapshot, &row_of, contracts);
    let of_answers = answers.iter().map(|(x, y)| loss(logistic(dot(x, &parameters.acceptance)), *y));
    let of_outcomes = outcomes.iter().map(|(row, x, y)| {
        loss(logistic(dot(x, &parameters.success) + f64::from(snapshot.row(*row).record)), *y)
    });
    of_answers.chain(of_outcomes).sum::<f64>() / (answers.len() + outcomes.len()).max(1) as f64
}

/// The own records of a few developers under given parameters: each outcome with its row.
pub fn records(
    snapshot: &Snapshot,
    row_of: impl Fn(&str) -> Option<usize>,
    parameters: &Parameters,
    contracts: &[Contract],
) -> HashMap<usize, Record> {
    tally(parameters, &outcomes(snapshot, &row_of, contracts))
        .into_iter()
        .map(|(row, sum)| (row, sum.record(parameters.record_variance)))
        .collect()
}

/// The record of somebody without outcomes.
pub fn no_record(parameters: &Parameters) -> Record {
    Sum::default().record(parameters.record_variance)
}

fn past(
    snapshot: &Snapshot,
    row: usize,
    (must, nice): (&[String], &[String]),
    (domain, utc_offset): (&str, f64),
    rates: (f64, f64),
) -> Terms {
    let project = Project {
        id: String::new(),
        day: 0,
        must: must.to_vec(),
        nice: nice.to_vec(),
        domain: domain.to_owned(),
        max_rate: rates.1 * f64::from(snapshot.row(row).rate) / rates.0.max(0.01),
        weekly_hours: 0.0,
        utc_offset,
        min_overlap: 0.0,
        start_day: 0,
        end_day: 0,
    };
    Terms::of(snapshot, &Parameters::default(), &snapshot.query(&project), row)
}

fn answers(
    snapshot: &Snapshot,
    row_of: &impl Fn(&str) -> Option<usize>,
    invitations: &[Invitation],
) -> Answers {
    let answer = |one: &Invitation| {
        let row = row_of(&one.developer_id)?;
        let terms = past(snapshot, row, (&[], &[]), (&one.domain, 0.0), (one.rate, one.max_rate));
        Some((terms.for_acceptance(), f64::from(u8::from(one.accepted))))
    };
    invitations.iter().filter_map(answer).collect()
}

fn outcomes(
    snapshot: &Snapshot,
    row_of: &impl Fn(&str) -> Option<usize>,
    contracts: &[Contract],
) -> Outcomes {
    let outcome = |one: &Contract| {
        let row = row_of(&one.developer_id)?;
        let Contract { must, nice, domain, utc_offset, success, .. } = one;
        let terms = past(snapshot, row, (must, nice), (domain, *utc_offset), (1.0, 1.0));
        Some((row, terms.for_success(), f64::from(u8::from(*success))))
    };
    contracts.iter().filter_map(outcome).collect()
}

/// What a developer's outcomes say beyond what was expected.
#[derive(Clone, Copy, Default)]
struct Sum {
    residual: f64,
    information: f64,
    outcomes: u16,
}

impl Sum {
    /// One Newton step from zero.
    fn record(self, variance: f64) -> Record {
        let precision = self.information + 1.0 / variance;
        Record { effect: self.residual / precision, variance: precision.recip(), outcomes: self.outcomes }
    }
}

fn tally(parameters: &Parameters, outcomes: &[(usize, [f64; 7], f64)]) -> HashMap<usize, Sum> {
    let mut sums: HashMap<usize, Sum> = HashMap::new();
    for (row, terms, outcome) in outcomes {
        let p = logistic(dot(terms, &parameters.success));
        let sum = sums.entry(*row).or_default();
        sum.residual += outcome - p;
        sum.information += p * (1.0 - p);
        sum.outcomes = sum.outcomes.saturating_add(1);
    }
    sums
}

/// The variance between developers, from the moments.
fn spread_between(parameters: &Parameters, outcomes: &[(usize, [f64; 7], f64)], rows: usize) -> f64 {
    let sums = tally(parameters, outcomes);
    // In the order of rows: a sum of floats has one.
    let several = || (0..rows).filter_map(|row| sums.get(&row)).filter(|sum| sum.outcomes > 1);
    let above: f64 = several().map(|sum| sum.residual * sum.residual - sum.information).sum();
    let squares: f64 = several().map(|sum| sum.information * sum.information).sum();
    let (prior, weight) = RECORD;
    ((above + prior * weight) / (squares + weight)).clamp(0.05, 0.6)
}

fn note_records(snapshot: &mut Snapshot, parameters: &Parameters, outcomes: &[(usize, [f64; 7], f64)]) {
    let sums = tally(parameters, outcomes);
    for row in 0..snapshot.len() {
        let sum = sums.get(&row).copied().unwrap_or_default();
        snapshot.set_record(row, &sum.record(parameters.record_variance));
    }
}

fn dot<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Maximum a posteriori of a logistic regression with independent normal priors (mean, standard deviation), by Newton.
fn fit<const N: usize>(rows: &[([f64; N], f64)], priors: &[(f64, f64); N]) -> [f64; N] {
    let mut at = priors.map(|(mean, _)| mean);
    for _ in 0..30 {
        let mut posterior = LogPosterior::of_priors(priors, &at);
        for (x, y) in rows {
            let p = logistic(dot(x, &at));
            posterior.add(x, y - p, p * (1.0 - p));
        }
        let step = posterior.step();
        let mut largest = 0.0_f64;
        for (value, step) in at.iter_mut().zip(step) {
            *value += step.clamp(-1.0, 1.0);
            largest = largest.max(step.abs());
        }
        if largest < 1e-9 {
            break;
        }
    }
    at
}
