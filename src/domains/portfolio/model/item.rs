//! Items of evidence.

use assay_kernel::ids::{AccountId, PortfolioItemId};
use assay_kernel::string_enum;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

string_enum! {
    /// What an item is about.
    pub enum ItemKind {
        /// A repository that the person owns.
        Repository = "repository",
        /// Pull requests that others merged into one repository of theirs.
        PullRequestContribution = "pull_request_contribution",
        /// Reviews of other people's pull requests.
        ReviewActivity = "review_activity",
        /// A website, told by the person.
        Website = "website",
        /// Anything else, told by the person.
        Manual = "manual",
    }
}

string_enum! {
    /// How far an item is proven; each level is stronger than the one before.
    pub enum Level {
        /// The person says so.
        Claimed = "claimed",
        /// A platform says so, or control of the repository or page was shown.
        PlatformVerified = "platform_verified",
        /// Somebody else signed for it.
        ThirdPartySigned = "third_party_signed",
        /// A paid milestone was accepted on this marketplace.
        OutcomeProven = "outcome_proven",
    }
}

string_enum! {
    /// Who told of an item.
    pub enum Origin {
        /// An import.
        Github = "github",
        /// The person.
        Person = "person",
    }
}

string_enum! {
    /// Why a repository does not count as the owner's own work.
    pub enum Mark {
        /// A copy of another repository at GitHub.
        Fork = "fork",
        /// Read-only.
        Archived = "archived",
        /// Made to be copied.
        Template = "template",
        /// A copy of a repository elsewhere.
        Mirror = "mirror",
        /// Shut by GitHub.
        Disabled = "disabled",
    }
}

/// An item of a portfolio.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Its id.
    pub id: PortfolioItemId,
    /// Whose it is.
    pub account_id: AccountId,
    /// What it is about.
    pub kind: ItemKind,
    /// How far it is proven.
    pub level: Level,
    /// Who told of it.
    pub origin: Origin,
    /// The object at the provider.
    pub source_key: Option<String>,
    /// Where it can be looked at.
    pub url: Option<String>,
    /// What it is called.
    pub title: String,
    /// What it is.
    pub description: Option<String>,
    /// What the person did in it.
    pub role: Option<String>,
    /// What the person says of it.
    pub note: Option<String>,
    /// Slugs of skills that the person names.
    pub skills: Vec<String>,
    /// When the work began.
    pub started_on: Option<NaiveDate>,
    /// When it ended.
    pub ended_on: Option<NaiveDate>,
    /// Why it does not count as own work.
    pub marks: Vec<Mark>,
    /// The numbers observed.
    pub computed: Value,
    /// May everybody who is signed in see it?
    pub is_public: bool,
    /// When it was last observed.
    pub observed_at: DateTime<Utc>,
    /// When and why it was found gone.
    pub withdrawn: Option<(DateTime<Utc>, String)>,
    /// When and by what it was verified.
    pub verified: Option<(DateTime<Utc>, String)>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// Version of the row.
    pub version: i64,
}
