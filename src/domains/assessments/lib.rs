//! Assessments: when two people can meet to pair, and who of the staff takes it.
//!
//! Owns `assessors`, `assessor_tracks`, `assessor_time_off`, `assessments`, `bookings`, `booking_hosts`, `calendar_feeds`
//! and `session_notes`; of their rating `rubrics`, `rating_cards`, `rating_readers`, `integrity_concerns`,
//! `assessment_outcomes` and `assessment_appeals`; to link assessors `anchor_sessions` and `anchor_cards`. Its engine is pure: rules, bookings and limits in, offered starts out; a
//! pool with its history in, picks out. The same functions serve the command `assay slots` and every caller above.
//!
//! Invariants:
//! - All instants are UTC and all intervals half-open; lengths, buffers and notice are elapsed time.
//! - A start is offered only if the whole session lies in one united window of the host, and the session with its
//!   buffers is free of the host's blocked time.
//! - The grid hangs on the wall clock of its zone alone: no booking and no window shifts it.
//! - Credits and shortfalls are exact fractions.
//! - The same input gives the same output; nothing is read from a clock.
//! - Ratings are blind by construction: a first submission writes the card alone, never the assessment's row; until a
//!   rater has submitted, no answer, event, mail, export or log line depends on another's card, and reviewers who rate
//!   are no reviewers of that application meanwhile.
//! - Notes of a session are their author's alone until the reader has submitted a card of their own; what candidates
//!   see of the record never has them.
//! - A submitted card never changes, which the database holds too; after a time its texts go, and its levels stay.
//! - Who hosted, rated, read the cards or decided does not rate anew; who rated or decided does not answer the appeal.
//! - Anchor cards decide nothing: they lie in a table of their own, which calibrations and reports on assessors read alone.
//! - An appeal raises or keeps, never lowers. A redo counts the cards of both assessments.
//!
//! Lends: [`RatedHook`], by which who makes scores is told and says whether another rater is needed, [`final_ratings`] (levels of final cards, for scores), [`rubric_version`], [`read`] (JSON to a checked [`Input`]), [`slots`], [`assign`] and their explanations.

mod http;
mod jobs;
mod model;
mod policy;
mod service;
mod store;

use assay_kernel::process::Machine;

pub use http::routes;
pub use jobs::{jobs, schedule};
pub use model::Quarter;
pub use service::rating_clocks::delete_old;
pub use service::rating_hook::record_rubric;
pub use service::scored::{PassLine, Rated, RatedHook, RatedStep};
pub use service::{Assessments, Ties};
pub use store::cards::{FinalRating, final_ratings};
pub use store::conflicts::Conflict;
pub use store::personal_data::PERSONAL_DATA;

pub use model::engine::{
    AssignInput, Assignment, Availability, Booking, BookingState, DateOverride, Explanation, Host,
    HostVerdicts, Input, Interval, LocalWindow, Member, Mode, Picks, Reason, Request, Roles, Session, Slot,
    Slots, SlotsInput, Standing, Step, Verdict, WallTime, WeeklyRule, assign, explain, read,
    read_availability, read_instant, slots, standings,
};

/// The version of the rubric in force.
///
/// # Errors
/// When the rubric that is shipped cannot be used.
pub fn rubric_version() -> assay_kernel::Result<&'static str> {
    Ok(&model::rubric::Rubric::shipped()?.version)
}

/// The state machines of assessments.
pub const MACHINES: &[&Machine] = &[&model::ASSESSMENT, &model::ANCHOR_CARD];
