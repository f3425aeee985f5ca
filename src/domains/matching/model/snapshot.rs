//! Developers as columns, and who has which skill as bitmaps: what one ranking reads.

use std::collections::HashMap;

use super::facts::Met;
use super::learn::Record;
use super::market::{Developer, Project, Score, SkillEntry};

/// A must-skill counts from this level on, working knowledge, where neither a policy nor a history says otherwise.
pub const MUST_LEVEL: u8 = 3;
/// Rows that are looked at together.
const TOGETHER: usize = 256;
/// Hours of a working day; overlap is what two of them share.
const WORKING_DAY: f32 = 8.0;

/// Somebody may be shown for as long as anybody looks.
pub const ALWAYS: i64 = u32::MAX as i64;

/// What one ranking reads of a developer, in one cache line: those whom the skills' bitmaps leave lie far apart, and a
/// column each would cost a miss each.
#[derive(Clone, Default)]
#[repr(C, align(64))]
pub(super) struct Row {
    pub rate: f32,
    pub weekly_hours: f32,
    pub available_from: i32,
    pub utc_offset: f32,
    pub domains: u64,
    /// Technical score, collaboration score, in population standard deviations.
    pub technical: f32,
    pub technical_sd: f32,
    pub collaboration: f32,
    pub collaboration_sd: f32,
    /// Own record: shrunk effect on the logit of success, its variance, and outcomes so far.
    pub record: f32,
    pub record_variance: f32,
    first_skill: u32,
    /// The Unix second until which they may be shown; 0: not at all.
    until: u32,
    pub outcomes: u16,
    skill_count: u8,
}

const _: () = assert!(size_of::<Row>() == 64);

/// Developers; each is a row number.
#[derive(Default)]
pub struct Snapshot {
    /// Who: names the same developer in every process, whatever the row.
    keys: Vec<u128>,
    rows: Vec<Row>,
    /// Skills of developers, each one's sorted: `skill << 3 | level`. A changed developer's are appended anew.
    skill_levels: Vec<u32>,
    /// For each skill who has it at the level of a must, a bit each.
    able: Vec<Vec<u64>>,
    /// For each skill those from which a part of the level carries over.
    neighbours: Vec<Vec<(u32, f32)>>,
    skill_number: HashMap<String, u32>,
    domain_number: HashMap<String, u32>,
    must_level: u8,
}

