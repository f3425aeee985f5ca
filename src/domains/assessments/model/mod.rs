//! Types, transitions and arithmetic of assessments, pure.

pub(crate) mod assessment;
pub(crate) mod engine;
pub(crate) mod outcome;
pub(crate) mod rating;
pub(crate) mod rubric;

pub use assessment::{ASSESSMENT, AssessmentState, BookingState, HostRole, RedoReason, events};
