//! The REST operations we use, as one person or as nobody.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use url::Url;

use super::client::{Client, Fetched, Get, Reply, is_etag, parse};
use super::error::GithubError;
use super::limits::{Caller, Resource};
use super::pages::{self, Bounds, Listing, PER_PAGE, Pages};
use super::read;
use super::types::{Contributor, Email, Languages, MergedPullRequests, Organisation, Repo, SearchPage, User};

/// Reads GitHub's REST API. Made by [`Client::signed_in`] or [`Client::anonymous`]; cheap to clone.
///
/// Where an operation takes `etag`, give what the last [`Fetched::New`] carried: an unchanged answer then costs nothing
/// of the rate limit. The `etag` of a list stands for all its pages.
#[derive(Clone)]
pub struct Api {
    client: Client,
    token: Option<SecretString>,
    caller: Caller,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("github::Api").field("signed_in", &self.token.is_some()).finish_non_exhaustive()
    }
}

impl Api {
    pub(super) fn new(client: Client, token: Option<SecretString>) -> Self {
        let caller = client.shared.limits.caller(token.as_ref().map(|token| token.expose_secret()));
        Self { client, token, caller }
    }

    /// The signed-in person.
    ///
    /// # Errors
    /// As every read: see [`GithubError`].
    pub async fn user(&self, etag: Option<&str>) -> Result<Fetched<User>, GithubError> {
        self.one(&["user"], etag, "user").await
    }

    /// The person with that login now.
    ///
    /// # Errors
    /// As every read.
    pub async fn user_by_login(&self, login: &str, etag: Option<&str>) -> Result<Fetched<User>, GithubError> {
        let login = known_login(login, "user")?;
        self.one(&["users", login], etag, "user").await
    }

    /// All e-mail addresses of the signed-in person; only a primary and verified one may be used
    /// ([`super::primary_verified`]).
    ///
    /// # Errors
    /// As every read; without the scope `user:email` it is [`GithubError::NotFound`].
    pub async fn emails(&self) -> Result<Vec<Email>, GithubError> {
        let listing =
            self.pages::<Email>(&["user", "emails"], &[], Bounds::default(), "emails").all().await?;
        Ok(listing.items)
    }

    /// The public repositories that a person owns, the last pushed first.
    ///
    /// # Errors
    /// As every read.
    pub async fn repos(
        &self,
        login: &str,
        etag: Option<&str>,
    ) -> Result<Fetched<Listing<Repo>>, GithubError> {
        let login = known_login(login, "repositories")?;
        let query = [("type", "owner"), ("sort", "pushed")];
        self.list(&["users", login, "repos"], &query, etag, "repositories").await
    }

    /// One repository.
    ///
    /// # Errors
    /// As every read.
    pub async fn repo(
        &self,
        owner: &str,
        repo: &str,
        etag: Option<&str>,
    ) -> Result<Fetched<Repo>, GithubError> {
        let (owner, repo) = known_repo(owner, repo, "repository")?;
        self.one(&["repos", owner, repo], etag, "repository").await
    }

    /// Bytes of code by language.
    ///
    /// # Errors
    /// As every read.
    pub async fn languages(
        &self,
        owner: &str,
        repo: &str,
        etag: Option<&str>,
    ) -> Result<Fetched<Languages>, GithubError> {
        let (owner, repo) = known_repo(owner, repo, "languages")?;
        self.one(&["repos", owner, repo, "languages"], etag, "languages").await
    }

    /// Who has commits in a repository, the most first.
    ///
    /// # Errors
    /// As every read; [`GithubError::Forbidden`] for histories that GitHub finds too large to count.
    pub async fn contributors(
        &self,
        owner: &str,
        repo: &str,
        etag: Option<&str>,
    ) -> Result<Fetched<Listing<Contributor>>, GithubError> {
        let (owner, repo) = known_repo(owner, repo, "contributors")?;
        self.list(&["repos", owner, repo, "contributors"], &[], etag, "contributors").await
    }

