//! Who assesses: their own availability and time off; their tracks, share and blocks by staff.

use std::collections::{BTreeMap, BTreeSet};

use assay_kernel::error::FieldErrors;
use assay_kernel::ids::{AccountId, TimeOffId};
use assay_kernel::{Actor, Code, Error, Permission, Result};
use assay_platform::audit;
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use assay_platform::web::IfMatch;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Assessments;
use crate::model::engine::read_availability;
use crate::model::{BookingState, HostRole};
use crate::store;
use crate::store::assessors::{AssessorRow, TimeOffRow, TrackRow};

/// Most time off that somebody has before them.
const MOST_TIME_OFF: usize = 200;

/// What an assessor keeps by themselves.
#[derive(Debug)]
pub struct Availability {
    /// IANA zone, weekly rules and date overrides, as the engine reads them.
    pub zone: String,
    /// Weekly rules.
    pub weekly: Value,
    /// Date overrides.
    pub overrides: Value,
    /// Own limits.
    pub limits: (Option<i32>, Option<i32>),
    /// Employer.
    pub employer: Option<String>,
}

/// What staff decide about an assessor.
#[derive(Debug)]
pub struct Assignment<'a> {
    /// Tracks, each with the roles on it.
    pub tracks: Vec<(String, Vec<HostRole>)>,
    /// Share of the work.
    pub weight: i32,
    /// Who goes first among equals.
    pub priority: i32,
    /// Why.
    pub reason: &'a str,
}

/// A session that an assessor has before them: assessment, start, end, role.
pub type Ahead = (Uuid, DateTime<Utc>, DateTime<Utc>, String);

/// An assessor as shown.
#[derive(Debug)]
pub struct AssessorDetail {
    /// The row; version 0 of somebody who has stored nothing yet.
    pub row: AssessorRow,
    /// Login and name.
    pub name: (String, Option<String>),
    /// Their tracks.
    pub tracks: Vec<TrackRow>,
    /// The sessions that they have before them, where they matter for the act.
    pub ahead: Vec<Ahead>,
}

fn not_staff() -> Error {
    Error::not_found("assessor")
}

/// 403 unless the actor assesses.
fn require_assessor(actor: &Actor) -> Result<()> {
    actor.require(Permission::Assessor)
}

impl Assessments {
    /// The row of somebody who may have none yet.
    fn blank(&self, id: AccountId) -> AssessorRow {
        let now = self.ctx.clock.now();
        AssessorRow {
            account_id: id.uuid(),
            zone: "UTC".to_owned(),
            weekly: json!([]),
            overrides: json!([]),
            max_per_day: None,
            max_per_week: None,
            weight: 100,
            priority: 2,
            employer: None,
            blocked_at: None,
            blocked_by_id: None,
            block_reason: None,
            joined_at: now,
            version: 0,
            updated_at: now,
        }
    }

    /// An assessor's row, locked where it is there already.
    async fn assessor_row(&self, conn: &mut Conn, id: AccountId) -> Result<AssessorRow> {
        match store::assessors::lock_one(conn, id).await? {
            Some(row) => Ok(row),
            None if store::assessors::is_staff(conn, id).await? => Ok(self.blank(id)),
            None => Err(not_staff()),
        }
    }

    async fn shown(&self, conn: &mut Conn, row: AssessorRow, ahead: Vec<Ahead>) -> Result<AssessorDetail> {
        let mut shown = self.shown_all(conn, vec![row]).await?;
        let mut detail = shown.pop().ok_or_else(not_staff)?;
        detail.ahead = ahead;
        Ok(detail)
    }

