//! Constraints, explanations, replay, learning.

use proptest::prelude::*;

use super::explain::explain;
use super::exposure::{Exposure, Impression, SHOWN};
use super::learn::{Parameters, learn};
use super::market::{Contract, Developer, Invitation, Level, Market, Near, Project, Score, SkillEntry};
use super::near_misses::NearMiss;
use super::rank::{Adjustments, Settings, rank};
use super::run::run;
use super::snapshot::{ALWAYS, MUST_LEVEL, Snapshot};

fn skills() -> Vec<SkillEntry> {
    ["rust", "react", "sql"]
        .map(|id| SkillEntry {
            id: id.to_owned(),
            aliases: vec![format!("{id}-lang")],
            neighbours: Vec::new(),
        })
        .to_vec()
}

fn developer(id: usize, levels: [u8; 3], rate: f64, offset: f64, hours: f64, from: i32) -> Developer {
    let named = skills().into_iter().zip(levels).filter(|(_, level)| *level > 0);
    Developer {
        id: format!("d{id}"),
        skills: named.map(|(skill, level)| Level { skill: skill.id, level }).collect(),
        domains: if id.is_multiple_of(2) { vec!["health".to_owned()] } else { Vec::new() },
        rate,
        weekly_hours: hours,
        available_from: from,
        utc_offset: offset,
    }
}

fn project(must: &[&str], max_rate: f64, offset: f64, overlap: f64, hours: f64, start: i32) -> Project {
    Project {
        id: "p".to_owned(),
        day: 1,
        must: must.iter().map(|skill| (*skill).to_owned()).collect(),
        nice: vec!["sql".to_owned()],
        domain: "health".to_owned(),
        max_rate,
        weekly_hours: hours,
        utc_offset: offset,
        min_overlap: overlap,
        start_day: start,
        end_day: start + 30,
    }
}

fn developers() -> impl Strategy<Value = Vec<Developer>> {
    let one = (proptest::array::uniform3(0..6_u8), 40..120_u8, -8..9_i8, 10..41_u8, 0..40_i32);
    proptest::collection::vec(one, 0..40).prop_map(|rows| {
        let each = rows.into_iter().enumerate();
        each.map(|(id, (levels, rate, offset, hours, from))| {
            developer(id, levels, f64::from(rate), f64::from(offset), f64::from(hours), from)
        })
        .collect()
    })
}

fn projects() -> impl Strategy<Value = Project> {
    let musts = prop_oneof![
        Just(vec![]),
        Just(vec!["rust"]),
        Just(vec!["React-lang"]),
        Just(vec!["rust", "sql"]),
        Just(vec!["cobol"])
    ];
    (musts, 50..130_u8, -8..9_i8, 0..7_u8, 5..41_u8, 0..40_i32).prop_map(
        |(must, rate, offset, overlap, hours, start)| {
            project(&must, f64::from(rate), f64::from(offset), f64::from(overlap), f64::from(hours), start)
        },
    )
}

/// The hard constraints, said again without the columns.
fn allowed(developer: &Developer, project: &Project) -> bool {
    let has = |must: &String| {
        let must = must.to_lowercase();
        let must = must.strip_suffix("-lang").unwrap_or(&must);
        developer.skills.iter().any(|skill| skill.skill == must && skill.level >= MUST_LEVEL)
    };
    let apart = (developer.utc_offset - project.utc_offset).abs();
    project.must.iter().all(has)
        && developer.rate <= project.max_rate
        && developer.weekly_hours >= project.weekly_hours
        && developer.available_from <= project.start_day
        && (8.0 - apart.min(24.0 - apart)).max(0.0) >= project.min_overlap
}

fn scores(count: usize) -> Vec<(Score, Score)> {
    let score =
        |at: usize| Score { mean: (at * 7 % 11) as f64 / 5.0 - 1.0, sd: 0.3 + (at % 3) as f64 / 10.0 };
    (0..count).map(|at| (score(at), score(at + 3))).collect()
}

