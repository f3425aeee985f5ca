//! Families of tasks: versioned data, from which each assessment gets one.

use assay_kernel::{Error, Result};
use assay_platform::config;
use serde::Deserialize;
use uuid::Uuid;

/// All families of tasks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tasks {
    /// What candidates may do with AI tools, where a family does not say otherwise.
    ai_policy: String,
    families: Vec<TaskFamily>,
}

/// A family of tasks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskFamily {
    /// Its stable name.
    pub slug: String,
    /// The tracks that it is for.
    pub tracks: Vec<String>,
    /// The version of what is asked.
    pub version: String,
    /// What it is called.
    pub title: String,
    /// Minutes of the session that it takes.
    pub minutes: u32,
    /// What is asked, in general.
    pub asked: String,
    /// What candidates may do with AI tools, where it differs.
    #[serde(default)]
    pub ai_policy: Option<String>,
}

impl Tasks {
    /// The families that ship with this version of the service.
    ///
    /// # Errors
    /// When the shipped file does not read (a test holds that it does).
    pub fn shipped() -> Result<Self> {
        config::shipped(include_str!("../../../../config/tasks.toml"))
            .map_err(|error| Error::internal(*error))
    }

    /// The family for an application: always the same one, and none that was `used` while there is another.
    pub fn choose(&self, track: &str, application: Uuid, used: &[&str]) -> Option<&TaskFamily> {
        let of_track = || self.families.iter().filter(|family| family.tracks.iter().any(|t| t == track));
        let fresh: Vec<_> = of_track().filter(|family| !used.contains(&family.slug.as_str())).collect();
        let from = if fresh.is_empty() { of_track().collect() } else { fresh };
        let place = application.as_u128().checked_rem(u128::try_from(from.len()).unwrap_or(0))?;
        usize::try_from(place).ok().and_then(|place| from.get(place)).copied()
    }

    /// The family of that name, as it is now.
    pub fn get(&self, slug: &str) -> Option<&TaskFamily> {
        self.families.iter().find(|family| family.slug == slug)
    }

    /// What candidates may do with AI tools.
    pub fn ai_policy<'a>(&'a self, family: &'a TaskFamily) -> &'a str {
        family.ai_policy.as_deref().unwrap_or(&self.ai_policy)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The families of skills.
    fn tracks() -> Vec<String> {
        let taxonomy: serde_json::Value =
            serde_json::from_str(include_str!("../../skills/taxonomy.json")).unwrap();
        let families = taxonomy["families"].as_array().unwrap();
        families.iter().map(|family| family["slug"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn every_track_has_another_task_for_a_redo() {
        let tasks = Tasks::shipped().unwrap();
        let slugs: BTreeSet<&str> = tasks.families.iter().map(|family| family.slug.as_str()).collect();
        assert_eq!(slugs.len(), tasks.families.len(), "a family twice");
        for track in tracks() {
            let application = Uuid::from_u128(17);
            let first = tasks.choose(&track, application, &[]).unwrap_or_else(|| panic!("{track} has none"));
            assert_eq!(tasks.choose(&track, application, &[]), Some(first));
            let second = tasks.choose(&track, application, &[&first.slug]).unwrap();
            assert_ne!(first, second, "{track} has one only");
        }
        let known = tracks();
        for family in &tasks.families {
            assert!(family.tracks.iter().all(|track| known.contains(track)), "{}", family.slug);
            assert!(family.minutes <= 120 && !tasks.ai_policy(family).is_empty());
        }
    }

    #[test]
    fn when_all_were_had_one_comes_again() {
        let tasks = Tasks::shipped().unwrap();
        let used: Vec<&str> = tasks.families.iter().map(|family| family.slug.as_str()).collect();
        assert!(tasks.choose("backend", Uuid::from_u128(1), &used).is_some());
        assert_eq!(tasks.choose("weaving", Uuid::from_u128(1), &[]), None);
    }
}
