//! Use cases: authorise → transaction → model → store → events, timers, mail.

pub mod actions;
pub mod anchor_cards;
pub mod anchors;
pub mod assessors;
pub mod booking;
pub mod cards;
pub mod feeds;
pub mod hooks;
pub mod integrity;
pub mod notify;
pub mod offer;
pub mod outcomes;
pub mod pool;
pub mod rating_access;
pub mod rating_clocks;
pub mod rating_hook;
pub mod records;
pub mod requests;
pub mod review;
pub mod scored;
mod session_notify;
pub mod sessions;
pub mod staff;
pub mod waiting;

use std::pin::Pin;
use std::sync::Arc;

use assay_kernel::ids::{AccountId, AssessmentId};
use assay_kernel::{Error, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::policy::AssessmentPolicy;
use assay_skills::Taxonomy;
use assay_vetting::Vetting;
use chrono_tz::Tz;
use serde::Deserialize;
use uuid::Uuid;

use crate::model::AssessmentState;
use crate::model::tasks::Tasks;
use crate::store;
use crate::store::assessments::AssessmentRow;
use crate::store::conflicts::Conflict;

/// The use cases of this domain, with what they stand on.
#[derive(Clone)]
pub struct Assessments {
    /// The surroundings.
    pub ctx: Ctx,
    /// The skill families, which are the tracks.
    pub taxonomy: Arc<Taxonomy>,
    /// The applications that assessments decide.
    pub vetting: Vetting,
    /// The families of tasks.
    tasks: Arc<Tasks>,
    /// The ties that higher domains know of.
    ties: Ties,
    /// Who makes scores of ratings.
    on_rated: scored::RatedHook,
}

impl AsRef<Ctx> for Assessments {
    fn as_ref(&self) -> &Ctx {
        &self.ctx
    }
}

/// Asks the higher domains what ties any of some assessors to a candidate.
pub type Ties = for<'a> fn(
    &'a mut Conn,
    AccountId,
    &'a [Uuid],
) -> Pin<Box<dyn Future<Output = Result<Vec<Conflict>>> + 'a>>;

impl Assessments {
    /// With the tasks that ship with this version of the service; `on_rated` makes scores of ratings.
    ///
    /// # Errors
    /// When those do not read.
    pub fn new(
        ctx: Ctx,
        taxonomy: Arc<Taxonomy>,
        vetting: Vetting,
        ties: Ties,
        on_rated: scored::RatedHook,
    ) -> Result<Self> {
        Ok(Self { ctx, taxonomy, vetting, tasks: Arc::new(Tasks::shipped()?), ties, on_rated })
    }

    /// What ties any of `assessors` to the candidate.
    pub(crate) async fn conflicts(
        &self,
        conn: &mut Conn,
        candidate: AccountId,
        assessors: &[Uuid],
    ) -> Result<Vec<Conflict>> {
        let mut found = store::conflicts::of(conn, candidate, assessors).await?;
        found.extend((self.ties)(conn, candidate, assessors).await?);
        Ok(found)
    }
}

/// An IANA zone that somebody gave.
pub(crate) fn zone(given: &str, pointer: &str) -> Result<Tz> {
    given.parse().map_err(|_| {
        Error::invalid_field(pointer, "unknown_value", "must be an IANA zone, such as Europe/Berlin")
    })
}

impl AssessmentRow {
    /// Its id.
    pub fn assessment_id(&self) -> AssessmentId {
        AssessmentId::from_uuid(self.id)
    }

    /// Who is assessed.
    pub fn candidate(&self) -> AccountId {
        AccountId::from_uuid(self.candidate_id)
    }

    /// Its state.
    pub fn state(&self) -> Result<AssessmentState> {
        self.state.parse()
    }

    /// The numbers that govern it.
    pub fn policy(&self) -> Result<AssessmentPolicy> {
        AssessmentPolicy::deserialize(&self.policy).map_err(Error::internal)
    }
}
