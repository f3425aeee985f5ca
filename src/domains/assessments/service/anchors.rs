//! Anchor sessions: chosen once a quarter on each track, rated by all its assessors from the record; added and withdrawn
//! by reviewers. Nothing here reads or writes what decides about a candidate.

use assay_kernel::ids::{AccountId, AnchorCardId, AnchorSessionId, AssessmentId};
use assay_kernel::{Actor, Code, Error, Permission, Result};
use assay_notifications::{NewMail, Template, enqueue_mail_once};
use assay_platform::db::{Conn, Json};
use assay_platform::outbox::{self, Audience};
use assay_platform::{audit, timers};
use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use uuid::Uuid;

use super::Assessments;
use crate::model::anchor::spread;
use crate::model::rating::{CardContent, CardState};
use crate::model::{ANCHOR_CARD, Quarter, anchor_events};
use crate::store;
use crate::store::anchor_cards::AnchorCardRow;
use crate::store::anchors::AnchorSessionRow;
use crate::store::assessments::AssessmentRow;

/// The job that keeps the quarter's anchor sessions.
pub(crate) const ANCHORS_JOB: &str = "assessments.anchor_sessions";

/// An anchor session, and how far its rating is.
#[derive(Clone, Debug)]
pub struct AnchorSession {
    /// The row.
    pub row: AnchorSessionRow,
    /// Cards that are in.
    pub submitted: usize,
    /// Whose card is lacking, and when it is due.
    pub lacking: Vec<(AccountId, DateTime<Utc>)>,
}

/// An anchor session with its cards.
#[derive(Clone, Debug)]
pub struct AnchorDetail {
    /// The session.
    pub session: AnchorSession,
    /// Its cards; none while they are not for the caller.
    pub cards: Option<Vec<AnchorCardRow>>,
}

impl AnchorSessionRow {
    /// Its id.
    pub fn anchor_session_id(&self) -> AnchorSessionId {
        AnchorSessionId::from_uuid(self.id)
    }

    /// What is rated.
    pub fn assessment(&self) -> AssessmentId {
        AssessmentId::from_uuid(self.assessment_id)
    }

    /// Its quarter.
    pub fn quarter(&self) -> Quarter {
        Quarter::with(self.quarter)
    }
}

impl Assessments {
    /// Takes back the cards that are not asked for any more, chooses what the quarter lacks, and opens the cards of who
    /// has none yet. A second run changes nothing.
    pub async fn keep_anchors(&self) -> Result<()> {
        let db = &self.ctx.db;
        let now = self.ctx.clock.now();
        let quarter = Quarter::of(now);
        db.tx(async |conn| Ok(store::anchor_cards::withdraw_idle(conn, now, quarter).await?)).await?;
        if self.anchors_due(now) > quarter.ends_at() {
            // Who were asked now would have no time.
            return Ok(());
        }
        let tracks = db.read(async |conn| Ok(store::assessors::staffed_tracks(conn).await?)).await?;
        for track in &tracks {
            db.tx(async |conn| self.choose_anchors_in(conn, quarter, track).await).await?;
        }
        for session in db.read(async |conn| Ok(store::anchors::live(conn, quarter).await?)).await? {
            db.tx(async |conn| self.open_anchor_cards_in(conn, session.anchor_session_id()).await).await?;
        }
        Ok(())
    }

