//! Adverse impact: are groups approved alike? Selection rates, the four-fifths rule (29 CFR 1607.4 D) and Fisher's exact
//! test (Fisher 1934), since groups are small.

use serde::Serialize;
use utoipa::ToSchema;

/// A group's decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupCounts {
    /// Which.
    pub group: String,
    /// People about whom was decided.
    pub decided: u64,
    /// Of them, approved.
    pub approved: u64,
}

/// A group in the report.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct GroupImpact {
    /// Which.
    #[schema(example = "woman")]
    pub group: String,
    /// Fewer than the least number that is shown: nothing else is told.
    pub suppressed: bool,
    /// People about whom was decided.
    #[schema(example = 48)]
    pub decided: Option<u64>,
    /// Share of them that was approved.
    #[schema(example = 0.42)]
    pub selection_rate: Option<f64>,
    /// That share against the highest group's.
    #[schema(example = 0.91)]
    pub impact_ratio: Option<f64>,
    /// Is it below four fifths?
    pub below_four_fifths: Option<bool>,
    /// Fisher's exact test against the highest group, two-sided.
    #[schema(example = 0.54)]
    pub p_value: Option<f64>,
}

/// Compares groups with the one of the highest selection rate, among those large enough to show.
pub fn impact(groups: &[GroupCounts], least: u64) -> Vec<GroupImpact> {
    let rate = |one: &GroupCounts| one.approved as f64 / one.decided.max(1) as f64;
    let shown = || groups.iter().filter(|one| one.decided >= least.max(1));
    let highest = shown().max_by(|a, b| rate(a).total_cmp(&rate(b)));
    let compare = |one: &GroupCounts| {
        let Some(best) = highest.filter(|_| one.decided >= least.max(1)) else {
            return GroupImpact {
                group: one.group.clone(),
                suppressed: true,
                decided: None,
                selection_rate: None,
                impact_ratio: None,
                below_four_fifths: None,
                p_value: None,
            };
        };
        let ratio = (best.approved > 0).then(|| rate(one) / rate(best));
        GroupImpact {
            group: one.group.clone(),
            suppressed: false,
            decided: Some(one.decided),
            selection_rate: Some(rate(one)),
            impact_ratio: ratio,
            below_four_fifths: ratio.map(|ratio| ratio < 0.8),
            p_value: (one.group != best.group).then(|| {
                let refused = |one: &GroupCounts| one.decided.saturating_sub(one.approved);
                fisher([one.approved, refused(one)], [best.approved, refused(best)])
            }),
        }
    };
    groups.iter().map(compare).collect()
}

/// Fisher's exact test of a table of two rows, two-sided: the probability of all tables of these margins that are no
/// likelier than this one.
pub fn fisher(first: [u64; 2], second: [u64; 2]) -> f64 {
    let row = first[0] + first[1];
    let column = first[0] + second[0];
    let all = row + second[0] + second[1];
    let logs = log_factorials(all);
    let log = |n: u64| usize::try_from(n).ok().and_then(|n| logs.get(n)).copied().unwrap_or(f64::INFINITY);
    let choose = |n: u64, k: u64| log(n) - log(k) - log(n - k);
    let probability = |a: u64| (choose(column, a) + choose(all - column, row - a) - choose(all, row)).exp();
    let observed = probability(first[0]) * (1.0 + 1e-7);
    let least = (row + column).saturating_sub(all);
    let sum: f64 = (least..=row.min(column)).map(probability).filter(|p| *p <= observed).sum();
    sum.min(1.0)
}

fn log_factorials(n: u64) -> Vec<f64> {
    let mut sum = 0.0;
    std::iter::once(0.0)
        .chain((1..=n).map(|k| {
            sum += (k as f64).ln();
            sum
        }))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fisher_gives_what_is_printed() {
        // The tea tasting (Fisher 1935): 34/70 two-sided. The others: R 4.2, fisher.test.
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} {b}");
        close(fisher([3, 1], [1, 3]), 34.0 / 70.0);
        close(fisher([8, 2], [1, 5]), 0.034_965_034_965);
        close(fisher([10, 2], [3, 15]), 0.000_536_724_1);
        close(fisher([0, 5], [0, 7]), 1.0);
        close(fisher([5, 0], [0, 5]), 2.0 / 252.0);
    }

    fn group(name: &str, decided: u64, approved: u64) -> GroupCounts {
        GroupCounts { group: name.to_owned(), decided, approved }
    }

    #[test]
    fn four_fifths_and_suppression() {
        let report = impact(&[group("a", 40, 20), group("b", 40, 14), group("c", 4, 4)], 5);
        assert_eq!(report[0].impact_ratio, Some(1.0));
        assert_eq!((report[1].below_four_fifths, report[1].suppressed), (Some(true), false));
        assert!(report[1].p_value.is_some_and(|p| (0.2..0.3).contains(&p)), "{:?}", report[1]);
        assert_eq!((report[2].suppressed, report[2].decided, report[2].selection_rate), (true, None, None));
    }

    #[test]
    fn nobody_approved_is_no_impact() {
        let report = impact(&[group("a", 10, 0), group("b", 10, 0)], 5);
        assert!(report.iter().all(|one| one.below_four_fifths.is_none() && one.selection_rate == Some(0.0)));
    }

    proptest! {
        #[test]
        fn it_is_a_probability_and_does_not_care_for_the_order(a in 0..40_u64, b in 0..40_u64, c in 0..40_u64, d in 0..40_u64) {
            let p = fisher([a, b], [c, d]);
            prop_assert!((0.0..=1.0).contains(&p));
            prop_assert!((p - fisher([c, d], [a, b])).abs() < 1e-9);
            prop_assert!((p - fisher([b, a], [d, c])).abs() < 1e-9);
        }
    }
}
