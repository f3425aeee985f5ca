//! What a developer writes of an application.

use assay_kernel::error::FieldErrors;
use assay_kernel::string_enum;
use assay_kernel::text::{self, Text};
use assay_kernel::{Error, Money, Result};
use assay_platform::policy::VettingPolicy;
use serde::{Deserialize, Serialize};
use validator::{Validate, ValidationError};

string_enum! {
    /// How well a language is spoken.
    pub enum LanguageLevel {
        /// Enough to read and write simple texts.
        Basic = "basic",
        /// Enough to work in.
        Working = "working",
        /// Without effort.
        Fluent = "fluent",
        /// As a first language.
        Native = "native",
    }
}

/// A language that the developer speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Language {
    /// ISO 639-1 code.
    #[validate(custom(function = "language_code"))]
    #[schema(pattern = "^[a-z]{2}$", example = "en")]
    pub code: String,
    /// How well.
    pub level: LanguageLevel,
}

fn language_code(code: &str) -> Result<(), ValidationError> {
    if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Ok(());
    }
    Err(ValidationError::new("invalid_format")
        .with_message("must be an ISO 639-1 code of two small letters, e.g. `en`".into()))
}

/// A claim to the fast lane: much work done elsewhere, and rated well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FastLaneClaim {
    /// Where: the platform's name.
    #[validate(length(min = 2, max = 80), custom(function = "text::line"))]
    #[schema(value_type = String, min_length = 2, max_length = 80, example = "Upwork")]
    pub platform: Text,
    /// Projects finished there; 50 at least.
    #[validate(range(min = 1, max = 100_000))]
    #[schema(minimum = 1, maximum = 100000, example = 64)]
    pub finished_projects: i32,
    /// Average rating there in hundredths of a star of five; 480 (4.8) at least.
    #[validate(range(min = 0, max = 500))]
    #[schema(minimum = 0, maximum = 500, example = 492)]
    pub rating_hundredths: i32,
    /// Public pages that show it.
    #[validate(length(min = 1, max = 10), custom(function = "https_urls"))]
    #[schema(min_items = 1, max_items = 10, example = json!(["https://upwork.example/freelancers/dora"]))]
    pub links: Vec<String>,
}

fn https_urls(links: &[String]) -> Result<(), ValidationError> {
    links.iter().try_for_each(|link| text::https_url(link))
}

/// What a developer writes of an application. Everything may come later; submission says what is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplicationContent {
    /// Slugs of the skill families (`GET /v1/skill_families`) in which the developer wants to be assessed.
    #[validate(length(max = 5))]
    #[serde(default)]
    #[schema(max_items = 5, example = json!(["backend", "databases"]))]
    pub tracks: Vec<String>,
    /// What the developer wants the reviewers to know.
    #[validate(length(min = 20, max = 4_000), custom(function = "text::prose"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 20, max_length = 4000, example = "Ten years of payment systems; the last three in Rust.")]
    pub statement: Option<Text>,
    /// Hours a week that the developer has.
    #[validate(range(min = 1, max = 80))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 80, example = 30)]
    pub hours_per_week: Option<i32>,
    /// What the developer expects for an hour.
    #[validate(custom(function = "plausible_rate"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_hour: Option<Money>,
    /// Languages that the developer speaks.
    #[validate(nested, length(max = 20))]
    #[serde(default)]
    #[schema(max_items = 20)]
    pub languages: Vec<Language>,
    /// A claim to the fast lane, which skips the screening queue, never the assessment.
    #[validate(nested)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fast_lane: Option<FastLaneClaim>,
}

fn plausible_rate(rate: &Money) -> Result<(), ValidationError> {
    // Ten thousand of the dearest unit, a million of the cheapest: beyond is a slip of the pen.
    if (1..=10_000_000).contains(&rate.amount) {
        return Ok(());
    }
    Err(ValidationError::new("out_of_range")
        .with_message("must be between 1 and 10000000 minor units".into()))
}

