//! What is said of ratings: a line for each developer, and a report.

use serde::Serialize;

use super::agreement::{Agreement, agreement};
use super::connectivity::{Components, connectivity};
use super::data::Ratings;
use super::fit::{Measure, Separation};
use super::halo::lend;
use super::jmle::{Joint, joint};
use super::mml::{Marginal, MarginalOptions, marginal};
use super::scales::{Known, correlation, scales};

/// How measures are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Estimator {
    /// Joint maximum likelihood on all criteria together, as the published programs do it.
    Jmle,
    /// Posterior under a calibration by marginal maximum likelihood, with session effect.
    Bayes,
}

/// One developer's score on the logit scale.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScoreLine {
    /// Whose.
    pub developer_id: String,
    /// Ability.
    pub score: f64,
    /// Its standard error.
    pub se: f64,
    /// Weighted mean square of residuals.
    pub infit: f64,
    /// Mean square of standardised residuals.
    pub outfit: f64,
    /// Ratings that the score rests on.
    pub ratings: u32,
}

/// An assessor in the report.
#[derive(Clone, Debug, Serialize)]
pub struct AssessorReport {
    /// Who.
    pub assessor_id: String,
    /// Severity: positive gives lower ratings.
    pub severity: f64,
    /// Its standard error.
    pub se: f64,
    /// Fit.
    pub infit: f64,
    /// Fit.
    pub outfit: f64,
    /// How many ratings.
    pub ratings: u32,
    /// `misfit` (infit above 1.5), `muted` (below 0.5) or nothing.
    pub flag: Option<&'static str>,
    /// With others on the same developers.
    pub agreement: Agreement,
}

/// A criterion in the report.
#[derive(Clone, Debug, Serialize)]
pub struct CriterionReport {
    /// Its name.
    pub criterion: String,
    /// How hard it is, from the average of its scale.
    pub difficulty: f64,
    /// Its standard error.
    pub se: f64,
    /// Fit.
    pub infit: f64,
    /// Fit.
    pub outfit: f64,
    /// How many ratings.
    pub ratings: u32,
    /// `τ_k` for k from the lowest level but one to the highest; they sum to zero.
    pub thresholds: Vec<f64>,
}

/// Criteria that measure one thing, and its population.
#[derive(Clone, Debug, Serialize)]
pub struct ScaleReport {
    /// Which criteria.
    pub criteria: Vec<String>,
    /// Is it the one whose scores are given?
    pub published: bool,
    /// The population and halo, where they were estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub population: Option<Population>,
}

/// Figures of the population under the marginal estimator.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Population {
    /// Mean ability.
    pub mu: f64,
    /// Standard deviation of ability.
    pub sigma: f64,
    /// Standard deviation of the session effect (halo).
    pub phi: f64,
    /// False: no developer has two sessions, and the standard deviation is assumed.
    pub phi_estimated: bool,
    /// Log-likelihood of the ratings.
    pub log_likelihood: f64,
}

/// How the run ended.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Convergence {
    /// Did the last step change everything less than the tolerance?
    pub converged: bool,
    /// Passes over the ratings.
    pub passes: usize,
    /// Largest change of the last step, in logits.
    pub last_change: f64,
}

/// Everything that is not about one developer.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// How measures were found.
    pub estimator: Estimator,
    /// Lowest and highest level.
    pub levels: [i64; 2],
    /// How many ratings.
    pub ratings: usize,
    /// How many developers.
    pub developers: usize,
    /// Groups of criteria that measure different things, the largest first.
    pub scales: Vec<ScaleReport>,
    /// By severity.
    pub assessors: Vec<AssessorReport>,
    /// In the order of the ratings.
    pub criteria: Vec<CriterionReport>,
    /// Of developers, assessors and criteria.
    pub separation: Separations,
    /// Between assessors.
    pub agreement: Agreement,
    /// Which measures can be compared.
    pub connectivity: Components,
    /// How the run ended.
    pub convergence: Convergence,
}

/// Separation and reliability of each facet.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Separations {
    /// Of developers; under the marginal estimator the posterior's own reliability.
    pub developers: Separation,
    /// Of severities.
    pub assessors: Separation,
    /// Of difficulties.
    pub criteria: Separation,
}

/// Scores every developer and reports.
pub fn report(ratings: &Ratings, estimator: Estimator) -> (Vec<ScoreLine>, Report) {
    let parts = connectivity(ratings);
    match estimator {
        Estimator::Jmle => by_joint(ratings, parts),
        Estimator::Bayes => by_marginal(ratings, parts),
    }
}

fn by_joint(ratings: &Ratings, parts: Components) -> (Vec<ScoreLine>, Report) {
    let found = joint(ratings, &parts);
    let Joint { developers, assessors, criteria, thresholds, evaluations, residual } = &found;
    let known = Known { developers, assessors, criteria, thresholds };
    let groups = scales(ratings, &known);
    let name = |group: &Vec<usize>| ScaleReport {
        criteria: group.iter().map(|at| ratings.criteria[*at].clone()).collect(),
        published: true,
        population: None,
    };
    let report = assemble(
        ratings,
        Estimator::Jmle,
        groups.iter().map(name).collect(),
        &known,
        parts,
        Convergence { converged: *residual <= 1e-5, passes: *evaluations, last_change: *residual },
        Separation::of(developers.iter().map(|m| (m.measure, m.se))),
    );
    (lines(ratings, developers), report)
}

/// The scales that the criteria fall into, the largest first, each with a calibration of its own.
pub fn by_scale(ratings: &Ratings) -> Vec<Marginal> {
    calibrate(ratings).1
}

