//! Where rating begins.

use assay_kernel::Result;
use assay_platform::db::Conn;

use super::Assessments;
use crate::store::assessments::AssessmentRow;

impl Assessments {
    /// The session of `row` is over, and `row` is stored as `in_review`. Called once, in the transaction of the end.
    pub(crate) async fn rating_opens_in(&self, _conn: &mut Conn, _row: &AssessmentRow) -> Result<()> {
        Ok(())
    }
}
