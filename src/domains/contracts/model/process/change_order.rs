//! The process table of change orders.

use assay_kernel::process::{Guard, Machine, State, Transition, row};
use assay_kernel::string_enum;

use super::{PARTIES, SYSTEM};

string_enum! {
    /// Where a change order stands.
    pub enum ChangeOrderState {
        /// Waiting for the other side.
        Proposed = "proposed",
        /// Answered with other changes; waiting for the first side.
        Countered = "countered",
        /// Agreed; what it adds is not paid yet.
        Accepted = "accepted",
        /// Part of the contract.
        Effective = "effective",
        /// Refused.
        Rejected = "rejected",
        /// Taken back.
        Withdrawn = "withdrawn",
        /// Neither answered nor paid in time.
        Expired = "expired",
    }
}

/// Change orders.
pub const CHANGE_ORDER: Machine = Machine {
    name: "change_order",
    version: "2026-11-21",
    meaning: "A change of a signed contract: milestones added, dropped or moved.",
    initial: "proposed",
    states: &[
        State { name: "proposed", meaning: "The other side answers within seven days." },
        State {
            name: "countered",
            meaning: "Answered with other changes, which are answered within seven days.",
        },
        State {
            name: "accepted",
            meaning: "Agreed; it waits for the payment of what it adds, for seven days.",
        },
        State { name: "effective", meaning: "Part of the contract." },
        State { name: "rejected", meaning: "Refused." },
        State { name: "withdrawn", meaning: "Taken back by the side that proposed last." },
        State { name: "expired", meaning: "Neither answered nor paid in time, or the contract ended." },
    ],
    guards: &[
        Guard { code: "asked_of_you", needs: "The other side proposed last." },
        Guard { code: "proposed_by_you", needs: "Your side proposed last." },
        Guard { code: "contract_active", needs: "The contract is active." },
    ],
    transitions: &[
        Transition {
            guards: &["asked_of_you", "contract_active"],
            clock: Some("expire after 7 days"),
            ..row("counter", &["proposed", "countered"], "countered", PARTIES)
        },
        Transition {
            guards: &["asked_of_you", "contract_active"],
            clock: Some("expire after 7 days, unless what it adds is paid"),
            effects: &["the milestones that it adds can be funded"],
            ..row("accept", &["proposed", "countered"], "accepted", PARTIES)
        },
        Transition {
            guards: &["asked_of_you"],
            ..row("reject", &["proposed", "countered"], "rejected", PARTIES)
        },
        Transition {
            guards: &["proposed_by_you"],
            ..row("withdraw", &["proposed", "countered"], "withdrawn", PARTIES)
        },
        Transition {
            effects: &["milestones are dropped and moved; dropped money goes back"],
            ..row("take_effect", &["accepted"], "effective", SYSTEM)
        },
        Transition {
            clock: Some("7 days"),
            ..row("expire", &["proposed", "countered", "accepted"], "expired", SYSTEM)
        },
    ],
};
