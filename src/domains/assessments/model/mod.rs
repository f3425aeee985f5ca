//! Types, transitions and arithmetic of assessments, pure.

pub(crate) mod anchor;
pub(crate) mod assessment;
pub(crate) mod engine;
pub(crate) mod outcome;
pub(crate) mod rating;
pub(crate) mod request;
pub(crate) mod rubric;
pub(crate) mod tasks;

pub use anchor::{ANCHOR_CARD, Quarter, anchor_events};
pub use assessment::{ASSESSMENT, AssessmentState, BookingState, HostRole, RedoReason, events};
