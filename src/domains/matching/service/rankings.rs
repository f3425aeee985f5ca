//! A ranking: made, kept, read, worked out again.

use std::collections::HashMap;

use assay_kernel::ids::{AccountId, MatchId, OrganisationId, ProjectId};
use assay_kernel::{Actor, Code, Error, Result};
use assay_platform::db::{Conn, Json};
use assay_platform::outbox::{self, Audience};
use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use uuid::Uuid;

use super::learning::parameters_of;
use super::live::View;
use super::{Matching, is_inside, may_hire};
use crate::model::explain::{Standing, counterfactual};
use crate::model::exposure::Impression;
use crate::model::facts::{Met, Reason, blockers, passed};
use crate::model::kept::{self, Asked, Kept, KeptPlace, MODEL, Missed};
use crate::model::market::Project;
use crate::model::rank::{Ranked, Ranking, Settings, rank};
use crate::model::snapshot::{Query, seconds};
use crate::model::words;
use crate::store;
use crate::store::facts::ProjectRow;
use crate::store::rankings::{ImpressionRow, Named, RankingRow};

/// Places that are kept.
const DEPTH: usize = 50;
/// Places that are looked at beyond those, to take the place of who turns out to have changed.
const SPARE: usize = 10;
/// Fewer feasible than this, and near misses are told.
const FEW: usize = 5;

/// A ranking with what people are called.
#[derive(Debug, Clone)]
pub struct Given {
    /// The row.
    pub row: RankingRow,
    /// What the people of the first places are called.
    pub names: HashMap<Uuid, (Option<String>, Option<String>)>,
}

impl Given {
    fn of(row: RankingRow) -> Self {
        Self { row, names: HashMap::new() }
    }

    fn named(mut self, names: Vec<Named>) -> Self {
        self.names = names.into_iter().map(|(id, name, headline)| (id, (name, headline))).collect();
        self
    }
}

/// A ranking as the columns give it, before it is held against the tables.
struct Found {
    ranking: Ranking,
    places: Vec<(Uuid, KeptPlace, Impression)>,
    median: Option<Kept>,
    near_misses: Vec<Missed>,
    version: i64,
    parameters_version: i32,
    calibration: String,
}

impl Matching {
    pub(super) fn settings(&self, seed: u64, depth: usize) -> Settings {
        let policy = &self.ctx.policy.matching;
        Settings {
            depth,
            seed,
            exposure: true,
            explore: policy.explore,
            share: policy.share,
            taken: policy.taken,
        }
    }

    /// The project as the core has it.
    pub(super) fn core_project(&self, row: &ProjectRow) -> Project {
        let (today, day) = self.source.today();
        row.raw.project(row.id.to_string(), &self.source.taxonomy, today, day)
    }

