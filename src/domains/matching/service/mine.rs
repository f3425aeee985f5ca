//! What a developer may know of their own matches: where they stand, what keeps them out, what would move them.

use assay_kernel::ids::ProjectId;
use assay_kernel::{Actor, Code, Error, Result};
use assay_platform::db::Conn;
use chrono::Duration;
use uuid::Uuid;

use super::Matching;
use super::live::View;
use super::rankings::{Told, query_without, told};
use crate::model::explain::{Standing, counterfactual};
use crate::model::facts::{Facts, Limits, Reason, blockers};
use crate::model::kept::{self, Kept, KeptPlace};
use crate::model::market::Project;
use crate::model::rank::{Ranked, rank};
use crate::store;
use crate::store::facts::ProjectRow;
use crate::store::rankings::ShownRow;

/// Open projects that are looked at, the newest.
const LOOKED_AT: i64 = 200;
/// Places that are looked at.
const DEPTH: usize = 50;

/// A project as a developer stands to it.
#[derive(Debug, Clone)]
pub struct OwnMatch {
    /// Which.
    pub project: ProjectId,
    /// Its title.
    pub title: String,
    /// Nothing keeps them out.
    pub feasible: bool,
    /// Their place among those who fit; none when out, or below the first fifty.
    pub place: Option<usize>,
    /// How many fit.
    pub of: usize,
    /// Why they stand where they stand.
    pub told: Option<Told>,
    /// What keeps them out.
    pub blockers: Vec<Reason>,
    /// What would move them, in words.
    pub counterfactual: Option<String>,
}

/// A project that may be told of, with what is known before the ranking.
struct Candidate {
    row: ProjectRow,
    project: Project,
    blockers: Vec<Reason>,
    score: f64,
}

impl Matching {
    /// The open projects that suit the caller best, and those that one constraint keeps them from.
    ///
    /// # Errors
    /// `forbidden` for somebody who is not approved, `unavailable` while the developers are being read, the database's.
    pub async fn my_matches(&self, conn: &mut Conn, actor: &Actor, limit: usize) -> Result<Vec<OwnMatch>> {
        let me = actor.account_id.uuid();
        let facts = self.source.facts(conn, vec![me]).await?.pop();
        let facts = facts.ok_or_else(|| {
            Error::new(Code::Forbidden, "Only developers with an approval that holds are matched.")
        })?;
        let skills = facts.developer.skills.iter().map(|own| own.skill.clone()).collect();
        let open = store::facts::open_projects(conn, skills, LOOKED_AT).await?;
        let limits = self.source.limits();
        let mut candidates = self.live.look(|view| {
            let of = |row: ProjectRow| {
                let project = self.core_project(&row);
                let blockers = blockers(&facts, &project, &limits);
                let score = view.row_of(me).map_or(f64::NEG_INFINITY, |at| {
                    self.standing(view, &project, at).score(&view.parameters)
                });
                Candidate { row, project, blockers, score }
            };
            open.into_iter().map(of).collect::<Vec<_>>()
        })?;
        candidates.retain(|one| one.blockers.len() < 2);
        candidates.sort_by(|a, b| {
            a.blockers.len().cmp(&b.blockers.len()).then_with(|| b.score.total_cmp(&a.score))
        });
        candidates.truncate(limit);
        let now = self.ctx.clock.now();
        let cool_down = now - Duration::days(limits.matching.cool_down_days);
        let mut matches = Vec::with_capacity(candidates.len());
        for one in candidates {
            let Candidate { row, .. } = &one;
            let without = store::facts::without(conn, row.id, cool_down, now).await?;
            matches.push(self.live.look(|view| self.own_match(view, &facts, &limits, &one, &without))?);
        }
        Ok(matches)
    }

    fn standing(&self, view: &View, project: &Project, row: usize) -> Standing {
        let days = (project.start_day, project.end_day, project.day);
        let settings = self.settings(0, DEPTH);
        let query = view.snapshot.query(project);
        let exposure = Some(&view.exposure);
        Standing::of(&view.snapshot, &view.parameters, exposure, &query, days, &settings, &Ranked::below(row))
    }

