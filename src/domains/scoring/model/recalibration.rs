//! One night's calibration: the parameters, what is told of assessors, and whether it may come into force by itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::agreement::agreement;
use super::connectivity::connectivity;
use super::data::Ratings;
use super::mml::{MarginalOptions, marginal};
use super::parameters::{Anchor, RatedParameters};
use super::report::flag;

/// An assessor in a calibration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AssessorFigures {
    /// Whose.
    #[schema(example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub assessor_id: String,
    /// How severe, logits; the average is zero.
    #[schema(example = 0.24)]
    pub severity: f64,
    /// Its standard error.
    #[schema(example = 0.11)]
    pub se: f64,
    /// Weighted mean square of residuals: 1 expected.
    #[schema(example = 1.04)]
    pub infit: f64,
    /// Unweighted mean square of residuals.
    #[schema(example = 0.97)]
    pub outfit: f64,
    /// `misfit` above 1.5, `muted` below 0.5.
    #[schema(example = "misfit")]
    pub flag: Option<String>,
    /// Ratings.
    #[schema(example = 140)]
    pub ratings: u32,
    /// Pairs of ratings with another assessor on the same developer and criterion.
    #[schema(example = 130)]
    pub pairs: u64,
    /// Share of these that are equal.
    #[schema(example = 0.52)]
    pub exact: f64,
    /// Share of these at most one level apart.
    #[schema(example = 0.95)]
    pub adjacent: f64,
    /// How far the severity moved since the calibration in force, logits; null when new.
    #[schema(example = -0.08)]
    pub drift: Option<f64>,
    /// Did it move 0.3 logits or further?
    pub displaced: bool,
    /// The connected part of the design; 0 is the largest.
    #[schema(example = 0)]
    pub component: u32,
}

/// A rating that would link two parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Link {
    /// Who shall rate.
    #[schema(example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub assessor_id: String,
    /// Whose session.
    #[schema(example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub developer_id: String,
}

/// What a calibration says beside its parameters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CalibrationReport {
    /// Assessors by severity, the most severe first.
    #[serde(default)]
    pub assessors: Vec<AssessorFigures>,
    /// Anchors: assessors and criteria that the calibration in force had too.
    #[serde(default)]
    pub anchors: Vec<Anchor>,
    /// Are all measures comparable?
    #[serde(default)]
    pub connected: bool,
    /// Ratings that would make them so.
    #[serde(default)]
    pub links: Vec<Link>,
    /// Share of pairs of ratings that are equal.
    #[serde(default)]
    pub exact: f64,
    /// Share at most one level apart.
    #[serde(default)]
    pub adjacent: f64,
    /// Kappa with quadratic weights.
    #[serde(default)]
    pub weighted_kappa: f64,
    /// Intraclass correlation of one rating.
    #[serde(default)]
    pub icc: f64,
    /// How reliably developers are told apart.
    #[serde(default)]
    pub reliability: f64,
    /// Did the estimation come to rest?
    #[serde(default)]
    pub converged: bool,
}

/// What one run found.
pub struct Recalibrated {
    /// The parameters, on the origin of those in force.
    pub parameters: RatedParameters,
    /// What is told.
    pub report: CalibrationReport,
    /// Why it may not come into force by itself.
    pub held_because: Vec<String>,
}

