//! Use cases: authorise → transaction → model → store → events, timers, mail.

pub mod hooks;
mod rating_hook;
mod session_notify;
pub mod sessions;

use std::sync::Arc;

use assay_kernel::ids::{AccountId, AssessmentId};
use assay_kernel::{Error, Result};
use assay_platform::Ctx;
use assay_platform::policy::AssessmentPolicy;
use assay_skills::Taxonomy;
use assay_vetting::Vetting;
use serde::Deserialize;

use crate::model::AssessmentState;
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
