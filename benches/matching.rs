//! How long one ranking takes, with exposure and without: `cargo bench -p assay-matching`. The goals are 0.5 ms at the
//! median over 10⁵ developers (2 ms for the slowest twentieth) and 5 ms over 10⁶. Also what the columns hold, and how long
//! it takes to fill them.

use assay_matching::{
    Developer, Exposure, Impression, Level, Near, Parameters, Project, Query, Settings, SkillEntry, Snapshot,
    rank,
};

const SKILLS: u64 = 72;
const DOMAINS: [&str; 6] = ["health", "media", "fintech", "gaming", "education", "logistics"];

fn main() {
    percentiles(100_000);
    percentiles(1_000_000);
    divan::main();
}

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }

    fn domain(&mut self) -> String {
        DOMAINS[self.below(6) as usize].to_owned()
    }
}

fn skill(number: u64) -> String {
    format!("skill{number}")
}

/// Six or seven skills of 72 each, as in the markets of the tests.
fn snapshot(count: usize) -> (Snapshot, std::time::Duration) {
    let mut chance = Chance(count as u64);
    let taxonomy: Vec<SkillEntry> = (0..SKILLS)
        .map(|number| SkillEntry {
            id: skill(number),
            aliases: Vec::new(),
            neighbours: (1..4).map(|by| Near { skill: skill((number + by) % SKILLS), weight: 0.5 }).collect(),
        })
        .collect();
    let developer = |id: usize| {
        let home = chance.below(SKILLS);
        let skills = 4 + chance.below(6);
        let skills = (0..skills).map(|at| Level {
            skill: skill((home + at * (1 + at)) % SKILLS),
            level: (2 + chance.below(4)) as u8,
        });
        Developer {
            id: format!("d{id}"),
            skills: skills.collect(),
            domains: (0..id as u64 % 3).map(|_| DOMAINS[id % 6].to_owned()).collect(),
            rate: 40.0 + (id * 7 % 80) as f64,
            weekly_hours: [15.0, 20.0, 30.0, 40.0][id % 4],
            available_from: (id * 13 % 60) as i32,
            utc_offset: (id * 11 % 17) as f64 - 8.0,
        }
    };
    let developers: Vec<Developer> = (0..count).map(developer).collect();
    let score = |at: usize| assay_matching::Score { mean: (at % 41) as f64 / 20.0 - 1.0, sd: 0.6 };
    let scores: Vec<_> = (0..count).map(|at| (score(at * 17), score(at * 29))).collect();
    let started = std::time::Instant::now();
    let snapshot = Snapshot::new(&taxonomy, &developers, &scores, 3);
    (snapshot, started.elapsed())
}

/// Every third developer was shown, and is probably taken for a month.
fn exposure(count: usize) -> Exposure {
    let mut exposure = Exposure::new(count);
    for row in (0..count).step_by(3) {
        let impression = Impression { row, place: 1, given: 0.5, taken: 0.3 };
        exposure.book(&impression, (row % 90) as i32, ((row % 60) as i32, (row % 60) as i32 + 30));
    }
    exposure
}

fn queries(snapshot: &Snapshot, count: u64) -> Vec<Query> {
    let mut chance = Chance(7);
    let query = |_| {
        let must = chance.below(SKILLS);
        let start_day = 3 + chance.below(60) as i32;
        let project = Project {
            id: String::new(),
            day: 0,
            must: (0..=chance.below(2)).map(|at| skill((must + 2 * at) % SKILLS)).collect(),
            nice: (0..=chance.below(3)).map(|_| skill(chance.below(SKILLS))).collect(),
            domain: chance.domain(),
            max_rate: 60.0 + chance.below(70) as f64,
            weekly_hours: [10.0, 15.0, 20.0, 30.0][chance.below(4) as usize],
            utc_offset: [-8.0, -5.0, 0.0, 1.0][chance.below(4) as usize],
            min_overlap: chance.below(5) as f64,
            start_day,
            end_day: start_day + 60,
        };
        snapshot.query(&project)
    };
    (0..count).map(query).collect()
}

/// Percentiles over 400 different projects, which a benchmark of one does not show.
fn percentiles(count: usize) {
    let (snapshot, built) = snapshot(count);
    println!(
        "{count} developers: {} bytes each and {:.0} of skills and their maps; columns filled in {built:?}",
        Snapshot::bytes_each() + Exposure::BYTES_EACH,
        snapshot.skill_bytes() as f64 / count as f64,
    );
    let (parameters, settings) = (Parameters::default(), Settings::default());
    let shown = exposure(count);
    for (what, exposure) in [("value alone", None), ("with exposure", Some(&shown))] {
        let mut feasible = 0;
        let mut times: Vec<std::time::Duration> = queries(&snapshot, 400)
            .iter()
            .map(|query| {
                let started = std::time::Instant::now();
                let ranking = rank(&snapshot, &parameters, exposure, query, (20, 60, 10), &settings);
                feasible += divan::black_box(ranking).feasible;
                started.elapsed()
            })
            .collect();
        times.sort_unstable();
        println!(
            "{count} developers, {what}: one ranking p50 {:?}, p95 {:?}, slowest {:?}; {} feasible on average",
            times[200],
            times[380],
            times[399],
            feasible / 400,
        );
    }
}

#[divan::bench(args = [100_000, 1_000_000])]
fn one_ranking(bencher: divan::Bencher, count: usize) {
    let (snapshot, _) = snapshot(count);
    let (queries, exposure) = (queries(&snapshot, 400), exposure(count));
    let (parameters, settings) = (Parameters::default(), Settings::default());
    let mut at = 0;
    bencher.bench_local(|| {
        at = (at + 1) % queries.len();
        rank(&snapshot, &parameters, Some(&exposure), &queries[at], (20, 60, 10), &settings)
    });
}
