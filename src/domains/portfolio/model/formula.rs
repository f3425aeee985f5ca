//! The formula: from facts to signals. Integers only, so that it gives the same everywhere; published by
//! `GET /v1/portfolio/formula` and in `docs/PORTFOLIO.md`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::facts::{ContributionFact, Facts, RepositoryFact};

/// Changes whenever a number below or the meaning of a signal changes.
pub const VERSION: &str = "2026-11-21";
/// Points of all weighted signals together.
pub const TOTAL: u64 = 1_000;

/// A signal of the formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Definition {
    /// The stable name.
    #[schema(example = "merged_elsewhere")]
    pub name: &'static str,
    /// What it shows.
    pub meaning: &'static str,
    /// How it is computed.
    pub formula: &'static str,
    /// The points it can reach; 0 for a signal that only informs.
    #[schema(example = 400)]
    pub max_points: u64,
    /// The raw value that gives half of them.
    #[schema(example = 12_000)]
    pub half_at_milli: u64,
}

const MERGED: Definition = Definition {
    name: "merged_elsewhere",
    meaning: "Pull requests that others merged into repositories the person does not own: the strongest evidence, since \
              somebody else answered for it.",
    formula: "x = sum over repositories of log2(1 + merged pull requests); a repository in which nobody else commits adds \
              nothing. points = 400 * x / (x + 12)",
    max_points: 400,
    half_at_milli: 12_000,
};
const OWN: Definition = Definition {
    name: "own_repositories",
    meaning: "Code in repositories that the person owns. Forks, archived repositories, templates, mirrors and disabled ones \
              do not count.",
    formula: "x = sum over counting repositories of min(10, log2(1 + KiB of code)) / 10, times the person's share of the \
              commits where that was asked. points = 250 * x / (x + 8)",
    max_points: 250,
    half_at_milli: 8_000,
};
const REVIEWS: Definition = Definition {
    name: "reviews",
    meaning: "Pull requests of others that the person reviewed.",
    formula: "x = log2(1 + reviewed pull requests). points = 150 * x / (x + 5)",
    max_points: 150,
    half_at_milli: 5_000,
};
const SPAN: Definition = Definition {
    name: "activity_span",
    meaning: "From the first to the last sign of work: making and pushing a counting repository, merged pull requests, reviews.",
    formula: "x = whole months. points = 150 * x / (x + 24)",
    max_points: 150,
    half_at_milli: 24_000,
};
const STARS: Definition = Definition {
    name: "stars",
    meaning: "Stars of counting repositories: easily bought, so they are log-scaled, capped and never decide.",
    formula: "x = log2(1 + stars of all counting repositories). points = min(50, 4 * x)",
    max_points: 50,
    half_at_milli: 0,
};
const LANGUAGES: Definition = Definition {
    name: "languages",
    meaning: "Bytes of code by language over counting repositories. It informs and has no points.",
    formula: "value = number of languages; inputs = bytes of each",
    max_points: 0,
    half_at_milli: 0,
};

/// Every signal, the weightiest first.
pub const DEFINITIONS: &[Definition] = &[MERGED, OWN, REVIEWS, SPAN, STARS, LANGUAGES];

/// A computed signal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Signal {
    /// Its name in the formula.
    #[schema(example = "merged_elsewhere")]
    pub name: String,
    /// The raw value in thousandths.
    #[schema(example = 31_000)]
    pub value_milli: u64,
    /// Points given for it.
    #[schema(example = 288)]
    pub points: u64,
    /// Points it could reach.
    #[schema(example = 400)]
    pub max_points: u64,
    /// The numbers it was computed from.
    #[schema(value_type = Object)]
    pub inputs: Value,
}

/// All signals of a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Signals {
    /// Version of the formula.
    #[schema(example = "2026-11-21")]
    pub formula_version: String,
    /// Points of all signals.
    #[schema(example = 631)]
    pub points: u64,
    /// Points that can be reached.
    #[schema(example = 1_000)]
    pub max_points: u64,
    /// Each signal.
    pub signals: Vec<Signal>,
}

/// Computes the signals.
pub fn signals(facts: &Facts) -> Signals {
    let counting: Vec<&RepositoryFact> = facts.repositories.iter().filter(|r| r.counts()).collect();
    let signals = vec![
        merged(facts),
        own(&counting),
        reviews(facts),
        span(facts, &counting),
        stars(&counting),
        languages(&counting),
    ];
    Signals {
        formula_version: VERSION.to_owned(),
        points: signals.iter().map(|signal| signal.points).sum(),
        max_points: TOTAL,
        signals,
    }
}

