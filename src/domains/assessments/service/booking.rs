//! Holding, booking, moving and giving up times.
//!
//! Everybody takes locks in one order: the assessment, then assessors by id, then bookings by id. Under the assessors'
//! locks nothing that decides about their time can change, so that what the engine offers there can be inserted; the
//! exclusion constraint stands behind it all the same.

use std::collections::BTreeSet;
use std::ops::Bound;

use assay_kernel::ids::AssessmentId;
use assay_kernel::process::Who;
use assay_kernel::{Actor, Code, Error, Result};
use assay_platform::db::Conn;
use assay_platform::policy::AssessmentPolicy;
use assay_platform::timers::{self, Fired};
use assay_platform::web::IfMatch;
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use super::actions::Detail;
use super::pool::{at, by_id, pick_panel, read_sessions};
use super::{Assessments, notify};
use crate::model::engine::Slot;
use crate::model::{ASSESSMENT, BookingState, HostRole, events};
use crate::store;
use crate::store::assessments::AssessmentRow;
use crate::store::bookings::{BookingRow, CANDIDATE_APART, SeatRow};

/// The time is not free. The caller of the transaction adds the alternatives.
pub(crate) fn slot_taken() -> Error {
    Error::new(Code::SlotTaken, "This time is not, or no longer, free.")
}

/// Somebody's seat in a booking.
pub(crate) fn seat(
    booking: &BookingRow,
    (assessor, role): (Uuid, HostRole),
    zone: &str,
    policy: &AssessmentPolicy,
    now: DateTime<Utc>,
) -> Result<SeatRow> {
    let zone: Tz = zone.parse().map_err(Error::internal)?;
    let before = Duration::minutes(i64::from(policy.buffer_before_minutes));
    let after = Duration::minutes(i64::from(policy.buffer_after_minutes));
    Ok(SeatRow {
        booking_id: booking.id,
        assessor_id: assessor,
        role: role.to_string(),
        state: booking.state.clone(),
        blocked: (Bound::Included(booking.starts_at - before), Bound::Excluded(booking.ends_at + after)),
        starts_at: booking.starts_at,
        ends_at: booking.ends_at,
        local_date: booking.starts_at.with_timezone(&zone).date_naive(),
        assigned_at: now,
    })
}

fn ids(slot: &Slot<'_>) -> Result<BTreeSet<Uuid>> {
    let all = slot.leads.iter().chain(slot.observers.iter().flatten());
    all.map(|id| id.parse().map_err(Error::internal)).collect()
}

impl Assessments {
    /// Takes a start for an assessment, whose row is locked: `given_up` is released for it in the same transaction.
    async fn take_in(
        &self,
        conn: &mut Conn,
        row: &AssessmentRow,
        start: DateTime<Utc>,
        (state, given_up_as): (BookingState, BookingState),
    ) -> Result<BookingRow> {
        let now = self.ctx.clock.now();
        let terms = self.terms_of(conn, row).await?;
        let wanted = terms.wanted(at(start), now);
        let mut offered = self.question(conn, &wanted).await?;
        let slot = offered.first().filter(|slot| slot.start == start).ok_or_else(slot_taken)?;
        // Those who could take it are locked, and those who are about to be free, in the order of their ids.
        let mut locked = ids(&slot)?;
        if let Some(given_up) = terms.given_up {
            locked.extend(store::bookings::seats(conn, given_up).await?.into_iter().map(|(host, _)| host));
        }
        let locked = store::assessors::lock(conn, &locked.into_iter().collect::<Vec<_>>()).await?;
        // Who comes too late sees it here, in one statement: others wait for the locks.
        read_sessions(conn, &wanted, &mut offered).await?;
        offered.first().filter(|slot| slot.start == start).ok_or_else(slot_taken)?;
        store::bookings::expire_holds(conn, &locked, now).await?;
        if let Some(given_up) = terms.given_up {
            self.give_up_in(conn, given_up, given_up_as).await?;
        }
        let question = self.question(conn, &wanted).await?;
        let mut slot = question.first().filter(|slot| slot.start == start).ok_or_else(slot_taken)?;
        // Who became free meanwhile is not locked.
        let is_locked = |id: &&str| id.parse().is_ok_and(|id: Uuid| locked.contains(&id));
        slot.leads.retain(is_locked);
        if let Some(observers) = &mut slot.observers {
            observers.retain(is_locked);
        }
        let mut assignment = self.assignment(conn, &question, &terms.policy).await?;
        let panel = pick_panel(&mut assignment, now, &slot)?.ok_or_else(slot_taken)?;
        let booking = BookingRow {
            id: self.ctx.ids.uuid(),
            assessment_id: row.id,
            candidate_id: row.candidate_id,
            state: state.to_string(),
            starts_at: start,
            ends_at: start + Duration::minutes(i64::from(terms.policy.session_minutes)),
            expires_at: (state == BookingState::Held)
                .then(|| now + Duration::minutes(terms.policy.hold_minutes)),
            created_at: now,
        };
        store::bookings::insert(conn, &booking)
            .await
            .map_err(|error| if error.violates(CANDIDATE_APART) { slot_taken() } else { error.into() })?;
        let people = by_id(&question.people);
        let mut seats = [(panel.0, HostRole::Lead), (panel.1, HostRole::Observer)];
        seats.sort_unstable_by_key(|(host, _)| *host);
        let mut rows = Vec::with_capacity(seats.len());
        for one in seats {
            let zone = people.get(&one.0).map(|person| person.zone.as_str()).unwrap_or_default();
            rows.push(seat(&booking, one, zone, &terms.policy, now)?);
        }
        if store::bookings::insert_seats(conn, &rows).await? < rows.len() {
            return Err(slot_taken());
        }
        Ok(booking)
    }

