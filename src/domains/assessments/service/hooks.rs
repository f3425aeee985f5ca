//! What the session's own affairs (clocks, invitations) do when its time changes hands. Each runs in the transaction of
//! the change.

use assay_kernel::Result;
use assay_platform::db::Conn;

use super::Assessments;
use crate::store::assessments::AssessmentRow;

/// The version of the rubric by which new assessments are rated.
pub const RUBRIC_VERSION: &str = "2026-11-21";

impl Assessments {
    /// A time was booked: `row` has it.
    pub(crate) async fn session_booked_in(&self, _conn: &mut Conn, _row: &AssessmentRow) -> Result<()> {
        Ok(())
    }

    /// The time, or who of the staff has it, changed: `before` has the former time.
    pub(crate) async fn session_moved_in(
        &self,
        _conn: &mut Conn,
        _before: &AssessmentRow,
        _row: &AssessmentRow,
    ) -> Result<()> {
        Ok(())
    }

    /// The session was given up: `row` has the time that it had.
    pub(crate) async fn session_cancelled_in(&self, _conn: &mut Conn, _row: &AssessmentRow) -> Result<()> {
        Ok(())
    }
}
