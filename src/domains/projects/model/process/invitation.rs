//! The process table of invitations to bid.

use assay_kernel::process::{Guard, Machine, State, Transition, Who, row};
use assay_kernel::string_enum;

string_enum! {
    /// Where an invitation to bid stands.
    pub enum InvitationState {
        /// Sent.
        Sent = "sent",
        /// Seen by the developer.
        Viewed = "viewed",
        /// The developer means to bid.
        Accepted = "accepted",
        /// The developer does not.
        Declined = "declined",
        /// Unanswered in time.
        Expired = "expired",
    }
}

/// Names of the invitation machine's events.
pub mod invitation_events {
    #![allow(missing_docs)]
    pub const VIEW: &str = "view";
    pub const ACCEPT: &str = "accept";
    pub const DECLINE: &str = "decline";
    pub const EXPIRE: &str = "expire";
}

/// Invitations to bid.
pub const INVITATION: Machine = Machine {
    name: "invitation",
    version: "2026-11-01",
    meaning: "A client's invitation to one developer to bid on a project.",
    initial: "sent",
    states: &[
        State { name: "sent", meaning: "Sent, by mail and event." },
        State { name: "viewed", meaning: "The developer has read it." },
        State { name: "accepted", meaning: "The developer means to bid." },
        State { name: "declined", meaning: "The developer does not." },
        State { name: "expired", meaning: "Unanswered for seven days, or the project closed." },
    ],
    guards: &[Guard { code: "project_open", needs: "The project is open to bids." }],
    transitions: &[
        row("view", &["sent"], "viewed", &[Who::Developer]),
        Transition {
            guards: &["project_open"],
            ..row("accept", &["sent", "viewed"], "accepted", &[Who::Developer])
        },
        row("decline", &["sent", "viewed"], "declined", &[Who::Developer]),
        Transition {
            clock: Some("7 days after sending"),
            ..row("expire", &["sent", "viewed"], "expired", &[Who::System])
        },
    ],
};
