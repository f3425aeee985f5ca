//! Signs that numbers were made to please: told to reviewers, who decide. Nothing is rejected by them.

use assay_kernel::string_enum;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::facts::Facts;

string_enum! {
    /// What looks odd.
    pub enum FlagCode {
        /// The GitHub account is new.
        YoungAccount = "young_account",
        /// Many repositories were made within days.
        RepositoryBurst = "repository_burst",
        /// Many pull requests were merged within a day.
        MergeBurst = "merge_burst",
        /// Many stars where nobody forks, follows up or reports.
        StarsWithoutUse = "stars_without_use",
        /// Nothing but forks.
        ForkOnly = "fork_only",
        /// Nearly all commits of an own repository are other people's.
        BorrowedHistory = "borrowed_history",
        /// Pull requests merged in an organisation where nobody else commits.
        SingleAuthorOrganisation = "single_author_organisation",
    }
}

/// A sign of gaming.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Flag {
    /// What looks odd.
    #[schema(inline)]
    pub code: FlagCode,
    /// What was seen, with its numbers.
    #[schema(example = "reparse: 4870 stars, 1 fork, 0 open issues")]
    pub detail: String,
}

/// Younger accounts are flagged.
const YOUNG_DAYS: i64 = 90;
/// So many repositories within [`BURST_DAYS`] are a burst, when they are half of all.
const BURST_REPOSITORIES: usize = 10;
const BURST_DAYS: i64 = 7;
/// So many merged pull requests within a day are a burst.
const BURST_MERGES: usize = 25;
/// Fewer stars are not looked at.
const STARS: u64 = 100;
/// Where people use a thing, there is at least one fork or open issue for so many stars.
const STARS_PER_USE: u64 = 200;
/// Histories shorter than this are not compared.
const HISTORY_COMMITS: u64 = 50;
/// With less than this share of the commits, in percent, a history is somebody else's.
const HISTORY_SHARE: u64 = 10;

/// Everything that looks odd.
pub fn flags(facts: &Facts) -> Vec<Flag> {
    let mut flags = Vec::new();
    let mut flag = |code, detail: String| flags.push(Flag { code, detail });

    let age = (facts.observed_at - facts.account_created_at).num_days();
    if age < YOUNG_DAYS {
        flag(FlagCode::YoungAccount, format!("the GitHub account is {age} days old"));
    }
    let own: Vec<_> = facts.repositories.iter().filter(|repository| !repository.is_fork()).collect();
    if own.is_empty() && !facts.repositories.is_empty() {
        flag(FlagCode::ForkOnly, format!("{} repositories, all of them forks", facts.repositories.len()));
    }
    let made = own.iter().map(|repository| repository.created_at).collect();
    let burst = densest(made, Duration::days(BURST_DAYS));
    if burst >= BURST_REPOSITORIES && burst.saturating_mul(2) >= own.len() {
        flag(
            FlagCode::RepositoryBurst,
            format!("{burst} of {} repositories made within {BURST_DAYS} days", own.len()),
        );
    }
    let merges = densest(facts.merged_at.clone(), Duration::days(1));
    if merges >= BURST_MERGES {
        flag(FlagCode::MergeBurst, format!("{merges} pull requests merged within a day"));
    }
    for repository in own {
        let (stars, uses) = (repository.stars, repository.forks.saturating_add(repository.open_issues));
        if stars >= STARS && uses.saturating_mul(STARS_PER_USE) < stars {
            flag(
                FlagCode::StarsWithoutUse,
                format!(
                    "{}: {stars} stars, {} forks, {} open issues",
                    repository.name, repository.forks, repository.open_issues
                ),
            );
        }
        if let Some(commits) = repository.commits
            && commits.all >= HISTORY_COMMITS
            && commits.own.saturating_mul(100) < commits.all.saturating_mul(HISTORY_SHARE)
        {
            flag(
                FlagCode::BorrowedHistory,
                format!("{}: {} of {} commits are the owner's", repository.name, commits.own, commits.all),
            );
        }
    }
    for contribution in facts.contributions.iter().filter(|contribution| contribution.is_single_author()) {
        flag(
            FlagCode::SingleAuthorOrganisation,
            format!(
                "{}: {} pull requests merged where nobody else commits",
                contribution.repository, contribution.merged
            ),
        );
    }
    flags.sort_by(|a, b| (a.code, &a.detail).cmp(&(b.code, &b.detail)));
    flags
}

/// How many instants at most lie within one span.
fn densest(mut instants: Vec<DateTime<Utc>>, span: Duration) -> usize {
    instants.sort_unstable();
    let mut start = 0;
    let mut most = 0;
    for (end, instant) in instants.iter().enumerate() {
        while *instant - instants[start] > span {
            start += 1;
        }
        most = most.max(end - start + 1);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::super::facts::tests::{contribution, day, facts, repository};
    use super::super::facts::{Commits, RepositoryFact};
    use super::*;

    fn codes(facts: &Facts) -> Vec<FlagCode> {
        flags(facts).into_iter().map(|flag| flag.code).collect()
    }

    #[test]
    fn an_ordinary_account_has_no_flags() {
        let ordinary = Facts {
            repositories: (0..30).map(|n| repository(n, n * 40)).collect(),
            contributions: vec![contribution("forge/lexer", 12)],
            ..facts()
        };
        assert_eq!(flags(&ordinary), []);
        assert_eq!(flags(&facts()), [], "nothing at all is not odd");
    }

    #[test]
    fn each_sign_is_seen() {
        assert_eq!(codes(&Facts { account_created_at: day(-20), ..facts() }), [FlagCode::YoungAccount]);
        let fork = RepositoryFact { marks: vec![super::super::item::Mark::Fork], ..repository(1, 300) };
        assert_eq!(codes(&Facts { repositories: vec![fork], ..facts() }), [FlagCode::ForkOnly]);
        let burst = (0..12).map(|n| repository(n, 400 + n / 2)).collect();
        assert_eq!(codes(&Facts { repositories: burst, ..facts() }), [FlagCode::RepositoryBurst]);
        let starred = RepositoryFact { stars: 4_870, forks: 1, open_issues: 0, ..repository(1, 300) };
        assert_eq!(codes(&Facts { repositories: vec![starred], ..facts() }), [FlagCode::StarsWithoutUse]);
        let borrowed = RepositoryFact {
            commits: Some(Commits { own: 1, all: 1_193, authors: 3 }),
            ..repository(1, 300)
        };
        assert_eq!(codes(&Facts { repositories: vec![borrowed], ..facts() }), [FlagCode::BorrowedHistory]);
        let mut alone = contribution("one-man/show", 40);
        alone.commits = Some(Commits { own: 90, all: 90, authors: 1 });
        assert_eq!(
            codes(&Facts { contributions: vec![alone], ..facts() }),
            [FlagCode::SingleAuthorOrganisation]
        );
        let merged_at = vec![day(-30); 30];
        assert_eq!(codes(&Facts { merged_at, ..facts() }), [FlagCode::MergeBurst]);
    }

    #[test]
    fn used_repositories_may_have_any_number_of_stars() {
        let used = RepositoryFact { stars: 6_240, forks: 412, open_issues: 48, ..repository(1, 300) };
        assert_eq!(codes(&Facts { repositories: vec![used], ..facts() }), []);
    }
}
