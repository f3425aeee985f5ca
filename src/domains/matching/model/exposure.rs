//! What has been shown: exposure given, and who is probably taken.

/// A developer's running account in a run of rankings.
#[derive(Clone, Debug, Default)]
pub struct Exposure {
    /// Exposure given, decayed.
    given: Vec<f32>,
    /// Probable engagements: (first day, last day, probability).
    engaged: Vec<Vec<(i32, i32, f32)>>,
    day: i32,
}

/// Days until a given exposure counts half.
const HALF_LIFE: f32 = 90.0;

impl Exposure {
    /// Nothing shown yet.
    pub fn new(developers: usize) -> Self {
        Self { given: vec![0.0; developers], engaged: vec![Vec::new(); developers], day: 0 }
    }

    /// What a place in a ranking is worth: `1 / log2(1 + rank)`.
    pub fn weight(rank: usize) -> f32 {
        1.0 / ((rank + 2) as f32).log2()
    }

    /// Lets time pass; what was given long ago counts less.
    pub fn pass_to(&mut self, day: i32) {
        let days = day.saturating_sub(self.day);
        if days > 0 {
            let left = 0.5_f32.powf(days as f32 / HALF_LIFE);
            self.given.iter_mut().for_each(|value| *value *= left);
            self.day = day;
        }
    }

    /// How much of a fair start was given, 0 to 1: the first showing counts most, the twentieth hardly, so that nobody is
    /// pushed below those of another class.
    pub fn fullness(&self, row: usize) -> f64 {
        1.0 - f64::from(-self.given[row]).exp()
    }

    /// The chance that nothing that was shown before takes these days.
    pub fn free(&self, row: usize, from: i32, to: i32) -> f64 {
        let clashes = self.engaged[row].iter().filter(|(first, last, _)| *first <= to && *last >= from);
        clashes.map(|(_, _, probability)| 1.0 - f64::from(*probability)).product()
    }

    /// A place was given.
    pub fn give(&mut self, row: usize, weight: f32) {
        self.given[row] += weight;
    }

    /// Somebody is probably taken for these days.
    pub fn engage(&mut self, row: usize, from: i32, to: i32, probability: f64) {
        let day = self.day;
        let engaged = &mut self.engaged[row];
        engaged.retain(|(_, last, _)| *last >= day);
        engaged.push((from, to, probability as f32));
    }
}
