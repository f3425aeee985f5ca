//! A market's projects, one after another in the order of their days.

use std::collections::HashMap;

use serde::Serialize;

use super::explain::{Counterfactual, Explanation, counterfactual, explain};
use super::exposure::{Exposure, SHOWN};
use super::learn::{Parameters, learn};
use super::market::{Market, Project, Score};
use super::rank::{Ranked, Ranking, Settings, rank};
use super::snapshot::{MUST_LEVEL, Query, Snapshot};

/// The answer for one project.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Which.
    pub project_id: String,
    /// Developers, the best first.
    pub ranking: Vec<String>,
    /// Why the first ten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanations: Option<Vec<Place>>,
    /// Where fewer than five are feasible: how many more there were with one constraint less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub near_misses: Option<Vec<Miss>>,
}

/// One place, explained.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Place {
    /// Who.
    pub developer_id: String,
    /// Why.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// What would move them up.
    pub counterfactual: Option<Counterfactual>,
}

/// A constraint that keeps developers out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Miss {
    /// Which.
    pub constraint: &'static str,
    /// How many more without it.
    pub more: usize,
}

/// Ranks every project of a market. Projects of one day are taken in the order of the file.
pub fn run(market: &Market, settings: &Settings, explained: bool) -> Vec<Line> {
    let scores = scores(market);
    let mut snapshot = Snapshot::new(&market.skills, &market.developers, &scores, must_level(market));
    let rows: HashMap<&str, usize> =
        market.developers.iter().enumerate().map(|(row, developer)| (developer.id.as_str(), row)).collect();
    let row_of = |id: &str| rows.get(id).copied();
    let parameters = learn(&mut snapshot, row_of, &market.invitations, &market.contracts);
    let mut exposure = Exposure::new(snapshot.len());
    let mut order: Vec<usize> = (0..market.projects.len()).collect();
    order.sort_by_key(|at| market.projects[*at].day);
    let mut lines: Vec<(usize, Line)> = Vec::with_capacity(order.len());
    for at in order {
        let project = &market.projects[at];
        let query = snapshot.query(project);
        let days = (project.start_day, project.end_day, project.day);
        let ranking = rank(&snapshot, &parameters, Some(&exposure), &query, days, settings);
        let line =
            line(market, &snapshot, &parameters, &exposure, (project, &query), &ranking, settings, explained);
        lines.push((at, line));
        if settings.exposure {
            let spell = (project.start_day, project.end_day);
            for impression in exposure.deal(&snapshot, &parameters, &query, spell, &ranking) {
                exposure.book(&impression, project.day, spell);
            }
        }
    }
    lines.sort_by_key(|(at, _)| *at);
    lines.into_iter().map(|(_, line)| line).collect()
}

#[allow(clippy::too_many_arguments)] // what a line tells of
fn line(
    market: &Market,
    snapshot: &Snapshot,
    parameters: &Parameters,
    exposure: &Exposure,
    (project, query): (&Project, &Query),
    ranking: &Ranking,
    settings: &Settings,
    explained: bool,
) -> Line {
    let days = (project.start_day, project.end_day, project.day);
    let explanations = ranking.median.filter(|_| explained).map(|median| {
        let names = snapshot.names_of(project);
        let place = |(place, ranked): (usize, &Ranked)| Place {
            developer_id: market.developers[ranked.row].id.clone(),
            explanation: explain(
                snapshot,
                parameters,
                Some(exposure),
                query,
                days,
                settings,
                (ranked, &median),
            ),
            counterfactual: counterfactual(snapshot, parameters, query, &names, ranking, place),
        };
        ranking.shown.iter().take(SHOWN).enumerate().map(place).collect()
    });
    let near_misses = (explained && ranking.feasible < 5).then(|| {
        let misses = snapshot.near_misses(query).into_iter();
        misses.map(|miss| Miss { constraint: miss.constraint, more: miss.more }).collect()
    });
    Line {
        project_id: project.id.clone(),
        ranking: ranking.shown.iter().map(|ranked| market.developers[ranked.row].id.clone()).collect(),
        explanations,
        near_misses,
    }
}

