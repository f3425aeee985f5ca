//! Decisions on assessments: the feedback of each criterion, and appeals.

use std::collections::{BTreeMap, BTreeSet};

use assay_kernel::error::FieldErrors;
use assay_kernel::string_enum;
use assay_kernel::text::{self, Text};
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::rating::Outcome;
use super::rubric::Rubric;

string_enum! {
    /// How an appeal is answered: the outcome can rise, never fall.
    pub enum AppealOutcome {
        /// Not ready becomes approved.
        Raise = "raise",
        /// The outcome stands.
        Keep = "keep",
    }
}

/// What a reviewer writes for the candidate about a criterion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedbackInput {
    /// The criterion of the rubric.
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "testing")]
    pub criterion: String,
    /// What was good.
    #[validate(length(min = 3, max = 600), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 3, max_length = 600, example = "You ran the tests after every change.")]
    pub strength: Text,
    /// What to do next.
    #[validate(length(min = 3, max = 600), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 3, max_length = 600, example = "Write the case for the empty input before the code.")]
    pub next_step: Text,
}

/// What the candidate is told about a criterion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CriterionFeedback {
    /// The criterion.
    #[schema(example = "testing")]
    pub criterion: String,
    /// Its name to read.
    #[schema(example = "Testing")]
    pub title: String,
    /// The band of the mean level, in words; null when nobody observed it.
    #[schema(example = "Solid")]
    pub band: Option<String>,
    /// What was good.
    pub strength: String,
    /// What to do next.
    pub next_step: String,
}

impl CriterionFeedback {
    /// On one line, for a mail.
    pub fn line(&self) -> String {
        let band = self.band.as_deref().unwrap_or("Not observed");
        format!("{} — {band}. {} Next: {}", self.title, self.strength, self.next_step)
    }
}

/// The feedback in the rubric's order: every criterion once, each with the band of its mean.
pub fn feedback(
    given: &[FeedbackInput],
    means: &BTreeMap<String, Option<f64>>,
    rubric: &Rubric,
    errors: &mut FieldErrors,
) -> Vec<CriterionFeedback> {
    let mut seen = BTreeSet::new();
    for (index, one) in given.iter().enumerate() {
        let at = format!("/feedback/{index}/criterion");
        if rubric.criterion(&one.criterion).is_none() {
            errors.push(at, "unknown_value", "is no criterion of the rubric");
        } else if !seen.insert(one.criterion.as_str()) {
            errors.push(at, "duplicate", "is told twice");
        }
    }
    let told = |name: &str| given.iter().find(|one| one.criterion == name);
    let lacking: Vec<&str> =
        rubric.criteria.iter().map(|one| one.name.as_str()).filter(|name| told(name).is_none()).collect();
    if !lacking.is_empty() {
        errors.push("/feedback", "required", format!("lacks {}", lacking.join(", ")));
    }
    let whole = |criterion: &super::rubric::Criterion| {
        let one = told(&criterion.name)?;
        let mean = means.get(&criterion.name).copied().flatten();
        Some(CriterionFeedback {
            criterion: criterion.name.clone(),
            title: criterion.title.clone(),
            band: mean.and_then(|mean| rubric.band(mean)).map(|band| band.words.clone()),
            strength: one.strength.to_string(),
            next_step: one.next_step.to_string(),
        })
    };
    rubric.criteria.iter().filter_map(whole).collect()
}

/// Checks the reason codes of a decision: known, of that outcome, each once.
pub fn check_reason_codes(codes: &[String], outcome: Outcome, rubric: &Rubric, errors: &mut FieldErrors) {
    for (index, code) in codes.iter().enumerate() {
        let at = format!("/reason_codes/{index}");
        match rubric.reason_codes.iter().find(|known| known.code == *code) {
            None => errors.push(at, "unknown_value", "is no reason code of the rubric"),
            Some(known) if known.outcome != outcome => {
                errors.push(at, "inconsistent", format!("is a reason for `{}`", known.outcome));
            }
            Some(_) if codes.iter().take(index).any(|earlier| earlier == code) => {
                errors.push(at, "duplicate", "is given twice");
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(rubric: &Rubric) -> Vec<FeedbackInput> {
        let one = |name: &String| FeedbackInput {
            criterion: name.clone(),
            strength: Text::new("Clear."),
            next_step: Text::new("Go on."),
        };
        rubric.criteria.iter().map(|criterion| one(&criterion.name)).collect()
    }

    #[test]
    fn feedback_tells_every_criterion_once_in_order() {
        let rubric = Rubric::shipped().unwrap();
        let means: BTreeMap<String, Option<f64>> =
            [("testing".to_owned(), Some(2.5)), ("design".to_owned(), None)].into();
        let mut whole = given(rubric);
        whole.reverse();
        let mut errors = FieldErrors::new();
        let told = feedback(&whole, &means, rubric, &mut errors);
        assert!(errors.finish().is_ok());
        assert_eq!(told[0].criterion, rubric.criteria[0].name);
        let band = |name: &str| told.iter().find(|one| one.criterion == name).unwrap().band.clone();
        assert_eq!((band("testing"), band("design")), (Some("Solid".into()), None));

        whole[0].criterion = "charm".into();
        whole[1].criterion = whole[2].criterion.clone();
        let mut errors = FieldErrors::new();
        feedback(&whole, &means, rubric, &mut errors);
        let codes: Vec<String> = errors.into_vec().into_iter().map(|error| error.code).collect();
        assert_eq!(codes, ["unknown_value", "duplicate", "required"]);
    }

    #[test]
    fn reason_codes_belong_to_their_outcome() {
        let rubric = Rubric::shipped().unwrap();
        let codes = |codes: &[&str], outcome| {
            let mut errors = FieldErrors::new();
            let codes: Vec<String> = codes.iter().map(|code| (*code).to_owned()).collect();
            check_reason_codes(&codes, outcome, rubric, &mut errors);
            errors.into_vec().into_iter().map(|error| error.code).collect::<Vec<_>>()
        };
        assert_eq!(codes(&["verification", "fluency"], Outcome::NotReady), Vec::<String>::new());
        assert_eq!(codes(&["verification"], Outcome::Approved), ["inconsistent"]);
        assert_eq!(codes(&["fluency", "fluency", "luck"], Outcome::NotReady), ["duplicate", "unknown_value"]);
    }
}
