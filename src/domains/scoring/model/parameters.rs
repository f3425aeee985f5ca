//! A calibration as it is kept: parameters by name, so that it can be applied to any cards, and compared with the next.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::agreement::drift;
use super::calibration::Calibration;
use super::data::{Ratings, Scale};
use super::delivery::DeliveryPrior;
use super::fit::Measure;
use super::jmle::mean;
use super::mml::Marginal;

/// The levels of a rubric.
pub const LEVELS: Scale = Scale { min: 0, max: 4 };

/// What a calibration freezes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Parameters {
    /// Of a scale that cards are rated for.
    Rated(RatedParameters),
    /// Of delivery.
    Delivery(DeliveryPrior),
}

/// A measure with its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Severity {
    /// Logits.
    pub measure: f64,
    /// Logits.
    pub se: f64,
}

/// The steps of a criterion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Steps {
    /// `difficulty + τ` of each step, logits.
    pub steps: Vec<f64>,
    /// Standard error of the difficulty.
    pub se: f64,
}

impl Steps {
    fn difficulty(&self) -> f64 {
        mean(&self.steps)
    }
}

/// The parameters of the rating model by the names of assessors and criteria.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatedParameters {
    /// Severity of each assessor. Who is not in it counts as average.
    pub severity: BTreeMap<String, Severity>,
    /// Steps of each criterion of each rubric.
    pub criteria: BTreeMap<String, Steps>,
    /// Steps of a criterion that is not in it.
    pub steps: Vec<f64>,
    /// Mean of ability.
    pub mu: f64,
    /// Standard deviation of ability.
    pub sigma: f64,
    /// Standard deviation of the session effect.
    pub phi: f64,
}

/// A criterion of a rubric, as calibrations name it: the same name in another rubric may be another criterion.
pub fn criterion_key(rubric_version: &str, criterion: &str) -> String {
    format!("{rubric_version}/{criterion}")
}

/// How far an anchor moved from one calibration to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Anchor {
    /// An assessor's account or a criterion.
    #[schema(example = "2026-11-21/testing")]
    pub name: String,
    /// Logits, after the common shift is taken out.
    #[schema(example = -0.08)]
    pub displacement: f64,
    /// In standard errors of the difference.
    #[schema(example = -0.6)]
    pub z: f64,
    /// 0.3 logits or further: no anchor any more.
    pub displaced: bool,
}

impl RatedParameters {
    /// Before anything was calibrated: everybody's severity and every criterion's difficulty average.
    pub fn prior(steps: &[f64], sigma: f64, phi: f64) -> Self {
        Self {
            severity: BTreeMap::new(),
            criteria: BTreeMap::new(),
            steps: steps.to_vec(),
            mu: 0.0,
            sigma,
            phi,
        }
    }

    /// What a calibration found, on the origin of the one before where both have elements in common.
    pub fn found(ratings: &Ratings, found: &Marginal, before: &Self) -> Self {
        let severity = ratings.assessors.iter().zip(&found.assessors);
        let criteria = ratings.criteria.iter().zip(&found.calibration.steps).zip(&found.criteria);
        let mut this = Self {
            severity: severity
                .map(|(name, m)| (name.clone(), Severity { measure: m.measure, se: m.se }))
                .collect(),
            criteria: criteria
                .map(|((name, steps), m)| (name.clone(), Steps { steps: steps.clone(), se: m.se }))
                .collect(),
            steps: before.steps.clone(),
            mu: found.calibration.mu,
            sigma: found.calibration.sigma,
            phi: found.calibration.phi,
        };
        this.equate(before);
        this
    }

    /// Moves the origin to the earlier calibration's: newcomers among assessors or criteria must not move everybody.
    fn equate(&mut self, before: &Self) {
        let severity = common(&before.severity, &self.severity, |one| one.measure);
        self.severity.values_mut().for_each(|one| one.measure += severity);
        let difficulty = common(&before.criteria, &self.criteria, Steps::difficulty);
        self.criteria.values_mut().flat_map(|one| &mut one.steps).for_each(|step| *step += difficulty);
        self.mu += severity + difficulty;
    }