    async fn shown_all(&self, conn: &mut Conn, rows: Vec<AssessorRow>) -> Result<Vec<AssessorDetail>> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.account_id).collect();
        let mut tracks: BTreeMap<Uuid, Vec<TrackRow>> = BTreeMap::new();
        for row in store::assessors::tracks(conn, &ids).await? {
            tracks.entry(row.assessor_id).or_default().push(row);
        }
        let names = store::people::names(conn, &ids).await?;
        let mut names: BTreeMap<Uuid, (String, Option<String>)> =
            names.into_iter().map(|(id, login, name)| (id, (login, name))).collect();
        let detail = |row: AssessorRow| AssessorDetail {
            name: names.remove(&row.account_id).unwrap_or_default(),
            tracks: tracks.remove(&row.account_id).unwrap_or_default(),
            ahead: Vec::new(),
            row,
        };
        Ok(rows.into_iter().map(detail).collect())
    }

    /// What the caller keeps as an assessor.
    pub async fn my_availability(&self, conn: &mut Conn, actor: &Actor) -> Result<AssessorDetail> {
        require_assessor(actor)?;
        let row = store::assessors::find(conn, actor.account_id).await?;
        let row = row.unwrap_or_else(|| self.blank(actor.account_id));
        self.shown(conn, row, Vec::new()).await
    }

    /// Replaces what the caller keeps.
    pub async fn set_availability_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        seen: &IfMatch,
        wanted: Availability,
    ) -> Result<AssessorDetail> {
        require_assessor(actor)?;
        let Availability { zone, weekly, overrides, limits, employer } = wanted;
        // The engine's reader is the one home of the rules' syntax.
        read_availability(&json!({ "zone": zone, "weekly": weekly, "overrides": overrides }))?;
        let mut row = self.assessor_row(conn, actor.account_id).await?;
        seen.check(row.version)?;
        (row.max_per_day, row.max_per_week) = limits;
        (row.zone, row.weekly, row.overrides, row.employer) = (zone, weekly, overrides, employer);
        self.put_assessor(conn, &mut row).await?;
        self.time_freed_in(conn).await?;
        self.shown(conn, row, Vec::new()).await
    }

    async fn put_assessor(&self, conn: &mut Conn, row: &mut AssessorRow) -> Result<()> {
        row.version = row.version.saturating_add(1);
        row.updated_at = self.ctx.clock.now();
        Ok(store::assessors::put(conn, row).await?)
    }

    /// The caller's time off that is not over.
    pub async fn my_time_off(&self, conn: &mut Conn, actor: &Actor) -> Result<Vec<TimeOffRow>> {
        require_assessor(actor)?;
        let now = self.ctx.clock.now();
        Ok(store::assessors::time_off(conn, &[actor.account_id.uuid()], now).await?)
    }

    /// Adds time off. Answers the sessions that fall into it, which somebody else has to take over.
    pub async fn add_time_off_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        (starts_at, ends_at): (DateTime<Utc>, DateTime<Utc>),
        note: Option<String>,
    ) -> Result<(TimeOffRow, Vec<Ahead>)> {
        require_assessor(actor)?;
        let now = self.ctx.clock.now();
        let mut faults = FieldErrors::new();
        faults.check(starts_at < ends_at, "/ends_at", "inconsistent", "does not lie after `starts_at`");
        faults.check(ends_at > now, "/ends_at", "out_of_range", "lies in the past");
        let days = (ends_at - starts_at).num_days();
        faults.check(days <= 400, "/ends_at", "out_of_range", "lies more than 400 days after `starts_at`");
        faults.finish()?;
        let mut row = self.assessor_row(conn, actor.account_id).await?;
        if row.version == 0 {
            self.put_assessor(conn, &mut row).await?;
        }
        let mine = [actor.account_id.uuid()];
        if store::assessors::time_off(conn, &mine, now).await?.len() >= MOST_TIME_OFF {
            let detail = format!("You have {MOST_TIME_OFF} times off before you, which is the most.");
            return Err(Error::new(Code::LimitReached, detail));
        }
        let id = self.ctx.ids.uuid();
        let row = TimeOffRow { id, assessor_id: mine[0], starts_at, ends_at, note, created_at: now };
        store::assessors::insert_time_off(conn, &row).await?;
        let ahead =
            store::bookings::ahead(conn, actor.account_id, (starts_at.max(now), Some(ends_at))).await?;
        Ok((row, ahead))
    }

    /// Takes time off back.
    pub async fn delete_time_off_in(&self, conn: &mut Conn, actor: &Actor, id: TimeOffId) -> Result<()> {
        require_assessor(actor)?;
        if !store::assessors::delete_time_off(conn, id, actor.account_id).await? {
            return Err(Error::not_found("time off"));
        }
        self.time_freed_in(conn).await
    }

    /// Assessors, as those who oversee them see them.
    pub async fn assessors(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        after: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<AssessorDetail>> {
        crate::policy::require_oversight(actor)?;
        let rows = store::assessors::list(conn, after, limit).await?;
        self.shown_all(conn, rows).await
    }

    /// An assessor with the sessions before them.
    pub async fn assessor(&self, conn: &mut Conn, actor: &Actor, id: AccountId) -> Result<AssessorDetail> {
        crate::policy::require_oversight(actor)?;
        let row = match store::assessors::find(conn, id).await? {
            Some(row) => row,
            None if store::assessors::is_staff(conn, id).await? => self.blank(id),
            None => return Err(not_staff()),
        };
        let ahead = store::bookings::ahead(conn, id, (self.ctx.clock.now(), None)).await?;
        self.shown(conn, row, ahead).await
    }

    /// Decides what an assessor may do, and their share of the work.
    pub async fn assign_tracks_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AccountId,
        seen: &IfMatch,
        wanted: Assignment<'_>,
    ) -> Result<AssessorDetail> {
        let mut faults = FieldErrors::new();
        let mut known = BTreeSet::new();
        let mut rows = BTreeSet::new();
        for (place, (track, roles)) in wanted.tracks.iter().enumerate() {
            let at = |field: &str| format!("/tracks/{place}/{field}");
            if !self.taxonomy.has_family(track) {
                faults.push(at("track"), "unknown_value", "must be the slug of a skill family");
            }
            if !known.insert(track) {
                faults.push(at("track"), "duplicate", "is there twice");
            }
            if roles.is_empty() {
                faults.push(at("roles"), "too_short", "must name a role");
            }
            if roles.contains(&HostRole::Shadow) && roles.len() > 1 {
                faults.push(at("roles"), "inconsistent", "who trains neither leads nor observes");
            }
            rows.extend(roles.iter().map(|role| (track.clone(), role.to_string())));
        }
        faults.finish()?;
        let mut row = self.assessor_row(conn, id).await?;
        seen.check(row.version)?;
        (row.weight, row.priority) = (wanted.weight, wanted.priority);
        self.put_assessor(conn, &mut row).await?;
        store::assessors::clear_tracks(conn, id).await?;
        let of = |(track, role)| TrackRow { assessor_id: id.uuid(), track, role };
        store::assessors::insert_tracks(conn, &rows.into_iter().map(of).collect::<Vec<_>>()).await?;
        self.time_freed_in(conn).await?;
        let detail = self.shown(conn, row, Vec::new()).await?;
        let tracks: Vec<String> =
            detail.tracks.iter().map(|row| format!("{}:{}", row.track, row.role)).collect();
        let data = json!({ "tracks": tracks, "weight": wanted.weight, "priority": wanted.priority });
        self.recorded(conn, actor, id, ("assessor.assign", wanted.reason), data).await?;
        Ok(detail)
    }

    async fn recorded(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AccountId,
        (action, reason): (&str, &str),
        data: Value,
    ) -> Result<()> {
        let entry = audit::Entry {
            actor: Some(actor.account_id),
            action,
            subject: id.to_string(),
            reason: Some(reason),
            data,
        };
        audit::record(&self.ctx, conn, entry).await
    }

    /// Blocks an assessor, or lets one go on. No new session comes to who is blocked; those before them are answered, so
    /// that others take them over.
    pub async fn block_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AccountId,
        (block, reason): (bool, &str),
    ) -> Result<AssessorDetail> {
        crate::policy::require_oversight(actor)?;
        let now = self.ctx.clock.now();
        let mut row = self.assessor_row(conn, id).await?;
        if row.blocked_at.is_some() == block {
            let detail =
                if block { "The assessor is blocked already." } else { "The assessor is not blocked." };
            return Err(Error::new(Code::StateConflict, detail).with_allowed_actions(Vec::new()));
        }
        row.blocked_at = block.then_some(now);
        row.blocked_by_id = block.then(|| actor.account_id.uuid());
        row.block_reason = block.then(|| reason.to_owned());
        self.put_assessor(conn, &mut row).await?;
        let (kind, action) = match block {
            true => ("assessor.blocked", "assessor.block"),
            false => ("assessor.unblocked", "assessor.unblock"),
        };
        if block {
            for hold in store::bookings::holds_of(conn, id).await? {
                store::bookings::lock(conn, hold).await?;
                store::bookings::finish(conn, hold, BookingState::Released.as_str()).await?;
            }
        }
        self.time_freed_in(conn).await?;
        let ahead = store::bookings::ahead(conn, id, (now, None)).await?;
        let audience = [Audience::Account(id), Audience::Staff(Permission::Reviewer)];
        let data = json!({ "account_id": id, "sessions_ahead": ahead.len() });
        outbox::publish(&self.ctx, conn, kind, id.to_string(), data.clone(), &audience).await?;
        self.recorded(conn, actor, id, (action, reason), data).await?;
        self.shown(conn, row, ahead).await
    }
}
