//! How long one ranking takes: `cargo bench -p assay-matching`. The goals are 0.5 ms at the median over 10⁵ developers
//! (2 ms for the slowest twentieth) and 5 ms over 10⁶.

use assay_matching::{Developer, Level, Parameters, Project, Query, Settings, SkillEntry, Snapshot, rank};

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
fn snapshot(count: usize) -> Snapshot {
    let mut chance = Chance(count as u64);
    let taxonomy: Vec<SkillEntry> =
        (0..SKILLS).map(|number| SkillEntry { id: skill(number), aliases: Vec::new() }).collect();
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
    let scores = (0..count).map(|at| {
        let score = |at: usize| assay_matching::Score { mean: (at % 41) as f64 / 20.0 - 1.0, sd: 0.6 };
        (score(at * 17), score(at * 29))
    });
    Snapshot::new(&taxonomy, &developers, &scores.collect::<Vec<_>>(), 3)
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
    let started = std::time::Instant::now();
    let snapshot = snapshot(count);
    let built = started.elapsed();
    let parameters = Parameters::default();
    let settings = Settings::default();
    let mut feasible = 0;
    let mut times: Vec<std::time::Duration> = queries(&snapshot, 400)
        .iter()
        .map(|query| {
            let started = std::time::Instant::now();
            feasible +=
                divan::black_box(rank(&snapshot, &parameters, None, query, (0, 60), &settings)).feasible;
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!(
        "{count} developers: one ranking p50 {:?}, p95 {:?}, slowest {:?}; {} feasible on average; made and built in {built:?}; {} bytes a developer plus skills and name",
        times[200],
        times[380],
        times[399],
        feasible / 400,
        Snapshot::bytes_each()
    );
}

#[divan::bench(args = [100_000, 1_000_000])]
fn one_ranking(bencher: divan::Bencher, count: usize) {
    let snapshot = snapshot(count);
    let queries = queries(&snapshot, 400);
    let (parameters, settings) = (Parameters::default(), Settings::default());
    let mut at = 0;
    bencher.bench_local(|| {
        at = (at + 1) % queries.len();
        rank(&snapshot, &parameters, None, &queries[at], (0, 60), &settings)
    });
}
