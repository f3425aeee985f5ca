//! What identity speaks of: types, arithmetic and checks without IO.

pub mod access_token;
pub mod api_token;
pub mod refresh;
pub mod return_to;
pub mod second_factor;

mod account;
mod consent;
mod organisation;
mod presence;
mod process;

pub use account::{MAX_API_TOKENS, MAX_OWNED, Profile, SuspensionReason, VerifiedEmail, same_address};
pub use consent::{ConsentAct, ConsentKind};
pub use organisation::{AccountRef, Membership, OrganisationRef, OrganisationRole};
pub use presence::{Presence, PresenceFlag, PresenceKind, flags as presence_flags};
pub use process::{DATA_EXPORT, ERASURE, ORGANISATION_INVITATION, SUSPENSION_APPEAL};
