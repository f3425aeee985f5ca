//! Who takes it: the host who is furthest below a fair share, in exact fractions.

use std::cmp::Ordering;
use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use num_rational::BigRational;
use serde::Serialize;

use super::input::{AssignInput, Member, Request};

/// Who takes what was requested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Picks<'a> {
    /// For each request a host, or nobody.
    pub picks: Vec<Option<&'a str>>,
}

/// Where a member of the pool stands before a pick.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing<'a> {
    /// Who.
    pub host: &'a str,
    /// Can the host be picked?
    pub available: bool,
    /// Assignments that count.
    pub load: u64,
    /// What the host is credited with for time that was not there to be assigned, as a fraction.
    pub credit: String,
    /// How far below the fair share, as a fraction.
    pub shortfall: String,
    /// When the host was last assigned anything.
    pub last_assigned_at: Option<DateTime<Utc>>,
}

/// Instants in order.
#[derive(Debug, Default)]
struct Times(Vec<DateTime<Utc>>);

impl Times {
    fn sorted(mut times: Vec<DateTime<Utc>>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    fn insert(&mut self, time: DateTime<Utc>) {
        self.0.insert(self.up_to(time), time);
    }

    fn before(&self, time: DateTime<Utc>) -> usize {
        self.0.partition_point(|known| *known < time)
    }

    fn up_to(&self, time: DateTime<Utc>) -> usize {
        self.0.partition_point(|known| *known <= time)
    }

    /// How many in [from, to].
    fn within(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> u64 {
        self.up_to(to).saturating_sub(self.before(from)) as u64
    }
}

/// The pool and all that was assigned so far.
struct Ledger<'a> {
    pool: &'a [Member],
    places: HashMap<&'a str, usize>,
    /// Loads of all, and of each member.
    all: Times,
    loads: Vec<Times>,
    /// Assignments of each member in any state.
    assigned: Vec<Times>,
    joined: Times,
    never_joined: u64,
    weights: u64,
    lookback: TimeDelta,
}

/// Everybody's numbers at one request.
struct Count {
    load: Vec<u64>,
    credit: Vec<BigRational>,
    shortfall: Vec<BigRational>,
    last: Vec<Option<DateTime<Utc>>>,
}

impl<'a> Ledger<'a> {
    fn new(input: &'a AssignInput) -> Self {
        let pool = input.pool.as_slice();
        let places: HashMap<&str, usize> = pool.iter().enumerate().map(|(i, m)| (m.id.as_str(), i)).collect();
        let (mut all, mut loads, mut assigned) =
            (Vec::new(), vec![Vec::new(); pool.len()], vec![Vec::new(); pool.len()]);
        for former in &input.history {
            let Some(place) = places.get(former.host.as_str()) else { continue };
            assigned[*place].push(former.assigned_at);
            if former.counts {
                all.push(former.assigned_at);
                loads[*place].push(former.assigned_at);
            }
        }
        let joined: Vec<_> = pool.iter().filter_map(|member| member.joined_at).collect();
        Self {
            never_joined: (pool.len() - joined.len()) as u64,
            joined: Times::sorted(joined),
            pool,
            places,
            all: Times::sorted(all),
            loads: loads.into_iter().map(Times::sorted).collect(),
            assigned: assigned.into_iter().map(Times::sorted).collect(),
            weights: pool.iter().map(|member| u64::from(member.weight)).sum(),
            lookback: TimeDelta::days(i64::from(input.lookback_days)),
        }
    }

    fn record(&mut self, place: usize, at: DateTime<Utc>) {
        self.all.insert(at);
        for times in [self.loads.get_mut(place), self.assigned.get_mut(place)].into_iter().flatten() {
            times.insert(at);
        }
    }