    /// Ranks developers for a project, and keeps the ranking; answers with the names of the first `depth` places.
    ///
    /// # Errors
    /// 404, 403, `state_conflict`, `unavailable` while the developers are being read, the database's.
    pub async fn create_match_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ProjectId,
        depth: usize,
    ) -> Result<Given> {
        let now = self.ctx.clock.now();
        let cool_down = now - Duration::days(self.ctx.policy.matching.cool_down_days);
        let found = store::facts::project_to_rank(conn, id, actor.account_id, cool_down, now).await?;
        let (project_row, without) =
            found.filter(|(row, _)| is_inside(row, actor)).ok_or_else(|| Error::not_found("project"))?;
        if !may_hire(&project_row) {
            return Err(Error::new(Code::Forbidden, "Your role in the organisation cannot hire."));
        }
        if !matches!(project_row.state.as_str(), "listed" | "shortlisting") {
            let detail =
                format!("Developers are ranked for open projects; this one is `{}`.", project_row.state);
            return Err(Error::new(Code::StateConflict, detail).with_allowed_actions(Vec::new()));
        }
        let project = self.core_project(&project_row);
        let match_id: MatchId = self.ctx.ids.id();
        // Of the project, not of the request: asking again must not deal the ties anew.
        let seed = project_row.id.as_u128() as u64;
        let found = self.live.look(|view| self.find(view, &project, &without, seed))?;

        // The columns are a copy; the tables decide.
        let ids: Vec<Uuid> = found.places.iter().map(|(id, ..)| *id).collect();
        let changed = self.source.changed(conn, found.version, &ids).await?;
        let limits = self.source.limits();
        let mut stale = 0;
        let mut places = Vec::new();
        let mut impressions = Vec::new();
        for (developer, mut place, impression) in found.places {
            if places.len() == DEPTH {
                break;
            }
            match changed.of(developer) {
                None => {}
                Some(Some(facts)) if blockers(facts, &project, &limits).is_empty() => {
                    place.met = Some(Met::of(facts, &project));
                }
                Some(_) => {
                    stale += 1;
                    continue;
                }
            }
            // Below the places that count as shown an impression has no effect.
            if impression.given > 0.0 {
                impressions.push(impression_row(developer, &impression, &project));
            }
            places.push(Some(place));
        }
        let policy = &self.ctx.policy.matching;
        let asked = Asked {
            must: project.must.clone(),
            nice: project.nice.clone(),
            family: project.domain.clone(),
            weekly_hours: project.weekly_hours,
            min_overlap: project.min_overlap,
            days: (project.start_day, project.end_day, project.day),
            weights: (policy.explore, policy.share, policy.taken),
            stale,
        };
        let row = RankingRow {
            id: match_id.uuid(),
            project_id: project_row.id,
            requested_by_id: actor.account_id.uuid(),
            model: MODEL.to_owned(),
            parameters_version: found.parameters_version,
            calibration: found.calibration,
            snapshot_version: found.version,
            policy_version: self.ctx.policy.version.clone(),
            seed: seed as i64,
            asked: Json(asked),
            feasible: i32::try_from(found.ranking.feasible - stale.min(found.ranking.feasible))
                .unwrap_or(i32::MAX),
            median: Json(found.median),
            places: Json(places),
            near_misses: Json(found.near_misses),
            created_at: now,
        };
        let names = store::rankings::keep(conn, &row, &impressions, depth).await?;
        let organisation = OrganisationId::from_uuid(project_row.organisation);
        let data = json!({ "match_id": match_id, "project_id": id, "feasible": row.feasible, "places": row.places.len() });
        let audience = [Audience::Organisation(organisation)];
        outbox::publish(&self.ctx, conn, "match.ranked", match_id.to_string(), data, &audience).await?;
        Ok(Given::of(row).named(names))
    }

    fn find(&self, view: &View, project: &Project, without: &[Uuid], seed: u64) -> Found {
        let query = query_without(view, project, without.iter().copied(), self.ctx.clock.now());
        let settings = self.settings(seed, DEPTH + SPARE);
        let days = (project.start_day, project.end_day, project.day);
        let exposure = Some(&view.exposure);
        let ranking = rank(&view.snapshot, &view.parameters, exposure, &query, days, &settings);
        let standing = |ranked: &Ranked| {
            Standing::of(&view.snapshot, &view.parameters, exposure, &query, days, &settings, ranked)
        };
        let median = ranking.median.map(|median| standing(&median));
        let names = view.snapshot.names_of(project);
        let spell = (project.start_day, project.end_day);
        let dealt = view.exposure.deal(&view.snapshot, &view.parameters, &query, spell, &ranking);
        let place = |(at, (ranked, impression)): (usize, (&Ranked, Impression))| {
            let own = standing(ranked);
            let developer = view.developer(ranked.row);
            let median = median.unwrap_or(own);
            let change = counterfactual(&view.snapshot, &view.parameters, &query, &names, &ranking, at);
            let kept = KeptPlace {
                developer,
                standing: Kept::of(&own),
                score_and_parts: kept::score_and_parts(&view.parameters, &own, &median),
                met: Some(view.snapshot.met(ranked.row, &query)),
                counterfactual: change.map(|change| (change.skill, change.level, change.to)),
            };
            (developer, kept, impression)
        };
        let places = ranking.shown.iter().zip(dealt).enumerate().map(place).collect();
        let near_misses = if ranking.feasible < FEW { missed(view, &query, project) } else { Vec::new() };
        Found {
            places,
            median: median.as_ref().map(Kept::of),
            near_misses,
            ranking,
            version: view.version,
            parameters_version: view.parameters_version,
            calibration: view.calibration.clone(),
        }
    }

    /// A ranking, for the client's people and curators.
    ///
    /// # Errors
    /// 404, the database's.
    pub async fn get_match(&self, conn: &mut Conn, actor: &Actor, id: MatchId) -> Result<Given> {
        let given = self.given(conn, actor, id).await?;
        let names = store::rankings::names(conn, given.row.first(usize::MAX)).await?;
        Ok(given.named(names))
    }

    pub(super) async fn given(&self, conn: &mut Conn, actor: &Actor, id: MatchId) -> Result<Given> {
        let missing = || Error::not_found("match");
        let row = store::rankings::find(conn, id).await?.ok_or_else(missing)?;
        let project = ProjectId::from_uuid(row.project_id);
        self.project_inside(conn, actor, project).await.map_err(|_| missing())?;
        Ok(Given::of(row))
    }

    /// Rankings of a project, the newest first.
    ///
    /// # Errors
    /// 404, the database's.
    pub async fn matches_of_project(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        project: ProjectId,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<Given>> {
        self.project_inside(conn, actor, project).await?;
        let rows = store::rankings::of_project(conn, project, before, limit).await?;
        Ok(rows.into_iter().map(Given::of).collect())
    }

    /// Works a ranking out again from what was kept; tells whether it is, bit by bit, the one that was given.
    ///
    /// # Errors
    /// 404, `state_conflict` when it was made by another formula, the database's.
    pub async fn replay_match(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: MatchId,
    ) -> Result<(Given, Vec<kept::Replayed>, bool)> {
        let given = self.given(conn, actor, id).await?;
        if given.row.model != MODEL {
            let detail = format!("It was made by the formula {}; this is {MODEL}.", given.row.model);
            return Err(Error::new(Code::StateConflict, detail).with_allowed_actions(Vec::new()));
        }
        let version = given.row.parameters_version;
        let stored = if version == 0 { None } else { store::parameters::find(conn, version).await? };
        let (parameters, found) = parameters_of(stored)?;
        if found != version {
            return Err(Error::internal("the parameters of a ranking are gone"));
        }
        let (places, identical) = match given.row.median.as_ref() {
            Some(median) => kept::replay(&parameters, given.row.seed as u64, median, &given.row.places),
            None => (Vec::new(), given.row.places.is_empty()),
        };
        Ok((given, places, identical))
    }
}