impl ApplicationContent {
    /// Checks what only the taxonomy and the policy know.
    ///
    /// # Errors
    /// `invalid_fields` with everything that is wrong.
    pub fn check(&self, policy: &VettingPolicy, is_family: impl Fn(&str) -> bool) -> Result<()> {
        let mut errors = FieldErrors::new();
        for (index, track) in self.tracks.iter().enumerate() {
            let pointer = format!("/tracks/{index}");
            errors.check(is_family(track), &pointer, "unknown_value", "is no skill family of the taxonomy");
            let twice = self.tracks.iter().take(index).any(|before| before == track);
            errors.check(!twice, &pointer, "duplicate", "is named twice");
        }
        for (index, language) in self.languages.iter().enumerate() {
            let twice = self.languages.iter().take(index).any(|before| before.code == language.code);
            errors.check(!twice, &format!("/languages/{index}/code"), "duplicate", "is named twice");
        }
        if let Some(claim) = &self.fast_lane {
            let (projects, rating) = (policy.fast_lane_projects, policy.fast_lane_rating_hundredths);
            errors.check(
                claim.finished_projects >= projects,
                "/fast_lane/finished_projects",
                "out_of_range",
                &format!("the fast lane needs {projects} finished projects at least"),
            );
            errors.check(
                claim.rating_hundredths >= rating,
                "/fast_lane/rating_hundredths",
                "out_of_range",
                &format!("the fast lane needs an average of {rating} hundredths at least"),
            );
        }
        errors.finish()
    }

    /// Does a JSON Pointer name a member that exists, or one that may be filled in?
    pub fn has(&self, pointer: &str) -> Result<bool> {
        const MEMBERS: &[&str] =
            &["/tracks", "/statement", "/hours_per_week", "/rate_per_hour", "/languages", "/fast_lane"];
        let document = serde_json::to_value(self).map_err(Error::internal)?;
        Ok(MEMBERS.contains(&pointer) || document.pointer(pointer).is_some())
    }
}

#[cfg(test)]
mod tests {
    use assay_platform::policy::Policy;

    use super::*;

    fn faults(content: serde_json::Value) -> Vec<(String, String)> {
        let policy = Policy::shipped().unwrap().vetting;
        let read: Result<ApplicationContent> = assay_platform::input::parse(content.to_string().as_bytes());
        let checked = read.and_then(|content| content.check(&policy, |slug| slug == "backend"));
        let fields = checked.err().map(|error| error.fields().to_vec()).unwrap_or_default();
        fields.into_iter().map(|field| (field.pointer, field.code)).collect()
    }

    fn claim(projects: i32, rating: i32) -> serde_json::Value {
        serde_json::json!({ "tracks": ["backend"], "fast_lane": { "platform": "Elsewhere",
            "finished_projects": projects, "rating_hundredths": rating, "links": ["https://example.com/me"] } })
    }

    #[test]
    fn the_fast_lane_has_two_thresholds() {
        assert_eq!(faults(claim(50, 480)), []);
        let both = faults(claim(49, 479));
        assert_eq!(both[0].0, "/fast_lane/finished_projects");
        assert_eq!(both[1].0, "/fast_lane/rating_hundredths");
    }

    #[test]
    fn tracks_and_languages_are_known_and_named_once() {
        let bad = serde_json::json!({ "tracks": ["backend", "carpentry", "backend"],
            "languages": [{ "code": "en", "level": "fluent" }, { "code": "en", "level": "basic" }] });
        let told: Vec<(String, String)> = faults(bad);
        let told: Vec<(&str, &str)> = told.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let wanted =
            [("/tracks/1", "unknown_value"), ("/tracks/2", "duplicate"), ("/languages/1/code", "duplicate")];
        assert_eq!(told, wanted);
        let bad = serde_json::json!({ "languages": [{ "code": "English", "level": "fluent" }],
            "rate_per_hour": { "amount": 0, "currency": "USD" } });
        let told = faults(bad);
        assert_eq!(told[0].0, "/languages/0/code");
        assert_eq!(told[1], ("/rate_per_hour".to_owned(), "out_of_range".to_owned()));
    }

    #[test]
    fn notes_point_to_members() {
        let content = ApplicationContent { tracks: vec!["backend".into()], ..Default::default() };
        for pointer in ["/statement", "/tracks/0", "/fast_lane"] {
            assert!(content.has(pointer).unwrap(), "{pointer}");
        }
        for pointer in ["/tracks/1", "/salary", "tracks"] {
            assert!(!content.has(pointer).unwrap(), "{pointer}");
        }
    }
}
