//! The rubric: versioned data, shipped as `config/rubric.json`, kept as it was for every version that was in force.

use std::sync::LazyLock;

use assay_kernel::{Error, Result};
use serde::{Deserialize, Serialize};

use super::rating::{Outcome, Recommendation};

/// Highest level of a criterion.
pub const TOP: u8 = 4;

/// What raters look for, and in which words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rubric {
    /// The version; each card names the one that it was filled in by.
    #[schema(example = "2026-11-21")]
    pub version: String,
    /// What it is for.
    pub meaning: String,
    /// Most criteria that a card may leave as not observed.
    #[schema(example = 3)]
    pub max_not_observed: usize,
    /// Levels that need a text of evidence.
    #[schema(example = json!([0, 4]))]
    pub evidence_required: Vec<u8>,
    /// How mean levels are put into words for the candidate, the lowest first.
    pub bands: Vec<Band>,
    /// The overall recommendations, from against to in favour; the pass line lies between those that pass and those
    /// that do not.
    pub recommendations: Vec<RecommendationText>,
    /// Reason codes of decisions.
    pub reason_codes: Vec<ReasonText>,
    /// The criteria.
    pub criteria: Vec<Criterion>,
}

/// A range of mean levels in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// The stable name.
    #[schema(example = "solid")]
    pub name: String,
    /// The lowest mean level in it.
    #[schema(example = 2.0)]
    pub from: f64,
    /// The words.
    #[schema(example = "Solid")]
    pub words: String,
}

/// A recommendation in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecommendationText {
    /// Which.
    pub name: Recommendation,
    /// On which side of the pass line it is; null for no decision.
    pub passes: Option<bool>,
    /// What it means.
    pub meaning: String,
}

/// A reason code in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonText {
    /// The stable name.
    #[schema(example = "verification")]
    pub code: String,
    /// Of which outcome it can be a reason.
    pub outcome: Outcome,
    /// What it means.
    pub meaning: String,
}

/// A criterion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// The stable name.
    #[schema(example = "testing")]
    pub name: String,
    /// The name to read.
    #[schema(example = "Testing")]
    pub title: String,
    /// What it is about.
    pub looks_for: String,
    /// What is seen at each level, 0 to 4.
    #[schema(min_items = 5, max_items = 5)]
    pub anchors: Vec<String>,
}

static SHIPPED: LazyLock<std::result::Result<Rubric, String>> = LazyLock::new(|| {
    let rubric: Rubric = serde_json::from_str(include_str!("../../../../config/rubric.json"))
        .map_err(|error| error.to_string())?;
    match rubric.faults().as_slice() {
        [] => Ok(rubric),
        faults => Err(faults.join("; ")),
    }
});

impl Rubric {
    /// The rubric in force.
    ///
    /// # Errors
    /// When `config/rubric.json` cannot be used.
    pub fn shipped() -> Result<&'static Self> {
        SHIPPED.as_ref().map_err(|fault| Error::internal(format!("config/rubric.json: {fault}")))
    }

    /// A criterion.
    pub fn criterion(&self, name: &str) -> Option<&Criterion> {
        self.criteria.iter().find(|criterion| criterion.name == name)
    }

    /// On which side of the pass line a recommendation is.
    pub fn passes(&self, recommendation: Recommendation) -> Option<bool> {
        self.recommendations.iter().find(|text| text.name == recommendation)?.passes
    }

    /// A mean level in words.
    pub fn band(&self, mean: f64) -> Option<&Band> {
        self.bands.iter().rev().find(|band| band.from <= mean)
    }

    /// What is wrong with it. Empty when sound.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut unless = |holds: bool, fault: &str| {
            if !holds {
                faults.push(fault.to_owned());
            }
        };
        let names: std::collections::BTreeSet<&str> =
            self.criteria.iter().map(|criterion| criterion.name.as_str()).collect();
        unless(
            names.len() == self.criteria.len() && !names.is_empty(),
            "a criterion is named twice, or none is",
        );
        let anchored = |criterion: &Criterion| criterion.anchors.len() == usize::from(TOP).saturating_add(1);
        unless(self.criteria.iter().all(anchored), "each criterion has an anchor a level");
        unless(self.max_not_observed < self.criteria.len(), "a card rates something");
        unless(
            self.evidence_required.iter().all(|level| *level <= TOP),
            "evidence is asked of a known level",
        );
        let rising = self.bands.windows(2).all(|pair| matches!(pair, [low, high] if low.from < high.from));
        unless(rising && self.bands.first().is_some_and(|band| band.from == 0.0), "bands rise from 0");
        let all = |known: &Recommendation| self.recommendations.iter().any(|text| text.name == *known);
        unless(Recommendation::ALL.iter().all(all), "each recommendation is told");
        for outcome in Outcome::ALL {
            unless(
                self.reason_codes.iter().any(|reason| reason.outcome == *outcome),
                "each outcome has a reason code",
            );
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_rubric_is_sound() {
        let rubric = Rubric::shipped().unwrap();
        assert_eq!(rubric.criteria.len(), 10);
        let mut anchors: Vec<&String> = rubric.criteria.iter().flat_map(|one| &one.anchors).collect();
        assert!(anchors.iter().all(|anchor| anchor.len() > 40 && anchor.ends_with('.')));
        anchors.sort();
        anchors.dedup();
        assert_eq!(anchors.len(), 50, "no anchor says what another says");
    }

    #[test]
    fn faults_are_found() {
        let spoilt = |spoil: &dyn Fn(&mut Rubric)| {
            let mut rubric = Rubric::shipped().unwrap().clone();
            spoil(&mut rubric);
            rubric.faults().len()
        };
        assert_eq!(spoilt(&|_| ()), 0);
        assert_eq!(spoilt(&|rubric| rubric.criteria[1].name = rubric.criteria[0].name.clone()), 1);
        assert_eq!(spoilt(&|rubric| drop(rubric.criteria[3].anchors.pop())), 1);
        assert_eq!(spoilt(&|rubric| rubric.evidence_required.push(5)), 1);
        assert_eq!(spoilt(&|rubric| rubric.bands.reverse()), 1);
        assert_eq!(spoilt(&|rubric| rubric.reason_codes.retain(|one| one.outcome == Outcome::Approved)), 1);
        assert_eq!(spoilt(&|rubric| drop(rubric.recommendations.pop())), 1);
    }

    #[test]
    fn a_mean_has_one_band() {
        let rubric = Rubric::shipped().unwrap();
        let band = |mean| rubric.band(mean).unwrap().name.as_str();
        assert_eq!(
            [band(0.0), band(0.99), band(1.0), band(2.5), band(3.0), band(4.0)],
            ["not_shown", "not_shown", "developing", "solid", "strong", "outstanding"]
        );
    }
}
