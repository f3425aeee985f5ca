//! What a caller may see of an assessment and do with it now.

use assay_kernel::ids::AssessmentId;
use assay_kernel::process::{Actions, Transition};
use assay_kernel::{Actor, Error, Permission, Result};
use assay_platform::db::Conn;
use assay_platform::policy::AssessmentPolicy;
use assay_platform::web::IfMatch;
use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use super::Assessments;
use crate::model::tasks::TaskFamily;
use crate::model::{ASSESSMENT, AssessmentState, HostRole};
use crate::store::assessments::{AssessmentRow, HostRow};
use crate::store::bookings::BookingRow;
use crate::{policy, store};

/// How long before the start people check in.
const CHECK_IN_MINUTES: i64 = 30;

/// What the guards look at, besides the row.
#[derive(Debug)]
pub struct Facts {
    /// The numbers that govern it.
    pub policy: AssessmentPolicy,
    /// The hold that has not run out.
    pub hold: Option<BookingRow>,
    /// Who of the staff has the session.
    pub hosts: Vec<HostRow>,
    /// Does the caller train for the track?
    pub trains: bool,
    /// Is the caller, who trains, tied to the candidate?
    pub tied: bool,
}

/// An assessment as a caller may see it.
#[derive(Debug)]
pub struct Detail {
    /// The row.
    pub row: AssessmentRow,
    /// The numbers that govern it, its hold and its hosts.
    pub facts: Facts,
    /// The family of its task, as it is now.
    pub task: Option<TaskFamily>,
    /// Does the caller see who of the staff has the session?
    pub for_staff: bool,
    /// What the caller can do.
    pub actions: Actions,
}

/// Why a guard of the table blocks this caller now. What takes a search (`slots_gone`) shows when it is tried.
pub fn blocked(
    guard: &str,
    row: &AssessmentRow,
    facts: &Facts,
    caller: Uuid,
    now: DateTime<Utc>,
) -> Option<String> {
    let policy = &facts.policy;
    let before = |ahead: Duration| row.starts_at.is_some_and(|start| now + ahead <= start);
    let unless = |holds: bool, detail: String| (!holds).then_some(detail);
    let seat = || facts.hosts.iter().find(|host| host.assessor_id == caller);
    match guard {
        "hold_live" => {
            unless(facts.hold.is_some(), "Hold a start first; a hold lasts some minutes only.".to_owned())
        }
        "in_good_time" => unless(
            before(Duration::hours(policy.free_reschedule_hours)),
            format!("The time can be changed until {} hours before the start.", policy.free_reschedule_hours),
        ),
        "reschedules_left" => unless(
            row.reschedules < policy.max_reschedules,
            format!("The time was changed {} times, which is the most.", row.reschedules),
        ),
        "not_begun" => {
            unless(row.starts_at.is_some_and(|start| now < start), "The session has begun.".to_owned())
        }
        "near_start" => unless(
            row.starts_at.is_some_and(|start| {
                let close = start + Duration::minutes(policy.close_minutes);
                start - Duration::minutes(CHECK_IN_MINUTES) <= now && now < close
            }),
            format!(
                "Check-in is open from {CHECK_IN_MINUTES} minutes before the start until {} minutes after it.",
                policy.close_minutes
            ),
        ),
        "hosts_it" => unless(
            seat().is_some_and(|host| host.role != HostRole::Shadow.as_str()),
            "This is for the lead and the observer of the session.".to_owned(),
        ),
        "leads_it" => unless(
            seat().is_some_and(|host| host.role == HostRole::Lead.as_str()),
            "This is for the lead of the session.".to_owned(),
        ),
        "may_shadow" => unless(
            facts.trains && !facts.tied && seat().is_none(),
            "This is for assessors in training for the track, without a tie to the candidate.".to_owned(),
        ),
        _ => None,
    }
}