fn merged(facts: &Facts) -> Signal {
    let counts = |contribution: &&ContributionFact| !contribution.is_single_author();
    let sum = |counted: &mut dyn Iterator<Item = &ContributionFact>| -> (u64, u64, u64) {
        counted.fold((0, 0, 0), |(x, merged, repositories), c| {
            (x + milli_log2(c.merged), merged.saturating_add(c.merged), repositories + 1)
        })
    };
    let (x, merged, repositories) = sum(&mut facts.contributions.iter().filter(counts));
    let (_, alone, _) = sum(&mut facts.contributions.iter().filter(|c| !counts(c)));
    let inputs =
        json!({ "pull_requests": merged, "repositories": repositories, "not_counted_single_author": alone });
    saturating(MERGED, x, inputs)
}

fn own(counting: &[&RepositoryFact]) -> Signal {
    let x = counting.iter().map(|repository| substance(repository)).sum();
    let bytes = counting.iter().fold(0_u64, |sum, repository| sum.saturating_add(repository.bytes()));
    saturating(OWN, x, json!({ "repositories": counting.len(), "bytes": bytes }))
}

/// What one repository adds, in thousandths: at most 1,000.
fn substance(repository: &RepositoryFact) -> u64 {
    let size = milli_log2(repository.bytes() / 1_024).min(10_000) / 10;
    match repository.commits {
        Some(commits) if commits.all > 0 => size.saturating_mul(commits.own.min(commits.all)) / commits.all,
        _ => size,
    }
}

fn reviews(facts: &Facts) -> Signal {
    let reviews = &facts.reviews;
    let inputs = json!({ "pull_requests": reviews.reviewed, "repositories": reviews.repositories });
    saturating(REVIEWS, milli_log2(reviews.reviewed), inputs)
}

fn span(facts: &Facts, counting: &[&RepositoryFact]) -> Signal {
    let of_work = counting.iter().map(|repository| (repository.created_at, repository.pushed_at));
    let of_merges =
        facts.contributions.iter().map(|contribution| (contribution.first_at, contribution.last_at));
    let spans = of_work.chain(of_merges).chain(facts.reviews.span);
    let whole: Option<(DateTime<Utc>, DateTime<Utc>)> =
        spans.reduce(|whole, span| (whole.0.min(span.0), whole.1.max(span.1)));
    let months = whole.map_or(0, |(first, last)| u64::try_from((last - first).num_days() / 30).unwrap_or(0));
    let inputs = json!({ "first_at": whole.map(|span| span.0), "last_at": whole.map(|span| span.1), "months": months });
    saturating(SPAN, months.saturating_mul(1_000), inputs)
}

fn stars(counting: &[&RepositoryFact]) -> Signal {
    let stars = counting.iter().fold(0_u64, |sum, repository| sum.saturating_add(repository.stars));
    let x = milli_log2(stars);
    Signal { points: (x * 4 / 1_000).min(STARS.max_points), ..informing(STARS, x, json!({ "stars": stars })) }
}

fn languages(counting: &[&RepositoryFact]) -> Signal {
    let mut bytes: BTreeMap<&str, u64> = BTreeMap::new();
    for (language, count) in counting.iter().flat_map(|repository| &repository.languages) {
        let sum = bytes.entry(language).or_default();
        *sum = sum.saturating_add(*count);
    }
    let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    informing(LANGUAGES, count.saturating_mul(1_000), json!({ "bytes": bytes }))
}

fn informing(of: Definition, value_milli: u64, inputs: Value) -> Signal {
    Signal { name: of.name.to_owned(), value_milli, points: 0, max_points: of.max_points, inputs }
}

/// `max * x / (x + half)`: every further unit adds less, and the maximum is never passed.
fn saturating(of: Definition, x: u64, inputs: Value) -> Signal {
    let (max, x_wide, half) = (u128::from(of.max_points), u128::from(x), u128::from(of.half_at_milli));
    let points = u64::try_from(max * x_wide / (x_wide + half)).unwrap_or(of.max_points);
    Signal { points, ..informing(of, x, inputs) }
}

