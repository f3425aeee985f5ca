//! Developers as columns, and who has which skill as bitmaps: what one ranking reads.

use std::collections::HashMap;

use super::learn::Record;
use super::market::{Developer, Project, Score, SkillEntry};

/// A must-skill counts from this level on, working knowledge, where neither a policy nor a history says otherwise.
pub const MUST_LEVEL: u8 = 3;
/// Hours of a working day; overlap is what two of them share.
const WORKING_DAY: f32 = 8.0;

/// Why somebody is not to be shown at all; bits of a mask.
pub mod closed {
    /// No approved developer any more.
    pub const GONE: u8 = 1;
    /// Takes no work now, by their own word.
    pub const PAUSED: u8 = 2;
    /// As many live bids as are allowed.
    pub const BIDS: u8 = 4;
    /// As many invitations as are good for anybody.
    pub const INVITED: u8 = 8;
    /// Excluded by staff.
    pub const EXCLUDED: u8 = 16;
}

/// Struct of arrays; a developer is a row number.
#[derive(Default)]
pub struct Snapshot {
    /// Who: names the same developer in every process, whatever the row.
    keys: Vec<u128>,
    pub(super) rate: Vec<f32>,
    pub(super) weekly_hours: Vec<f32>,
    pub(super) available_from: Vec<i32>,
    pub(super) utc_offset: Vec<f32>,
    pub(super) domains: Vec<u64>,
    /// Technical score, collaboration score, in population standard deviations.
    pub(super) technical: Vec<f32>,
    pub(super) collaboration: Vec<f32>,
    pub(super) technical_sd: Vec<f32>,
    pub(super) collaboration_sd: Vec<f32>,
    /// Own record: shrunk effect on the logit of success, its variance, and outcomes so far.
    pub(super) record: Vec<f32>,
    pub(super) record_variance: Vec<f32>,
    pub(super) outcomes: Vec<u16>,
    closed: Vec<u8>,
    /// Skills of developers, each one's sorted: `skill << 3 | level`. A changed developer's are appended anew.
    skill_levels: Vec<u32>,
    first_skill: Vec<u32>,
    skill_count: Vec<u8>,
    /// For each skill who has it at the level of a must, a bit each.
    able: Vec<Vec<u64>>,
    /// For each skill those from which a part of the level carries over.
    neighbours: Vec<Vec<(u32, f32)>>,
    skill_number: HashMap<String, u32>,
    domain_number: HashMap<String, u32>,
    must_level: u8,
}

