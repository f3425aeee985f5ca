//! Developers as columns, and who has which skill as bitmaps: what one ranking reads.

use std::collections::HashMap;

use super::market::{Developer, Project, Score, SkillEntry};

/// A must-skill counts from this level on, working knowledge, where neither a policy nor a history says otherwise.
pub const MUST_LEVEL: u8 = 3;
/// Hours of a working day; overlap is what two of them share.
const WORKING_DAY: f32 = 8.0;

/// Struct of arrays; a developer is a row number.
#[derive(Default)]
pub struct Snapshot {
    /// Names, to answer with.
    pub ids: Vec<String>,
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
    /// Skills of a developer, sorted: `skill << 3 | level`.
    skill_levels: Vec<u32>,
    first_skill: Vec<u32>,
    /// For each skill who has it at the level of a must, a bit each.
    able: Vec<Vec<u64>>,
    skill_number: HashMap<String, u32>,
    domain_number: HashMap<String, u32>,
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
}

impl Snapshot {
    /// Columns of developers with their (technical, collaboration) scores; a must-skill counts from `must_level` on.
    pub fn new(
        taxonomy: &[SkillEntry],
        developers: &[Developer],
        scores: &[(Score, Score)],
        must_level: u8,
    ) -> Self {
        let mut snapshot = Self { first_skill: vec![0], ..Self::default() };
        for entry in taxonomy {
            let number = snapshot.skill(&entry.id);
            for alias in &entry.aliases {
                snapshot.skill_number.entry(alias.to_lowercase()).or_insert(number);
            }
        }
        for (row, (developer, (technical, collaboration))) in developers.iter().zip(scores).enumerate() {
            snapshot.ids.push(developer.id.clone());
            snapshot.rate.push(developer.rate as f32);
            snapshot.weekly_hours.push(developer.weekly_hours as f32);
            snapshot.available_from.push(developer.available_from);
            snapshot.utc_offset.push(developer.utc_offset as f32);
            let domains = developer.domains.iter().fold(0, |bits, name| bits | snapshot.domain(name));
            snapshot.domains.push(domains);
            snapshot.technical.push(technical.mean as f32);
            snapshot.technical_sd.push(technical.sd as f32);
            snapshot.collaboration.push(collaboration.mean as f32);
            snapshot.collaboration_sd.push(collaboration.sd as f32);
            snapshot.record.push(0.0);
            snapshot.record_variance.push(0.0);
            snapshot.outcomes.push(0);
            let mut skills: Vec<u32> = developer
                .skills
                .iter()
                .map(|skill| snapshot.skill(&skill.skill) << 3 | u32::from(skill.level.min(5)))
                .collect();
            skills.sort_unstable();
            for skill in skills {
                snapshot.skill_levels.push(skill);
                if (skill & 7) as u8 >= must_level {
                    let bits = &mut snapshot.able[(skill >> 3) as usize];
                    if bits.len() <= row / 64 {
                        bits.resize(row / 64 + 1, 0);
                    }
                    bits[row / 64] |= 1 << (row % 64);
                }
            }
            snapshot.first_skill.push(snapshot.skill_levels.len() as u32);
        }
        snapshot
    }

    /// How many developers.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Nobody?
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Bytes of a developer's columns, skills and names aside.
    pub fn bytes_each() -> usize {
        size_of::<f32>() * 9 + size_of::<i32>() + size_of::<u64>() + size_of::<u16>() + size_of::<u32>()
    }

    fn skill(&mut self, name: &str) -> u32 {
        let next = self.able.len() as u32;
        let number = *self.skill_number.entry(name.to_lowercase()).or_insert(next);
        if number == next {
            self.able.push(Vec::new());
        }
        number
    }

    /// A domain's bit; the 65th and later share none.
    fn domain(&mut self, name: &str) -> u64 {
        let next = self.domain_number.len() as u32;
        let number = *self.domain_number.entry(name.to_owned()).or_insert(next);
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
        }
    }

    /// Names and numbers of a project's known skills; true for those it needs.
    pub(super) fn names_of(&self, project: &Project) -> Vec<(String, u32, bool)> {
        let each =
            project.must.iter().map(|name| (name, true)).chain(project.nice.iter().map(|name| (name, false)));
        each.filter_map(|(name, must)| {
            Some((name.clone(), *self.skill_number.get(&name.to_lowercase())?, must))
        })
        .collect()
    }

    /// The level of a skill, 0 without it.
    pub(super) fn level(&self, row: usize, skill: u32) -> u8 {
        let skills = &self.skill_levels[self.first_skill[row] as usize..self.first_skill[row + 1] as usize];
        skills.iter().find(|entry| **entry >> 3 == skill).map_or(0, |entry| (entry & 7) as u8)
    }

    /// Hours of the working day that a developer shares with somebody at an offset, around the globe.
    pub(super) fn overlap(&self, row: usize, utc_offset: f32) -> f32 {
        let apart = (self.utc_offset[row] - utc_offset).abs() % 24.0;
        (WORKING_DAY - apart.min(24.0 - apart)).max(0.0)
    }

    /// Whether a developer meets every constraint but skills.
    fn free(&self, row: usize, query: &Query) -> bool {
        self.rate[row] <= query.max_rate
            && self.weekly_hours[row] >= query.weekly_hours
            && self.available_from[row] <= query.start_day
            && self.overlap(row, query.utc_offset) >= query.min_overlap
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

    /// Near misses: how many would be feasible with one constraint less, constraint by constraint.
    pub fn near_misses(&self, query: &Query) -> Vec<(&'static str, usize)> {
        let relaxed = [
            ("rate", Query { max_rate: f32::INFINITY, ..query.clone() }),
            ("weekly_hours", Query { weekly_hours: 0.0, ..query.clone() }),
            ("start", Query { start_day: i32::MAX, ..query.clone() }),
            ("overlap", Query { min_overlap: 0.0, ..query.clone() }),
        ];
        let count = |query: &Query| {
            let mut count = 0;
            self.feasible(query, |_| count += 1);
            count
        };
        let now = count(query);
        let mut misses: Vec<_> = relaxed.iter().map(|(name, query)| (*name, count(query) - now)).collect();
        for dropped in 0..query.must.len() {
            let mut must = query.must.clone();
            must.remove(dropped);
            misses.push(("skill", count(&Query { must, ..query.clone() }) - now));
        }
        misses.retain(|(_, more)| *more > 0);
        misses
    }
}