/// A project in the view's numbers, with those left out who are out of the question.
pub(super) fn query_without(
    view: &View,
    project: &Project,
    without: impl Iterator<Item = Uuid>,
    now: DateTime<Utc>,
) -> Query {
    let mut query = view.snapshot.query(project);
    query.now = seconds(now.timestamp());
    query.without = without.filter_map(|id| u32::try_from(view.row_of(id)?).ok()).collect();
    query.without.sort_unstable();
    query.without.dedup();
    query
}

fn missed(view: &View, query: &Query, project: &Project) -> Vec<Missed> {
    let told = view.snapshot.near_misses(query).into_iter().map(|miss| Missed {
        constraint: miss.constraint.to_owned(),
        more: miss.more,
        words: words::near_miss(&miss, &project.must),
    });
    told.collect()
}

fn impression_row(developer: Uuid, impression: &Impression, project: &Project) -> ImpressionRow {
    ImpressionRow {
        developer,
        day: project.day,
        place: i32::try_from(impression.place).unwrap_or(i32::MAX),
        given: impression.given,
        taken: impression.taken,
        from_day: project.start_day,
        to_day: project.end_day,
    }
}

/// A place as it is told.
#[derive(Debug, Clone)]
pub struct Told {
    /// Who.
    pub developer: AccountId,
    /// What speaks for and against them.
    pub summary: String,
    /// Each part: name, logits above the median, words.
    pub parts: Vec<(&'static str, f64, String)>,
    /// What would move them up.
    pub counterfactual: Option<String>,
    /// The constraints that they pass.
    pub passed: Vec<Reason>,
    /// The score.
    pub score: f64,
}

/// A place in words; `from` is its number, `asked` what the constraints were.
pub fn told(place: &KeptPlace, from: usize, asked: Option<&Asked>, you: bool) -> Told {
    let named = || crate::model::explain::part_names().zip(place.parts().iter().copied());
    Told {
        developer: AccountId::from_uuid(place.developer),
        summary: words::summary(named()),
        parts: named().map(|(name, value)| (name, value, words::part(name, value))).collect(),
        counterfactual: place
            .counterfactual
            .as_ref()
            .map(|(skill, level, to)| words::counterfactual(you, (skill, *level, *to), from)),
        passed: place.met.as_ref().zip(asked).map_or_else(Vec::new, |(met, asked)| passed(met, asked)),
        score: place.score(),
    }
}