/// A project in the snapshot's numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Skills that it cannot do without; `None` in the place of one that nobody knows.
    pub must: Vec<Option<u32>>,
    /// Skills that help.
    pub nice: Vec<u32>,
    /// The bit of its line of business.
    pub domain: u64,
    /// Most an hour.
    pub max_rate: f32,
    /// Hours a week.
    pub weekly_hours: f32,
    /// Hours from UTC.
    pub utc_offset: f32,
    /// Hours to share.
    pub min_overlap: f32,
    /// First day of work.
    pub start_day: i32,
    /// Rows that are out of the question for this project, sorted.
    pub without: Vec<u32>,
}

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
    /// No developers yet; a must-skill counts from `must_level` on.
    pub fn empty(taxonomy: &[SkillEntry], must_level: u8) -> Self {
        let mut snapshot = Self { must_level, ..Self::default() };
        for entry in taxonomy {
            let number = snapshot.skill(&entry.id);
            for alias in &entry.aliases {
                snapshot.skill_number.entry(alias.to_lowercase()).or_insert(number);
            }
        }
        for entry in taxonomy {
            let number = snapshot.skill(&entry.id) as usize;
            for near in &entry.neighbours {
                let neighbour = snapshot.skill(&near.skill);
                snapshot.neighbours[number].push((neighbour, near.weight));
            }
        }
        snapshot
    }

    /// Columns of developers with their (technical, collaboration) scores, keyed by their places.
    pub fn new(
        taxonomy: &[SkillEntry],
        developers: &[Developer],
        scores: &[(Score, Score)],
        must_level: u8,
    ) -> Self {
        let mut snapshot = Self::empty(taxonomy, must_level);
        for (row, (developer, scores)) in developers.iter().zip(scores).enumerate() {
            snapshot.push(row as u128, developer, *scores, 0);
        }
        snapshot
    }

    /// Adds a developer; answers the row.
    pub fn push(&mut self, key: u128, developer: &Developer, scores: (Score, Score), closed: u8) -> usize {
        let row = self.keys.len();
        self.keys.push(key);
        for column in [
            &mut self.rate,
            &mut self.weekly_hours,
            &mut self.utc_offset,
            &mut self.technical,
            &mut self.technical_sd,
            &mut self.collaboration,
            &mut self.collaboration_sd,
            &mut self.record,
            &mut self.record_variance,
        ] {
            column.push(0.0);
        }
        self.available_from.push(0);
        self.domains.push(0);
        self.outcomes.push(0);
        self.closed.push(0);
        self.first_skill.push(0);
        self.skill_count.push(0);
        self.set(row, developer, scores, closed);
        row
    }

    /// Writes a developer's columns anew, but for the own record.
    pub fn set(
        &mut self,
        row: usize,
        developer: &Developer,
        (technical, collaboration): (Score, Score),
        closed: u8,
    ) {
        self.rate[row] = developer.rate as f32;
        self.weekly_hours[row] = developer.weekly_hours as f32;
        self.available_from[row] = developer.available_from;
        self.utc_offset[row] = developer.utc_offset as f32;
        self.domains[row] = developer.domains.iter().fold(0, |bits, name| bits | self.domain(name));
        self.technical[row] = technical.mean as f32;
        self.technical_sd[row] = technical.sd as f32;
        self.collaboration[row] = collaboration.mean as f32;
        self.collaboration_sd[row] = collaboration.sd as f32;
        self.closed[row] = closed;
        let mut skills: Vec<u32> = developer
            .skills
            .iter()
            .map(|skill| self.skill(&skill.skill) << 3 | u32::from(skill.level.min(5)))
            .collect();
        skills.sort_unstable();
        skills.truncate(usize::from(u8::MAX));
        if skills == self.skills(row) {
            return;
        }
        for at in self.skill_range(row) {
            let skill = (self.skill_levels[at] >> 3) as usize;
            if let Some(word) = self.able[skill].get_mut(row / 64) {
                *word &= !(1 << (row % 64));
            }
        }
        self.first_skill[row] = self.skill_levels.len() as u32;
        self.skill_count[row] = skills.len() as u8;
        for skill in skills {
            self.skill_levels.push(skill);
            if (skill & 7) as u8 >= self.must_level {
                let bits = &mut self.able[(skill >> 3) as usize];
                if bits.len() <= row / 64 {
                    bits.resize(row / 64 + 1, 0);
                }
                bits[row / 64] |= 1 << (row % 64);
            }
        }
    }

    /// Notes a developer's own record.
    pub fn set_record(&mut self, row: usize, record: &Record) {
        self.record[row] = record.effect as f32;
        self.record_variance[row] = record.variance as f32;
        self.outcomes[row] = record.outcomes;
    }

    /// Nobody sees them any more.
    pub fn close(&mut self, row: usize) {
        self.closed[row] |= closed::GONE;
    }

    /// Whose row it is.
    pub fn key(&self, row: usize) -> u128 {
        self.keys[row]
    }

    /// The keys of the first `count` rows.
    pub fn keys(&self, count: usize) -> &[u128] {
        &self.keys[..count]
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Nobody?
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Bytes of a developer's columns with the running account of exposure, skills aside.
    pub fn bytes_each() -> usize {
        let account = size_of::<i128>() + size_of::<u32>();
        let skills = size_of::<u32>() + size_of::<u8>();
        let counts = size_of::<u16>() + size_of::<u8>();
        size_of::<u128>()
            + size_of::<f32>() * 9
            + size_of::<i32>()
            + size_of::<u64>()
            + counts
            + skills
            + account
    }

    /// Bytes of everybody's skills: lists and bitmaps.
    pub fn skill_bytes(&self) -> usize {
        let maps: usize = self.able.iter().map(|map| map.len() * size_of::<u64>()).sum();
        self.skill_levels.len() * size_of::<u32>() + maps
    }

    fn skill(&mut self, name: &str) -> u32 {
        if let Some(number) = self.skill_number.get(name) {
            return *number;
        }
        let next = self.able.len() as u32;
        let number = *self.skill_number.entry(name.to_lowercase()).or_insert(next);
        if number == next {
            self.able.push(Vec::new());
            self.neighbours.push(Vec::new());
        }
        number
    }

    /// A domain's bit; the 65th and later share none.
    fn domain(&mut self, name: &str) -> u64 {
        let next = self.domain_number.len() as u32;
        let number = match self.domain_number.get(name) {
            Some(number) => *number,
            None => *self.domain_number.entry(name.to_owned()).or_insert(next),
        };
        1_u64.checked_shl(number).unwrap_or(0)
    }

    fn domain_bit(&self, name: &str) -> u64 {
        self.domain_number.get(name).and_then(|number| 1_u64.checked_shl(*number)).unwrap_or(0)
    }

    /// A project in this snapshot's numbers.
    pub fn query(&self, project: &Project) -> Query {
        let skill = |name: &String| self.skill_number.get(&name.to_lowercase()).copied();
        Query {
            must: project.must.iter().map(skill).collect(),
            nice: project.nice.iter().filter_map(skill).collect(),
            domain: self.domain_bit(&project.domain),
            max_rate: project.max_rate as f32,
            weekly_hours: project.weekly_hours as f32,
            utc_offset: project.utc_offset as f32,
            min_overlap: project.min_overlap as f32,
            start_day: project.start_day,
            without: Vec::new(),
        }
    }

    /// Names and numbers of a project's known skills; true for those it needs.
    pub fn names_of(&self, project: &Project) -> Vec<(String, u32, bool)> {
        let each =
            project.must.iter().map(|name| (name, true)).chain(project.nice.iter().map(|name| (name, false)));
        each.filter_map(|(name, must)| {
            Some((name.clone(), *self.skill_number.get(&name.to_lowercase())?, must))
        })
        .collect()
    }

    fn skill_range(&self, row: usize) -> std::ops::Range<usize> {
        let first = self.first_skill[row] as usize;
        first..first + usize::from(self.skill_count[row])
    }

    fn skills(&self, row: usize) -> &[u32] {
        &self.skill_levels[self.skill_range(row)]
    }

    /// The level of a skill, 0 without it.
    pub(super) fn level(&self, row: usize, skill: u32) -> u8 {
        let skills = self.skills(row);
        skills.iter().find(|entry| **entry >> 3 == skill).map_or(0, |entry| (entry & 7) as u8)
    }

    /// The level of a skill, or what carries over from its neighbours where that is more.
    #[inline]
    pub(super) fn fit(&self, row: usize, skill: u32) -> f64 {
        let near = &self.neighbours[skill as usize];
        if near.is_empty() {
            return f64::from(self.level(row, skill));
        }
        let of = |entry: &u32| {
            let level = f64::from(entry & 7);
            if entry >> 3 == skill {
                return level;
            }
            let weight = near.iter().find(|(neighbour, _)| *neighbour == entry >> 3);
            weight.map_or(0.0, |(_, weight)| level * f64::from(*weight))
        };
        self.skills(row).iter().map(of).fold(0.0, f64::max)
    }

    /// Hours of the working day that a developer shares with somebody at an offset, around the globe.
    pub(super) fn overlap(&self, row: usize, utc_offset: f32) -> f32 {
        shared_hours(self.utc_offset[row], utc_offset)
    }

    /// Whether a developer meets every constraint but skills.
    pub(super) fn free(&self, row: usize, query: &Query) -> bool {
        self.closed[row] == 0
            && self.rate[row] <= query.max_rate
            && self.weekly_hours[row] >= query.weekly_hours
            && self.available_from[row] <= query.start_day
            && self.overlap(row, query.utc_offset) >= query.min_overlap
            && (query.without.is_empty() || query.without.binary_search(&(row as u32)).is_err())
    }

    /// Whether a developer has every must-skill.
    pub(super) fn able(&self, row: usize, query: &Query) -> bool {
        query.must.iter().all(|skill| skill.is_some_and(|skill| self.level(row, skill) >= self.must_level))
    }

    /// Every developer who meets every hard constraint.
    pub fn feasible(&self, query: &Query, mut take: impl FnMut(usize)) {
        let mut maps = Vec::with_capacity(query.must.len());
        for skill in &query.must {
            match skill {
                Some(skill) => maps.push(self.able[*skill as usize].as_slice()),
                None => return,
            }
        }
        let Some((first, rest)) = maps.split_first() else {
            return (0..self.len()).filter(|row| self.free(*row, query)).for_each(take);
        };
        for (word, bits) in first.iter().enumerate() {
            let mut bits = rest.iter().fold(*bits, |bits, map| bits & map.get(word).copied().unwrap_or(0));
            while bits != 0 {
                let row = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                if self.free(row, query) {
                    take(row);
                }
            }
        }
    }

    /// Near misses: who would be feasible with one constraint less, constraint by constraint.
    pub fn near_misses(&self, query: &Query) -> Vec<NearMiss> {
        let mut misses = Vec::new();
        let mut relax = |constraint, skill, relaxed: Query, needs: &dyn Fn(usize) -> f32, rising: bool| {
            let mut needed = Vec::new();
            self.feasible(&relaxed, |row| {
                if !(self.free(row, query) && self.able(row, query)) {
                    needed.push(needs(row));
                }
            });
            needed.sort_unstable_by(|a, b| if rising { a.total_cmp(b) } else { b.total_cmp(a) });
            if let Some(at) = needed.get(4).or(needed.last()).copied() {
                let within = |value: &&f32| if rising { **value <= at } else { **value >= at };
                let more_at = needed.iter().take_while(within).count();
                misses.push(NearMiss { constraint, skill, more: needed.len(), at, more_at });
            }
        };
        relax("rate", None, Query { max_rate: f32::INFINITY, ..query.clone() }, &|row| self.rate[row], true);
        let relaxed = Query { weekly_hours: 0.0, ..query.clone() };
        relax("weekly_hours", None, relaxed, &|row| self.weekly_hours[row], false);
        let relaxed = Query { start_day: i32::MAX, ..query.clone() };
        relax("start", None, relaxed, &|row| self.available_from[row] as f32, true);
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

/// Hours of two working days that coincide, around the globe.
pub fn shared_hours(one: f32, other: f32) -> f32 {
    let apart = (one - other).abs() % 24.0;
    (WORKING_DAY - apart.min(24.0 - apart)).max(0.0)
}
