//! Use cases of portfolios.

pub mod challenges;
pub mod imports;
pub mod items;
pub mod run;
pub mod skills;
pub mod steps;
pub mod summary;
pub mod view;

use std::sync::Arc;

use assay_adapters::{github, site};
use assay_kernel::{Error, Result};
use assay_platform::Ctx;
use assay_skills::Taxonomy;
use url::Url;

/// What portfolios need: state of the handlers and of the jobs. Cheap to clone.
#[derive(Clone)]
pub struct Portfolio {
    ctx: Ctx,
    taxonomy: Arc<Taxonomy>,
    github: github::Client,
    /// Where repositories are looked at by people.
    github_web: Url,
    sites: site::Client,
}

impl std::fmt::Debug for Portfolio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Portfolio").finish_non_exhaustive()
    }
}

impl Portfolio {
    /// With this GitHub, whose pages are at `github_web`.
    pub fn new(
        ctx: Ctx,
        taxonomy: Arc<Taxonomy>,
        github: github::Client,
        github_web: Url,
        sites: site::Client,
    ) -> Self {
        Self { ctx, taxonomy, github, github_web, sites }
    }

    /// The surroundings.
    pub fn ctx(&self) -> &Ctx {
        &self.ctx
    }

    /// Slugs of the skills that people name; all unknown ones are told.
    fn known_skills(&self, given: &[String], pointer: &str) -> Result<Vec<String>> {
        let mut slugs: Vec<String> = Vec::with_capacity(given.len());
        let mut faults = assay_kernel::error::FieldErrors::new();
        for (index, name) in given.iter().enumerate() {
            match self.taxonomy.resolve(name) {
                None => faults.push(
                    format!("{pointer}/{index}"),
                    "unknown_value",
                    "the taxonomy has no such skill; see GET /v1/skills",
                ),
                Some(skill) if slugs.contains(&skill.slug) => {
                    faults.push(format!("{pointer}/{index}"), "duplicate", "the skill is named twice");
                }
                Some(skill) => slugs.push(skill.slug.clone()),
            }
        }
        faults.finish()?;
        Ok(slugs)
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn json(value: &impl serde::Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(value).map_err(Error::internal)
}
