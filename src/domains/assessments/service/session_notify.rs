//! Mails and events of a session. Each copy of an invitation names its recipient alone, so that nobody learns another's
//! address; people are called by their display names.

use assay_kernel::ids::AccountId;
use assay_kernel::{Error, Result};
use assay_notifications::{Event, Invitation, Method, SessionMail, Template, sender_domain};
use assay_platform::db::Conn;
use chrono_tz::Tz;
use uuid::Uuid;

use super::{Assessments, notify};
use crate::model::HostRole;
use crate::store;
use crate::store::assessments::{AssessmentRow, HostRow};

/// What calendars say of a session: with whom, what is asked, what may be used.
pub(super) fn described(row: &AssessmentRow, names: &[String]) -> String {
    let with = if names.is_empty() { String::new() } else { format!("With {}.\n", names.join(", ")) };
    format!("{with}Task: {} {}.\nAI tools: {}", row.task_family, row.task_version, row.ai_policy)
}

impl Assessments {
    /// The event of a session as calendars show it.
    pub(super) fn session_event(&self, row: &AssessmentRow, description: String) -> Result<Event> {
        let missing = || Error::internal("a session without a time");
        let id = row.assessment_id();
        Ok(Event {
            uid: format!("{id}@{}", sender_domain(&self.ctx)),
            sequence: row.ics_sequence,
            starts_at: row.starts_at.ok_or_else(missing)?,
            ends_at: row.ends_at.ok_or_else(missing)?,
            summary: format!("Assay: paired session, {}", row.track),
            description,
            location: row.video_url.clone(),
            url: notify::url(&self.ctx, row, ""),
        })
    }

    /// A mail about the session to one of its people, made by `template`.
    pub(super) async fn mail_session(
        &self,
        conn: &mut Conn,
        row: &AssessmentRow,
        to: AccountId,
        calendar: Option<Method>,
        template: impl Fn(SessionMail) -> Template,
    ) -> Result<()> {
        let is_candidate = to == row.candidate();
        let person = store::sessions::person(conn, to.uuid()).await?;
        let Some(person) = person else { return Ok(()) };
        let zone = if is_candidate { Some(row.zone.clone()) } else { person.time_zone.clone() };
        let zone: Tz = zone.and_then(|zone| zone.parse().ok()).unwrap_or(Tz::UTC);
        let invitation = match calendar {
            None => None,
            Some(method) => {
                let hosts = store::assessments::hosts(conn, row.assessment_id()).await?;
                let description = self.description(conn, row, &hosts, is_candidate).await?;
                let shadows =
                    |host: &HostRow| host.assessor_id == to.uuid() && host.role == HostRole::Shadow.as_str();
                Some(Invitation {
                    method,
                    event: self.session_event(row, description)?,
                    name: person.display_name.clone().unwrap_or(person.login),
                    optional: hosts.iter().any(shadows),
                })
            }
        };
        let missing = || Error::internal("a session without a time");
        let session = SessionMail {
            track: row.track.clone(),
            starts_at: row.starts_at.ok_or_else(missing)?,
            ends_at: row.ends_at.ok_or_else(missing)?,
            zone,
            url: notify::url(&self.ctx, row, ""),
            invitation,
        };
        notify::mail(&self.ctx, conn, to, template(session)).await
    }

    /// What the invitation says: with whom, and what may be used.
    async fn description(
        &self,
        conn: &mut Conn,
        row: &AssessmentRow,
        hosts: &[HostRow],
        for_candidate: bool,
    ) -> Result<String> {
        let mut names = Vec::new();
        let others = hosts.iter().filter(|host| host.role == HostRole::Lead.as_str());
        let ids: Vec<Uuid> = match for_candidate {
            true => others.map(|host| host.assessor_id).collect(),
            false => vec![row.candidate_id],
        };
        for id in ids {
            let person = store::sessions::person(conn, id).await?;
            names.extend(person.map(|person| person.display_name.unwrap_or(person.login)));
        }
        Ok(described(row, &names))
    }
}