impl Assessments {
    /// What the guards look at for this caller.
    pub(crate) async fn facts(&self, conn: &mut Conn, actor: &Actor, row: &AssessmentRow) -> Result<Facts> {
        use AssessmentState as S;
        let (id, state) = (row.assessment_id(), row.state()?);
        let now = self.ctx.clock.now();
        let hold = match state {
            S::Requested => store::bookings::live(conn, id).await?,
            _ => None,
        };
        let hosts = match state {
            S::Requested | S::Cancelled => Vec::new(),
            _ => store::assessments::hosts(conn, id).await?,
        };
        let asks = state == S::Booked && policy::is_staff(actor, Permission::Assessor);
        let seated = hosts.iter().any(|host| host.assessor_id == actor.account_id.uuid());
        let trains =
            asks && !seated && store::assessors::trains_for(conn, actor.account_id, &row.track).await?;
        let tied =
            trains && !self.conflicts(conn, row.candidate(), &[actor.account_id.uuid()]).await?.is_empty();
        Ok(Facts {
            policy: row.policy()?,
            hold: hold.filter(|hold| hold.expires_at.is_some_and(|end| end > now)),
            hosts,
            trains,
            tied,
        })
    }

    fn sees(actor: &Actor, row: &AssessmentRow, facts: &Facts) -> bool {
        let me = actor.account_id.uuid();
        let hosts = || facts.hosts.iter().any(|host| host.assessor_id == me);
        let assesses = || policy::is_staff(actor, Permission::Assessor) && (hosts() || facts.trains);
        row.candidate_id == me || policy::oversees(actor) || assesses()
    }

    /// Puts together what a caller may see and do.
    pub(crate) async fn detail(&self, conn: &mut Conn, actor: &Actor, row: AssessmentRow) -> Result<Detail> {
        let facts = self.facts(conn, actor, &row).await?;
        if !Self::sees(actor, &row, &facts) {
            return Err(Error::not_found("assessment"));
        }
        let (me, now) = (actor.account_id.uuid(), self.ctx.clock.now());
        let who = policy::who(actor, row.candidate_id);
        let actions = ASSESSMENT.actions(&row.state, &who, |_, guard| blocked(guard, &row, &facts, me, now));
        Ok(Detail {
            task: self.tasks.get(&row.task_family).cloned(),
            for_staff: me != row.candidate_id,
            row,
            facts,
            actions,
        })
    }

    /// An assessment that the caller may see.
    pub async fn get(&self, conn: &mut Conn, actor: &Actor, id: AssessmentId) -> Result<Detail> {
        let row = store::assessments::find(conn, id).await?;
        self.detail(conn, actor, row.ok_or_else(|| Error::not_found("assessment"))?).await
    }

    /// Begins an act of `actor`: locks the assessment, asks the table, compares what was seen, checks the guards but those
    /// that the act itself looks at, and moves the row (in memory) to the state that the act leads to.
    pub(crate) async fn begin(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        seen: Option<&IfMatch>,
        event: &str,
    ) -> Result<(AssessmentRow, Facts, &'static Transition)> {
        let missing = || Error::not_found("assessment");
        let mut row = store::assessments::lock(conn, id).await?.ok_or_else(missing)?;
        let facts = self.facts(conn, actor, &row).await?;
        if !Self::sees(actor, &row, &facts) {
            return Err(missing());
        }
        let transition = ASSESSMENT.transition(&row.state, event, &policy::who(actor, row.candidate_id))?;
        if let Some(seen) = seen {
            seen.check(row.version)?;
        }
        let (me, now) = (actor.account_id.uuid(), self.ctx.clock.now());
        ASSESSMENT.check(transition, |guard| blocked(guard, &row, &facts, me, now))?;
        row.state = transition.to.to_owned();
        Ok((row, facts, transition))
    }

    /// Writes a change with the next version.
    pub(crate) async fn save(&self, conn: &mut Conn, row: &mut AssessmentRow) -> Result<()> {
        row.version = row.version.saturating_add(1);
        row.updated_at = self.ctx.clock.now();
        Ok(store::assessments::update(conn, row).await?)
    }
}
