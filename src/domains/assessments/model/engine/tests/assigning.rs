//! Assignment: exact shares, whatever the pool looks like. The cases in `tests/data/scheduling` hold the letters.

use chrono::{DateTime, TimeDelta, Utc};
use num_rational::BigRational;
use proptest::option;
use proptest::prelude::*;

use super::super::input::{AssignInput, Assignment, Interval, Member, Request};
use super::super::{assign, read_instant, standings};

/// Hours before the first request, and some after it.
fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    (-1_000..48_i64).prop_map(|hours| read_instant("2027-03-01T00:00:00Z").unwrap() + TimeDelta::hours(hours))
}

fn absence() -> impl Strategy<Value = Interval> {
    (instant(), 0..300_i64)
        .prop_map(|(start, hours)| Interval { start, end: start + TimeDelta::hours(hours) })
}

fn pool() -> impl Strategy<Value = AssignInput> {
    let absences = || prop::collection::vec(absence(), 0..3);
    let member = (1..400_u32, 0..5_i32, option::of(instant()), absences());
    let former = (0..9_usize, instant(), any::<bool>());
    let request = (instant(), option::of(prop::collection::vec(0..9_usize, 0..6)));
    let (members, history) = (prop::collection::vec(member, 1..9), prop::collection::vec(former, 0..30));
    (members, history, prop::collection::vec(request, 1..8), any::<bool>(), 0..60_u32).prop_map(
        |(members, history, requests, record, lookback_days)| {
            let pool: Vec<Member> = (members.into_iter().enumerate())
                .map(|(index, (weight, priority, joined_at, absences))| Member {
                    id: format!("h{index}"),
                    weight,
                    priority,
                    joined_at,
                    absences,
                })
                .collect();
            let id = |index: usize| format!("h{}", index % pool.len());
            let history = history
                .into_iter()
                .map(|(host, assigned_at, counts)| Assignment { host: id(host), assigned_at, counts })
                .collect();
            let requests = requests
                .into_iter()
                .map(|(at, available)| Request {
                    at,
                    available: available.map(|all| all.into_iter().map(id).collect()),
                })
                .collect();
            AssignInput { pool: pool.clone(), history, requests, record, lookback_days }
        },
    )
}

proptest! {
    /// What some are short of, others have too much of; an approximation would leave a rest.
    #[test]
    fn shortfalls_add_up_to_nothing(input in pool()) {
        for order in standings(&input) {
            let shortfalls = order.iter().map(|one| one.shortfall.parse::<BigRational>().unwrap());
            prop_assert_eq!(shortfalls.fold("0".parse().unwrap(), |sum: BigRational, one| sum + one).to_string(), "0");
        }
    }

    #[test]
    fn the_pick_is_the_first_who_is_available(input in pool()) {
        let first = |order: &Vec<super::super::Standing<'_>>| order.iter().find(|one| one.available).map(|one| one.host.to_owned());
        let firsts: Vec<Option<String>> = standings(&input).iter().map(first).collect();
        let picks: Vec<Option<String>> = assign(&input).picks.iter().map(|pick| pick.map(str::to_owned)).collect();
        prop_assert_eq!(picks, firsts);
    }

    #[test]
    fn the_order_of_pool_and_history_does_not_matter(input in pool()) {
        let mut turned = input.clone();
        turned.pool.reverse();
        turned.history.reverse();
        prop_assert_eq!(assign(&input), assign(&turned));
    }
}
