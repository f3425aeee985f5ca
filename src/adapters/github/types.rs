//! What we read of GitHub's payloads: only the members that are needed, each checked; unknown ones are passed over.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, de};
use url::Url;

use super::read;

/// What stands behind a login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AccountKind {
    /// A person.
    User,
    /// An organisation.
    Organization,
    /// An application.
    Bot,
    /// Something newer than this code.
    #[default]
    #[serde(other)]
    Other,
}

/// A person's public profile (`GET /user`, `GET /users/{login}`). E-mail addresses come only from `GET /user/emails`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The number that identifies the person for ever.
    #[serde(deserialize_with = "read::id")]
    pub id: i64,
    /// The present login; it can change and be taken by somebody else.
    #[serde(deserialize_with = "read::login")]
    pub login: String,
    /// What stands behind the login.
    #[serde(rename = "type", default)]
    pub kind: AccountKind,
    /// The name shown.
    #[serde(default, deserialize_with = "read::opt_line::<_, 1024>")]
    pub name: Option<String>,
    /// The picture.
    #[serde(deserialize_with = "read::web_url")]
    pub avatar_url: Url,
    /// The profile page.
    #[serde(deserialize_with = "read::web_url")]
    pub html_url: Url,
    /// About themselves, on one line.
    #[serde(default, deserialize_with = "read::opt_line::<_, 4096>")]
    pub bio: Option<String>,
    /// Where they say they work.
    #[serde(default, deserialize_with = "read::opt_line::<_, 1024>")]
    pub company: Option<String>,
    /// Where they say they live.
    #[serde(default, deserialize_with = "read::opt_line::<_, 1024>")]
    pub location: Option<String>,
    /// Their web page, as they wrote it.
    #[serde(default, deserialize_with = "read::opt_line::<_, 2048>")]
    pub blog: Option<String>,
    /// Public repositories owned.
    #[serde(default, deserialize_with = "read::count")]
    pub public_repos: u64,
    /// Followers.
    #[serde(default, deserialize_with = "read::count")]
    pub followers: u64,
    /// Followed.
    #[serde(default, deserialize_with = "read::count")]
    pub following: u64,
    /// When the account was made.
    #[serde(deserialize_with = "read::time")]
    pub created_at: DateTime<Utc>,
}

/// An e-mail address of the signed-in person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    /// The address.
    #[serde(deserialize_with = "read::email")]
    pub email: String,
    /// Is it the one GitHub writes to?
    pub primary: bool,
    /// Has GitHub seen that it reaches the person?
    pub verified: bool,
}

/// The only address that may be taken over: primary and verified.
pub fn primary_verified(emails: &[Email]) -> Option<&Email> {
    emails.iter().find(|email| email.primary && email.verified)
}

/// The owner of a repository or the author of something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The number that identifies the account.
    #[serde(deserialize_with = "read::id")]
    pub id: i64,
    /// The present login.
    #[serde(deserialize_with = "read::login")]
    pub login: String,
    /// What stands behind the login.
    #[serde(rename = "type", default)]
    pub kind: AccountKind,
}

/// A repository. The members after `updated_at` come only from `GET /repos/{owner}/{repo}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repo {
    /// The number that identifies the repository, whatever its name.
    #[serde(deserialize_with = "read::id")]
    pub id: i64,
    /// The name without the owner.
    #[serde(deserialize_with = "read::repo_name")]
    pub name: String,
    /// `owner/name`.
    #[serde(deserialize_with = "read::full_name")]
    pub full_name: String,
    /// The owner.
    pub owner: Owner,
    /// Its page.
    #[serde(deserialize_with = "read::web_url")]
    pub html_url: Url,
    /// What it is, on one line.
    #[serde(default, deserialize_with = "read::opt_line::<_, 4096>")]
    pub description: Option<String>,
    /// A copy of another repository?
    pub fork: bool,
    /// Not public?
    #[serde(default)]
    pub private: bool,
    /// Read-only?
    #[serde(default)]
    pub archived: bool,
    /// Shut by GitHub?
    #[serde(default)]
    pub disabled: bool,
    /// Made to be copied?
    #[serde(default)]
    pub is_template: bool,
    /// Where it is copied from, for a mirror.
    #[serde(default, deserialize_with = "read::opt_line::<_, 2048>")]
    pub mirror_url: Option<String>,
    /// The language with the most bytes.
    #[serde(default, deserialize_with = "read::opt_line::<_, 128>")]
    pub language: Option<String>,
    /// Topics the owner gave it.
    #[serde(default, deserialize_with = "read::topics")]
    pub topics: Vec<String>,
    /// Its licence.
    #[serde(default)]
    pub license: Option<License>,
    /// Stars.
    #[serde(default, deserialize_with = "read::count")]
    pub stargazers_count: u64,
    /// Forks.
    #[serde(default, deserialize_with = "read::count")]
    pub forks_count: u64,
    /// Open issues and pull requests.
    #[serde(default, deserialize_with = "read::count")]
    pub open_issues_count: u64,
    /// Size in KiB.
    #[serde(default, deserialize_with = "read::count")]
    pub size: u64,
    /// The branch people work from.
    #[serde(default, deserialize_with = "read::opt_line::<_, 512>")]
    pub default_branch: Option<String>,
    /// When it was made.
    #[serde(default, deserialize_with = "read::opt_time")]
    pub created_at: Option<DateTime<Utc>>,
    /// When commits last arrived.
    #[serde(default, deserialize_with = "read::opt_time")]
    pub pushed_at: Option<DateTime<Utc>>,
    /// When anything about it last changed.
    #[serde(default, deserialize_with = "read::opt_time")]
    pub updated_at: Option<DateTime<Utc>>,
    /// People who get its notifications.
    #[serde(default, deserialize_with = "read::opt_count")]
    pub subscribers_count: Option<u64>,
    /// For a fork, the repository it was copied from.
    #[serde(default)]
    pub parent: Option<Box<Repo>>,
}

