//! Who would be feasible, were it not for one constraint.

use super::snapshot::{Query, Snapshot};

/// A constraint that alone keeps developers out, and what would let some of them in.
#[derive(Clone, Debug, PartialEq)]
pub struct NearMiss {
    /// Which.
    pub constraint: &'static str,
    /// The must-skill, by its place in the project's list.
    pub skill: Option<usize>,
    /// How many more there are without it.
    pub more: usize,
    /// The value at which the nearest of them come in: five of them, or as many as there are.
    pub at: f32,
    /// How many come in there.
    pub more_at: usize,
}

impl Snapshot {
    /// Near misses: who would be feasible with one constraint less, constraint by constraint.
    pub fn near_misses(&self, query: &Query) -> Vec<NearMiss> {
        let mut misses = Vec::new();
        let mut relax = |constraint, skill, relaxed: Query, needs: &dyn Fn(usize) -> f32, rising: bool| {
            let mut needed = Vec::new();
            self.feasible(&relaxed, |rows| {
                let kept_out =
                    rows.iter().filter(|row| !(self.free(**row, query) && self.able(**row, query)));
                needed.extend(kept_out.map(|row| needs(*row)));
            });
            needed.sort_unstable_by(|a, b| if rising { a.total_cmp(b) } else { b.total_cmp(a) });
            if let Some(at) = needed.get(4).or(needed.last()).copied() {
                let within = |value: &&f32| if rising { **value <= at } else { **value >= at };
                let more_at = needed.iter().take_while(within).count();
                misses.push(NearMiss { constraint, skill, more: needed.len(), at, more_at });
            }
        };
        relax(
            "rate",
            None,
            Query { max_rate: f32::INFINITY, ..query.clone() },
            &|row| self.row(row).rate,
            true,
        );
        let relaxed = Query { weekly_hours: 0.0, ..query.clone() };
        relax("weekly_hours", None, relaxed, &|row| self.row(row).weekly_hours, false);
        let relaxed = Query { start_day: i32::MAX, ..query.clone() };
        relax("start", None, relaxed, &|row| self.row(row).available_from as f32, true);
        let relaxed = Query { min_overlap: 0.0, ..query.clone() };
        relax("overlap", None, relaxed, &|row| self.overlap(row, query.utc_offset), false);
        for dropped in 0..query.must.len() {
            let mut must = query.must.clone();
            let skill = must.remove(dropped);
            let level = |row| skill.map_or(0.0, |skill| f32::from(self.level(row, skill)));
            relax("skill", Some(dropped), Query { must, ..query.clone() }, &level, false);
        }
        misses
    }
}
