//! State machines as data: one declarative table per machine, `state, event, who may, guards, clock, effects`.
//!
//! The same table decides in the service, is served at `GET /v1/process`, and gives each resource its
//! `allowed_actions` and `why_not`. Handlers never write a state column by hand: they ask the table for the
//! transition and write the state it leads to.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::error::WhyNot;
use crate::{Code, Error, Permission, Result};

/// Who may take a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The client's side of the thing: a member of its organisation who may hire.
    Client,
    /// The developer's side of the thing.
    Developer,
    /// Staff with the permission.
    Staff(Permission),
    /// The worker, when a timer is due or another machine's transition brings it along.
    System,
}

impl Who {
    /// The spelling in the served table.
    pub fn name(self) -> String {
        match self {
            Who::Client => "client".to_owned(),
            Who::Developer => "developer".to_owned(),
            Who::Staff(permission) => format!("staff:{permission}"),
            Who::System => "system".to_owned(),
        }
    }
}

/// A state of a machine.
#[derive(Clone, Copy, Debug)]
pub struct State {
    /// The stable name.
    pub name: &'static str,
    /// What it means to the people concerned.
    pub meaning: &'static str,
}

/// A condition on a transition.
#[derive(Clone, Copy, Debug)]
pub struct Guard {
    /// The stable name.
    pub code: &'static str,
    /// What it needs.
    pub needs: &'static str,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Transition {
    /// The event, which is also the name of the act in the API.
    pub event: &'static str,
    /// The states it leaves.
    pub from: &'static [&'static str],
    /// The state it leads to; the same state for an act that changes something else.
    pub to: &'static str,
    /// Who may take it.
    pub who: &'static [Who],
    /// What must hold.
    pub guards: &'static [&'static str],
    /// The timer that takes it, or that it starts, with its policy duration.
    pub clock: Option<&'static str>,
    /// What else happens in the same transaction.
    pub effects: &'static [&'static str],
    /// A reason must be given (adverse decisions, overrides).
    pub reason_required: bool,
}

/// A row of a process table: a transition with nothing but its event, states and who; the rest by struct update.
pub const fn row(
    event: &'static str,
    from: &'static [&'static str],
    to: &'static str,
    who: &'static [Who],
) -> Transition {
    Transition { event, from, to, who, guards: &[], clock: None, effects: &[], reason_required: false }
}

/// A machine.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// The stable name, e.g. `project`.
    pub name: &'static str,
    /// Changes whenever the table changes in meaning; snapshotted into what it governs.
    pub version: &'static str,
    /// What it governs.
    pub meaning: &'static str,
    /// The state in which a thing begins.
    pub initial: &'static str,
    /// All states.
    pub states: &'static [State],
    /// All guards.
    pub guards: &'static [Guard],
    /// All transitions.
    pub transitions: &'static [Transition],
}

/// What a caller can do with a thing now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actions {
    /// Acts that are open to the caller.
    pub allowed: Vec<String>,
    /// Acts that only a guard blocks.
    pub why_not: Vec<WhyNot>,
}