/// The policy for must-skills, as far as the files show one: the lowest level at which the market's contracts were made
/// (at least a hundredth of them, so that a slip makes no rule).
fn must_level(market: &Market) -> u8 {
    let mut levels = HashMap::new();
    for developer in &market.developers {
        let own = developer.skills.iter().map(|skill| (skill.skill.as_str(), skill.level));
        levels.insert(developer.id.as_str(), own.collect::<HashMap<_, _>>());
    }
    let mut counts = [0_usize; 6];
    for contract in &market.contracts {
        let Some(own) = levels.get(contract.developer_id.as_str()) else { continue };
        for skill in &contract.must {
            if let Some(level) = own.get(skill.as_str()) {
                counts[usize::from(*level).min(5)] += 1;
            }
        }
    }
    let all: usize = counts.iter().sum();
    let usual = (1..=5_u8).find(|level| counts[usize::from(*level)] * 100 >= all.max(1));
    usual.filter(|_| all >= 50).unwrap_or(MUST_LEVEL)
}

/// Verified levels say something of technical ability, too: the posterior leans towards what its regression on the mean
/// level expects, the more the less certain the score is (Kelley 1947's regressed estimate with a covariate).
fn lean_on_levels(market: &Market, scores: &mut [(Score, Score)]) {
    let level = |developer: &super::market::Developer| {
        let skills = &developer.skills;
        (!skills.is_empty())
            .then(|| skills.iter().map(|skill| f64::from(skill.level)).sum::<f64>() / skills.len() as f64)
    };
    let levels: Vec<Option<f64>> = market.developers.iter().map(level).collect();
    let known =
        || levels.iter().zip(scores.iter()).filter_map(|(level, (score, _))| Some(((*level)?, score)));
    let n = known().count().max(1) as f64;
    let mean = known().map(|(level, _)| level).sum::<f64>() / n;
    let middle = known().map(|(_, score)| score.mean).sum::<f64>() / n;
    let spread = known().map(|(level, _)| (level - mean).powi(2)).sum::<f64>();
    let together = known().map(|(level, score)| (level - mean) * (score.mean - middle)).sum::<f64>();
    // A posterior mean carries only its reliability's share of the covariance.
    let reliability = 1.0 - known().map(|(_, score)| score.sd * score.sd).sum::<f64>() / n;
    if reliability < 0.1 || spread <= 0.0 {
        return;
    }
    let slope = together / (reliability * (spread + 1.0));
    // What the level explains of the population's variance, 1, is not unknown any more.
    let rest = (1.0 - slope * slope * spread / n).clamp(0.3, 1.0);
    for (level, (score, _)) in levels.iter().zip(scores) {
        if let Some(level) = level {
            let unknown = score.sd * score.sd;
            let sharper = 1.0 / (1.0 / unknown.max(1e-6) - 1.0 + 1.0 / rest);
            score.mean = sharper * (score.mean / unknown.max(1e-6) + slope * (level - mean) / rest);
            score.sd = sharper.sqrt();
        }
    }
}

/// Technical and collaboration scores, in standard deviations of their populations. Without ratings everybody is the
/// average, and not known.
fn scores(market: &Market) -> Vec<(Score, Score)> {
    let unknown = Score { mean: 0.0, sd: 1.0 };
    let mut scores = vec![(unknown, unknown); market.developers.len()];
    let Some(ratings) = &market.ratings else { return scores };
    let scales = assay_scoring::by_scale(ratings);
    let rows: HashMap<&str, usize> =
        market.developers.iter().enumerate().map(|(row, developer)| (developer.id.as_str(), row)).collect();
    for (number, scale) in scales.iter().take(2).enumerate() {
        for (name, measure) in ratings.developers.iter().zip(&scale.developers) {
            if let Some(row) = rows.get(name.as_str()) {
                let score = Score {
                    mean: (measure.measure - scale.calibration.mu) / scale.calibration.sigma,
                    sd: measure.se / scale.calibration.sigma,
                };
                let both = &mut scores[*row];
                *(if number == 0 { &mut both.0 } else { &mut both.1 }) = score;
            }
        }
    }
    lean_on_levels(market, &mut scores);
    if scales.len() < 2 {
        // One scale says nothing of another.
        scores.iter_mut().for_each(|(_, collaboration)| *collaboration = Score { mean: 0.0, sd: 0.0 });
    }
    scores
}
