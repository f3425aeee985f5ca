//! Skills that follow from languages and topics.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::facts::{ContributionFact, RepositoryFact};

/// A smaller share of the code, without anything else for it, is chance: half a percent.
const LEAST_SHARE_BPS: i32 = 50;
/// Items named as evidence of a skill.
const EVIDENCE: usize = 5;

/// A skill that follows from evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// Its slug.
    pub skill: String,
    /// Its share of the code in counting repositories.
    pub share_bps: Option<i32>,
    /// Counting repositories that show it.
    pub repositories: i32,
    /// Merged pull requests in repositories of others that show it.
    pub pull_requests: i32,
    /// Items that show it, the weightiest first.
    pub evidence: Vec<Uuid>,
}

#[derive(Default)]
struct Tally {
    bytes: u64,
    repositories: i32,
    pull_requests: u64,
    evidence: Vec<(u64, Uuid)>,
}

/// Skills from own counting repositories and from contributions. `resolve` turns a language or topic into a slug.
pub fn derive(
    repositories: &[(Uuid, &RepositoryFact)],
    contributions: &[(Uuid, &ContributionFact)],
    resolve: impl Fn(&str) -> Option<String>,
) -> Vec<Derived> {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut whole = 0_u64;
    for (id, repository) in repositories.iter().filter(|(_, repository)| repository.counts()) {
        let mut shown: BTreeMap<String, u64> = BTreeMap::new();
        for (language, bytes) in &repository.languages {
            if let Some(skill) = resolve(language) {
                let sum = shown.entry(skill).or_default();
                *sum = sum.saturating_add(*bytes);
            }
        }
        whole = shown.values().fold(whole, |sum, bytes| sum.saturating_add(*bytes));
        for skill in repository.topics.iter().filter_map(|topic| resolve(topic)) {
            shown.entry(skill).or_default();
        }
        for (skill, bytes) in shown {
            let tally = tallies.entry(skill).or_default();
            tally.bytes = tally.bytes.saturating_add(bytes);
            tally.repositories = tally.repositories.saturating_add(1);
            tally.evidence.push((bytes, *id));
        }
    }
    for (id, contribution) in contributions {
        let named = contribution.language.iter().chain(&contribution.topics);
        let shown: BTreeSet<String> = named.filter_map(|name| resolve(name)).collect();
        for skill in shown {
            let tally = tallies.entry(skill).or_default();
            tally.pull_requests = tally.pull_requests.saturating_add(contribution.merged);
            // Others took the work: it goes before what the person made alone.
            tally.evidence.push((u64::MAX / 2 + contribution.merged.min(u64::MAX / 4), *id));
        }
    }
    let derived = tallies.into_iter().map(|(skill, mut tally)| {
        tally.evidence.sort_by(|a, b| b.cmp(a));
        Derived {
            skill,
            share_bps: share(tally.bytes, whole),
            repositories: tally.repositories,
            pull_requests: i32::try_from(tally.pull_requests).unwrap_or(i32::MAX),
            evidence: tally.evidence.into_iter().take(EVIDENCE).map(|(_, id)| id).collect(),
        }
    });
    derived
        .filter(|skill| {
            skill.share_bps.is_none_or(|share| share >= LEAST_SHARE_BPS) || skill.pull_requests > 0
        })
        .collect()
}

fn share(bytes: u64, whole: u64) -> Option<i32> {
    if bytes == 0 || whole == 0 {
        return None;
    }
    i32::try_from(u128::from(bytes) * 10_000 / u128::from(whole)).ok()
}

#[cfg(test)]
mod tests {
    use super::super::facts::tests::{contribution, repository};
    use super::super::item::Mark;
    use super::*;

    fn resolve(name: &str) -> Option<String> {
        let known = ["rust", "go", "react", "shell"];
        let name = name.to_lowercase();
        known.contains(&name.as_str()).then_some(name)
    }

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    #[test]
    fn shares_are_of_the_code_that_counts_and_is_known() {
        let own = RepositoryFact {
            languages: [("Rust".to_owned(), 75), ("Go".to_owned(), 25), ("Klingon".to_owned(), 900)].into(),
            topics: vec!["react".to_owned(), "rust".to_owned()],
            ..repository(1, 9)
        };
        let fork = RepositoryFact { marks: vec![Mark::Fork], ..own.clone() };
        let derived = derive(&[(id(1), &own), (id(2), &fork)], &[], resolve);
        let shown: Vec<_> = derived.iter().map(|d| (d.skill.as_str(), d.share_bps, d.repositories)).collect();
        assert_eq!(shown, [("go", Some(2_500), 1), ("react", None, 1), ("rust", Some(7_500), 1)]);
        assert!(derived.iter().all(|d| d.evidence == [id(1)]));
    }

    #[test]
    fn traces_are_left_out_unless_others_took_the_work() {
        let own = RepositoryFact {
            languages: [("Rust".to_owned(), 99_990), ("Shell".to_owned(), 10)].into(),
            ..repository(1, 9)
        };
        let skills = |contributions: &[(Uuid, &ContributionFact)]| -> Vec<String> {
            derive(&[(id(1), &own)], contributions, resolve).into_iter().map(|d| d.skill).collect()
        };
        assert_eq!(skills(&[]), ["rust"]);
        let merged = ContributionFact { language: Some("Shell".to_owned()), ..contribution("a/b", 3) };
        assert_eq!(skills(&[(id(2), &merged)]), ["rust", "shell"]);
    }

    #[test]
    fn merged_work_is_named_first() {
        let own = repository(1, 9);
        let merged = contribution("forge/lexer", 4);
        let derived = derive(&[(id(1), &own)], &[(id(2), &merged)], resolve);
        assert_eq!((derived[0].skill.as_str(), derived[0].pull_requests), ("rust", 4));
        assert_eq!(derived[0].evidence, [id(2), id(1)]);
    }
}
