//! Types, transitions and arithmetic of contracts: pure.

mod change;
mod dispute;
mod money;
mod process;
mod progress;
mod terms;

pub use change::{Changes, Move};
pub use dispute::{
    Appeal, AppealOutcome, Division, Finding, Positions, Record, Ruling, arbitration_fee, check_findings,
};
pub use money::{Agreed, Part, SoFar, TakenBack, WHOLE_BPS};
pub use process::{
    CHANGE_ORDER, CONTRACT, ChangeOrderState, ContractState, DISPUTE, DisputeState, MILESTONE,
    MilestoneState, REVIEWER, step,
};
pub use progress::{
    DecisionKind, Evidence, HoldbackState, Proposal, Share, Side, Signature, Standing, check_evidence, due_at,
};
pub use terms::{
    Check, Deliverable, Fees, Holding, Milestone, Party, TemplateText, Terms, canonical, content_hash, dated,
};
