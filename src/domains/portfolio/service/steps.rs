//! The steps of an import: what is asked of GitHub, and what becomes of the answers. No transaction is open here.

use std::collections::HashMap;

use assay_adapters::github::{
    Contributor, Fetched, GithubError, ListPage, PullRequest, PullRequestSearch, Repo, SEARCH_PAGES,
};
use assay_kernel::text::excerpt;
use chrono::{Duration, NaiveDate};
use serde_json::{Value, json};

use super::run::{Piece, Run, Stop};
use super::{Portfolio, count};
use crate::model::facts::Commits;
use crate::model::item::{ItemKind, Mark};
use crate::model::process::FailureCode;
use crate::model::progress::{Cursor, Profile, Step};
use crate::store;
use crate::store::contributions::{Contribution, Group};
use crate::store::observed::{Observed, Wanted};

/// Repositories asked about in one piece: what a kill costs at most.
const BATCH: i64 = 20;
/// Repositories of others looked at in one piece; each costs up to two requests.
const CONTRIBUTION_BATCH: usize = 5;
/// Pages of reviews that are read: the newest 300.
const REVIEW_PAGES: u32 = 3;

const GONE: &str = "GitHub no longer has it.";
const PRIVATE: &str = "It is no longer public.";
const TRANSFERRED: &str = "It belongs to somebody else now.";

type Answer = Result<Piece, Stop>;

impl Portfolio {
    /// Reads the next piece.
    pub(super) async fn next_piece(&self, run: &Run) -> Answer {
        match &run.import.progress.cursor {
            Cursor::Profile => self.profile(run).await,
            Cursor::Organisations => self.organisations(run).await,
            Cursor::Repositories { page, reading: false } => self.check_repositories(run, *page).await,
            Cursor::Repositories { page, reading: true } => self.read_repositories(run, *page, None).await,
            Cursor::Vanished => self.vanished(run).await,
            Cursor::Languages => self.languages(run).await,
            Cursor::PullRequests { page, since } => self.pull_requests(run, *page, *since).await,
            Cursor::Reviews { page, since } => self.reviews(run, *page, *since).await,
            Cursor::Contributions { place } => self.contributions(run, *place).await,
            Cursor::Authorship | Cursor::Summary => self.authorship(run).await,
        }
    }

    async fn etags(&self, run: &Run, resources: &[String]) -> Result<HashMap<String, String>, Stop> {
        let account = run.import.account_id;
        let found = self
            .ctx
            .db
            .read(async |conn| Ok(store::observed::etags(conn, account, resources).await?))
            .await?;
        Ok(found.into_iter().collect())
    }

    async fn etag(&self, run: &Run, resource: &str) -> Result<Option<String>, Stop> {
        Ok(self.etags(run, &[resource.to_owned()]).await?.remove(resource))
    }

    async fn profile(&self, run: &Run) -> Answer {
        let mut piece = Piece::new(run);
        let etag = match &run.kept.profile {
            Some(_) => self.etag(run, "user").await?,
            None => None,
        };
        if let Some(user) = piece.note("user", run.api.user(etag.as_deref()).await?) {
            if user.id != run.github_id {
                let detail = "The authorisation at GitHub belongs to another GitHub account. Sign in again.";
                return Err(Stop::Fail(FailureCode::AccountMismatch, detail));
            }
            let before = run.kept.profile.as_ref();
            piece.profile = Some(Profile {
                // Under another login the list of repositories is another resource.
                repository_pages: before.filter(|p| p.login == user.login).and_then(|p| p.repository_pages),
                organisations: before.map(|p| p.organisations.clone()).unwrap_or_default(),
                login: user.login,
                created_at: user.created_at,
                followers: user.followers,
                company: user.company,
            });
        }
        Ok(piece.then(Cursor::Organisations))
    }

    async fn organisations(&self, run: &Run) -> Answer {
        let mut piece = Piece::new(run);
        let mut profile = known(run)?;
        let etag = self.etag(run, "orgs").await?;
        match run.api.orgs(etag.as_deref()).await {
            Ok(fetched) => {
                if let Some(listing) = piece.note("orgs", fetched) {
                    profile.organisations = listing.items.into_iter().map(|org| org.login).collect();
                    piece.profile = Some(profile.clone());
                }
            }
            Err(GithubError::Forbidden { .. } | GithubError::NotFound { .. }) => {
                piece.progress.requests += 1;
                piece.progress.warn("organisations_hidden", "GitHub does not show the organisations.");
            }
            Err(error) => return Err(error.into()),
        }
        piece.progress.counts.organisations = count(profile.organisations.len());
        Ok(piece.then(Cursor::Repositories { page: 1, reading: false }))
    }

