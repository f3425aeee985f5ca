//! The files of a market, as `assay match` reads them.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// A skill that a developer has.
#[derive(Clone, Debug, Deserialize)]
pub struct Level {
    /// Which.
    pub skill: String,
    /// 1 to 5.
    pub level: u8,
}

/// Somebody who can be matched.
#[derive(Clone, Debug, Deserialize)]
pub struct Developer {
    /// Who.
    pub id: String,
    /// Their skills.
    #[serde(default)]
    pub skills: Vec<Level>,
    /// Lines of business that they know.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Their rate an hour.
    pub rate: f64,
    /// Hours a week that they have.
    pub weekly_hours: f64,
    /// From which day they are free.
    pub available_from: i32,
    /// Hours from UTC.
    pub utc_offset: f64,
}

/// A project that looks for a developer.
#[derive(Clone, Debug, Deserialize)]
pub struct Project {
    /// Which.
    pub id: String,
    /// When it is posted.
    pub day: i32,
    /// Skills that it cannot do without.
    #[serde(default)]
    pub must: Vec<String>,
    /// Skills that help.
    #[serde(default)]
    pub nice: Vec<String>,
    /// Its line of business.
    pub domain: String,
    /// What it pays an hour at most.
    pub max_rate: f64,
    /// Hours a week that it wants.
    pub weekly_hours: f64,
    /// Hours from UTC.
    pub utc_offset: f64,
    /// Hours of the working day to share.
    pub min_overlap: f64,
    /// First day of work.
    pub start_day: i32,
    /// Last day of work.
    pub end_day: i32,
}

/// A past invitation.
#[derive(Clone, Debug, Deserialize)]
pub struct Invitation {
    /// Who was invited.
    pub developer_id: String,
    /// Line of business.
    pub domain: String,
    /// The developer's rate then.
    pub rate: f64,
    /// What the project paid at most.
    pub max_rate: f64,
    /// The answer.
    pub accepted: bool,
}

/// A past contract. Stars are not read: they are inflated.
#[derive(Clone, Debug, Deserialize)]
pub struct Contract {
    /// Who worked.
    pub developer_id: String,
    /// Skills that the project could not do without.
    #[serde(default)]
    pub must: Vec<String>,
    /// Skills that helped.
    #[serde(default)]
    pub nice: Vec<String>,
    /// Line of business.
    pub domain: String,
    /// The client's hours from UTC.
    pub utc_offset: f64,
    /// Was the work accepted?
    pub success: bool,
}

/// A skill of the taxonomy.
#[derive(Clone, Debug, Deserialize)]
pub struct SkillEntry {
    /// Its slug.
    pub id: String,
    /// Other spellings.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Skills from which something carries over. A market's file is not asked for them: in the histories that were
    /// given, neighbours said nothing of success.
    #[serde(skip)]
    pub neighbours: Vec<Near>,
}

/// A skill from which a part of the level carries over.
#[derive(Clone, Debug)]
pub struct Near {
    /// Which.
    pub skill: String,
    /// How much, 0 to 1.
    pub weight: f32,
}

/// A score with its standard error on one scale.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Posterior mean, in standard deviations of the population from its mean.
    pub mean: f64,
    /// Posterior standard deviation in the same unit.
    pub sd: f64,
}

/// Everything of a market.
pub struct Market {
    /// The taxonomy.
    pub skills: Vec<SkillEntry>,
    /// Who can be matched.
    pub developers: Vec<Developer>,
    /// Past invitations.
    pub invitations: Vec<Invitation>,
    /// Past contracts.
    pub contracts: Vec<Contract>,
    /// Open projects.
    pub projects: Vec<Project>,
    /// Ratings, where there are any.
    pub ratings: Option<assay_scoring::Ratings>,
}

/// A line or file that is not as it should be.
#[derive(Debug, Error)]
#[error("line {line}: {error}")]
pub struct Fault {
    /// Which line.
    pub line: usize,
    /// What is wrong.
    pub error: serde_json::Error,
}

/// JSON, an object a line.
pub fn read_lines<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, Fault> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |(at, line)| serde_json::from_str(line).map_err(|error| Fault { line: at + 1, error });
    lines.map(read).collect()
}

/// One JSON document.
pub fn read_json<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| Fault { line: error.line(), error })
}
