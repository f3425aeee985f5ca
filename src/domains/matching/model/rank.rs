//! One ranking.

use std::cmp::Ordering;

use super::exposure::{Exposure, SHOWN};
use super::learn::Parameters;
use super::snapshot::{Query, Snapshot};
use super::value::{Terms, logit};

/// How rankings are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// How many to show.
    pub depth: usize,
    /// Breaks ties.
    pub seed: u64,
    /// Explore newcomers, share exposure, leave out who is probably taken?
    pub exposure: bool,
    /// Weight of what is not known of somebody with fewer than three outcomes.
    pub explore: f64,
    /// Weight of exposure that was given before.
    pub share: f64,
    /// Weight of the chance that somebody is taken by then, 0 to 1.
    pub taken: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { depth: 50, seed: 0, exposure: true, explore: 0.15, share: 0.9, taken: 0.05 }
    }
}

/// A place in a ranking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Row of the snapshot.
    pub row: usize,
    /// What places are given by, on the logit scale.
    pub score: f64,
    /// Place by value alone, from 0; [`SHOWN`] for everybody below.
    pub by_value: usize,
}

impl Ranked {
    /// Somebody who is not among those shown.
    pub fn below(row: usize) -> Self {
        Self { row, score: f64::NEG_INFINITY, by_value: SHOWN }
    }
}

/// The answer for one project.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// The best first.
    pub shown: Vec<Ranked>,
    /// Everybody who meets the hard constraints.
    pub feasible: usize,
    /// The middle one by score: what explanations are told against.
    pub median: Option<Ranked>,
}

/// What is added to the value's logit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Adjustments {
    /// For what is not known.
    pub explore: f64,
    /// For exposure that was given before.
    pub share: f64,
    /// For being probably taken.
    pub taken: f64,
}

impl Adjustments {
    /// Of one developer whom at least [`SHOWN`] others precede by value.
    pub fn of(
        snapshot: &Snapshot,
        exposure: Option<&Exposure>,
        settings: &Settings,
        (row, terms, succeeds): (usize, &Terms, f64),
        (from, to, day): (i32, i32, i32),
    ) -> Self {
        let Some(exposure) = exposure.filter(|_| settings.exposure) else { return Self::default() };
        let unknown = terms.variance.sqrt() * succeeds * (1.0 - succeeds) * 4.0;
        Self {
            explore: if snapshot.row(row).outcomes < 3 { settings.explore * unknown } else { 0.0 },
            share: -settings.share * exposure.fullness(row, day),
            taken: settings.taken * exposure.free(row, from, to).max(1e-3).ln(),
        }
    }

    /// The same at a place by value: the best gives nothing up to exposure, the tenth all. There others are as good.
    pub fn at(self, by_value: usize) -> Self {
        Self { share: self.share * (by_value.min(SHOWN) as f64 / SHOWN as f64), ..self }
    }

    /// In a fixed order, to be kept.
    pub fn to_array(self) -> [f64; 3] {
        [self.explore, self.share, self.taken]
    }

    /// As kept by [`Self::to_array`].
    pub fn from_array([explore, share, taken]: [f64; 3]) -> Self {
        Self { explore, share, taken }
    }

    /// All together.
    pub fn sum(self) -> f64 {
        self.explore + self.share + self.taken
    }
}

/// Ranks everybody who meets the hard constraints; `days` are the project's first and last, and today.
pub fn rank(
    snapshot: &Snapshot,
    parameters: &Parameters,
    exposure: Option<&Exposure>,
    query: &Query,
    days: (i32, i32, i32),
    settings: &Settings,
) -> Ranking {
    let exposure = exposure.filter(|_| settings.exposure);
    let mut all: Vec<Candidate> = Vec::new();
    let order = |a: &Candidate, b: &Candidate| {
        // Keys are read at ties only: they lie elsewhere than what is ranked by.
        let key = |candidate: &Candidate| snapshot.key(candidate.row as usize);
        b.score.total_cmp(&a.score).then_with(|| tied(settings.seed, key(a), key(b)))
    };
    // The best by value, in order: by what value, what is added to it, and where they are.
    let mut best: Vec<(Candidate, Adjustments, usize)> = Vec::with_capacity(SHOWN + 1);
    let wants = snapshot.wants(query);
    let mut levels = vec![0.0; wants.count];
    snapshot.feasible(query, |rows| {
        snapshot.fetch(rows);
        if let Some(exposure) = exposure {
            exposure.fetch(rows);
        }
        for row in rows.iter().copied() {
            let terms = Terms::wanted(snapshot, parameters, query, (&wants, &mut levels), row);
            let (accepts, succeeds) = terms.chances(parameters);
            let value = Candidate { score: logit(accepts * succeeds), row: row as u32 };
            let mut candidate = value;
            if exposure.is_some() {
                let adjustments =
                    Adjustments::of(snapshot, exposure, settings, (row, &terms, succeeds), days);
                candidate.score += adjustments.at(SHOWN).sum();
                let place = best.partition_point(|(other, ..)| order(other, &value).is_lt());
                if place < SHOWN {
                    best.truncate(SHOWN - 1);
                    best.insert(place, (value, adjustments, all.len()));
                }
            }
            all.push(candidate);
        }
    });
    let feasible = all.len();
    for (place, (value, adjustments, at)) in best.iter().enumerate() {
        all[*at].score = value.score + adjustments.at(place).sum();
    }
    let ranked = |Candidate { score, row }| {
        let by_value = best.iter().position(|(other, ..)| other.row == row).unwrap_or(SHOWN);
        Ranked { row: row as usize, score, by_value }
    };
    let median = (feasible > 0).then(|| ranked(*all.select_nth_unstable_by(feasible / 2, order).1));
    if feasible > settings.depth {
        if settings.depth > 0 {
            all.select_nth_unstable_by(settings.depth - 1, order);
        }
        all.truncate(settings.depth);
    }
    all.sort_unstable_by(order);
    Ranking { shown: all.into_iter().map(ranked).collect(), feasible, median }
}

/// Somebody feasible, while they are ranked.
#[derive(Clone, Copy)]
struct Candidate {
    score: f64,
    row: u32,
}

/// Which of two goes first: the higher score; at a tie the seed decides, by keys and not by rows, which differ between
/// processes.
pub fn before(seed: u64, (a, a_key): (f64, u128), (b, b_key): (f64, u128)) -> Ordering {
    b.total_cmp(&a).then_with(|| tied(seed, a_key, b_key))
}

/// Which of two with the same score goes first.
fn tied(seed: u64, a: u128, b: u128) -> Ordering {
    let dealt = |key: u128| mix(seed ^ key as u64 ^ (key >> 64) as u64);
    dealt(a).cmp(&dealt(b)).then_with(|| a.cmp(&b))
}

/// SplitMix64's finaliser.
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
