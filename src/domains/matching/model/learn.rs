//! Coefficients from history: ridge-MAP logistic regression around prior coefficients, so that an empty history gives
//! the priors and a long one its own.

use std::collections::HashMap;

use super::market::{Contract, Invitation, Project};
use super::snapshot::Snapshot;
use super::value::{Terms, logistic};

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

/// Learns from what happened, and notes each developer's own record in the snapshot.
pub fn learn(snapshot: &mut Snapshot, invitations: &[Invitation], contracts: &[Contract]) -> Parameters {
    let rows: HashMap<&str, usize> =
        snapshot.ids.iter().enumerate().map(|(row, id)| (id.as_str(), row)).collect();
    let mut parameters = Parameters::default();
    let past =
        |row: usize, must: &[String], nice: &[String], domain: &str, offset: f64, rates: (f64, f64)| {
            let project = Project {
                id: String::new(),
                day: 0,
                must: must.to_vec(),
                nice: nice.to_vec(),
                domain: domain.to_owned(),
                max_rate: rates.1 * f64::from(snapshot.rate[row]) / rates.0.max(0.01),
                weekly_hours: 0.0,
                utc_offset: offset,
                min_overlap: 0.0,
                start_day: 0,
                end_day: 0,
            };
            Terms::of(snapshot, &Parameters::default(), &snapshot.query(&project), row)
        };
    let answers: Vec<([f64; 3], f64)> = invitations
        .iter()
        .filter_map(|past_one| {
            let row = *rows.get(past_one.developer_id.as_str())?;
            let terms = past(row, &[], &[], &past_one.domain, 0.0, (past_one.rate, past_one.max_rate));
            Some((terms.for_acceptance(), f64::from(u8::from(past_one.accepted))))
        })
        .collect();
    parameters.acceptance = fit(&answers, &ACCEPTANCE);
    let outcomes: Vec<(usize, [f64; 7], f64)> = contracts
        .iter()
        .filter_map(|contract| {
            let row = *rows.get(contract.developer_id.as_str())?;
            let Contract { must, nice, domain, utc_offset, success, .. } = contract;
            let terms = past(row, must, nice, domain, *utc_offset, (1.0, 1.0));
            Some((row, terms.for_success(), f64::from(u8::from(*success))))
        })
        .collect();
    let plain: Vec<([f64; 7], f64)> = outcomes.iter().map(|(_, x, y)| (*x, *y)).collect();
    parameters.success = fit(&plain, &SUCCESS);
    parameters.learned_from = (answers.len(), outcomes.len());
    drop(rows);
    note_records(snapshot, &mut parameters, &outcomes);
    parameters
}

/// Shrunk own effects: one Newton step from zero, with the variance between developers from the moments.
fn note_records(snapshot: &mut Snapshot, parameters: &mut Parameters, outcomes: &[(usize, [f64; 7], f64)]) {
    let mut sums = vec![(0.0, 0.0, 0_u16); snapshot.len()];
    for (row, terms, outcome) in outcomes {
        let p = logistic(dot(terms, &parameters.success));
        let sum = &mut sums[*row];
        *sum = (sum.0 + outcome - p, sum.1 + p * (1.0 - p), sum.2.saturating_add(1));
    }
    let several = || sums.iter().filter(|sum| sum.2 > 1);
    let above: f64 = several().map(|(residual, information, _)| residual * residual - information).sum();
    let squares: f64 = several().map(|(_, information, _)| information * information).sum();
    let (prior, weight) = RECORD;
    let variance = ((above + prior * weight) / (squares + weight)).clamp(0.05, 0.6);
    parameters.record_variance = variance;
    for (row, (residual, information, count)) in sums.into_iter().enumerate() {
        let precision = information + 1.0 / variance;
        snapshot.record[row] = (residual / precision) as f32;
        snapshot.record_variance[row] = precision.recip() as f32;
        snapshot.outcomes[row] = count;
    }
}

fn dot<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Maximum a posteriori of a logistic regression with independent normal priors (mean, standard deviation), by Newton.
#[allow(clippy::needless_range_loop, reason = "matrices are read by their indices")]
fn fit<const N: usize>(rows: &[([f64; N], f64)], priors: &[(f64, f64); N]) -> [f64; N] {
    let mut at = priors.map(|(mean, _)| mean);
    for _ in 0..30 {
        let mut gradient = [0.0; N];
        let mut information = [[0.0; N]; N];
        for (k, (mean, sd)) in priors.iter().enumerate() {
            gradient[k] = (mean - at[k]) / (sd * sd);
            information[k][k] = 1.0 / (sd * sd);
        }
        for (x, y) in rows {
            let p = logistic(dot(x, &at));
            let weight = p * (1.0 - p);
            for k in 0..N {
                gradient[k] += (y - p) * x[k];
                for l in 0..N {
                    information[k][l] += weight * x[k] * x[l];
                }
            }
        }
        let step = solve(information, gradient);
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

/// Gauss elimination of a positive definite system.
#[allow(clippy::needless_range_loop, reason = "matrices are read by their indices")]
fn solve<const N: usize>(mut a: [[f64; N]; N], mut b: [f64; N]) -> [f64; N] {
    for k in 0..N {
        for i in k + 1..N {
            let factor = a[i][k] / a[k][k];
            let (above, below) = a.split_at_mut(i);
            below[0].iter_mut().zip(&above[k]).for_each(|(below, above)| *below -= factor * above);
            b[i] -= factor * b[k];
        }
    }
    for k in (0..N).rev() {
        let known: f64 = (k + 1..N).map(|l| a[k][l] * b[l]).sum();
        b[k] = (b[k] - known) / a[k][k];
    }
    b
}
