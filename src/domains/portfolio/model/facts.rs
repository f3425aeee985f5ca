//! What was observed, in the form from which signals and flags are computed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::item::Mark;

/// Whose commits a repository holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commits {
    /// The person's.
    pub own: u64,
    /// Everybody's.
    pub all: u64,
    /// How many people have any.
    pub authors: u64,
}

/// A repository that the person owns; also what its item keeps as `computed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryFact {
    /// `owner/name`.
    pub name: String,
    /// Why it does not count as own work.
    #[serde(skip)]
    pub marks: Vec<Mark>,
    /// Bytes of code by language.
    #[serde(default)]
    pub languages: BTreeMap<String, u64>,
    /// `pushed_at` when the languages were read.
    #[serde(default)]
    pub languages_of: Option<DateTime<Utc>>,
    /// Topics the owner gave it.
    #[serde(default)]
    pub topics: Vec<String>,
    /// Stars.
    pub stars: u64,
    /// Forks.
    pub forks: u64,
    /// Open issues and pull requests.
    pub open_issues: u64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When commits last arrived.
    pub pushed_at: DateTime<Utc>,
    /// Whose commits it holds, where that was asked.
    #[serde(default)]
    pub commits: Option<Commits>,
    /// `pushed_at` when that was asked.
    #[serde(default)]
    pub commits_of: Option<DateTime<Utc>>,
}

impl RepositoryFact {
    /// Is it the person's own work?
    pub fn counts(&self) -> bool {
        self.marks.is_empty()
    }

    /// Is it a copy at GitHub?
    pub fn is_fork(&self) -> bool {
        self.marks.contains(&Mark::Fork)
    }

    /// Bytes of code in all languages.
    pub fn bytes(&self) -> u64 {
        self.languages.values().fold(0, |sum, bytes| sum.saturating_add(*bytes))
    }
}

/// Pull requests merged into one repository of somebody else; also what its item keeps as `computed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContributionFact {
    /// `owner/name`.
    pub repository: String,
    /// How many were merged.
    pub merged: u64,
    /// When the first was merged.
    pub first_at: DateTime<Utc>,
    /// When the last was merged.
    pub last_at: DateTime<Utc>,
    /// The repository's main language.
    #[serde(default)]
    pub language: Option<String>,
    /// The repository's topics.
    #[serde(default)]
    pub topics: Vec<String>,
    /// The repository's stars.
    #[serde(default)]
    pub stars: Option<u64>,
    /// Whose commits it holds, where that was asked.
    #[serde(default)]
    pub commits: Option<Commits>,
}

impl ContributionFact {
    /// Does nobody but the person commit there?
    pub fn is_single_author(&self) -> bool {
        self.commits.is_some_and(|commits| commits.own > 0 && commits.own >= commits.all)
    }
}

/// Reviews of other people's pull requests; also what the item keeps as `computed`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewFact {
    /// How many pull requests were reviewed.
    pub reviewed: u64,
    /// In how many repositories.
    pub repositories: u64,
    /// The first and the last of them, by when they were opened.
    pub span: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// Everything that was observed of a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// When the GitHub account was made.
    pub account_created_at: DateTime<Utc>,
    /// When all this was so.
    pub observed_at: DateTime<Utc>,
    /// Own repositories that are there now.
    pub repositories: Vec<RepositoryFact>,
    /// Merged pull requests by repository.
    pub contributions: Vec<ContributionFact>,
    /// Reviews.
    pub reviews: ReviewFact,
    /// When each pull request was merged.
    pub merged_at: Vec<DateTime<Utc>>,
}

#[cfg(test)]
pub(crate) mod tests {
    use chrono::Duration;

    use super::*;

    /// A day, counted from the day of observation.
    pub fn day(offset: i64) -> DateTime<Utc> {
        "2026-11-21T12:00:00Z".parse::<DateTime<Utc>>().unwrap() + Duration::days(offset)
    }

    /// Somebody who has done nothing yet.
    pub fn facts() -> Facts {
        Facts {
            account_created_at: day(-3_000),
            observed_at: day(0),
            repositories: Vec::new(),
            contributions: Vec::new(),
            reviews: ReviewFact::default(),
            merged_at: Vec::new(),
        }
    }

    /// A small repository, made so many days ago.
    pub fn repository(number: i64, days_ago: i64) -> RepositoryFact {
        RepositoryFact {
            name: format!("ada/repository-{number}"),
            marks: Vec::new(),
            languages: [("Rust".to_owned(), 40_000)].into(),
            languages_of: None,
            topics: Vec::new(),
            stars: 3,
            forks: 0,
            open_issues: 0,
            created_at: day(-days_ago),
            pushed_at: day(-days_ago / 2),
            commits: None,
            commits_of: None,
        }
    }

    /// Merged pull requests in somebody's repository.
    pub fn contribution(repository: &str, merged: u64) -> ContributionFact {
        ContributionFact {
            repository: repository.to_owned(),
            merged,
            first_at: day(-400),
            last_at: day(-10),
            language: Some("Rust".to_owned()),
            topics: Vec::new(),
            stars: Some(900),
            commits: Some(Commits { own: 20, all: 900, authors: 12 }),
        }
    }
}
