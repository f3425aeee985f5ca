//! The state machines of identity as tables.

use assay_kernel::Permission;
use assay_kernel::process::{Guard, Machine, State, Transition, Who, row};

/// Invitations to join an organisation.
pub const ORGANISATION_INVITATION: Machine = Machine {
    name: "organisation_invitation",
    version: "1",
    meaning: "An invitation by e-mail to join a client's organisation.",
    initial: "sent",
    states: &[
        State { name: "sent", meaning: "Mailed; the link works." },
        State { name: "accepted", meaning: "The invited person is a member." },
        State { name: "revoked", meaning: "An owner took it back." },
        State { name: "expired", meaning: "Not answered in time." },
    ],
    guards: &[
        Guard {
            code: "addressee",
            needs: "The caller's verified GitHub e-mail addresses include the invited one.",
        },
        Guard { code: "unexpired", needs: "The invitation's time is not over." },
    ],
    transitions: &[
        Transition {
            guards: &["addressee", "unexpired"],
            effects: &["adds the member"],
            ..row("accept", &["sent"], "accepted", &[Who::Client])
        },
        row("revoke", &["sent"], "revoked", &[Who::Client]),
        Transition {
            clock: Some("organisations.invitation_days"),
            ..row("expire", &["sent"], "expired", &[Who::System])
        },
    ],
};

/// Appeals against suspensions.
pub const SUSPENSION_APPEAL: Machine = Machine {
    name: "suspension_appeal",
    version: "1",
    meaning: "A suspended person's appeal; one for each suspension.",
    initial: "open",
    states: &[
        State { name: "open", meaning: "Waits for a decision." },
        State { name: "upheld", meaning: "The suspension stands." },
        State { name: "overturned", meaning: "The suspension was wrong and has ended." },
        State { name: "moot", meaning: "The suspension ended before a decision." },
    ],
    guards: &[Guard {
        code: "another_person",
        needs: "Whoever suspended the account does not decide the appeal.",
    }],
    transitions: &[
        Transition {
            guards: &["another_person"],
            reason_required: true,
            ..row("uphold", &["open"], "upheld", &[Who::Staff(Permission::Reviewer)])
        },
        Transition {
            guards: &["another_person"],
            effects: &["reinstates the account"],
            reason_required: true,
            ..row("overturn", &["open"], "overturned", &[Who::Staff(Permission::Reviewer)])
        },
        row("reinstated", &["open"], "moot", &[Who::System]),
    ],
};

/// Copies of all that is held about a person.
pub const DATA_EXPORT: Machine = Machine {
    name: "data_export",
    version: "1",
    meaning: "A person's request for a copy of all that is held about them.",
    initial: "requested",
    states: &[
        State { name: "requested", meaning: "Is being put together." },
        State { name: "ready", meaning: "Can be fetched." },
        State { name: "expired", meaning: "Is deleted; another can be requested." },
    ],
    guards: &[],
    transitions: &[
        Transition {
            effects: &["keeps the copy, sealed"],
            ..row("finish", &["requested"], "ready", &[Who::System])
        },
        Transition {
            clock: Some("rights.export_days"),
            effects: &["deletes the copy"],
            ..row("expire", &["ready"], "expired", &[Who::System])
        },
    ],
};

/// Erasures of persons.
pub const ERASURE: Machine = Machine {
    name: "erasure",
    version: "1",
    meaning: "A person's request that everything about them be erased.",
    initial: "cooling",
    states: &[
        State { name: "cooling", meaning: "Will be done; the person can change their mind." },
        State { name: "held", meaning: "Was due, but something open stands in the way; tried again daily." },
        State { name: "cancelled", meaning: "The person changed their mind." },
        State { name: "erased", meaning: "Done." },
    ],
    guards: &[Guard { code: "nothing_open", needs: "No money, contract or decision of the person is open." }],
    transitions: &[
        Transition {
            guards: &["nothing_open"],
            clock: Some("rights.erasure_cooling_days"),
            effects: &[
                "erases or anonymises what is held",
                "ends sessions and tokens",
                "destroys the data key",
            ],
            ..row("erase", &["cooling", "held"], "erased", &[Who::System])
        },
        Transition {
            clock: Some("rights.erasure_retry_days"),
            ..row("hold", &["cooling", "held"], "held", &[Who::System])
        },
        row("cancel", &["cooling", "held"], "cancelled", &[Who::Developer, Who::Client]),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sound() {
        for machine in [&ORGANISATION_INVITATION, &SUSPENSION_APPEAL, &DATA_EXPORT, &ERASURE] {
            assert_eq!(machine.faults(), Vec::<String>::new(), "{}", machine.name);
        }
    }
}