/// What each skill brings to those that a project wants: a developer's list is then gone through once.
pub struct Wants {
    /// For each skill which of `shares` is its; 0 is none.
    of_skill: Vec<u16>,
    /// Place among the wanted, the known must-skills first, and how much of the level counts there.
    shares: Vec<Vec<(usize, f64)>>,
    /// How many are wanted.
    pub count: usize,
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
    /// The present Unix second: approvals that have ended by then do not count.
    pub now: u32,
    /// Rows that are out of the question for this project, sorted.
    pub without: Vec<u32>,
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
            snapshot.push(row as u128, developer, *scores, ALWAYS);
        }
        snapshot
    }

    /// Adds a developer; answers the row.
    pub fn push(&mut self, key: u128, developer: &Developer, scores: (Score, Score), until: i64) -> usize {
        let row = self.keys.len();
        self.keys.push(key);
        self.rows.push(Row::default());
        self.set(row, developer, scores, until);
        row
    }

    /// Writes a developer's columns anew, but for the own record; `until` is the Unix second until which they may be
    /// shown, 0 for nobody who is to be.
    pub fn set(
        &mut self,
        row: usize,
        developer: &Developer,
        (technical, collaboration): (Score, Score),
        until: i64,
    ) {
        let domains = developer.domains.iter().fold(0, |bits, name| bits | self.domain(name));
        let own = &mut self.rows[row];
        own.rate = developer.rate as f32;
        own.weekly_hours = developer.weekly_hours as f32;
        own.available_from = developer.available_from;
        own.utc_offset = developer.utc_offset as f32;
        own.until = seconds(until);
        own.domains = domains;
        own.technical = technical.mean as f32;
        own.technical_sd = technical.sd as f32;
        own.collaboration = collaboration.mean as f32;
        own.collaboration_sd = collaboration.sd as f32;
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
        self.rows[row].first_skill = self.skill_levels.len() as u32;
        self.rows[row].skill_count = skills.len() as u8;
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
        let own = &mut self.rows[row];
        own.record = record.effect as f32;
        own.record_variance = record.variance as f32;
        own.outcomes = record.outcomes;
    }

    /// Nobody sees them any more.
    pub fn close(&mut self, row: usize) {
        self.rows[row].until = 0;
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

    /// Bytes of a developer's columns, skills aside.
    pub fn bytes_each() -> usize {
        size_of::<u128>() + size_of::<Row>()
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
            now: 0,
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
        let own = &self.rows[row];
        let first = own.first_skill as usize;
        first..first + usize::from(own.skill_count)
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

    /// What each skill brings to those that the project wants.
    pub fn wants(&self, query: &Query) -> Wants {
        let mut wants = Wants { of_skill: vec![0; self.able.len()], shares: vec![Vec::new()], count: 0 };
        for skill in query.must.iter().flatten().chain(&query.nice) {
            let place = wants.count;
            wants.count += 1;
            wants.add(*skill, place, 1.0);
            for (neighbour, weight) in &self.neighbours[*skill as usize] {
                wants.add(*neighbour, place, f64::from(*weight));
            }
        }
        wants
    }

    /// What [`Self::fit`] says of all wanted skills at once.
    pub(super) fn fits(&self, row: usize, wants: &Wants, into: &mut [f64]) {
        into.fill(0.0);
        for entry in self.skills(row) {
            let shares = wants.of_skill.get((entry >> 3) as usize).copied().unwrap_or(0);
            for (place, share) in &wants.shares[usize::from(shares)] {
                into[*place] = into[*place].max(f64::from(entry & 7) * share);
            }
        }
    }

    /// What a ranking reads of a developer.
    #[inline]
    pub(super) fn row(&self, row: usize) -> &Row {
        &self.rows[row]
    }

    /// Hours of the working day that a developer shares with somebody at an offset, around the globe.
    pub(super) fn overlap(&self, row: usize, utc_offset: f32) -> f32 {
        shared_hours(self.rows[row].utc_offset, utc_offset)
    }

    /// Whether a developer meets every constraint but skills.
    pub(super) fn free(&self, row: usize, query: &Query) -> bool {
        self.open(row, query) && !query.leaves_out(row)
    }

    /// The same for whoever is not left out by name. Everything is compared, whatever comes out first: without a branch
    /// developers are waited for together.
    #[inline]
    fn open(&self, row: usize, query: &Query) -> bool {
        let own = &self.rows[row];
        (own.until > query.now)
            & (own.rate <= query.max_rate)
            & (own.weekly_hours >= query.weekly_hours)
            & (own.available_from <= query.start_day)
            & (shared_hours(own.utc_offset, query.utc_offset) >= query.min_overlap)
    }

    /// Whether a developer has every must-skill.
    pub(super) fn able(&self, row: usize, query: &Query) -> bool {
        query.must.iter().all(|skill| skill.is_some_and(|skill| self.level(row, skill) >= self.must_level))
    }

    /// What the hard constraints look at in a developer.
    pub fn met(&self, row: usize, query: &Query) -> Met {
        Met {
            levels: query.must.iter().map(|skill| skill.map_or(0, |skill| self.level(row, skill))).collect(),
            weekly_hours: self.rows[row].weekly_hours,
            shared_hours: self.overlap(row, query.utc_offset),
        }
    }

    /// Every developer who meets every hard constraint, some at a time and in the order of their rows.
    pub fn feasible(&self, query: &Query, mut take: impl FnMut(&[usize])) {
        let Some(must) = query.must.iter().copied().collect::<Option<Vec<u32>>>() else { return };
        let maps: Vec<&[u64]> = must.iter().map(|skill| self.able[*skill as usize].as_slice()).collect();
        let words = maps.iter().map(|map| map.len()).min().unwrap_or(self.len().div_ceil(64));
        let mut rows = Vec::with_capacity(TOGETHER);
        for word in 0..words {
            let in_use = u64::MAX >> (64 - (self.len() - word * 64).min(64));
            let mut bits = maps.iter().fold(in_use, |bits, map| bits & map[word]);
            while bits != 0 {
                rows.push(word * 64 + bits.trailing_zeros() as usize);
                bits &= bits - 1;
            }
            if rows.len() > TOGETHER - 64 || word + 1 == words {
                let open = self.open_first(&mut rows, query);
                take(&rows[..open]);
                rows.clear();
            }
        }
    }

    /// Moves those whom a project may have to the front; answers how many they are.
    fn open_first(&self, rows: &mut [usize], query: &Query) -> usize {
        // Fetched together: at each developer whom a branch foretold wrongly, the next ones would be waited for again.
        std::hint::black_box(rows.iter().fold(0, |all, row| all ^ self.rows[*row].until));
        let mut open = 0;
        for at in 0..rows.len() {
            let row = rows[at];
            rows[open] = row;
            open += usize::from(self.open(row, query) && !query.leaves_out(row));
        }
        open
    }

    /// Has the skills of these rows fetched together: one by one, each would be waited for.
    pub(super) fn fetch(&self, rows: &[usize]) {
        let ends = rows.iter().map(|row| {
            let own = self.skill_range(*row);
            let at = |at: usize| self.skill_levels.get(at).copied().unwrap_or(0);
            at(own.start) ^ at(own.end.saturating_sub(1))
        });
        std::hint::black_box(ends.fold(0, |all, one| all ^ one));
    }
}

impl Query {
    fn leaves_out(&self, row: usize) -> bool {
        !self.without.is_empty() && self.without.binary_search(&(row as u32)).is_ok()
    }
}

impl Wants {
    fn add(&mut self, skill: u32, place: usize, share: f64) {
        let Some(slot) = self.of_skill.get_mut(skill as usize) else { return };
        if *slot == 0 {
            *slot = self.shares.len() as u16;
            self.shares.push(Vec::new());
        }
        let shares = &mut self.shares[usize::from(*slot)];
        // The first that is said of a pair counts: the skill itself, then the nearest entry of the taxonomy.
        if shares.iter().all(|(other, _)| *other != place) {
            shares.push((place, share));
        }
    }
}

/// A Unix second as the columns have it.
pub fn seconds(at: i64) -> u32 {
    u32::try_from(at.max(0)).unwrap_or(u32::MAX)
}

/// Hours of two working days that coincide, around the globe.
pub fn shared_hours(one: f32, other: f32) -> f32 {
    let apart = (one - other).abs();
    let apart = if apart < 24.0 { apart } else { apart % 24.0 };
    (WORKING_DAY - apart.min(24.0 - apart)).max(0.0)
}
