//! Assessments: when two people can meet to pair, and who of the staff takes it.
//!
//! Owns `assessors`, `assessor_tracks`, `assessor_time_off`, `assessments`, `bookings` and `booking_hosts`. Its engine is pure: rules, bookings and limits in, offered starts out; a pool with its history in,
//! picks out. The same functions serve the command `assay slots` and every caller above.
//!
//! Invariants:
//! - All instants are UTC and all intervals half-open; lengths, buffers and notice are elapsed time.
//! - A start is offered only if the whole session lies in one united window of the host, and the session with its
//!   buffers is free of the host's blocked time.
//! - The grid hangs on the wall clock of its zone alone: no booking and no window shifts it.
//! - Credits and shortfalls are exact fractions.
//! - The same input gives the same output; nothing is read from a clock.
//!
//! Lends: [`read`] (JSON to a checked [`Input`]), [`slots`], [`assign`] and their explanations.

mod http;
mod jobs;
mod model;
mod policy;
mod service;
mod store;

use assay_kernel::process::Machine;

pub use http::routes;
pub use jobs::jobs;
pub use service::Assessments;
pub use store::personal_data::PERSONAL_DATA;

pub use model::engine::{
    AssignInput, Assignment, Availability, Booking, BookingState, DateOverride, Explanation, Host,
    HostVerdicts, Input, Interval, LocalWindow, Member, Mode, Picks, Reason, Request, Roles, Session, Slot,
    Slots, SlotsInput, Standing, Step, Verdict, WallTime, WeeklyRule, assign, explain, read,
    read_availability, read_instant, slots, standings,
};

/// The state machines of assessments.
pub const MACHINES: &[&Machine] = &[&model::ASSESSMENT];