/// A repository's licence, as GitHub recognised it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct License {
    /// SPDX identifier; `NOASSERTION` when GitHub is not sure.
    #[serde(default, deserialize_with = "read::opt_line::<_, 128>")]
    pub spdx_id: Option<String>,
}

/// Somebody who has commits in a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contributor {
    /// The number that identifies the account.
    #[serde(deserialize_with = "read::id")]
    pub id: i64,
    /// The present login.
    #[serde(deserialize_with = "read::login")]
    pub login: String,
    /// What stands behind the login.
    #[serde(rename = "type", default)]
    pub kind: AccountKind,
    /// Commits on the default branch.
    #[serde(deserialize_with = "read::count")]
    pub contributions: u64,
}

/// An organisation that the signed-in person belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// The number that identifies the organisation.
    #[serde(deserialize_with = "read::id")]
    pub id: i64,
    /// Its login.
    #[serde(deserialize_with = "read::login")]
    pub login: String,
    /// About itself.
    #[serde(default, deserialize_with = "read::opt_line::<_, 4096>")]
    pub description: Option<String>,
}

/// Bytes of code for each language of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Languages(pub BTreeMap<String, u64>);

impl<'de> Deserialize<'de> for Languages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Bytes(#[serde(deserialize_with = "read::count")] u64);
        #[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
        struct Name(#[serde(deserialize_with = "read::line::<_, 128>")] String);

        let raw = BTreeMap::<Name, Bytes>::deserialize(deserializer)?;
        if raw.len() > 1_000 {
            return Err(de::Error::custom("too many languages"));
        }
        Ok(Self(raw.into_iter().map(|(name, bytes)| (name.0, bytes.0)).collect()))
    }
}

/// A pull request that was merged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PullRequest {
    /// The number that identifies it.
    pub id: i64,
    /// Its number in the repository.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its page.
    pub html_url: Url,
    /// The repository, as `owner/name`.
    pub repository: String,
    /// Who wrote it; nobody when the account is gone.
    pub author: Option<Owner>,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it was merged.
    pub merged_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct RawPullRequest {
    #[serde(deserialize_with = "read::id")]
    id: i64,
    #[serde(deserialize_with = "read::count")]
    number: u64,
    #[serde(deserialize_with = "read::line::<_, 2048>")]
    title: String,
    #[serde(deserialize_with = "read::web_url")]
    html_url: Url,
    #[serde(deserialize_with = "read::web_url")]
    repository_url: Url,
    user: Option<Owner>,
    #[serde(deserialize_with = "read::time")]
    created_at: DateTime<Utc>,
    #[serde(default, deserialize_with = "read::opt_time")]
    closed_at: Option<DateTime<Utc>>,
    pull_request: Merge,
}

#[derive(Deserialize)]
struct Merge {
    #[serde(default, deserialize_with = "read::opt_time")]
    merged_at: Option<DateTime<Utc>>,
}

impl<'de> Deserialize<'de> for PullRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawPullRequest::deserialize(deserializer)?;
        let mut segments: Vec<&str> = raw.repository_url.path_segments().into_iter().flatten().collect();
        let repository = match (segments.pop(), segments.pop()) {
            (Some(name), Some(owner)) if read::is_repo_name(name) && read::is_login(owner) => {
                format!("{owner}/{name}")
            }
            _ => return Err(de::Error::custom("repository_url does not name a repository")),
        };
        Ok(Self {
            id: raw.id,
            number: raw.number,
            title: raw.title,
            html_url: raw.html_url,
            repository,
            author: raw.user,
            created_at: raw.created_at,
            merged_at: raw.pull_request.merged_at.or(raw.closed_at),
        })
    }
}

/// Merged pull requests in other people's repositories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MergedPullRequests {
    /// How many there are; `items` may hold fewer.
    pub total_count: u64,
    /// The newest ones.
    pub items: Vec<PullRequest>,
    /// Does `items` hold all of them?
    pub complete: bool,
}

/// One page of `GET /search/issues`.
#[derive(Debug, Deserialize)]
pub(super) struct SearchPage {
    #[serde(deserialize_with = "read::count")]
    pub total_count: u64,
    #[serde(default)]
    pub incomplete_results: bool,
    pub items: Vec<PullRequest>,
}
