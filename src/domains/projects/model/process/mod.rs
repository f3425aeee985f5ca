//! The process tables of projects, bids and invitations.

mod bid;
mod invitation;
mod project;

pub use bid::{BID, bid_events};
pub use invitation::{INVITATION, InvitationState, invitation_events};
pub use project::{BEFORE_LISTING, PROJECT, ProjectState, project_events};

#[cfg(test)]
mod tests {
    use assay_kernel::process::Machine;

    use super::*;
    use crate::model::BidState;

    #[test]
    fn the_tables_are_sound_and_name_exactly_the_states_in_code() {
        for machine in [&PROJECT, &BID, &INVITATION] {
            assert_eq!(machine.faults(), Vec::<String>::new(), "{}", machine.name);
        }
        let names = |machine: &Machine| machine.states.iter().map(|s| s.name).collect::<Vec<_>>();
        assert_eq!(names(&PROJECT), ProjectState::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>());
        assert_eq!(names(&BID), BidState::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>());
        assert_eq!(names(&INVITATION), InvitationState::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>());
    }
}