    /// Fills the places of a track's set, once there are sessions for all of them. The database gives each place once.
    async fn choose_anchors_in(&self, conn: &mut Conn, quarter: Quarter, track: &str) -> Result<()> {
        let now = self.ctx.clock.now();
        let taken = store::anchors::places(conn, quarter, track).await?;
        let most = self.ctx.policy.assessments.anchor_sessions;
        let places: Vec<i16> = (1..=most).filter(|place| !taken.contains(place)).collect();
        if places.is_empty() {
            return Ok(());
        }
        let mut sessions = Vec::new();
        for session in store::anchors::eligible(conn, Some(track), None, now, quarter).await? {
            let row = self.anchored(conn, AssessmentId::from_uuid(session.assessment)).await?;
            if !self.anchor_raters(conn, &row).await?.is_empty() {
                sessions.push(session);
            }
        }
        if sessions.len() < places.len() {
            return Ok(());
        }
        let chosen = spread(sessions, places.len());
        for (place, assessment) in places.into_iter().zip(chosen) {
            let row = self.anchor_session(AssessmentId::from_uuid(assessment), track, Some(place), None);
            if !store::anchors::insert(conn, &row).await? {
                // Another process was first.
                return Ok(());
            }
            self.tell_chosen(conn, &row).await?;
        }
        Ok(())
    }

    /// When cards are due that are opened now.
    fn anchors_due(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + Duration::days(self.ctx.policy.assessments.anchor_days)
    }

    fn anchor_session(
        &self,
        assessment: AssessmentId,
        track: &str,
        place: Option<i16>,
        by: Option<AccountId>,
    ) -> AnchorSessionRow {
        let now = self.ctx.clock.now();
        let quarter = Quarter::of(now);
        AnchorSessionRow {
            id: self.ctx.ids.uuid(),
            quarter: quarter.first_day(),
            track: track.to_owned(),
            assessment_id: assessment.uuid(),
            place,
            chosen_by_id: by.map(|by| by.uuid()),
            due_at: self.anchors_due(now).min(quarter.ends_at()),
            withdrawn_at: None,
            withdrawn_by_id: None,
            created_at: now,
        }
    }

    async fn anchored(&self, conn: &mut Conn, id: AssessmentId) -> Result<AssessmentRow> {
        store::assessments::find(conn, id).await?.ok_or_else(|| Error::not_found("assessment"))
    }

    async fn tell_chosen(&self, conn: &mut Conn, row: &AnchorSessionRow) -> Result<()> {
        let data = json!({ "assessment_id": row.assessment(), "quarter": row.quarter(), "track": row.track,
            "due_at": row.due_at });
        let audience = [Audience::Staff(Permission::Reviewer)];
        let subject = row.anchor_session_id().to_string();
        outbox::publish(&self.ctx, conn, "anchor_session.chosen", subject, data, &audience).await
    }

    /// Who has no card of the session yet and may rate it: the assessors of the track without a tie to the candidate who
    /// have no part in the application.
    async fn anchor_raters(&self, conn: &mut Conn, row: &AssessmentRow) -> Result<Vec<AccountId>> {
        let since = self.ctx.clock.now();
        let pool = store::raters::pool(conn, &row.track, row.application_id, since).await?;
        if pool.is_empty() {
            return Ok(Vec::new());
        }
        let tied = self.conflicts(conn, row.candidate(), &pool).await?;
        let free = pool.into_iter().filter(|one| !tied.iter().any(|tie| tie.assessor_id == *one));
        Ok(free.map(AccountId::from_uuid).collect())
    }

    /// Opens the cards of an anchor session that are lacking. Cards that are there stay as they are.
    async fn open_anchor_cards_in(&self, conn: &mut Conn, id: AnchorSessionId) -> Result<()> {
        let Some(session) = store::anchors::find(conn, id, true).await? else { return Ok(()) };
        let Some(row) = store::assessments::find(conn, session.assessment()).await? else { return Ok(()) };
        if session.withdrawn_at.is_some() {
            return Ok(());
        }
        let now = self.ctx.clock.now();
        let due_at = session.due_at.max(self.anchors_due(now)).min(session.quarter().ends_at());
        for rater in self.anchor_raters(conn, &row).await? {
            let card = AnchorCardRow {
                id: self.ctx.ids.uuid(),
                anchor_session_id: session.id,
                rater_id: rater.uuid(),
                state: CardState::Open.to_string(),
                content: Json(CardContent::default()),
                rubric_version: row.rubric_version.clone(),
                opened_at: now,
                due_at,
                submitted_at: None,
                notes_deleted_at: None,
                version: 1,
                updated_at: now,
            };
            if store::anchor_cards::insert(conn, &card).await? {
                self.tell_opened(conn, &card).await?;
            }
        }
        Ok(())
    }

