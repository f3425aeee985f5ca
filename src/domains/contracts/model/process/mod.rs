//! The process tables of contracts, change orders, milestones and disputes.

mod change_order;
mod contract;
mod dispute;
mod milestone;

use assay_kernel::process::{Machine, Transition, Who};
use assay_kernel::{Error, Result};

pub use change_order::{CHANGE_ORDER, ChangeOrderState};
pub use contract::{CONTRACT, ContractState};
pub use dispute::{DISPUTE, DisputeState, REVIEWER};
pub use milestone::{MILESTONE, MilestoneState};

const CLIENT: &[Who] = &[Who::Client];
const DEVELOPER: &[Who] = &[Who::Developer];
const PARTIES: &[Who] = &[Who::Client, Who::Developer];
const SYSTEM: &[Who] = &[Who::System];

/// The transition of `event` from `state` that leads to `to`.
///
/// # Errors
/// As [`Machine::transition`]; `internal` when the table has no such one.
pub fn step(
    machine: &Machine,
    state: &str,
    event: &str,
    to: &str,
    who: &[Who],
) -> Result<&'static Transition> {
    machine.transition(state, event, who)?;
    machine
        .transitions
        .iter()
        .find(|t| {
            t.event == event && t.to == to && t.from.contains(&state) && t.who.iter().any(|w| who.contains(w))
        })
        .ok_or_else(|| Error::internal(format!("{}: no `{event}` from `{state}` to `{to}`", machine.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// While it is frozen only its dispute, or the payer's bank, decides.
    #[test]
    fn a_frozen_milestone_is_decided_by_its_dispute_only() {
        let from_here = MILESTONE.transitions.iter().filter(|t| t.from.contains(&"disputed"));
        let mut events: Vec<_> = from_here.map(|t| t.event).collect();
        events.sort_unstable();
        events.dedup();
        assert_eq!(events, ["charge_back", "divide", "unfreeze"]);
    }

    #[test]
    fn the_tables_are_sound_and_name_exactly_the_states_in_code() {
        let names = |machine: &Machine| machine.states.iter().map(|s| s.name).collect::<Vec<_>>();
        for machine in [&CONTRACT, &CHANGE_ORDER, &MILESTONE, &DISPUTE] {
            assert_eq!(machine.faults(), Vec::<String>::new(), "{}", machine.name);
        }
        assert_eq!(names(&CONTRACT), ContractState::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>());
        assert_eq!(
            names(&CHANGE_ORDER),
            ChangeOrderState::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>()
        );
        assert_eq!(names(&MILESTONE), MilestoneState::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>());
        assert_eq!(names(&DISPUTE), DisputeState::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>());
    }

    #[test]
    fn a_closed_milestone_takes_no_further_decision() {
        const DECIDING: &[&str] = &[
            "accept",
            "auto_accept",
            "grant_refund",
            "cancel_late",
            "never_delivered",
            "settle_up",
            "force",
            "divide",
        ];
        for state in MilestoneState::ALL.iter().filter(|state| state.is_closed()) {
            for event in DECIDING {
                assert!(
                    !MILESTONE
                        .transitions
                        .iter()
                        .any(|t| t.event == *event && t.from.contains(&state.as_str())),
                    "{event} from {state}"
                );
            }
        }
    }

    #[test]
    fn a_step_names_where_it_leads() {
        let back = |to| step(&MILESTONE, "refund_requested", "decline_refund", to, DEVELOPER).map(|t| t.to);
        assert_eq!(back("delivered").unwrap(), "delivered");
        assert_eq!(back("planned").unwrap_err().code(), assay_kernel::Code::Internal);
        assert_eq!(
            step(&MILESTONE, "settled", "accept", "accepted", CLIENT).unwrap_err().code(),
            assay_kernel::Code::StateConflict
        );
    }
}