    /// The parameters in the order of some ratings' names.
    pub fn of(&self, ratings: &Ratings) -> Calibration {
        let severity = |name: &String| self.severity.get(name).map_or(0.0, |one| one.measure);
        let steps = |name: &String| {
            self.criteria.get(name).map_or_else(|| self.steps.clone(), |one| one.steps.clone())
        };
        Calibration {
            severity: ratings.assessors.iter().map(severity).collect(),
            steps: ratings.criteria.iter().map(steps).collect(),
            mu: self.mu,
            sigma: self.sigma,
            phi: self.phi,
        }
    }

    /// Every assessor and criterion that both have, and how far it moved.
    pub fn anchors(before: &Self, after: &Self) -> Vec<Anchor> {
        let measure = |measure: f64, se: f64| Measure { measure, se, infit: 1.0, outfit: 1.0, ratings: 0 };
        let mut anchors =
            displacements(&before.severity, &after.severity, |one| measure(one.measure, one.se));
        anchors.extend(displacements(&before.criteria, &after.criteria, |one| {
            measure(one.difficulty(), one.se)
        }));
        anchors
    }
}

/// Mean of the earlier less the later values of the elements that both have.
fn common<T>(before: &BTreeMap<String, T>, after: &BTreeMap<String, T>, value: impl Fn(&T) -> f64) -> f64 {
    let shifts: Vec<f64> =
        after.iter().filter_map(|(name, later)| Some(value(before.get(name)?) - value(later))).collect();
    if shifts.is_empty() { 0.0 } else { mean(&shifts) }
}

fn displacements<T>(
    before: &BTreeMap<String, T>,
    after: &BTreeMap<String, T>,
    measure: impl Fn(&T) -> Measure,
) -> Vec<Anchor> {
    let both: Vec<(&String, &T, &T)> =
        after.iter().filter_map(|(name, later)| Some((name, before.get(name)?, later))).collect();
    let earlier: Vec<Measure> = both.iter().map(|(_, one, _)| measure(one)).collect();
    let later: Vec<Measure> = both.iter().map(|(_, _, one)| measure(one)).collect();
    let moved = drift(&earlier, &later);
    let anchors = both.iter().zip(moved).map(|((name, _, _), one)| Anchor {
        name: (*name).clone(),
        displacement: one.displacement,
        z: one.z,
        displaced: one.displaced,
    });
    anchors.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(severities: &[(&str, f64)], mu: f64) -> RatedParameters {
        let mut made = RatedParameters::prior(&[-1.0, 0.0, 0.5, 1.5], 1.0, 0.5);
        made.mu = mu;
        made.severity =
            severities.iter().map(|(n, m)| ((*n).to_owned(), Severity { measure: *m, se: 0.1 })).collect();
        made
    }

    #[test]
    fn a_newcomer_among_assessors_moves_nobody() {
        let before = with(&[("a", -0.2), ("b", 0.2)], 0.3);
        // A severe newcomer: centred on all three, the other two seem milder and everybody seems abler by the same.
        let mut after = with(&[("a", -0.5), ("b", -0.1), ("c", 0.6)], 0.0);
        after.equate(&before);
        assert!((after.severity["a"].measure + 0.2).abs() < 1e-12);
        assert!((after.severity["c"].measure - 0.9).abs() < 1e-12);
        assert!((after.mu - 0.3).abs() < 1e-12);
        assert!(RatedParameters::anchors(&before, &after).iter().all(|anchor| !anchor.displaced));
    }

    #[test]
    fn an_assessor_who_grew_severe_is_displaced() {
        let before = with(&[("a", -0.2), ("b", 0.0), ("c", 0.2)], 0.0);
        let after = with(&[("a", 0.6), ("b", -0.4), ("c", -0.2)], 0.0);
        let anchors = RatedParameters::anchors(&before, &after);
        assert_eq!(anchors.iter().filter(|anchor| anchor.displaced).count(), 3);
        assert!(anchors[0].displacement > 0.7 && anchors[0].z > 3.0, "{anchors:?}");
    }

    #[test]
    fn it_is_kept_as_it_is() {
        let one = Parameters::Rated(with(&[("a", 0.1)], 0.2));
        let kept: Parameters = serde_json::from_value(serde_json::to_value(&one).unwrap()).unwrap();
        assert_eq!(kept, one);
    }
}
