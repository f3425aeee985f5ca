//! Types, transitions and arithmetic of assessments, pure.

pub(crate) mod assessment;
pub(crate) mod engine;

pub use assessment::{ASSESSMENT, AssessmentState, BookingState, HostRole, RedoReason, events};
