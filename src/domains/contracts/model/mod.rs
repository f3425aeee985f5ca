//! Types, transitions and arithmetic of contracts: pure.

mod change;
mod money;
mod process;
mod progress;
mod terms;

pub use change::{Changes, Move};
pub use money::{Agreed, Part, SoFar, WHOLE_BPS};
pub use process::{CHANGE_ORDER, CONTRACT, ChangeOrderState, ContractState, MILESTONE, MilestoneState, step};
pub use progress::{
    DecisionKind, Evidence, HoldbackState, Proposal, Share, Side, Signature, Standing, check_evidence, due_at,
};
pub use terms::{
    Check, Deliverable, Fees, Holding, Milestone, Party, TemplateText, Terms, canonical, content_hash, dated,
};