fn shown_before(count: usize) -> Exposure {
    let mut exposure = Exposure::new(count);
    for row in 0..count {
        let (given, taken) = ((row % 5) as f64, 0.1 * (row % 9) as f64);
        exposure.book(&Impression { row, place: 1, given, taken }, 0, (5, 25));
    }
    exposure
}

proptest! {
    #[test]
    fn exactly_those_who_meet_every_constraint_are_ranked(developers in developers(), project in projects()) {
        let snapshot = Snapshot::new(&skills(), &developers, &scores(developers.len()), MUST_LEVEL);
        let query = snapshot.query(&project);
        let settings = Settings { depth: 100, ..Settings::default() };
        let ranking = rank(&snapshot, &Parameters::default(), None, &query, (0, 9, 1), &settings);
        let mut shown: Vec<&str> = ranking.shown.iter().map(|ranked| developers[ranked.row].id.as_str()).collect();
        shown.sort_unstable();
        let mut expected: Vec<&str> =
            developers.iter().filter(|one| allowed(one, &project)).map(|one| one.id.as_str()).collect();
        expected.sort_unstable();
        prop_assert_eq!(shown, expected);
        prop_assert!(ranking.shown.windows(2).all(|pair| pair[0].score >= pair[1].score));
    }

    #[test]
    fn parts_sum_to_the_distance_from_the_median_and_a_replay_is_bit_equal(
        developers in developers(), project in projects(), seed in any::<u64>(), exposed in any::<bool>(),
    ) {
        let build = || Snapshot::new(&skills(), &developers, &scores(developers.len()), MUST_LEVEL);
        let (snapshot, parameters) = (build(), Parameters::default());
        let exposure = shown_before(developers.len());
        let query = snapshot.query(&project);
        let settings = Settings { seed, exposure: exposed, ..Settings::default() };
        let days = (project.start_day, project.end_day, project.day);
        let ranking = rank(&snapshot, &parameters, Some(&exposure), &query, days, &settings);
        let again = rank(&build(), &parameters, Some(&exposure.clone()), &query, days, &settings);
        prop_assert_eq!(&ranking, &again);
        let Some(median) = ranking.median else { return Ok(()) };
        for ranked in &ranking.shown {
            let told = explain(
                &snapshot, &parameters, Some(&exposure), &query, days, &settings, (ranked, &median),
            );
            let sum: f64 = told.parts.iter().map(|part| part.above_median).sum();
            prop_assert!((told.score - told.median - sum).abs() < 1e-9, "{told:?}");
            prop_assert_eq!(told.score.to_bits(), ranked.score.to_bits());
        }
    }
}

fn market(people: usize) -> Market {
    let developers: Vec<Developer> = (0..people)
        .map(|id| {
            developer(id, [3 + (id % 3) as u8, 4, (id % 6) as u8], 50.0 + (id % 40) as f64, 0.0, 40.0, 0)
        })
        .collect();
    let projects = (0..40)
        .map(|at| Project {
            id: format!("p{at}"),
            day: at,
            start_day: at + 5,
            ..project(&["rust"], 95.0, 0.0, 2.0, 20.0, 0)
        })
        .collect();
    Market {
        skills: skills(),
        developers,
        invitations: Vec::new(),
        contracts: Vec::new(),
        projects,
        ratings: None,
    }
}

#[test]
fn an_empty_history_ranks_by_priors_and_exposure_spreads() {
    let market = market(120);
    let shown = |exposure: bool| {
        let lines = run(&market, &Settings { exposure, ..Settings::default() }, true);
        assert!(lines.iter().all(|line| line.ranking.len() == 50));
        let first: std::collections::BTreeSet<String> =
            lines.iter().flat_map(|line| line.ranking[..10].to_vec()).collect();
        first.len()
    };
    assert!(shown(true) > 2 * shown(false), "{} {}", shown(true), shown(false));
}