    async fn tell_opened(&self, conn: &mut Conn, card: &AnchorCardRow) -> Result<()> {
        let (rater, due_at) = (AccountId::from_uuid(card.rater_id), card.due_at);
        self.remind_of_anchor(conn, card, card.opened_at).await?;
        let subject = AnchorCardId::from_uuid(card.id).to_string();
        let data = json!({ "due_at": due_at });
        let audience = [Audience::Account(rater)];
        outbox::publish(&self.ctx, conn, "anchor_card.opened", subject, data, &audience).await?;
        let template = Template::AnchorCardsOpened { url: self.anchor_cards_url(), due_at };
        self.mail_once(conn, rater, template, "opened").await
    }

    /// Sets the next reminder of a card after `since`.
    pub(super) async fn remind_of_anchor(
        &self,
        conn: &mut Conn,
        card: &AnchorCardRow,
        since: DateTime<Utc>,
    ) -> Result<()> {
        let days = &self.ctx.policy.assessments.anchor_reminder_days;
        let times = days.iter().map(|days| card.due_at - Duration::days(*days));
        match times.filter(|at| *at > since).min() {
            Some(next) => {
                timers::set(&self.ctx, conn, ANCHOR_CARD.name, card.id, anchor_events::REMIND, next).await
            }
            None => Ok(()),
        }
    }

    /// Where a rater finds the cards.
    pub(super) fn anchor_cards_url(&self) -> String {
        format!("{}/v1/me/anchor_cards", self.ctx.config.public_url())
    }

    /// One mail for all cards that are opened, or due, together.
    pub(super) async fn mail_once(
        &self,
        conn: &mut Conn,
        rater: AccountId,
        template: Template,
        what: &str,
    ) -> Result<()> {
        let key = format!("anchor_cards:{what}:{rater}");
        enqueue_mail_once(&self.ctx, conn, NewMail::to(rater, template), &key).await.map(drop)
    }

