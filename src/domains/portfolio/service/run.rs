//! Running an import: piece by piece, each read from GitHub first and then committed with the place to go on.

use std::time::{Duration, Instant};

use assay_adapters::github::{Api, Fetched, GithubError};
use assay_kernel::actor::AccountStatus;
use assay_kernel::ids::PortfolioImportId;
use assay_kernel::process::Who;
use assay_kernel::text::excerpt;
use assay_kernel::{Error, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Portfolio;
use super::imports::{enqueue, fail_in};
use crate::model::process::{FailureCode, IMPORT, ImportState, START};
use crate::model::progress::{Cursor, Profile, Progress};
use crate::store;
use crate::store::contributions::Contribution;
use crate::store::imports::Import;
use crate::store::observed::Observed;
use crate::store::portfolios::Kept;

/// After so long a job makes room for others and goes on in the next one: well within the lease.
const STRETCH: Duration = Duration::from_secs(4);
/// Failures of GitHub in a row after which an import is given up.
const MOST_FAILURES: i32 = 5;

/// Why an import cannot go on now.
#[derive(Debug)]
pub enum Stop {
    /// GitHub's doing.
    Github(GithubError),
    /// It never can.
    Fail(FailureCode, &'static str),
    /// Ours; the queue tries again.
    Ours(Error),
}

impl From<GithubError> for Stop {
    fn from(error: GithubError) -> Self {
        Self::Github(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

/// An import under way.
pub struct Run {
    pub import: Import,
    pub api: Api,
    /// The person's number at GitHub.
    pub github_id: i64,
    pub kept: Kept,
}

/// What was read and is to be committed together.
pub struct Piece {
    pub progress: Progress,
    pub profile: Option<Profile>,
    pub observed: Vec<Observed>,
    pub amended: Vec<(Uuid, serde_json::Value)>,
    /// Keys of objects that have gone, and why.
    pub withdrawn: Vec<(String, &'static str)>,
    pub merged: Vec<Contribution>,
    pub reviews: Vec<Contribution>,
    pub etags: Vec<(String, String)>,
}

impl Piece {
    /// Nothing read yet.
    pub fn new(run: &Run) -> Self {
        Self {
            progress: run.import.progress.clone(),
            profile: None,
            observed: Vec::new(),
            amended: Vec::new(),
            withdrawn: Vec::new(),
            merged: Vec::new(),
            reviews: Vec::new(),
            etags: Vec::new(),
        }
    }

    /// Goes on there.
    pub fn then(mut self, cursor: Cursor) -> Self {
        self.progress.cursor = cursor;
        self
    }

    /// Counts a request and keeps the validator; gives the value unless it is unchanged.
    pub fn note<T>(&mut self, resource: &str, fetched: Fetched<T>) -> Option<T> {
        self.progress.requests += 1;
        match fetched {
            Fetched::NotModified => {
                self.progress.unchanged += 1;
                None
            }
            Fetched::New { value, etag } => {
                self.etags.extend(etag.map(|etag| (resource.to_owned(), etag)));
                Some(value)
            }
        }
    }
}

impl Portfolio {
    /// Runs an import for a while, from where it is. What has ended is left alone, so it may be called any number of
    /// times.
    ///
    /// # Errors
    /// Failures of ours; those of GitHub are dealt with here.
    pub async fn run_import(&self, id: PortfolioImportId) -> Result<()> {
        let Some(import) = self.begin(id).await? else { return Ok(()) };
        let started = Instant::now();
        let mut run = match self.prepare(import.clone()).await {
            Ok(run) => run,
            Err(stop) => return self.stopped(import, stop).await,
        };
        loop {
            if run.import.progress.cursor == Cursor::Summary {
                return self.summarise(&run).await;
            }
            let piece = match self.next_piece(&run).await {
                Ok(piece) => piece,
                Err(stop) => return self.stopped(run.import, stop).await,
            };
            if !self.commit(&mut run, piece).await? {
                // Another worker has taken the import over.
                return Ok(());
            }
            if started.elapsed() > STRETCH {
                return self.ctx.db.tx(async |conn| enqueue(&self.ctx, conn, &run.import, None).await).await;
            }
        }
    }

    /// The import, running; none when it has ended.
    async fn begin(&self, id: PortfolioImportId) -> Result<Option<Import>> {
        self.ctx
            .db
            .tx(async |conn| {
                let Some(mut import) = store::imports::find(conn, id).await? else { return Ok(None) };
                match import.state {
                    ImportState::Running => return Ok(Some(import)),
                    ImportState::Queued => {}
                    ImportState::Completed | ImportState::Failed => return Ok(None),
                }
                let seen = import.version;
                import.state = IMPORT.transition(import.state.as_str(), START, &[Who::System])?.to.parse()?;
                import.started_at = Some(self.ctx.clock.now());
                import.progressed_at = self.ctx.clock.now();
                import.version += 1;
                Ok(store::imports::update(conn, &import, seen).await?.then_some(import))
            })
            .await
    }

    async fn prepare(&self, import: Import) -> Result<Run, Stop> {
        let ctx = &self.ctx;
        let account = import.account_id;
        let (token, (github_id, status), kept) = ctx
            .db
            .read(async |conn| {
                let token = assay_identity::github_token(ctx, conn, account).await?;
                let owner = store::imports::owner(conn, account).await?;
                Ok((token, owner, store::portfolios::find(conn, account).await?))
            })
            .await?;
        if status != AccountStatus::Active.as_str() {
            return Err(Stop::Fail(FailureCode::AccountInactive, "The account is not active."));
        }
        let token = token.ok_or(Stop::Github(GithubError::Unauthorized))?;
        Ok(Run { import, api: self.github.signed_in(&token), github_id, kept })
    }

    /// Commits what was read, unless another worker has committed since.
    async fn commit(&self, run: &mut Run, piece: Piece) -> Result<bool> {
        let ctx = &self.ctx;
        let import = ctx
            .db
            .tx(async |conn| {
                let seen = run.import.version;
                if store::imports::lock_version(conn, run.import.id).await? != Some(seen) {
                    return Ok(None);
                }
                let mut import = run.import.clone();
                import.progress = piece.progress.clone();
                import.progress.counts.withdrawn += write(ctx, conn, &import, &piece).await?;
                import.failures = 0;
                import.resumes_at = None;
                import.progressed_at = ctx.clock.now();
                import.version += 1;
                store::imports::update(conn, &import, seen).await?;
                Ok(Some(import))
            })
            .await?;
        let Some(import) = import else { return Ok(false) };
        run.import = import;
        if piece.profile.is_some() {
            run.kept.profile = piece.profile;
        }
        Ok(true)
    }

    /// Deals with what stopped an import.
    async fn stopped(&self, import: Import, stop: Stop) -> Result<()> {
        let now = self.ctx.clock.now();
        match stop {
            Stop::Ours(error) => Err(error),
            Stop::Fail(code, detail) => self.give_up(import, code, detail).await,
            Stop::Github(GithubError::Unauthorized) => {
                let detail =
                    "GitHub no longer accepts the authorisation. Sign in with GitHub again, then import.";
                self.give_up(import, FailureCode::TokenRevoked, detail).await
            }
            Stop::Github(GithubError::RateLimited { retry_at, .. }) => {
                let detail = format!(
                    "GitHub's rate limit was used up; the import went on by itself at {}.",
                    retry_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
                );
                self.put_off(import, retry_at, "rate_limited", detail, false).await
            }
            Stop::Github(error) if import.failures + 1 >= MOST_FAILURES => {
                let detail = format!("{} It can be tried again later.", excerpt(&error.to_string(), 300));
                self.give_up(import, FailureCode::GithubUnavailable, &detail).await
            }
            Stop::Github(error) => {
                tracing::warn!(import = %import.id, %error, "an import waits for GitHub");
                let seconds = 15_i64 << import.failures.clamp(0, 6);
                let again = now + chrono::Duration::seconds(seconds);
                self.put_off(import, again, "github_trouble", error.to_string(), true).await
            }
        }
    }

    async fn give_up(&self, import: Import, code: FailureCode, detail: &str) -> Result<()> {
        tracing::info!(import = %import.id, %code, "an import was given up");
        self.ctx.db.tx(async |conn| fail_in(&self.ctx, conn, import.clone(), code, detail).await).await?;
        Ok(())
    }

    async fn put_off(
        &self,
        mut import: Import,
        until: DateTime<Utc>,
        code: &str,
        detail: String,
        is_failure: bool,
    ) -> Result<()> {
        let seen = import.version;
        import.progress.warn(code, detail);
        import.resumes_at = Some(until);
        import.failures += i32::from(is_failure);
        import.version += 1;
        self.ctx
            .db
            .tx(async |conn| {
                if store::imports::update(conn, &import, seen).await? {
                    enqueue(&self.ctx, conn, &import, Some(until)).await?;
                }
                Ok(())
            })
            .await
    }
}

/// Writes a piece. Tells how many items were withdrawn.
async fn write(ctx: &Ctx, conn: &mut Conn, import: &Import, piece: &Piece) -> Result<u64> {
    let account = import.account_id;
    let now = ctx.clock.now();
    if let Some(profile) = &piece.profile {
        store::portfolios::put_profile(conn, account, profile, now).await?;
    }
    if !piece.observed.is_empty() {
        store::observed::upsert(conn, account, import.id, now, piece.observed.clone()).await?;
    }
    if !piece.amended.is_empty() {
        store::observed::amend(conn, account, now, piece.amended.clone()).await?;
    }
    let mut withdrawn = 0_u64;
    for (key, why) in &piece.withdrawn {
        withdrawn += super::count(store::observed::withdraw(conn, account, key, why, now).await?);
    }
    for (kind, rows) in
        [(store::contributions::MERGED, &piece.merged), (store::contributions::REVIEW, &piece.reviews)]
    {
        if !rows.is_empty() {
            store::contributions::upsert(conn, account, kind, rows.clone()).await?;
        }
    }
    if !piece.etags.is_empty() {
        store::observed::put_etags(conn, account, now, piece.etags.clone()).await?;
    }
    Ok(withdrawn)
}
