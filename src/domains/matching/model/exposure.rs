//! What has been shown: exposure given, and who is probably taken.

use super::learn::Parameters;
use super::rank::Ranking;
use super::snapshot::{Query, Snapshot};
use super::value::Terms;

/// Places that count as shown: a client looks at the first ten.
pub const SHOWN: usize = 10;
/// Days until a given exposure counts half.
const HALF_LIFE: f64 = 90.0;
/// Exposure is summed in whole parts of 2⁻³², so that the sum does not depend on the order in which rankings are told.
const UNIT: f64 = 4_294_967_296.0;

/// What a ranking gives and takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impression {
    /// Row of the snapshot.
    pub row: usize,
    /// Place, from 1.
    pub place: usize,
    /// Exposure that was given; 0 below the first ten.
    pub given: f64,
    /// The chance that the project takes them; 0 below the first ten.
    pub taken: f64,
}

/// Developers' running accounts.
#[derive(Clone, Debug, Default)]
pub struct Exposure {
    /// Exposure given, as it would count on day 0.
    given: Vec<i128>,
    /// Where in `engagements` each developer's own are, from 1; 0 without any.
    engaged: Vec<u32>,
    /// Probable engagements, in order: first day, last day, the probability's bits.
    engagements: Vec<Vec<(i32, i32, u64)>>,
}

impl Exposure {
    /// Bytes that each developer takes, engagements aside.
    pub const BYTES_EACH: usize = size_of::<i128>() + size_of::<u32>();

    /// Nothing shown yet.
    pub fn new(developers: usize) -> Self {
        Self { given: vec![0; developers], engaged: vec![0; developers], engagements: Vec::new() }
    }

    /// Room for a row that the snapshot has and this has not.
    pub fn grow(&mut self, developers: usize) {
        let developers = developers.max(self.given.len());
        self.given.resize(developers, 0);
        self.engaged.resize(developers, 0);
    }

    /// Has the figures of these rows fetched together: one by one, each would be waited for.
    pub(super) fn fetch(&self, rows: &[usize]) {
        let given = rows.iter().fold(0, |all, row| all ^ self.given[*row]);
        let engaged =
            rows.iter().filter_map(|row| self.engagements.get((self.engaged[*row] as usize).checked_sub(1)?));
        std::hint::black_box((given, engaged.fold(0, |all, list| all ^ list.len())));
    }

    /// What a place in a ranking is worth: `1 / log2(1 + rank)`.
    pub fn weight(place_from_zero: usize) -> f64 {
        1.0 / ((place_from_zero + 2) as f64).log2()
    }

    /// How much of a fair start was given by a day, 0 to 1: the first showing counts most, the twentieth hardly, so that
    /// nobody is pushed below those of another class.
    pub fn fullness(&self, row: usize, day: i32) -> f64 {
        let given = self.given[row];
        // A shortcut that changes nothing: most were never shown.
        if given == 0 {
            return 0.0;
        }
        1.0 - (-(given as f64 / UNIT * (-f64::from(day) / HALF_LIFE).exp2())).exp()
    }

    /// The chance that nothing that was shown before takes these days.
    pub fn free(&self, row: usize, from: i32, to: i32) -> f64 {
        let Some(at) = (self.engaged[row] as usize).checked_sub(1) else { return 1.0 };
        let clashes = self.engagements[at].iter().filter(|(first, last, _)| *first <= to && *last >= from);
        clashes.map(|(_, _, probability)| 1.0 - f64::from_bits(*probability)).product()
    }

    /// Books an impression of a ranking of that day, for a project of those days.
    pub fn book(&mut self, impression: &Impression, day: i32, (from, to): (i32, i32)) {
        let Impression { row, given, taken, .. } = *impression;
        self.given[row] += (given * (f64::from(day) / HALF_LIFE).exp2() * UNIT) as i128;
        if taken > 0.0 {
            if self.engaged[row] == 0 {
                self.engagements.push(Vec::new());
                self.engaged[row] = self.engagements.len() as u32;
            }
            let own = &mut self.engagements[self.engaged[row] as usize - 1];
            let entry = (from, to, taken.to_bits());
            let place = own.partition_point(|other| *other < entry);
            own.insert(place, entry);
        }
    }

    /// What a ranking gives to whom: places by their weight, and who is then probably taken, when the client invites down
    /// the list.
    pub fn deal(
        &self,
        snapshot: &Snapshot,
        parameters: &Parameters,
        query: &Query,
        (from, to): (i32, i32),
        ranking: &Ranking,
    ) -> Vec<Impression> {
        let mut open = 1.0;
        let mut impressions = Vec::with_capacity(ranking.shown.len());
        for (place, ranked) in ranking.shown.iter().enumerate() {
            let mut impression = Impression { row: ranked.row, place: place + 1, given: 0.0, taken: 0.0 };
            if place < SHOWN {
                let terms = Terms::of(snapshot, parameters, query, ranked.row);
                let accepts = terms.chances(parameters).0 * self.free(ranked.row, from, to);
                impression.given = Self::weight(place);
                impression.taken = open * accepts;
                open *= 1.0 - accepts;
            }
            impressions.push(impression);
        }
        impressions
    }
}