/// `1000 * log2(1 + n)`, exact at powers of two and straight between them.
fn milli_log2(n: u64) -> u64 {
    let n = u128::from(n) + 1;
    let power = n.ilog2();
    let rest = (n - (1 << power)) * 1_000 / (1 << power);
    u64::from(power) * 1_000 + u64::try_from(rest).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::facts::tests::{contribution, day, facts, repository};
    use super::super::facts::{Commits, ReviewFact};
    use super::super::item::Mark;
    use super::*;

    fn repositories() -> impl Strategy<Value = Vec<RepositoryFact>> {
        let mark = prop::option::of(prop::sample::select(Mark::ALL));
        let one = (
            0..4_000_i64,
            0_u64..50_000_000,
            0_u64..2_000_000,
            mark,
            prop::option::of((0_u64..900, 0_u64..900)),
        );
        vec(one, 0..12).prop_map(|all| {
            let make = |(age, bytes, stars, mark, commits): (_, _, _, Option<Mark>, Option<(u64, u64)>)| {
                RepositoryFact {
                    languages: [("Go".to_owned(), bytes)].into(),
                    stars,
                    marks: mark.into_iter().collect(),
                    commits: commits.map(|(own, others)| Commits { own, all: own + others, authors: 2 }),
                    ..repository(age, age)
                }
            };
            all.into_iter().map(make).collect()
        })
    }

    fn somebody() -> impl Strategy<Value = Facts> {
        (repositories(), vec(0_u64..400, 0..10), 0_u64..1_000).prop_map(|(repositories, merged, reviewed)| {
            Facts {
                repositories,
                contributions: merged
                    .into_iter()
                    .enumerate()
                    .map(|(n, merged)| contribution(&format!("forge/thing-{n}"), merged))
                    .collect(),
                reviews: ReviewFact { reviewed, repositories: 2, span: Some((day(-90), day(-1))) },
                ..facts()
            }
        })
    }

    proptest! {
        #[test]
        fn more_merged_pull_requests_never_give_less(before in somebody(), place: prop::sample::Index, more in 1_u64..50) {
            let mut after = before.clone();
            if after.contributions.is_empty() {
                after.contributions.push(contribution("forge/new", more));
            } else {
                let place = place.index(after.contributions.len());
                after.contributions[place].merged += more;
            }
            prop_assert!(signals(&after).points >= signals(&before).points);
        }

        #[test]
        fn stars_alone_give_a_twentieth_at_most(before in somebody(), stars: u64) {
            let mut after = before.clone();
            for repository in &mut after.repositories {
                repository.stars = stars;
            }
            let (before, after) = (signals(&before), signals(&after));
            prop_assert!(after.points.abs_diff(before.points) <= TOTAL / 20);
        }

        #[test]
        fn order_does_not_matter(given in somebody()) {
            let mut turned = given.clone();
            turned.repositories.reverse();
            turned.contributions.reverse();
            prop_assert_eq!(signals(&turned), signals(&given));
        }

        #[test]
        fn marked_repositories_are_as_if_they_were_not(given in somebody()) {
            let mut without = given.clone();
            without.repositories.retain(RepositoryFact::counts);
            prop_assert_eq!(signals(&without), signals(&given));
        }

        #[test]
        fn points_stay_inside_their_bounds(given in somebody()) {
            let computed = signals(&given);
            for signal in &computed.signals {
                prop_assert!(signal.points <= signal.max_points, "{signal:?}");
            }
            prop_assert!(computed.points <= TOTAL);
        }

        #[test]
        fn the_logarithm_is_monotone(n in 0_u64..u64::MAX) {
            prop_assert!(milli_log2(n) <= milli_log2(n + 1));
        }
    }

    #[test]
    fn the_parts_make_the_whole_and_stars_are_a_twentieth() {
        assert_eq!(DEFINITIONS.iter().map(|definition| definition.max_points).sum::<u64>(), TOTAL);
        assert_eq!(STARS.max_points * 20, TOTAL);
        assert!(DEFINITIONS.iter().all(|definition| definition.max_points <= MERGED.max_points));
        for definition in DEFINITIONS.iter().filter(|definition| definition.half_at_milli > 0) {
            let half = format!("{} * x / (x + {})", definition.max_points, definition.half_at_milli / 1_000);
            assert!(definition.formula.contains(&half), "{} does not say {half}", definition.name);
        }
    }

    #[test]
    fn the_logarithm_is_exact_at_powers_of_two() {
        for (n, wanted) in [(0, 0), (1, 1_000), (3, 2_000), (1_023, 10_000), (2, 1_500)] {
            assert_eq!(milli_log2(n), wanted, "{n}");
        }
    }

    #[test]
    fn a_repository_of_ones_own_does_not_count_as_another_s() {
        let mut alone = contribution("one-man/show", 400);
        alone.commits = Some(Commits { own: 9, all: 9, authors: 1 });
        let given = Facts { contributions: vec![alone], ..facts() };
        assert_eq!(signals(&given).signals[0].points, 0);
    }
}