    /// Pull requests of that person which others merged into their repositories, the newest first.
    ///
    /// # Errors
    /// As every read; search has a rate limit of its own.
    pub async fn merged_pull_requests(&self, login: &str) -> Result<MergedPullRequests, GithubError> {
        let what = "merged pull requests";
        let login = known_login(login, what)?;
        let q = format!("is:pr is:merged author:{login} -user:{login}");
        let mut url = self.client.api_url(&["search", "issues"]);
        url.query_pairs_mut()
            .append_pair("q", &q)
            .append_pair("sort", "created")
            .append_pair("order", "desc")
            .append_pair("per_page", &PER_PAGE.to_string());
        let mut found = MergedPullRequests { total_count: 0, items: Vec::new(), complete: true };
        let mut next = Some(url);
        for _ in 0..3 {
            let Some(url) = next.take() else { break };
            let Reply::Body { body, next: link, .. } =
                self.get(url.clone(), Resource::Search, None, what).await?
            else {
                return Err(GithubError::malformed(what, "no body"));
            };
            if link.as_ref() == Some(&url) {
                return Err(GithubError::malformed(what, "a Link to itself"));
            }
            let page: SearchPage = parse(&body, what)?;
            found.total_count = page.total_count;
            found.complete &= !page.incomplete_results;
            found.items.extend(page.items);
            next = link;
        }
        found.complete &= next.is_none();
        Ok(found)
    }

    /// The organisations of the signed-in person that the token may see.
    ///
    /// # Errors
    /// As every read.
    pub async fn orgs(&self, etag: Option<&str>) -> Result<Fetched<Listing<Organisation>>, GithubError> {
        self.list(&["user", "orgs"], &[], etag, "organisations").await
    }

    /// Any list of the API, page by page. `what` names it in errors.
    pub fn pages<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
        bounds: Bounds,
        what: &'static str,
    ) -> Pages<T> {
        Pages::new(self.clone(), what, Resource::Core, self.list_url(segments, query), bounds)
    }

    pub(super) fn base(&self) -> &Url {
        &self.client.shared.config.api_base
    }

    pub(super) async fn get(
        &self,
        url: Url,
        resource: Resource,
        etag: Option<&str>,
        what: &'static str,
    ) -> Result<Reply, GithubError> {
        let token = self.token.as_ref();
        self.client.get(&Get { url, token, caller: self.caller, resource, etag, what }).await
    }

    pub(super) async fn one<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        etag: Option<&str>,
        what: &'static str,
    ) -> Result<Fetched<T>, GithubError> {
        let etag = etag.filter(|etag| is_etag(etag));
        match self.get(self.client.api_url(segments), Resource::Core, etag, what).await? {
            Reply::NotModified => Ok(Fetched::NotModified),
            Reply::Empty => Err(GithubError::malformed(what, "no body")),
            // serde would also take an array for a struct.
            Reply::Body { body, .. } if body.trim_ascii_start().first() != Some(&b'{') => {
                Err(GithubError::malformed(what, "not an object"))
            }
            Reply::Body { body, etag, .. } => Ok(Fetched::New { value: parse(&body, what)?, etag }),
        }
    }

    /// Asks whether each known page is unchanged; at the first that is not, reads the whole list anew.
    async fn list<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
        etag: Option<&str>,
        what: &'static str,
    ) -> Result<Fetched<Listing<T>>, GithubError> {
        if let Some(etags) = etag.and_then(pages::split_etags) {
            let mut unchanged = true;
            for (index, etag) in etags.into_iter().enumerate() {
                let mut url = self.list_url(segments, query);
                if index > 0 {
                    url.query_pairs_mut().append_pair("page", &(index + 1).to_string());
                }
                let reply = self.get(url, Resource::Core, Some(etag), what).await?;
                unchanged = matches!(reply, Reply::NotModified);
                if !unchanged {
                    break;
                }
            }
            if unchanged {
                return Ok(Fetched::NotModified);
            }
        }
        self.pages::<T>(segments, query, Bounds::default(), what).all_fetched().await
    }

    pub(super) fn list_url(&self, segments: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.client.api_url(segments);
        url.query_pairs_mut().extend_pairs(query).append_pair("per_page", &PER_PAGE.to_string());
        url
    }
}

/// No such login can exist, so GitHub need not be asked.
pub(super) fn known_login<'a>(login: &'a str, what: &'static str) -> Result<&'a str, GithubError> {
    if read::is_login(login) { Ok(login) } else { Err(GithubError::NotFound { what }) }
}

pub(super) fn known_repo<'a>(
    owner: &'a str,
    repo: &'a str,
    what: &'static str,
) -> Result<(&'a str, &'a str), GithubError> {
    if read::is_repo_name(repo) {
        Ok((known_login(owner, what)?, repo))
    } else {
        Err(GithubError::NotFound { what })
    }
}
