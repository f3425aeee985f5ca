//! The starts that a candidate is offered.

use assay_kernel::ids::{AccountId, AssessmentId};
use assay_kernel::{Actor, Code, Error, Result};
use assay_platform::db::Conn;
use assay_platform::policy::AssessmentPolicy;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use super::Assessments;
use super::pool::Wanted;
use crate::model::AssessmentState;
use crate::model::engine::Interval;
use crate::store;
use crate::store::assessments::AssessmentRow;

/// Fewer choices than this in the range that was asked for: some outside it are named.
const CHOICES: usize = 3;
/// Alternatives that a refusal names.
const ALTERNATIVES: usize = 5;

/// What a candidate asks for.
#[derive(Debug)]
pub struct SlotsWanted {
    /// The track.
    pub track: String,
    /// The first start; now when none.
    pub from: Option<DateTime<Utc>>,
    /// No start from then on; the end of the horizon when none.
    pub to: Option<DateTime<Utc>>,
    /// The zone in which times are told; that of the assessment when none.
    pub zone: Option<Tz>,
}

/// What a candidate is offered.
#[derive(Debug)]
pub struct Offer {
    /// The starts within the range.
    pub starts: Vec<DateTime<Utc>>,
    /// When there are few: the nearest other days' first starts.
    pub nearest: Vec<DateTime<Utc>>,
    /// Minutes of the session.
    pub minutes: i64,
    /// The zone in which times are told.
    pub zone: Tz,
    /// No start lies before it.
    pub bookable_from: DateTime<Utc>,
}

/// What governs the starts of an assessment, or of one that would be requested.
#[derive(Debug)]
pub(crate) struct Terms {
    pub track: String,
    pub policy: AssessmentPolicy,
    pub candidate: AccountId,
    pub bookable_from: DateTime<Utc>,
    pub given_up: Option<Uuid>,
}

impl Terms {
    /// All starts that may be offered at `now`.
    pub fn horizon(&self, now: DateTime<Utc>) -> Interval {
        let end = now + Duration::days(self.policy.horizon_days);
        Interval { start: self.bookable_from.max(now).min(end), end }
    }

    /// Of `range`, what lies within the horizon.
    fn within(&self, range: Interval, now: DateTime<Utc>) -> Interval {
        let horizon = self.horizon(now);
        let start = range.start.max(horizon.start).min(horizon.end);
        Interval { start, end: range.end.min(horizon.end).max(start) }
    }

    /// The question for the starts of a range, as far as they lie within the horizon.
    pub fn wanted(&self, range: Interval, now: DateTime<Utc>) -> Wanted<'_> {
        Wanted {
            track: &self.track,
            policy: &self.policy,
            candidate: Some(self.candidate),
            range: self.within(range, now),
            given_up: self.given_up,
        }
    }
}

/// The first start of each date, those nearest to `near` first.
fn one_a_day(starts: &[DateTime<Utc>], zone: Tz, near: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let date = |start: &DateTime<Utc>| -> NaiveDate { start.with_timezone(&zone).date_naive() };
    let mut days: Vec<DateTime<Utc>> =
        starts.chunk_by(|a, b| date(a) == date(b)).filter_map(|day| day.first().copied()).collect();
    days.sort_by_key(|start| (*start - near).abs());
    days
}

impl Assessments {
    /// What governs the starts of an assessment. Its own live booking stands in nobody's way: it would be given up.
    pub(crate) async fn terms_of(&self, conn: &mut Conn, row: &AssessmentRow) -> Result<Terms> {
        let live = store::bookings::live(conn, row.assessment_id()).await?;
        Ok(Terms {
            track: row.track.clone(),
            policy: row.policy()?,
            candidate: row.candidate(),
            bookable_from: row.bookable_from,
            given_up: live.map(|booking| booking.id),
        })
    }

