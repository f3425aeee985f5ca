//! The slot engine: interval sweeps over whole seconds.
//!
//! Every rule becomes an interval of *starts*: a window [s, e) allows the starts [s, e − length], a blocked stretch
//! [s, e) forbids the starts (s − length − after, e + before), a full date forbids its own seconds. What a host can
//! take is then one subtraction of sorted intervals, and the grid is counted off what remains. A host with R rules, B
//! bookings and S offered starts costs O(days · R + B log B + S).

mod assign;
mod calendar;
mod explain;
mod fields;
mod input;
mod read;
mod slots;
mod span;
#[cfg(test)]
mod tests;
mod zone;

pub use assign::{Picks, Standing, assign, standings};
pub use explain::{Explanation, HostVerdicts, Reason, Verdict, explain};
pub use fields::read_instant;
pub use input::{
    AssignInput, Assignment, Availability, Booking, BookingState, DateOverride, Host, Input, Interval,
    LocalWindow, Member, Mode, Request, Roles, Session, SlotsInput, Step, WallTime, WeeklyRule,
};
pub use read::{read, read_availability};
pub use slots::{Slot, Slots, slots};
