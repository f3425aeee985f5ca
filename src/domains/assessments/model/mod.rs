//! Types, transitions and arithmetic of assessments, pure.

pub(crate) mod assessment;
pub(crate) mod engine;
pub(crate) mod request;
pub(crate) mod tasks;

pub use assessment::{ASSESSMENT, AssessmentState, BookingState, HostRole, RedoReason, events};