/// Calibrates by everything that was rated, failures included.
pub fn recalibrate(ratings: &Ratings, before: &RatedParameters) -> Recalibrated {
    let options = MarginalOptions::default();
    let found = marginal(ratings, options);
    let parameters = RatedParameters::found(ratings, &found, before);
    let anchors = RatedParameters::anchors(before, &parameters);
    let drift: BTreeMap<&str, &Anchor> = anchors.iter().map(|one| (one.name.as_str(), one)).collect();
    let parts = connectivity(ratings);
    let (whole, own) = agreement(ratings);
    let mut assessors: Vec<AssessorFigures> = ratings
        .assessors
        .iter()
        .zip(&found.assessors)
        .zip(own.iter().zip(&parts.of_assessor))
        .map(|((name, measure), (agreed, component))| AssessorFigures {
            assessor_id: name.clone(),
            severity: parameters.severity.get(name).map_or(measure.measure, |one| one.measure),
            se: measure.se,
            infit: measure.infit,
            outfit: measure.outfit,
            flag: flag(measure).map(str::to_owned),
            ratings: measure.ratings,
            pairs: agreed.pairs,
            exact: agreed.exact,
            adjacent: agreed.adjacent,
            drift: drift.get(name.as_str()).map(|anchor| anchor.displacement),
            displaced: drift.get(name.as_str()).is_some_and(|anchor| anchor.displaced),
            component: *component,
        })
        .collect();
    assessors.sort_by(|a, b| b.severity.total_cmp(&a.severity));
    let developers = found.developers.iter().map(|one| one.se);
    let population = found.calibration.sigma.powi(2);
    let error = developers.map(|se| se * se).sum::<f64>() / found.developers.len().max(1) as f64;
    let converged = found.residual < options.tolerance;
    let report = CalibrationReport {
        assessors,
        connected: parts.connected,
        links: parts
            .links
            .into_iter()
            .map(|link| Link { assessor_id: link.assessor_id, developer_id: link.developer_id })
            .collect(),
        exact: whole.exact,
        adjacent: whole.adjacent,
        weighted_kappa: whole.weighted_kappa,
        icc: whole.icc,
        // Of posterior means: the share of the population's variance that the ratings resolve.
        reliability: if population > 0.0 { (1.0 - error / population).clamp(0.0, 1.0) } else { 0.0 },
        converged,
        anchors,
    };
    let reasons = [
        (report.anchors.iter().any(|anchor| anchor.displaced), "anchor_displaced"),
        (!report.connected, "disconnected"),
        (!converged, "not_converged"),
    ];
    let held_because = reasons.iter().filter(|(holds, _)| *holds).map(|(_, why)| (*why).to_owned()).collect();
    Recalibrated { parameters, report, held_because }
}

#[cfg(test)]
mod tests {
    use super::super::data::RatingsBuilder;
    use super::super::parameters::{LEVELS, criterion_key};
    use super::*;

    /// 60 developers, three of six assessors each in turn; assessor 0 is severe by `harsh` levels.
    fn rated(harsh: i64, apart: bool) -> Ratings {
        let mut builder = RatingsBuilder::new(Some(LEVELS));
        for developer in 0..60_i64 {
            for turn in 0..3_i64 {
                let assessor = if apart && developer < 20 { 6 + turn } else { (developer + turn) % 6 };
                for criterion in 0..7_i64 {
                    let noise = (developer * 7 + assessor * 5 + criterion * 3) % 3 - 1;
                    let base = 1 + developer % 3 + noise - if assessor == 0 { harsh } else { 0 };
                    let key = criterion_key("r", &criterion.to_string());
                    builder
                        .add(&developer.to_string(), &assessor.to_string(), &key, base.clamp(0, 4))
                        .unwrap();
                }
            }
        }
        builder.build().unwrap()
    }

    fn prior() -> RatedParameters {
        RatedParameters::prior(&[-1.5, -0.5, 0.5, 1.5], 1.0, 0.65)
    }

    #[test]
    fn the_first_comes_into_force_and_the_same_ratings_move_nothing() {
        let first = recalibrate(&rated(0, false), &prior());
        assert!(first.held_because.is_empty(), "{:?}", first.held_because);
        assert!(first.report.anchors.is_empty() && first.report.assessors.len() == 6);
        let again = recalibrate(&rated(0, false), &first.parameters);
        assert!(again.held_because.is_empty());
        assert_eq!(again.report.anchors.len(), 13, "six assessors and seven criteria");
        assert!(again.report.anchors.iter().all(|anchor| anchor.displacement.abs() < 1e-6));
    }

    #[test]
    fn an_anchor_that_moved_keeps_it_back() {
        let first = recalibrate(&rated(0, false), &prior());
        let second = recalibrate(&rated(1, false), &first.parameters);
        assert_eq!(second.held_because, ["anchor_displaced"]);
        let severe = &second.report.assessors[0];
        assert!(severe.assessor_id == "0" && severe.displaced && severe.drift.unwrap() > 0.5, "{severe:?}");
    }

    #[test]
    fn a_design_in_two_parts_keeps_it_back_and_says_what_would_link_them() {
        let found = recalibrate(&rated(0, true), &prior());
        assert!(found.held_because.contains(&"disconnected".to_owned()));
        assert_eq!(found.report.links.len(), 1);
        assert!(found.report.assessors.iter().any(|one| one.component == 1));
    }
}
