//! Organisations of clients and who may do what in them.

use assay_kernel::ids::{AccountId, OrganisationId};
use assay_kernel::string_enum;
use serde::Serialize;

string_enum! {
    /// What a member may do for an organisation.
    pub enum OrganisationRole {
        /// Everything, members included.
        Owner = "owner",
        /// Posts projects and hires.
        Hirer = "hirer",
        /// Reads.
        Viewer = "viewer",
    }
}

impl OrganisationRole {
    /// May members of this role post projects and hire?
    pub fn can_hire(self) -> bool {
        matches!(self, Self::Owner | Self::Hirer)
    }
}

/// A person's place in an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The organisation.
    pub organisation_id: OrganisationId,
    /// What the person may do for it.
    pub role: OrganisationRole,
    /// Most that the person may commit in one act, USD minor units; none = no limit.
    pub spending_limit_usd_minor: Option<i64>,
    /// Has staff verified the organisation?
    pub verified: bool,
}

/// What others may know of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OrganisationRef {
    /// Its id.
    #[schema(value_type = String, example = "org_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub id: OrganisationId,
    /// Its name.
    #[schema(example = "Northwind Robotics")]
    pub name: String,
    /// Where it is, ISO 3166-1.
    #[schema(example = "DE")]
    pub country: String,
    /// Has staff verified it?
    pub verified: bool,
}

/// What others may know of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AccountRef {
    /// Their id.
    #[schema(value_type = String, example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub id: AccountId,
    /// Their login at GitHub when they last signed in.
    #[schema(example = "octocat")]
    pub login: String,
    /// The name they go by; none before sign-up.
    #[schema(example = "Mona Lisa")]
    pub display_name: Option<String>,
}