    fn own_match(
        &self,
        view: &View,
        facts: &Facts,
        limits: &Limits,
        one: &Candidate,
        without: &[(Uuid, String)],
    ) -> OwnMatch {
        let Candidate { row, project, blockers, .. } = one;
        let id = row.id;
        let (mine, others): (Vec<_>, Vec<_>) = without.iter().cloned().partition(|(who, _)| *who == facts.id);
        let mut blockers = blockers.clone();
        blockers.extend(mine.iter().map(|(_, why)| between(why)));
        let query = query_without(view, project, others.iter().map(|(who, _)| *who), self.ctx.clock.now());
        let settings = self.settings(id.as_u128() as u64, DEPTH);
        let days = (project.start_day, project.end_day, project.day);
        let exposure = Some(&view.exposure);
        let ranking = rank(&view.snapshot, &view.parameters, exposure, &query, days, &settings);
        let standing = |ranked: &Ranked| {
            Standing::of(&view.snapshot, &view.parameters, exposure, &query, days, &settings, ranked)
        };
        let own_row = view.row_of(facts.id);
        let at = own_row.and_then(|own| ranking.shown.iter().position(|ranked| ranked.row == own));
        let own = own_row.map(|row| at.map_or_else(|| Ranked::below(row), |at| ranking.shown[at]));
        let feasible = blockers.is_empty();
        let names = view.snapshot.names_of(project);
        let change = at
            .filter(|_| feasible)
            .and_then(|at| counterfactual(&view.snapshot, &view.parameters, &query, &names, &ranking, at))
            .map(|change| (change.skill, change.level, change.to));
        let place = own.zip(ranking.median).map(|(own, median)| {
            let (own, median) = (standing(&own), standing(&median));
            KeptPlace {
                developer: facts.id,
                standing: Kept::of(&own),
                score_and_parts: kept::score_and_parts(&view.parameters, &own, &median),
                met: None,
                counterfactual: change.clone(),
            }
        });
        let from = at.map_or(ranking.feasible, |at| at + 1);
        let told = place.filter(|_| feasible).map(|place| told(&place, from, None, true));
        let counterfactual = match blockers.as_slice() {
            [] => told.as_ref().and_then(|told| told.counterfactual.clone()),
            [only] => own.map(|own| {
                let mut then = standing(&own);
                if only.code == "skill" {
                    let level = f64::from(limits.matching.must_level);
                    then.terms.must += level / 5.0 / project.must.len().max(1) as f64;
                }
                if only.code == "rate" {
                    then.terms.headroom = 0.0;
                }
                let score = then.score(&view.parameters);
                let to = ranking.shown.iter().filter(|other| other.score >= score).count() + 1;
                without_blocker(only, to, ranking.feasible + 1)
            }),
            _ => None,
        };
        OwnMatch {
            project: ProjectId::from_uuid(id),
            title: row.title.clone(),
            feasible,
            place: at.filter(|_| feasible).map(|at| at + 1),
            of: ranking.feasible,
            told,
            blockers,
            counterfactual,
        }
    }

    /// Where the caller was among the first ten, the latest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn my_impressions(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        before: Option<(i32, Uuid)>,
        limit: i64,
    ) -> Result<Vec<ShownRow>> {
        Ok(store::rankings::shown(conn, actor.account_id, before, limit).await?)
    }
}

/// What is between a developer and a client, told to the developer.
fn between(why: &str) -> Reason {
    let detail = match why {
        "invited" => "You have an invitation to it: answer that.",
        "bid" => "You have bid on it.",
        "declined" => "You declined an invitation of this client a short time ago.",
        "member" => "You belong to the client's organisation.",
        _ => "Staff has excluded you from this project.",
    };
    Reason { code: why.to_owned(), detail: detail.to_owned() }
}

/// What it would mean if the only thing that keeps somebody out did not.
fn without_blocker(only: &Reason, to: usize, of: usize) -> String {
    let place =
        if to > DEPTH { format!("below the first {DEPTH}") } else { format!("in place {to} of {of}") };
    let if_what = match only.code.as_str() {
        "skill" => "With that skill",
        "rate" => "At the rate that the project pays",
        "weekly_hours" => "With those hours free",
        "start" => "Free by then",
        "overlap" => "With those hours shared",
        _ => "But for that",
    };
    format!("{if_what} you would stand {place}.")
}
