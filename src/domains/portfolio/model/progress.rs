//! How far an import is: where a worker goes on after any stop.

use assay_kernel::string_enum;
use assay_kernel::text::excerpt;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

string_enum! {
    /// The steps of an import, in their order.
    pub enum Step {
        /// The GitHub profile.
        Profile = "profile",
        /// Organisations.
        Organisations = "organisations",
        /// Own repositories.
        Repositories = "repositories",
        /// Own repositories that the list no longer holds.
        Vanished = "vanished",
        /// Languages of repositories with new commits.
        Languages = "languages",
        /// Merged pull requests in repositories of others.
        PullRequests = "pull_requests",
        /// Reviews of other people's pull requests.
        Reviews = "reviews",
        /// The repositories of others.
        Contributions = "contributions",
        /// Whose commits own repositories hold.
        Authorship = "authorship",
        /// Signals and skills.
        Summary = "summary",
    }
}

impl Step {
    /// Its place, from 1.
    pub fn number(self) -> usize {
        Self::ALL.iter().position(|step| *step == self).map_or(1, |place| place + 1)
    }
}

/// The place inside the steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Cursor {
    Profile,
    Organisations,
    /// `reading` is false while pages are only asked whether they are unchanged.
    Repositories {
        page: u32,
        reading: bool,
    },
    Vanished,
    Languages,
    PullRequests {
        page: u32,
        since: Option<NaiveDate>,
    },
    Reviews {
        page: u32,
        since: Option<NaiveDate>,
    },
    /// The place among the repositories, those with the most pull requests first.
    Contributions {
        place: u32,
    },
    Authorship,
    Summary,
}

impl Cursor {
    /// The step it is in.
    pub fn step(&self) -> Step {
        match self {
            Self::Profile => Step::Profile,
            Self::Organisations => Step::Organisations,
            Self::Repositories { .. } => Step::Repositories,
            Self::Vanished => Step::Vanished,
            Self::Languages => Step::Languages,
            Self::PullRequests { .. } => Step::PullRequests,
            Self::Reviews { .. } => Step::Reviews,
            Self::Contributions { .. } => Step::Contributions,
            Self::Authorship => Step::Authorship,
            Self::Summary => Step::Summary,
        }
    }
}

/// What an import has met so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Counts {
    /// Organisations of the person.
    #[schema(example = 2)]
    pub organisations: u64,
    /// Own public repositories.
    #[schema(example = 250)]
    pub repositories: u64,
    /// Repositories whose languages were read.
    #[schema(example = 231)]
    pub languages: u64,
    /// Merged pull requests read.
    #[schema(example = 340)]
    pub pull_requests: u64,
    /// Reviewed pull requests read.
    #[schema(example = 103)]
    pub reviews: u64,
    /// Repositories of others with merged pull requests.
    #[schema(example = 6)]
    pub contributions: u64,
    /// Items marked as withdrawn, because what they were about has gone or turned private.
    #[schema(example = 0)]
    pub withdrawn: u64,
}

/// Something the person should know of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Warning {
    /// The stable name.
    #[schema(example = "rate_limited")]
    pub code: String,
    /// What happened.
    #[schema(example = "GitHub's rate limit is used up; the import goes on by itself.")]
    pub detail: String,
}

/// How far an import is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Where to go on.
    pub cursor: Cursor,
    /// What was met.
    pub counts: Counts,
    /// Requests sent to GitHub.
    pub requests: u64,
    /// Those that were answered "not modified".
    pub unchanged: u64,
    /// What the person should know.
    pub warnings: Vec<Warning>,
}

/// More warnings are not kept.
const MOST_WARNINGS: usize = 50;

impl Progress {
    /// Before the first step.
    pub fn new() -> Self {
        Self {
            cursor: Cursor::Profile,
            counts: Counts::default(),
            requests: 0,
            unchanged: 0,
            warnings: Vec::new(),
        }
    }

    /// Notes a warning, each once.
    pub fn warn(&mut self, code: &str, detail: impl Into<String>) {
        let warning = Warning { code: code.to_owned(), detail: excerpt(&detail.into(), 500) };
        if self.warnings.len() < MOST_WARNINGS && !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// What is kept of the GitHub profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The login at the last import.
    pub login: String,
    /// When the GitHub account was made.
    pub created_at: DateTime<Utc>,
    /// Followers.
    pub followers: u64,
    /// The employer, as the person wrote it.
    #[serde(default)]
    pub company: Option<String>,
    /// Logins of organisations.
    #[serde(default)]
    pub organisations: Vec<String>,
    /// Pages of the list of repositories whose validators, if all hold, say that nothing changed.
    #[serde(default)]
    pub repository_pages: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_numbered_from_one_without_gaps() {
        let numbers: Vec<usize> = Step::ALL.iter().map(|step| step.number()).collect();
        assert_eq!(numbers, (1..=Step::ALL.len()).collect::<Vec<_>>());
    }

    #[test]
    fn progress_survives_storage() {
        let since = "2026-11-20".parse().ok();
        for cursor in [
            Cursor::Profile,
            Cursor::Repositories { page: 3, reading: true },
            Cursor::PullRequests { page: 2, since },
            Cursor::Contributions { place: 5 },
        ] {
            let progress = Progress { cursor, requests: 7, ..Progress::new() };
            let stored = serde_json::to_value(&progress).unwrap();
            assert_eq!(stored["cursor"]["step"], progress.cursor.step().as_str());
            assert_eq!(serde_json::from_value::<Progress>(stored).unwrap(), progress);
        }
    }

    #[test]
    fn warnings_are_kept_once_and_bounded() {
        let mut progress = Progress::new();
        for number in 0..200 {
            progress.warn("x", format!("{}", number % 120));
            progress.warn("x", "0");
        }
        assert_eq!(progress.warnings.len(), MOST_WARNINGS);
    }
}