    /// Asks page by page whether anything changed since the list was last read whole; if so, reads it whole.
    async fn check_repositories(&self, run: &Run, page: u32) -> Answer {
        let profile = known(run)?;
        let pages = profile.repository_pages.unwrap_or(0);
        let resource = repositories_page(page);
        let etag = self.etag(run, &resource).await?;
        let (Some(etag), true) = (etag, page <= pages) else {
            return self.read_repositories(run, 1, None).await;
        };
        let fetched = run.api.repos_page(&profile.login, page, Some(&etag)).await?;
        if let Fetched::New { .. } = fetched {
            // What page 1 has become need not be asked for twice.
            let first = (page == 1).then_some(fetched);
            return self.read_repositories(run, 1, first).await;
        }
        let mut piece = Piece::new(run);
        piece.note(&resource, fetched);
        if page < pages {
            return Ok(piece.then(Cursor::Repositories { page: page + 1, reading: false }));
        }
        let account = run.import.account_id;
        let present =
            self.ctx.db.read(async |conn| Ok(store::observed::present(conn, account).await?)).await?;
        piece.progress.counts.repositories = u64::try_from(present).unwrap_or(0);
        Ok(piece.then(Cursor::Languages))
    }

    async fn read_repositories(
        &self,
        run: &Run,
        page: u32,
        fetched: Option<Fetched<ListPage<Repo>>>,
    ) -> Answer {
        let mut profile = known(run)?;
        let resource = repositories_page(page);
        let fetched = match fetched {
            Some(fetched) => fetched,
            None => run.api.repos_page(&profile.login, page, None).await?,
        };
        let mut piece = Piece::new(run);
        if page == 1 {
            piece.progress.counts.repositories = 0;
        }
        let Some(list) = piece.note(&resource, fetched) else {
            return Err(Stop::Github(GithubError::NotFound { what: "repositories" }));
        };
        if list.is_last && list.is_full() {
            // A page may follow one day without this one changing, which its validator would not tell.
            piece.etags.clear();
        }
        for repo in &list.items {
            if repo.private {
                piece
                    .progress
                    .warn("private_refused", "GitHub showed a private repository; it was not read.");
            } else if repo.owner.id == run.github_id {
                piece.observed.push(self.observe(repo));
            }
        }
        piece.progress.counts.repositories += count(piece.observed.len());
        // Until the whole list has been dealt with, the validators say nothing about what has gone.
        profile.repository_pages = None;
        piece.profile = Some(profile);
        Ok(piece.then(match list.is_last {
            true => Cursor::Vanished,
            false => Cursor::Repositories { page: page + 1, reading: true },
        }))
    }

