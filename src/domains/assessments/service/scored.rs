//! What the rating tells to who makes scores of it: a higher domain, given by the application.

use std::pin::Pin;

use assay_kernel::Result;
use assay_kernel::ids::{AccountId, ApplicationId, AssessmentId};
use assay_platform::Ctx;
use assay_platform::db::Conn;

use super::Assessments;
use crate::store::assessments::AssessmentRow;

/// A step in the rating of an assessment.
#[derive(Clone, Copy, Debug)]
pub struct Rated {
    /// The assessment.
    pub assessment: AssessmentId,
    /// The application that it belongs to.
    pub application: ApplicationId,
    /// Who is assessed.
    pub candidate: AccountId,
    /// What happened.
    pub step: RatedStep,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RatedStep {
    /// Every card is in that was asked for so far.
    CardsIn,
    /// The decision was published.
    Published,
    /// An appeal was answered, its card with it.
    AppealAnswered,
    /// The assessment is void.
    Voided,
}

/// What the cards that are in allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassLine {
    /// They can be decided on.
    Clear,
    /// It cannot be told on which side of the pass line the candidate is: another rater is asked.
    Border,
}

/// Who is told; runs in the transaction of the step.
pub type RatedHook =
    for<'a> fn(&'a Ctx, &'a mut Conn, &'a Rated) -> Pin<Box<dyn Future<Output = Result<PassLine>> + 'a>>;

impl Assessments {
    pub(super) async fn tell_rated(
        &self,
        conn: &mut Conn,
        row: &AssessmentRow,
        step: RatedStep,
    ) -> Result<PassLine> {
        let rated = Rated {
            assessment: row.assessment_id(),
            application: ApplicationId::from_uuid(row.application_id),
            candidate: row.candidate(),
            step,
        };
        (self.on_rated)(&self.ctx, conn, &rated).await
    }
}