#[test]
fn history_moves_the_coefficients_where_it_points() {
    let people: Vec<Developer> = (0..200).map(|id| developer(id, [4, 4, 4], 60.0, 0.0, 40.0, 0)).collect();
    // Here only those with a high score succeed, and only those with room below the limit accept.
    let scores: Vec<(Score, Score)> = (0..200)
        .map(|id| (Score { mean: if id % 2 == 0 { 1.0 } else { -1.0 }, sd: 0.3 }, Score::default()))
        .collect();
    let contracts: Vec<Contract> = (0..200)
        .map(|id| Contract {
            developer_id: format!("d{id}"),
            must: vec!["rust".to_owned()],
            nice: Vec::new(),
            domain: "media".to_owned(),
            utc_offset: 0.0,
            success: id % 2 == 0,
        })
        .collect();
    let invitations: Vec<Invitation> = (0..200)
        .map(|id| Invitation {
            developer_id: format!("d{id}"),
            domain: "media".to_owned(),
            rate: 60.0,
            max_rate: if id % 4 == 0 { 61.0 } else { 90.0 },
            accepted: id % 4 != 0,
        })
        .collect();
    let by_number = |id: &str| id[1..].parse().ok();
    let mut snapshot = Snapshot::new(&skills(), &people, &scores, MUST_LEVEL);
    let prior = Parameters::default();
    let learned = learn(&mut snapshot, by_number, &invitations, &contracts);
    assert!(learned.success[1] > prior.success[1] + 0.3, "{learned:?}");
    assert!(learned.acceptance[1] > prior.acceptance[1] + 0.3, "{learned:?}");
    let none = learn(&mut Snapshot::new(&skills(), &people, &scores, MUST_LEVEL), by_number, &[], &[]);
    assert_eq!((none.acceptance, none.success), (prior.acceptance, prior.success));
}

#[test]
fn exposure_costs_the_best_nothing_the_tenth_all_and_never_more_than_a_share() {
    let all = Adjustments { explore: 0.1, share: -0.9, taken: -0.2 };
    assert_eq!(all.at(0), Adjustments { share: 0.0, ..all });
    assert_eq!((all.at(SHOWN), all.at(SHOWN / 2).share), (all, -0.45));
    let mut exposure = Exposure::new(2);
    let shown = Impression { row: 0, place: 1, given: Exposure::weight(0), taken: 0.0 };
    let first = exposure.fullness(0, 0);
    exposure.book(&shown, 0, (0, 0));
    let second = exposure.fullness(0, 0);
    exposure.book(&shown, 0, (0, 0));
    let third = exposure.fullness(0, 0);
    assert!(first == 0.0 && second - first > third - second && third < 1.0, "{first} {second} {third}");
    assert!(exposure.fullness(0, 90) < third && exposure.fullness(1, 0) == 0.0);
}

#[test]
fn near_misses_name_the_one_constraint() {
    let people = [developer(0, [4, 0, 0], 60.0, 0.0, 40.0, 0), developer(1, [4, 0, 0], 99.0, 0.0, 40.0, 0)];
    let snapshot = Snapshot::new(&skills(), &people, &scores(2), MUST_LEVEL);
    let query = snapshot.query(&project(&["rust"], 80.0, 0.0, 2.0, 20.0, 0));
    let missed = NearMiss { constraint: "rate", skill: None, more: 1, at: 99.0, more_at: 1 };
    assert_eq!(snapshot.near_misses(&query), [missed]);
    assert!(Snapshot::bytes_each() + Exposure::BYTES_EACH <= 120);
}

