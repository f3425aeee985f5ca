//! Reads made for evidence: one page at a time, so that whoever reads can stop and go on anywhere.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use url::Url;

use super::api::{Api, known_login, known_repo};
use super::client::{Fetched, Reply, is_etag, parse};
use super::error::GithubError;
use super::limits::Resource;
use super::pages::PER_PAGE;
use super::read;
use super::types::{Contributor, PullRequest, Repo, SearchPage};

/// Search shows no more than a thousand results.
pub const SEARCH_PAGES: u32 = 10;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPage<T> {
    /// Its items.
    pub items: Vec<T>,
    /// No page follows.
    pub is_last: bool,
}

impl<T> ListPage<T> {
    /// Could another page follow one day without this one changing?
    pub fn is_full(&self) -> bool {
        self.items.len() >= PER_PAGE
    }
}

/// One page of a search for pull requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPage {
    /// How many there are in all.
    pub total_count: u64,
    /// Those of this page.
    pub items: Vec<PullRequest>,
    /// No page follows.
    pub is_last: bool,
    /// GitHub ran out of time and may have left some out.
    pub is_incomplete: bool,
}

/// Which pull requests to look for. Only public repositories are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullRequestSearch<'a> {
    /// Written by the person, merged into other people's repositories, since that day where one is given.
    MergedElsewhere {
        /// The person.
        login: &'a str,
        /// Merged on that day or later.
        since: Option<chrono::NaiveDate>,
    },
    /// Written by others, reviewed by the person; touched since that day where one is given.
    Reviewed {
        /// The person.
        login: &'a str,
        /// Touched on that day or later.
        since: Option<chrono::NaiveDate>,
    },
}

impl PullRequestSearch<'_> {
    fn what(&self) -> &'static str {
        match self {
            Self::MergedElsewhere { .. } => "merged pull requests",
            Self::Reviewed { .. } => "reviewed pull requests",
        }
    }

    fn query(&self) -> Result<String, GithubError> {
        let (mut query, since) = match self {
            Self::MergedElsewhere { login, since } => {
                let login = known_login(login, self.what())?;
                let query = format!("is:pr is:merged is:public author:{login} -user:{login}");
                (query, since.map(|day| ("merged", day)))
            }
            Self::Reviewed { login, since } => {
                let login = known_login(login, self.what())?;
                let query = format!("is:pr is:public reviewed-by:{login} -author:{login}");
                (query, since.map(|day| ("updated", day)))
            }
        };
        if let Some((name, day)) = since {
            let _ = write!(query, " {name}:>={day}");
        }
        Ok(query)
    }
}

#[derive(Deserialize)]
struct RawFile {
    #[serde(rename = "type", deserialize_with = "read::line::<_, 32>")]
    kind: String,
    #[serde(deserialize_with = "read::line::<_, 32>")]
    encoding: String,
    #[serde(deserialize_with = "read::count")]
    size: u64,
    content: String,
}

impl Api {
    /// One page (from 1) of the public repositories that a person owns, the oldest first: so that work in progress does
    /// not move them between pages.
    ///
    /// # Errors
    /// As every read.
    pub async fn repos_page(
        &self,
        login: &str,
        page: u32,
        etag: Option<&str>,
    ) -> Result<Fetched<ListPage<Repo>>, GithubError> {
        let what = "repositories";
        let login = known_login(login, what)?;
        let query = [("type", "owner"), ("sort", "created"), ("direction", "asc")];
        self.page(self.list_url(&["users", login, "repos"], &query), page, etag, what).await
    }

    /// The hundred people with the most commits in a repository.
    ///
    /// # Errors
    /// As every read; [`GithubError::Forbidden`] for histories that GitHub finds too large to count.
    pub async fn top_contributors(
        &self,
        owner: &str,
        repo: &str,
        etag: Option<&str>,
    ) -> Result<Fetched<ListPage<Contributor>>, GithubError> {
        let what = "contributors";
        let (owner, repo) = known_repo(owner, repo, what)?;
        self.page(self.list_url(&["repos", owner, repo, "contributors"], &[]), 1, etag, what).await
    }

    /// One page (from 1, [`SEARCH_PAGES`] at most) of a search, the newest pull requests first.
    ///
    /// # Errors
    /// As every read; search has a rate limit of its own.
    pub async fn search_page(
        &self,
        search: PullRequestSearch<'_>,
        page: u32,
    ) -> Result<FoundPage, GithubError> {
        let what = search.what();
        let query = search.query()?;
        let mut url = self.list_url(&["search", "issues"], &[]);
        url.query_pairs_mut()
            .append_pair("q", &query)
            .append_pair("sort", "created")
            .append_pair("order", "desc")
            .append_pair("page", &page.to_string());
        let Reply::Body { body, next, .. } = self.get(url, Resource::Search, None, what).await? else {
            return Err(GithubError::malformed(what, "no body"));
        };
        let found: SearchPage = parse(&body, what)?;
        Ok(FoundPage {
            total_count: found.total_count,
            is_incomplete: found.incomplete_results,
            is_last: next.is_none() || found.items.is_empty(),
            items: found.items,
        })
    }

    /// The text of a small file at the root of a repository's default branch; none when it is not a text of `max` bytes
    /// at most.
    ///
    /// # Errors
    /// As every read; [`GithubError::NotFound`] when there is no such file.
    pub async fn root_file(
        &self,
        owner: &str,
        repo: &str,
        name: &str,
        max: usize,
    ) -> Result<Option<String>, GithubError> {
        let what = "file";
        let (owner, repo) = known_repo(owner, repo, what)?;
        let file: Fetched<RawFile> = self.one(&["repos", owner, repo, "contents", name], None, what).await?;
        let Some(file) = file.into_value() else {
            return Err(GithubError::malformed(what, "not modified, unasked"));
        };
        let small = usize::try_from(file.size).is_ok_and(|size| size <= max);
        if file.kind != "file" || file.encoding != "base64" || !small {
            return Ok(None);
        }
        let packed: String = file.content.split_ascii_whitespace().collect();
        let bytes = STANDARD.decode(packed).map_err(|_| GithubError::malformed(what, "not base64"))?;
        Ok(String::from_utf8(bytes).ok().filter(|text| text.len() <= max))
    }

    async fn page<T: serde::de::DeserializeOwned>(
        &self,
        mut url: Url,
        page: u32,
        etag: Option<&str>,
        what: &'static str,
    ) -> Result<Fetched<ListPage<T>>, GithubError> {
        if page > 1 {
            url.query_pairs_mut().append_pair("page", &page.to_string());
        }
        let etag = etag.filter(|etag| is_etag(etag));
        Ok(match self.get(url, Resource::Core, etag, what).await? {
            Reply::NotModified => Fetched::NotModified,
            Reply::Empty => Fetched::New { value: ListPage { items: Vec::new(), is_last: true }, etag: None },
            Reply::Body { body, etag, next } => {
                let items: Vec<T> = parse(&body, what)?;
                let is_last = next.is_none() || items.is_empty();
                Fetched::New { value: ListPage { items, is_last }, etag }
            }
        })
    }
}
