//! The states of an import and of a challenge.

use assay_kernel::process::{Machine, State, Transition, Who, row};
use assay_kernel::string_enum;

string_enum! {
    /// Where an import stands.
    pub enum ImportState {
        /// Waits for a worker.
        Queued = "queued",
        /// Under way, or waiting for GitHub's rate limit.
        Running = "running",
        /// Done.
        Completed = "completed",
        /// Given up; the failure says why.
        Failed = "failed",
    }
}

string_enum! {
    /// Why an import was given up.
    pub enum FailureCode {
        /// GitHub no longer accepts the authorisation: sign in again.
        TokenRevoked = "token_revoked",
        /// The authorisation is another GitHub account's.
        AccountMismatch = "account_mismatch",
        /// The account here is suspended or erased.
        AccountInactive = "account_inactive",
        /// GitHub did not answer, or not usefully, several times in a row.
        GithubUnavailable = "github_unavailable",
        /// Nothing moved for a long time.
        Abandoned = "abandoned",
    }
}

string_enum! {
    /// Where a challenge stands.
    pub enum ChallengeState {
        /// The file is to be placed.
        Open = "open",
        /// A worker looks for the file.
        Checking = "checking",
        /// The file was found.
        Met = "met",
        /// The file was not found; another check can be asked for.
        Failed = "failed",
    }
}

string_enum! {
    /// Where the file of a challenge goes.
    pub enum ChallengePlace {
        /// On the site, under `/.well-known/`.
        Site = "site",
        /// In the repository, at the root of the default branch.
        Repository = "repository",
    }
}

pub const START: &str = "start";
pub const COMPLETE: &str = "complete";
pub const FAIL: &str = "fail";

/// How imports change.
pub const IMPORT: Machine = Machine {
    name: "portfolio_import",
    version: "2026-11-21",
    meaning: "The reading of a developer's public work at GitHub.",
    initial: "queued",
    states: &[
        State { name: "queued", meaning: "The import waits for a worker." },
        State {
            name: "running",
            meaning: "The import is under way, or waits for GitHub's rate limit to end.",
        },
        State { name: "completed", meaning: "Everything was read and the signals were computed." },
        State { name: "failed", meaning: "The import was given up; the failure says why and what to do." },
    ],
    guards: &[],
    transitions: &[
        row(START, &["queued"], "running", &[Who::System]),
        Transition {
            effects: &["signals, skills and signs of gaming are computed", "event to the developer"],
            ..row(COMPLETE, &["running"], "completed", &[Who::System])
        },
        Transition {
            effects: &["what was read so far is kept", "event to the developer"],
            ..row(FAIL, &["queued", "running"], "failed", &[Who::System])
        },
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_sound_and_knows_the_states() {
        assert_eq!(IMPORT.faults(), Vec::<String>::new());
        let named: Vec<&str> = IMPORT.states.iter().map(|state| state.name).collect();
        let typed: Vec<&str> = ImportState::ALL.iter().map(|state| state.as_str()).collect();
        assert_eq!(named, typed);
    }

    #[test]
    fn an_ended_import_stays_ended() {
        for state in ["completed", "failed"] {
            for event in [START, COMPLETE, FAIL] {
                assert!(IMPORT.transition(state, event, &[Who::System]).is_err());
            }
        }
    }
}