impl Machine {
    /// The transition that `event` takes from `state` for a caller who is `who`.
    ///
    /// # Errors
    /// `state_conflict` with the allowed actions when the state does not allow it; `forbidden` when the state
    /// does, but not to this caller.
    pub fn transition(&self, state: &str, event: &str, who: &[Who]) -> Result<&'static Transition> {
        let mut from_here =
            self.transitions.iter().filter(|t| t.event == event && t.from.contains(&state)).peekable();
        if from_here.peek().is_none() {
            let detail = format!("A {} that is `{state}` cannot take `{event}`.", self.name);
            return Err(
                Error::new(Code::StateConflict, detail).with_allowed_actions(self.open_to(state, who))
            );
        }
        from_here.find(|t| t.who.iter().any(|w| who.contains(w))).ok_or_else(|| {
            let allowed: Vec<String> = self
                .transitions
                .iter()
                .filter(|t| t.event == event && t.from.contains(&state))
                .flat_map(|t| t.who.iter().map(|w| w.name()))
                .collect();
            Error::new(Code::Forbidden, format!("`{event}` is for {}.", allowed.join(" or ")))
        })
    }

    /// What a caller who is `who` can do from `state`; `blocked` tells why a guard does not hold now.
    pub fn actions(
        &self,
        state: &str,
        who: &[Who],
        blocked: impl Fn(&Transition, &str) -> Option<String>,
    ) -> Actions {
        let mut actions = Actions::default();
        for transition in self.transitions_open_to(state, who) {
            let failing: Vec<WhyNot> = transition
                .guards
                .iter()
                .filter_map(|guard| {
                    blocked(transition, guard).map(|detail| WhyNot {
                        action: transition.event.to_owned(),
                        code: (*guard).to_owned(),
                        detail,
                    })
                })
                .collect();
            if failing.is_empty() {
                actions.allowed.push(transition.event.to_owned());
            } else {
                actions.why_not.extend(failing);
            }
        }
        actions.allowed.dedup();
        actions
    }

    /// Checks the guards of a transition.
    ///
    /// # Errors
    /// `guard_failed` with every guard that does not hold.
    pub fn check(&self, transition: &Transition, blocked: impl Fn(&str) -> Option<String>) -> Result<()> {
        let why_not: Vec<WhyNot> = transition
            .guards
            .iter()
            .filter_map(|guard| {
                blocked(guard).map(|detail| WhyNot {
                    action: transition.event.to_owned(),
                    code: (*guard).to_owned(),
                    detail,
                })
            })
            .collect();
        if why_not.is_empty() {
            return Ok(());
        }
        let detail = why_not.iter().map(|w| w.detail.as_str()).collect::<Vec<_>>().join(" ");
        Err(Error::new(Code::GuardFailed, detail).with_why_not(why_not))
    }

    fn transitions_open_to<'a>(
        &'a self,
        state: &'a str,
        who: &'a [Who],
    ) -> impl Iterator<Item = &'static Transition> + 'a {
        self.transitions.iter().filter(move |t| {
            t.from.contains(&state) && t.who.iter().any(|w| *w != Who::System && who.contains(w))
        })
    }

    fn open_to(&self, state: &str, who: &[Who]) -> Vec<String> {
        let mut events: Vec<String> =
            self.transitions_open_to(state, who).map(|t| t.event.to_owned()).collect();
        events.dedup();
        events
    }

    /// What is wrong with the table itself: unknown names, unreachable states, guards never used. Empty when sound.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let states: BTreeSet<&str> = self.states.iter().map(|s| s.name).collect();
        let guards: BTreeSet<&str> = self.guards.iter().map(|g| g.code).collect();
        if states.len() != self.states.len() {
            faults.push("a state is listed twice".to_owned());
        }
        for transition in self.transitions {
            for state in transition.from.iter().chain([&transition.to]) {
                if !states.contains(state) {
                    faults.push(format!("`{}` names the unknown state `{state}`", transition.event));
                }
            }
            for guard in transition.guards {
                if !guards.contains(guard) {
                    faults.push(format!("`{}` names the unknown guard `{guard}`", transition.event));
                }
            }
            if transition.who.is_empty() {
                faults.push(format!("nobody may take `{}`", transition.event));
            }
        }
        for guard in &guards {
            if !self.transitions.iter().any(|t| t.guards.contains(guard)) {
                faults.push(format!("the guard `{guard}` is never used"));
            }
        }
        let mut reached = BTreeSet::from([self.initial]);
        loop {
            let before = reached.len();
            for transition in self.transitions {
                if transition.from.iter().any(|s| reached.contains(s)) {
                    reached.insert(transition.to);
                }
            }
            if reached.len() == before {
                break;
            }
        }
        faults.extend(states.difference(&reached).map(|s| format!("the state `{s}` cannot be reached")));
        faults
    }

    /// The table as served at `GET /v1/process/{machine}`.
    pub fn view(&self) -> MachineView {
        MachineView {
            name: self.name,
            version: self.version,
            meaning: self.meaning,
            initial: self.initial,
            states: self
                .states
                .iter()
                .map(|s| StateView {
                    name: s.name,
                    meaning: s.meaning,
                    terminal: !self.transitions.iter().any(|t| t.from.contains(&s.name) && t.to != s.name),
                })
                .collect(),
            guards: self.guards.iter().map(|g| GuardView { code: g.code, needs: g.needs }).collect(),
            transitions: self
                .transitions
                .iter()
                .map(|t| TransitionView {
                    event: t.event,
                    from: t.from,
                    to: t.to,
                    who: t.who.iter().map(|w| w.name()).collect(),
                    guards: t.guards,
                    clock: t.clock,
                    effects: t.effects,
                    reason_required: t.reason_required,
                })
                .collect(),
        }
    }
}

