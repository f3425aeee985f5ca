//! Use cases: authorise → transaction → model → store → events, timers, mail.

pub mod actions;
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

use std::sync::Arc;

use assay_kernel::ids::{AccountId, AssessmentId};
use assay_kernel::{Error, Result};
use assay_platform::Ctx;
use assay_platform::policy::AssessmentPolicy;
use assay_skills::Taxonomy;
use assay_vetting::Vetting;
use chrono_tz::Tz;
use serde::Deserialize;

use crate::model::AssessmentState;
use crate::model::tasks::Tasks;
use crate::store::assessments::AssessmentRow;

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
    /// Who makes scores of ratings.
    on_rated: scored::RatedHook,
}

impl Assessments {
    /// With the tasks that ship with this version of the service; `on_rated` makes scores of ratings.
    ///
    /// # Errors
    /// When those do not read.
    pub fn new(
        ctx: Ctx,
        taxonomy: Arc<Taxonomy>,
        vetting: Vetting,
        on_rated: scored::RatedHook,
    ) -> Result<Self> {
        Ok(Self { ctx, taxonomy, vetting, tasks: Arc::new(Tasks::shipped()?), on_rated })
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