    /// Holds a start for the candidate for some minutes, instead of an earlier one.
    pub async fn hold_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        start: DateTime<Utc>,
    ) -> Result<Detail> {
        let (mut row, ..) = self.begin(conn, actor, id, None, events::HOLD).await?;
        let states = (BookingState::Held, BookingState::Released);
        let booking = self.take_in(conn, &row, start, states).await?;
        if let Some(end) = booking.expires_at {
            timers::set(&self.ctx, conn, ASSESSMENT.name, row.id, events::EXPIRE_HOLD, end).await?;
        }
        self.save(conn, &mut row).await?;
        self.detail(conn, actor, row).await
    }

    /// Gives a hold back.
    pub async fn release_in(&self, conn: &mut Conn, actor: &Actor, id: AssessmentId) -> Result<Detail> {
        let (mut row, facts, _) = self.begin(conn, actor, id, None, events::RELEASE).await?;
        if let Some(hold) = facts.hold {
            self.end_booking_in(conn, &row, hold.id, BookingState::Released).await?;
        }
        self.save(conn, &mut row).await?;
        self.detail(conn, actor, row).await
    }

    /// Ends a booking of an assessment whose row is locked; somebody may wait for the time.
    pub(crate) async fn end_booking_in(
        &self,
        conn: &mut Conn,
        row: &AssessmentRow,
        booking: Uuid,
        state: BookingState,
    ) -> Result<()> {
        timers::clear(conn, ASSESSMENT.name, row.id, &[events::EXPIRE_HOLD]).await?;
        if self.give_up_in(conn, booking, state).await? {
            self.time_freed_in(conn).await?;
        }
        Ok(())
    }

    /// Ends a booking, unless somebody else has ended it: a hold that had run out.
    async fn give_up_in(&self, conn: &mut Conn, booking: Uuid, state: BookingState) -> Result<bool> {
        let live = store::bookings::lock(conn, booking).await?;
        let live = live.is_some_and(|live| matches!(live.state.as_str(), "held" | "confirmed"));
        if live {
            store::bookings::finish(conn, booking, state.as_str()).await?;
        }
        Ok(live)
    }

    /// A hold has run out.
    pub async fn on_expire_hold(&self, fired: Fired) -> Result<()> {
        let now = self.ctx.clock.now();
        self.ctx
            .db
            .tx(async |conn| {
                let id = AssessmentId::from_uuid(fired.subject);
                let Some(mut row) = store::assessments::lock(conn, id).await? else { return Ok(()) };
                if ASSESSMENT.transition(&row.state, events::EXPIRE_HOLD, &[Who::System]).is_err() {
                    return Ok(());
                }
                match store::bookings::live(conn, id).await? {
                    Some(hold) if hold.expires_at.is_some_and(|end| end <= now) => {
                        self.end_booking_in(conn, &row, hold.id, BookingState::Expired).await?;
                        self.save(conn, &mut row).await
                    }
                    _ => Ok(()),
                }
            })
            .await
    }

    /// Makes the held start the assessment's time.
    pub async fn book_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        seen: &IfMatch,
    ) -> Result<Detail> {
        let (mut row, facts, _) = self.begin(conn, actor, id, Some(seen), events::BOOK).await?;
        let hold = facts.hold.ok_or_else(slot_taken)?;
        let hosts: Vec<Uuid> =
            store::bookings::seats(conn, hold.id).await?.into_iter().map(|(host, _)| host).collect();
        store::assessors::lock(conn, &hosts).await?;
        // Somebody who saw it run out may have been before us at the locks; a host may have been blocked.
        let held = store::bookings::lock(conn, hold.id).await?.filter(|held| held.state == hold.state);
        if held.is_none() || !store::assessors::unfit(conn, &hosts).await?.is_empty() {
            return Err(slot_taken());
        }
        let confirmed = BookingState::Confirmed.as_str();
        store::bookings::finish(conn, hold.id, confirmed)
            .await
            .map_err(|error| if error.violates(CANDIDATE_APART) { slot_taken() } else { error.into() })?;
        timers::clear(conn, ASSESSMENT.name, row.id, &[events::EXPIRE_HOLD, events::LOOK_FOR_SLOTS]).await?;
        (row.starts_at, row.ends_at, row.waiting_since) = (Some(hold.starts_at), Some(hold.ends_at), None);
        self.session_booked_in(conn, actor, &mut row).await?;
        self.save(conn, &mut row).await?;
        notify::assessment(&self.ctx, conn, &row, "assessment.booked", &hosts).await?;
        self.detail(conn, actor, row).await
    }

    /// Moves the session: the former time is given up and another taken, or nothing changes.
    pub async fn reschedule_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        seen: &IfMatch,
        start: DateTime<Utc>,
    ) -> Result<Detail> {
        let (mut row, facts, _) = self.begin(conn, actor, id, Some(seen), events::RESCHEDULE).await?;
        if row.starts_at == Some(start) {
            return Err(Error::invalid_field(
                "/starts_at",
                "not_allowed",
                "is when the session begins already",
            ));
        }
        let before = row.clone();
        let states = (BookingState::Confirmed, BookingState::Rescheduled);
        let booking = self.take_in(conn, &row, start, states).await?;
        (row.starts_at, row.ends_at) = (Some(booking.starts_at), Some(booking.ends_at));
        row.reschedules = row.reschedules.saturating_add(1);
        let former: Vec<Uuid> = facts.hosts.iter().map(|host| host.assessor_id).collect();
        self.session_moved_in(conn, &before, &former, &mut row).await?;
        self.save(conn, &mut row).await?;
        self.time_freed_in(conn).await?;
        let mut hosts: BTreeSet<Uuid> = former.into_iter().collect();
        hosts.extend(store::bookings::seats(conn, booking.id).await?.into_iter().map(|(host, _)| host));
        let hosts: Vec<Uuid> = hosts.into_iter().collect();
        notify::assessment(&self.ctx, conn, &row, "assessment.rescheduled", &hosts).await?;
        self.detail(conn, actor, row).await
    }

    /// The candidate gives the assessment up.
    pub async fn cancel_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        seen: &IfMatch,
    ) -> Result<Detail> {
        let (mut row, facts, _) = self.begin(conn, actor, id, Some(seen), events::CANCEL).await?;
        let early = Duration::hours(facts.policy.free_reschedule_hours);
        let state = match row.starts_at {
            None => BookingState::Released,
            Some(start) if self.ctx.clock.now() + early <= start => BookingState::CancelledEarly,
            Some(_) => BookingState::CancelledLate,
        };
        if let Some(booking) = store::bookings::live(conn, id).await? {
            self.end_booking_in(conn, &row, booking.id, state).await?;
        }
        timers::clear(conn, ASSESSMENT.name, row.id, &[events::LOOK_FOR_SLOTS]).await?;
        row.waiting_since = None;
        let hosts: Vec<Uuid> = facts.hosts.iter().map(|host| host.assessor_id).collect();
        if row.starts_at.is_some() {
            self.session_cancelled_in(conn, &hosts, &mut row).await?;
        }
        self.save(conn, &mut row).await?;
        notify::assessment(&self.ctx, conn, &row, "assessment.cancelled", &hosts).await?;
        self.detail(conn, actor, row).await
    }
}