#[test]
fn neighbours_help_the_fit_and_open_no_door() {
    let mut taxonomy = skills();
    taxonomy[0].neighbours = vec![Near { skill: "sql".to_owned(), weight: 0.5 }];
    // All want Rust as a help; only the second has something from which a part carries over.
    let people = [developer(3, [0, 3, 0], 60.0, 0.0, 40.0, 0), developer(1, [0, 3, 5], 60.0, 0.0, 40.0, 0)];
    let snapshot = Snapshot::new(&taxonomy, &people, &[Default::default(); 2], MUST_LEVEL);
    let mut wanted = project(&["react"], 80.0, 0.0, 0.0, 20.0, 0);
    wanted.nice = vec!["rust".to_owned()];
    let fits = rank(
        &snapshot,
        &Parameters::default(),
        None,
        &snapshot.query(&wanted),
        (0, 9, 1),
        &Settings::default(),
    );
    let order: Vec<usize> = fits.shown.iter().map(|ranked| ranked.row).collect();
    assert_eq!(order, [1, 0]);
    let must = rank(
        &snapshot,
        &Parameters::default(),
        None,
        &snapshot.query(&project(&["rust"], 80.0, 0.0, 0.0, 20.0, 0)),
        (0, 9, 1),
        &Settings::default(),
    );
    assert_eq!(must.feasible, 0);
}

proptest! {
    #[test]
    fn all_wanted_skills_at_once_fit_as_each_does(developers in developers(), project in projects(), near in 0..=100_u8) {
        let mut skills = skills();
        let near = |skill: &str| Near { skill: skill.to_owned(), weight: f32::from(near) / 100.0 };
        skills[0].neighbours = vec![near("sql"), near("react")];
        skills[2].neighbours = vec![near("rust"), near("rust")];
        let scores = vec![(Score::default(), Score::default()); developers.len()];
        let snapshot = Snapshot::new(&skills, &developers, &scores, MUST_LEVEL);
        let query = snapshot.query(&project);
        let wants = snapshot.wants(&query);
        let mut levels = vec![f64::NAN; wants.count];
        for row in 0..developers.len() {
            snapshot.fits(row, &wants, &mut levels);
            let each = query.must.iter().flatten().chain(&query.nice).map(|skill| snapshot.fit(row, *skill));
            prop_assert_eq!(&levels, &each.collect::<Vec<_>>());
        }
    }

    #[test]
    fn columns_that_were_changed_are_those_built_anew(before in developers(), after in developers(), project in projects()) {
        let count = before.len().min(after.len());
        let scores = scores(count);
        let mut changed = Snapshot::new(&skills(), &before[..count], &scores, MUST_LEVEL);
        for row in 0..count {
            changed.set(row, &after[row], scores[row], ALWAYS);
        }
        let anew = Snapshot::new(&skills(), &after[..count], &scores, MUST_LEVEL);
        let ranked = |snapshot: &Snapshot| {
            rank(snapshot, &Parameters::default(), None, &snapshot.query(&project), (0, 9, 1), &Settings::default())
        };
        prop_assert_eq!(ranked(&changed), ranked(&anew));
    }

    #[test]
    fn replicas_agree_whatever_the_order_of_rows_and_of_impressions(
        people in developers(), project in projects(), seed in any::<u64>(), turn in 0..40_usize,
    ) {
        // Many ties: all scores are one.
        let count = people.len();
        let build = |turn: usize| {
            let mut snapshot = Snapshot::empty(&skills(), MUST_LEVEL);
            let mut row_of = vec![0; count];
            for at in 0..count {
                let who = (at + turn) % count;
                row_of[who] = snapshot.push(who as u128 + 7, &people[who], Default::default(), ALWAYS);
            }
            let mut exposure = Exposure::new(count);
            for step in 0..count * 3 {
                let step = (step + turn) % (count * 3);
                let (who, day) = (step % count, (step / count) as i32 * 9);
                let (given, taken) = (0.3 + 0.01 * who as f64, 0.1 + 0.01 * f64::from(day));
                exposure.book(&Impression { row: row_of[who], place: 1, given, taken }, day, (day, 30));
            }
            let settings = Settings { seed, ..Settings::default() };
            let query = snapshot.query(&project);
            let ranking = rank(&snapshot, &Parameters::default(), Some(&exposure), &query, (0, 40, 20), &settings);
            let told = ranking.shown.iter().map(|ranked| (snapshot.key(ranked.row), ranked.score.to_bits()));
            told.collect::<Vec<_>>()
        };
        prop_assert_eq!(build(0), build(turn));
    }
}