    fn observe(&self, repo: &Repo) -> Observed {
        let marks = [
            (repo.fork, Mark::Fork),
            (repo.archived, Mark::Archived),
            (repo.is_template, Mark::Template),
            (repo.mirror_url.is_some(), Mark::Mirror),
            (repo.disabled, Mark::Disabled),
        ];
        let created_at = repo.created_at.unwrap_or_else(|| self.ctx.clock.now());
        Observed {
            id: self.ctx.ids.uuid(),
            kind: ItemKind::Repository.as_str(),
            source_key: format!("github:repository:{}", repo.id),
            url: repo.html_url.to_string(),
            title: repo.full_name.clone(),
            description: repo.description.as_deref().map(|text| excerpt(text, 500)),
            marks: marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark.as_str()).collect(),
            computed: json!({
                "name": repo.full_name,
                "topics": repo.topics,
                "stars": repo.stargazers_count,
                "forks": repo.forks_count,
                "open_issues": repo.open_issues_count,
                "created_at": created_at,
                "pushed_at": repo.pushed_at.unwrap_or(created_at),
            }),
            proof: "GitHub names the person as the repository's owner.",
        }
    }

    /// Asks for repositories that the list no longer holds: have they gone, or only moved between pages?
    async fn vanished(&self, run: &Run) -> Answer {
        let (account, import) = (run.import.account_id, run.import.id);
        let unseen = self
            .ctx
            .db
            .read(async |conn| Ok(store::observed::unseen(conn, account, import, BATCH).await?))
            .await?;
        let mut piece = Piece::new(run);
        if unseen.is_empty() {
            let mut profile = known(run)?;
            profile.repository_pages = self.pages_known(run).await?;
            piece.profile = Some(profile);
            return Ok(piece.then(Cursor::Languages));
        }
        for (_, key, name, _) in unseen {
            piece.progress.requests += 1;
            match run.api.repo(owner(&name), repository(&name), None).await {
                Ok(fetched) => match fetched.into_value() {
                    Some(repo) if repo.private => piece.withdrawn.push((key, PRIVATE)),
                    Some(repo) if repo.owner.id != run.github_id => piece.withdrawn.push((key, TRANSFERRED)),
                    Some(repo) => {
                        let observed = self.observe(&repo);
                        if observed.source_key == key {
                            piece.observed.push(observed);
                        } else {
                            piece.withdrawn.push((key, GONE));
                        }
                    }
                    None => {}
                },
                Err(GithubError::NotFound { .. }) => piece.withdrawn.push((key, GONE)),
                Err(GithubError::Forbidden { .. }) => piece.withdrawn.push((key, PRIVATE)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(piece.then(Cursor::Vanished))
    }

    /// How many pages have a validator, from the first without a gap; none when the last page has none.
    async fn pages_known(&self, run: &Run) -> Result<Option<u32>, Stop> {
        let pages = u32::try_from(run.import.progress.counts.repositories.div_ceil(100).max(1)).unwrap_or(1);
        let resources: Vec<String> = (1..=pages).map(repositories_page).collect();
        let known = self.etags(run, &resources).await?;
        Ok(resources.iter().all(|resource| known.contains_key(resource)).then_some(pages))
    }

    async fn languages(&self, run: &Run) -> Answer {
        let account = run.import.account_id;
        let wanted = self
            .ctx
            .db
            .read(async |conn| Ok(store::observed::without_languages(conn, account, BATCH).await?))
            .await?;
        let mut piece = Piece::new(run);
        if wanted.is_empty() {
            let since = self.since(run);
            return Ok(piece.then(Cursor::PullRequests { page: 1, since }));
        }
        let resources: Vec<String> =
            wanted.iter().map(|(_, _, name, _)| format!("languages/{name}")).collect();
        let etags = self.etags(run, &resources).await?;
        for ((id, _, name, pushed_at), resource) in wanted.iter().zip(&resources) {
            let etag = etags.get(resource).map(String::as_str);
            let mut patch = json!({ "languages_of": pushed_at });
            match run.api.languages(owner(name), repository(name), etag).await {
                Ok(fetched) => {
                    if let Some(languages) = piece.note(resource, fetched) {
                        patch["languages"] = super::json(&languages)?;
                    }
                    piece.progress.counts.languages += 1;
                }
                Err(error) => skip(&mut piece, error, name)?,
            }
            piece.amended.push((*id, patch));
        }
        Ok(piece.then(Cursor::Languages))
    }

    /// From when on pull requests are searched for: a day before the last search, or from the beginning now and then,
    /// since what was merged long ago can be taken away or move.
    fn since(&self, run: &Run) -> Option<NaiveDate> {
        let full = run.kept.fully_searched_at?;
        let old = self.ctx.clock.now() - Duration::days(self.ctx.policy.portfolio.full_search_days);
        if full < old {
            return None;
        }
        run.kept.searched_at.map(|at| (at - Duration::days(1)).date_naive())
    }

    async fn pull_requests(&self, run: &Run, page: u32, since: Option<NaiveDate>) -> Answer {
        let profile = known(run)?;
        let search = PullRequestSearch::MergedElsewhere { login: &profile.login, since };
        let mut piece = Piece::new(run);
        let next = Cursor::Reviews { page: 1, since };
        let Some((items, is_last)) = searched(run, &mut piece, search, page, SEARCH_PAGES).await? else {
            return Ok(piece.then(next));
        };
        let by_person =
            items.into_iter().filter(|pull| pull.author.as_ref().is_some_and(|a| a.id == run.github_id));
        piece.merged = by_person
            .filter_map(|pull| {
                let at = pull.merged_at?;
                Some(contribution(pull, at))
            })
            .collect();
        piece.progress.counts.pull_requests += count(piece.merged.len());
        Ok(piece.then(if is_last { next } else { Cursor::PullRequests { page: page + 1, since } }))
    }

    async fn reviews(&self, run: &Run, page: u32, since: Option<NaiveDate>) -> Answer {
        let profile = known(run)?;
        let search = PullRequestSearch::Reviewed { login: &profile.login, since };
        let mut piece = Piece::new(run);
        let next = Cursor::Contributions { place: 0 };
        let Some((items, is_last)) = searched(run, &mut piece, search, page, REVIEW_PAGES).await? else {
            return Ok(piece.then(next));
        };
        piece.reviews = items
            .into_iter()
            .filter(|pull| pull.author.as_ref().is_none_or(|author| author.id != run.github_id))
            .map(|pull| {
                let at = pull.created_at;
                contribution(pull, at)
            })
            .collect();
        piece.progress.counts.reviews += count(piece.reviews.len());
        Ok(piece.then(if is_last { next } else { Cursor::Reviews { page: page + 1, since } }))
    }

    /// Looks at the repositories of others: the ones with the most merged pull requests closely, the rest not.
    async fn contributions(&self, run: &Run, place: u32) -> Answer {
        let account = run.import.account_id;
        let groups =
            self.ctx.db.read(async |conn| Ok(store::contributions::groups(conn, account).await?)).await?;
        let mut piece = Piece::new(run);
        piece.progress.counts.contributions = count(groups.len());
        let closely =
            usize::try_from(self.ctx.policy.portfolio.contribution_repositories).unwrap_or(usize::MAX);
        let start = usize::try_from(place).unwrap_or(usize::MAX).min(groups.len());
        let (looked_at, rest) = groups.split_at(closely.min(groups.len()));
        let batch = looked_at.get(start..looked_at.len().min(start + CONTRIBUTION_BATCH)).unwrap_or_default();
        if batch.is_empty() {
            piece.observed = rest.iter().map(|group| self.contributed(group, Value::Null)).collect();
            return Ok(piece.then(Cursor::Authorship));
        }
        let resources: Vec<String> = batch
            .iter()
            .flat_map(|(name, ..)| [format!("repo/{name}"), format!("contributors/{name}")])
            .collect();
        let etags = self.etags(run, &resources).await?;
        let etag = |resource: &str| etags.get(resource).map(String::as_str);
        for group in batch {
            let name = &group.0;
            let resource = format!("repo/{name}");
            match run.api.repo(owner(name), repository(name), etag(&resource)).await {
                Ok(fetched) => match piece.note(&resource, fetched) {
                    None => piece.observed.push(self.contributed(group, Value::Null)),
                    Some(repo) if repo.private => piece.withdrawn.push((contribution_key(name), PRIVATE)),
                    Some(repo) => {
                        let mut facts = json!({
                            "language": repo.language,
                            "topics": repo.topics,
                            "stars": repo.stargazers_count,
                        });
                        let resource = format!("contributors/{name}");
                        match run.api.top_contributors(owner(name), repository(name), etag(&resource)).await {
                            Ok(fetched) => {
                                if let Some(list) = piece.note(&resource, fetched) {
                                    facts["commits"] = super::json(&commits(&list.items, run.github_id))?;
                                }
                            }
                            Err(error) => skip(&mut piece, error, name)?,
                        }
                        piece.observed.push(self.contributed(group, facts));
                    }
                },
                Err(GithubError::NotFound { .. }) => {
                    piece.progress.requests += 1;
                    piece.withdrawn.push((contribution_key(name), GONE));
                    piece.progress.warn("repository_gone", format!("{name}: {GONE}"));
                }
                Err(error) => skip(&mut piece, error, name)?,
            }
        }
        let next = place.saturating_add(u32::try_from(batch.len()).unwrap_or(0));
        Ok(piece.then(Cursor::Contributions { place: next }))
    }

    fn contributed(&self, (name, merged, first, last): &Group, facts: Value) -> Observed {
        let mut computed = match facts {
            Value::Object(facts) => facts,
            _ => serde_json::Map::new(),
        };
        let now = self.ctx.clock.now();
        for (member, value) in [
            ("repository", json!(name)),
            ("merged", json!(merged)),
            ("first_at", json!(first.unwrap_or(now))),
            ("last_at", json!(last.unwrap_or(now))),
        ] {
            computed.insert(member.to_owned(), value);
        }
        let mut url = self.github_web.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend([owner(name), repository(name)]);
        }
        Observed {
            id: self.ctx.ids.uuid(),
            kind: ItemKind::PullRequestContribution.as_str(),
            source_key: contribution_key(name),
            url: url.to_string(),
            title: name.clone(),
            description: None,
            marks: Vec::new(),
            computed: Value::Object(computed),
            proof: "GitHub names the person as author of pull requests that others merged.",
        }
    }

    async fn authorship(&self, run: &Run) -> Answer {
        let account = run.import.account_id;
        let of = self.ctx.policy.portfolio.authorship_repositories;
        let wanted: Vec<Wanted> = self
            .ctx
            .db
            .read(async |conn| Ok(store::observed::without_authorship(conn, account, of, BATCH).await?))
            .await?;
        let mut piece = Piece::new(run);
        if wanted.is_empty() {
            return Ok(piece.then(Cursor::Summary));
        }
        let resources: Vec<String> =
            wanted.iter().map(|(_, _, name, _)| format!("contributors/{name}")).collect();
        let etags = self.etags(run, &resources).await?;
        for ((id, _, name, pushed_at), resource) in wanted.iter().zip(&resources) {
            let etag = etags.get(resource).map(String::as_str);
            let mut patch = json!({ "commits_of": pushed_at });
            match run.api.top_contributors(owner(name), repository(name), etag).await {
                Ok(fetched) => {
                    if let Some(list) = piece.note(resource, fetched) {
                        patch["commits"] = super::json(&commits(&list.items, run.github_id))?;
                    }
                }
                Err(error) => skip(&mut piece, error, name)?,
            }
            piece.amended.push((*id, patch));
        }
        Ok(piece.then(Cursor::Authorship))
    }
}

/// The GitHub profile, which the first step has read.
fn known(run: &Run) -> Result<Profile, Stop> {
    run.kept
        .profile
        .clone()
        .ok_or_else(|| Stop::Ours(assay_kernel::Error::internal("an import without a profile")))
}

/// One page of a search and whether it is the last to be read; none when GitHub does not let itself be asked.
async fn searched(
    run: &Run,
    piece: &mut Piece,
    search: PullRequestSearch<'_>,
    page: u32,
    most: u32,
) -> Result<Option<(Vec<PullRequest>, bool)>, Stop> {
    let step = run.import.progress.cursor.step();
    let what = if step == Step::Reviews { "reviewed" } else { "merged" };
    let found = match run.api.search_page(search, page).await {
        Ok(found) => found,
        Err(GithubError::NotFound { .. } | GithubError::Forbidden { .. }) => {
            piece.progress.requests += 1;
            piece.progress.warn(
                "search_refused",
                format!("GitHub does not search for {what} pull requests of this login."),
            );
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    piece.progress.requests += 1;
    if found.is_incomplete {
        piece
            .progress
            .warn("search_incomplete", format!("GitHub's search for {what} pull requests ran out of time."));
    }
    let is_last = found.is_last || page >= most;
    if is_last && !found.is_last {
        let read = u64::from(page) * 100;
        let detail =
            format!("Only the newest {read} of {} {what} pull requests were read.", found.total_count);
        piece.progress.warn("list_cut", detail);
    }
    Ok(Some((found.items, is_last)))
}

/// Passes over one repository that GitHub does not show; any other failure stops the step.
fn skip(piece: &mut Piece, error: GithubError, name: &str) -> Result<(), Stop> {
    match error {
        GithubError::NotFound { .. } | GithubError::Forbidden { .. } => {
            piece.progress.requests += 1;
            piece.progress.warn("repository_skipped", format!("{name}: {error}"));
            Ok(())
        }
        error => Err(error.into()),
    }
}

fn contribution(pull: PullRequest, at: chrono::DateTime<chrono::Utc>) -> Contribution {
    Contribution {
        number: pull.id,
        repository: pull.repository,
        url: pull.html_url.to_string(),
        title: excerpt(&pull.title, 300),
        at,
    }
}

fn commits(contributors: &[Contributor], person: i64) -> Commits {
    let sum = |of: &mut dyn Iterator<Item = &Contributor>| -> u64 {
        of.fold(0, |sum, contributor| sum.saturating_add(contributor.contributions))
    };
    Commits {
        own: sum(&mut contributors.iter().filter(|contributor| contributor.id == person)),
        all: sum(&mut contributors.iter()),
        authors: count(contributors.len()),
    }
}

fn repositories_page(page: u32) -> String {
    format!("repositories?page={page}")
}

/// The key of the item about pull requests in a repository.
pub(super) fn contribution_key(name: &str) -> String {
    format!("github:merged:{}", name.to_lowercase())
}

fn owner(name: &str) -> &str {
    name.split_once('/').map_or("", |(owner, _)| owner)
}

fn repository(name: &str) -> &str {
    name.split_once('/').map_or("", |(_, repository)| repository)
}