    /// What a member is credited with at `now`, when loads count from `since`.
    fn credit(&self, member: &Member, own: &Times, since: DateTime<Utc>, now: DateTime<Utc>) -> BigRational {
        let of_others = |from: DateTime<Utc>, to: DateTime<Utc>| {
            let (from, to) = (from.max(since), to.min(now));
            self.all.within(from, to).saturating_sub(own.within(from, to))
        };
        let mut credit = fraction(0, 1);
        if let Some(joined) = member.joined_at.filter(|joined| *joined > since) {
            let earlier = self.joined.before(joined) as u64 + self.never_joined;
            let missed = of_others(since, joined - TimeDelta::nanoseconds(1));
            if earlier > 0 {
                credit += fraction(missed, earlier);
            }
        }
        let others = (self.pool.len() - 1) as u64;
        if others > 0 {
            let missed: u64 =
                member.absences.iter().map(|absence| of_others(absence.start, absence.end)).sum();
            credit += fraction(missed, others);
        }
        credit
    }

    fn count(&self, now: DateTime<Utc>) -> Count {
        let since = now.checked_sub_signed(self.lookback).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let load: Vec<u64> = self.loads.iter().map(|times| times.within(since, now)).collect();
        let credit: Vec<BigRational> = self
            .pool
            .iter()
            .zip(&self.loads)
            .map(|(member, own)| self.credit(member, own, since, now))
            .collect();
        let total = credit.iter().fold(fraction(load.iter().sum(), 1), |sum, credit| sum + credit);
        let had = load.iter().zip(&credit).map(|(load, credit)| fraction(*load, 1) + credit);
        let shortfall = self.pool.iter().zip(had).map(|(member, had)| match self.weights {
            0 => -had,
            weights => &total * fraction(member.weight.into(), weights) - had,
        });
        let shortfall = shortfall.collect();
        // An assignment that is made later is not known now.
        let last = self.assigned.iter().map(|times| times.0.get(times.up_to(now).checked_sub(1)?).copied());
        Count { load, credit, shortfall, last: last.collect() }
    }

    /// `Less`: `a` goes first.
    fn order(&self, count: &Count, a: usize, b: usize) -> Ordering {
        let (x, y) = (&self.pool[a], &self.pool[b]);
        // Never assigned (none) sorts first by itself.
        (count.shortfall[b].cmp(&count.shortfall[a]))
            .then_with(|| y.weight.cmp(&x.weight))
            .then_with(|| y.priority.cmp(&x.priority))
            .then_with(|| count.last[a].cmp(&count.last[b]))
            .then_with(|| x.id.cmp(&y.id))
    }

    /// The places of those who can be picked.
    fn available(&self, request: &Request) -> Vec<usize> {
        match &request.available {
            None => (0..self.pool.len()).collect(),
            Some(ids) => ids.iter().filter_map(|id| self.places.get(id.as_str()).copied()).collect(),
        }
    }

    fn pick(&self, request: &Request) -> Option<usize> {
        let available = self.available(request);
        let count = (!available.is_empty()).then(|| self.count(request.at))?;
        available.into_iter().min_by(|a, b| self.order(&count, *a, *b))
    }
}

fn fraction(above: u64, below: u64) -> BigRational {
    BigRational::new(above.into(), below.into())
}

/// Picks a host for each request, in their order.
pub fn assign(input: &AssignInput) -> Picks<'_> {
    let mut ledger = Ledger::new(input);
    let pick = |request: &Request| {
        let place = ledger.pick(request)?;
        if input.record {
            ledger.record(place, request.at);
        }
        Some(input.pool.get(place)?.id.as_str())
    };
    Picks { picks: input.requests.iter().map(pick).collect() }
}

/// Everybody's numbers before each pick, whoever goes first at the top.
pub fn standings(input: &AssignInput) -> Vec<Vec<Standing<'_>>> {
    let mut ledger = Ledger::new(input);
    let stand = |request: &Request| {
        let count = ledger.count(request.at);
        let available = ledger.available(request);
        let mut order: Vec<usize> = (0..input.pool.len()).collect();
        order.sort_by(|a, b| ledger.order(&count, *a, *b));
        let standings = order.iter().map(|&place| Standing {
            host: &input.pool[place].id,
            available: available.contains(&place),
            load: count.load[place],
            credit: count.credit[place].to_string(),
            shortfall: count.shortfall[place].to_string(),
            last_assigned_at: count.last[place],
        });
        let standings = standings.collect();
        if input.record
            && let Some(pick) = ledger.pick(request)
        {
            ledger.record(pick, request.at);
        }
        standings
    };
    input.requests.iter().map(stand).collect()
}
