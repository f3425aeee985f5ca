//! Types, transitions and arithmetic of projects, bids and invitations: pure.

mod bid;
mod process;
mod readiness;
mod scope;

pub use bid::{
    Approach, BidDocument, BidState, OfferState, Party, Price, Quote, check_document, check_prices, total_of,
};
pub use process::{
    BEFORE_LISTING, BID, INVITATION, InvitationState, PROJECT, ProjectState, bid_events, invitation_events,
    project_events,
};
pub use readiness::{Facts, ReadinessSignal, readiness};
pub use scope::{
    AcceptanceCheck, AcceptanceKind, Confidentiality, Deliverable, Level, Milestone, Scope, SkillNeed,
    Standing, dollars, utc_offset_minutes,
};