    /// The starts that a candidate is offered on a track of their application.
    pub async fn slots(&self, conn: &mut Conn, actor: &Actor, wanted: &SlotsWanted) -> Result<Offer> {
        use AssessmentState as S;
        let now = self.ctx.clock.now();
        let missing = || Error::not_found("track of an application of yours that is ready for an assessment");
        let ready = store::people::ready_application(conn, actor.account_id).await?;
        let (application, tracks) = ready.ok_or_else(missing)?;
        if !tracks.contains(&wanted.track) {
            return Err(missing());
        }
        let (rows, to_request) = self.terms(conn, application, &wanted.track).await?;
        let live = rows.first().filter(|row| row.track == wanted.track);
        let live = live.filter(|row| matches!(row.state(), Ok(S::Requested | S::Booked)));
        let terms = match live {
            Some(row) => self.terms_of(conn, row).await?,
            None => Terms {
                track: wanted.track.clone(),
                policy: self.ctx.policy.assessments.of(&wanted.track).clone(),
                candidate: actor.account_id,
                bookable_from: to_request.and_then(|terms| terms.bookable_from).unwrap_or(now),
                given_up: None,
            },
        };
        let zone = match (wanted.zone, live) {
            (Some(zone), _) => zone,
            (None, Some(row)) => row.zone.parse().map_err(Error::internal)?,
            (None, None) => Tz::UTC,
        };
        let horizon = terms.horizon(now);
        let asked =
            Interval { start: wanted.from.unwrap_or(horizon.start), end: wanted.to.unwrap_or(horizon.end) };
        if asked.end < asked.start {
            return Err(Error::new(Code::MalformedRequest, "Query: `to` lies before `from`."));
        }
        let starts = self.question(conn, &terms.wanted(asked, now)).await?.starts();
        let mut nearest = Vec::new();
        if starts.len() < CHOICES && terms.within(asked, now) != horizon {
            let all = self.question(conn, &terms.wanted(horizon, now)).await?.starts();
            let others: Vec<_> = all.into_iter().filter(|start| !starts.contains(start)).collect();
            nearest = one_a_day(&others, zone, asked.start.max(horizon.start));
            nearest.truncate(CHOICES);
            nearest.sort_unstable();
        }
        Ok(Offer {
            starts,
            nearest,
            minutes: i64::from(terms.policy.session_minutes),
            zone,
            bookable_from: terms.bookable_from,
        })
    }

    /// The same failure; when a time was not free, with the nearest starts that are.
    pub async fn with_alternatives(
        &self,
        error: Error,
        id: AssessmentId,
        near: Option<DateTime<Utc>>,
    ) -> Error {
        if error.code() != Code::SlotTaken {
            return error;
        }
        let found = self.ctx.db.read(async |conn| self.alternatives(conn, id, near).await).await;
        match found {
            Ok(starts) => error.with_alternatives(starts),
            Err(failure) => {
                tracing::warn!(cause = %failure.chain(), "no alternatives were found");
                error
            }
        }
    }

    async fn alternatives(
        &self,
        conn: &mut Conn,
        id: AssessmentId,
        near: Option<DateTime<Utc>>,
    ) -> Result<Vec<DateTime<Utc>>> {
        let Some(row) = store::assessments::find(conn, id).await? else { return Ok(Vec::new()) };
        let now = self.ctx.clock.now();
        let terms = self.terms_of(conn, &row).await?;
        let mut starts = self.question(conn, &terms.wanted(terms.horizon(now), now)).await?.starts();
        // One's own booking is no alternative to another time.
        starts.retain(|start| row.starts_at != Some(*start) && near != Some(*start));
        starts.sort_by_key(|start| (near.map_or_else(Duration::zero, |near| (*start - near).abs()), *start));
        starts.truncate(ALTERNATIVES);
        Ok(starts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_start_a_day_in_the_candidates_zone() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let starts = [at("2026-12-01T10:00:00Z"), at("2026-12-01T23:30:00Z"), at("2026-12-03T09:00:00Z")];
        let days = one_a_day(&starts, Tz::Europe__Berlin, at("2026-12-02T08:00:00Z"));
        assert_eq!(days, [starts[1], starts[0], starts[2]]);
        assert_eq!(one_a_day(&starts, Tz::UTC, starts[0]), [starts[0], starts[2]]);
    }
}