    async fn progress(&self, conn: &mut Conn, rows: Vec<AnchorSessionRow>) -> Result<Vec<AnchorSession>> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let cards = store::anchor_cards::progress(conn, &ids).await?;
        let of = |row: AnchorSessionRow| {
            let own = || cards.iter().filter(|card| card.session == row.id);
            let open = own().filter(|card| card.state == CardState::Open.as_str());
            AnchorSession {
                submitted: own().filter(|card| card.state == CardState::Submitted.as_str()).count(),
                lacking: open.map(|card| (AccountId::from_uuid(card.rater), card.due_at)).collect(),
                row,
            }
        };
        Ok(rows.into_iter().map(of).collect())
    }

    /// Anchor sessions, newest first, for reviewers. No level of any card.
    pub async fn anchors(
        &self,
        conn: &mut Conn,
        quarter: Option<Quarter>,
        before: Option<AnchorSessionId>,
        limit: i64,
    ) -> Result<Vec<AnchorSession>> {
        let rows = store::anchors::list(conn, quarter, before, limit).await?;
        self.progress(conn, rows).await
    }

    /// An anchor session with its cards, once they are all in; not while the caller has an anchor card to fill in.
    /// Whoever is shown them is noted: they rate the candidate no more.
    pub async fn anchor_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AnchorSessionId,
    ) -> Result<AnchorDetail> {
        let missing = || Error::not_found("anchor session");
        let row = store::anchors::find(conn, id, false).await?.ok_or_else(missing)?;
        let assessment = self.anchored(conn, row.assessment()).await?;
        if actor.account_id == assessment.candidate() {
            return Err(missing());
        }
        let session = self.progress(conn, vec![row]).await?.pop().ok_or_else(missing)?;
        let shown = session.lacking.is_empty()
            && session.submitted > 0
            && !store::anchor_cards::has_open(conn, None, actor.account_id).await?
            && !store::cards::has_open(conn, assessment.application_id, actor.account_id).await?;
        if !shown {
            return Ok(AnchorDetail { session, cards: None });
        }
        let now = self.ctx.clock.now();
        store::cards::read_by(conn, assessment.assessment_id(), actor.account_id, now).await?;
        let cards = store::anchor_cards::of(conn, session.row.id).await?;
        Ok(AnchorDetail { session, cards: Some(cards) })
    }

    /// A reviewer adds a session to the present quarter's; its cards open at once.
    pub async fn add_anchor_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        reason: &str,
    ) -> Result<AnchorDetail> {
        let found = store::assessments::find(conn, id).await?;
        let unknown = || Error::invalid_field("/assessment_id", "unknown_value", "is no assessment");
        let assessment = found.ok_or_else(unknown)?;
        let again = || Error::new(Code::AlreadyExists, "The session is, or was, an anchor already.");
        if store::anchors::was_chosen(conn, id).await? {
            return Err(again());
        }
        let now = self.ctx.clock.now();
        if store::anchors::eligible(conn, None, Some(id), now, Quarter::of(now)).await?.is_empty() {
            let detail = "must be decided, published and past its appeal, with a record that stays until the quarter ends";
            return Err(Error::invalid_field("/assessment_id", "inconsistent", detail));
        }
        let row = self.anchor_session(id, &assessment.track, None, Some(actor.account_id));
        if !store::anchors::insert(conn, &row).await? {
            return Err(again());
        }
        self.tell_chosen(conn, &row).await?;
        self.open_anchor_cards_in(conn, row.anchor_session_id()).await?;
        self.record_of_anchor(conn, actor, &assessment, &row, "anchor_session.add", reason).await?;
        self.anchor_in(conn, actor, row.anchor_session_id()).await
    }

    /// A reviewer withdraws an anchor session: its open cards go, and those that are in count no more. `seen` looks at it as
    /// it is now.
    pub async fn withdraw_anchor_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AnchorSessionId,
        reason: &str,
        seen: impl FnOnce(&AnchorDetail) -> Result<()>,
    ) -> Result<AnchorDetail> {
        let missing = || Error::not_found("anchor session");
        let mut row = store::anchors::find(conn, id, true).await?.ok_or_else(missing)?;
        if row.withdrawn_at.is_some() {
            let detail = "The anchor session is withdrawn already.";
            return Err(Error::new(Code::StateConflict, detail).with_allowed_actions(Vec::new()));
        }
        seen(&self.anchor_in(conn, actor, id).await?)?;
        let assessment = self.anchored(conn, row.assessment()).await?;
        let now = self.ctx.clock.now();
        row.withdrawn_at = Some(now);
        row.withdrawn_by_id = Some(actor.account_id.uuid());
        store::anchors::update(conn, &row).await?;
        let raters = store::anchor_cards::withdraw_open(conn, row.id, now).await?;
        let mut audience = vec![Audience::Staff(Permission::Reviewer)];
        audience.extend(raters.into_iter().map(|rater| Audience::Account(AccountId::from_uuid(rater))));
        let data = json!({ "assessment_id": row.assessment(), "quarter": row.quarter() });
        outbox::publish(&self.ctx, conn, "anchor_session.withdrawn", id.to_string(), data, &audience).await?;
        self.record_of_anchor(conn, actor, &assessment, &row, "anchor_session.withdraw", reason).await?;
        self.anchor_in(conn, actor, id).await
    }

    async fn record_of_anchor(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        assessment: &AssessmentRow,
        row: &AnchorSessionRow,
        action: &str,
        reason: &str,
    ) -> Result<()> {
        let entry = audit::Entry {
            actor: Some(actor.account_id),
            action,
            subject: row.anchor_session_id().to_string(),
            reason: Some(reason),
            data: json!({ "account_id": assessment.candidate(), "assessment_id": row.assessment(),
                "quarter": row.quarter() }),
        };
        audit::record(&self.ctx, conn, entry).await
    }
}