/// A state machine as data.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MachineView {
    /// The stable name.
    #[schema(example = "project")]
    pub name: &'static str,
    /// Changes whenever the table changes in meaning.
    pub version: &'static str,
    /// What it governs.
    pub meaning: &'static str,
    /// The state in which a thing begins.
    pub initial: &'static str,
    /// All states.
    pub states: Vec<StateView>,
    /// All guards.
    pub guards: Vec<GuardView>,
    /// All transitions.
    pub transitions: Vec<TransitionView>,
}

/// A state.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct StateView {
    /// The stable name.
    pub name: &'static str,
    /// What it means to the people concerned.
    pub meaning: &'static str,
    /// No transition leaves it.
    pub terminal: bool,
}

/// A guard.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct GuardView {
    /// The stable name.
    pub code: &'static str,
    /// What it needs.
    pub needs: &'static str,
}

/// A transition.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TransitionView {
    /// The event, which is also the name of the act.
    pub event: &'static str,
    /// The states it leaves.
    pub from: &'static [&'static str],
    /// The state it leads to.
    pub to: &'static str,
    /// Who may take it: `client`, `developer`, `staff:<permission>` or `system`.
    pub who: Vec<String>,
    /// The guards that must hold.
    pub guards: &'static [&'static str],
    /// The timer that takes it, or that it starts.
    pub clock: Option<&'static str>,
    /// What else happens in the same transaction.
    pub effects: &'static [&'static str],
    /// A reason must be given.
    pub reason_required: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOOR: Machine = Machine {
        name: "door",
        version: "1",
        meaning: "A door.",
        initial: "closed",
        states: &[State { name: "closed", meaning: "" }, State { name: "open", meaning: "" }],
        guards: &[Guard { code: "unlocked", needs: "a key" }],
        transitions: &[
            Transition { guards: &["unlocked"], ..row("open", &["closed"], "open", &[Who::Client]) },
            row("close", &["open"], "closed", &[Who::Client, Who::System]),
        ],
    };

    #[test]
    fn a_sound_table_has_no_faults() {
        assert_eq!(DOOR.faults(), Vec::<String>::new());
        let broken = Machine { initial: "open", transitions: &DOOR.transitions[..1], ..DOOR };
        assert_eq!(broken.faults(), ["the state `closed` cannot be reached"]);
    }

    #[test]
    fn guards_move_an_act_from_allowed_to_why_not() {
        let open = DOOR.actions("closed", &[Who::Client], |_, _| None);
        assert_eq!(open.allowed, ["open"]);
        let blocked = DOOR.actions("closed", &[Who::Client], |_, _| Some("It is locked.".into()));
        assert!(blocked.allowed.is_empty());
        assert_eq!(blocked.why_not[0].code, "unlocked");
    }

    #[test]
    fn the_wrong_state_and_the_wrong_person_differ() {
        let conflict = DOOR.transition("open", "open", &[Who::Client]).unwrap_err();
        assert_eq!(conflict.code(), Code::StateConflict);
        assert_eq!(conflict.allowed_actions(), Some(&["close".to_owned()][..]));
        assert_eq!(DOOR.transition("closed", "open", &[Who::Developer]).unwrap_err().code(), Code::Forbidden);
        assert!(DOOR.transition("closed", "open", &[Who::Client]).is_ok());
    }
}