fn calibrate(ratings: &Ratings) -> (Vec<Vec<usize>>, Vec<Marginal>) {
    let options = MarginalOptions::default();
    let rough = marginal(ratings, MarginalOptions { tolerance: 0.01, ..options });
    let known = Known {
        developers: &rough.developers,
        assessors: &rough.assessors,
        criteria: &rough.criteria,
        thresholds: &rough.thresholds,
    };
    let groups = scales(ratings, &known);
    let mut each: Vec<Marginal> = match groups.as_slice() {
        [_] => vec![marginal(ratings, options)],
        groups => groups.iter().map(|group| marginal(&ratings.only(group), options)).collect(),
    };
    if let ([first, second, ..], [one, other, ..]) = (each.as_mut_slice(), groups.as_slice()) {
        lend(ratings, first, second, correlation(ratings, &known, one, other));
    }
    (groups, each)
}

fn by_marginal(ratings: &Ratings, parts: Components) -> (Vec<ScoreLine>, Report) {
    let (groups, each) = calibrate(ratings);
    let mut criteria = vec![None; ratings.criteria.len()];
    for (group, found) in groups.iter().zip(&each) {
        for ((at, measure), thresholds) in group.iter().zip(&found.criteria).zip(&found.thresholds) {
            criteria[*at] = Some((*measure, thresholds.clone()));
        }
    }
    let (criteria, thresholds): (Vec<_>, Vec<_>) = criteria.into_iter().flatten().unzip();
    let main = &each[0];
    let scales = groups.iter().zip(&each).enumerate().map(|(number, (group, found))| ScaleReport {
        criteria: group.iter().map(|at| ratings.criteria[*at].clone()).collect(),
        published: number == 0,
        population: Some(Population {
            mu: found.calibration.mu,
            sigma: found.calibration.sigma,
            phi: found.calibration.phi,
            phi_estimated: found.session_effect_estimated,
            log_likelihood: found.log_likelihood,
        }),
    });
    let known = Known {
        developers: &main.developers,
        assessors: &main.assessors,
        criteria: &criteria,
        thresholds: &thresholds,
    };
    let convergence = Convergence {
        converged: each.iter().all(|found| found.residual <= 1e-4),
        passes: each.iter().map(|found| found.evaluations).sum(),
        last_change: each.iter().map(|found| found.residual).fold(0.0, f64::max),
    };
    let of_developers = posterior_separation(&main.developers, main.calibration.sigma);
    let report =
        assemble(ratings, Estimator::Bayes, scales.collect(), &known, parts, convergence, of_developers);
    (lines(ratings, &main.developers), report)
}

/// A posterior's spread is smaller than ability's: `reliability = 1 − mean posterior variance / σ²`.
fn posterior_separation(developers: &[Measure], sigma: f64) -> Separation {
    let error = developers.iter().map(|m| m.se * m.se).sum::<f64>() / developers.len().max(1) as f64;
    let truth = (sigma * sigma - error).max(0.0);
    Separation {
        sd: sigma,
        rmse: error.sqrt(),
        separation: if error > 0.0 { (truth / error).sqrt() } else { 0.0 },
        reliability: if sigma > 0.0 { truth / (sigma * sigma) } else { 0.0 },
    }
}

fn assemble(
    ratings: &Ratings,
    estimator: Estimator,
    scales: Vec<ScaleReport>,
    known: &Known<'_>,
    connectivity: Components,
    convergence: Convergence,
    of_developers: Separation,
) -> Report {
    let (all, own) = agreement(ratings);
    let named = ratings.assessors.iter().zip(known.assessors).zip(own);
    let mut assessors: Vec<AssessorReport> = named
        .map(|((name, measure), agreement)| AssessorReport {
            assessor_id: name.clone(),
            severity: measure.measure,
            se: measure.se,
            infit: measure.infit,
            outfit: measure.outfit,
            ratings: measure.ratings,
            flag: flag(measure),
            agreement,
        })
        .collect();
    assessors
        .sort_by(|a, b| b.severity.total_cmp(&a.severity).then_with(|| a.assessor_id.cmp(&b.assessor_id)));
    let named = ratings.criteria.iter().zip(known.criteria).zip(known.thresholds);
    let criteria = named.map(|((name, measure), thresholds)| CriterionReport {
        criterion: name.clone(),
        difficulty: measure.measure,
        se: measure.se,
        infit: measure.infit,
        outfit: measure.outfit,
        ratings: measure.ratings,
        thresholds: thresholds.clone(),
    });
    let of = |measures: &[Measure]| Separation::of(measures.iter().map(|m| (m.measure, m.se)));
    Report {
        estimator,
        levels: [ratings.scale.min, ratings.scale.max],
        ratings: ratings.len(),
        developers: ratings.developers.len(),
        scales,
        assessors,
        criteria: criteria.collect(),
        separation: Separations {
            developers: of_developers,
            assessors: of(known.assessors),
            criteria: of(known.criteria),
        },
        agreement: all,
        connectivity,
        convergence,
    }
}

/// Conventional bounds of the mean square (Wright & Linacre 1994, Rasch Measurement Transactions 8:3).
pub fn flag(measure: &Measure) -> Option<&'static str> {
    match measure.infit {
        infit if infit > 1.5 => Some("misfit"),
        infit if infit < 0.5 => Some("muted"),
        _ => None,
    }
}

fn lines(ratings: &Ratings, measures: &[Measure]) -> Vec<ScoreLine> {
    let each = ratings.developers.iter().zip(measures);
    each.map(|(name, measure)| ScoreLine {
        developer_id: name.clone(),
        score: measure.measure,
        se: measure.se,
        infit: measure.infit,
        outfit: measure.outfit,
        ratings: measure.ratings,
    })
    .collect()
}
