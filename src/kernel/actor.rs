//! Who is asking: the account, its roles, its staff permissions, and what its token may do.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, ApiTokenId, SessionId};
use crate::{Code, Error, Result};

/// Declares a fieldless enum with one stable snake_case spelling, used in JSON, SQL and OpenAPI alike.
// The spelling is a `tt`: as a `literal` it would reach the derives in a group, where utoipa does not see it.
#[macro_export]
macro_rules! string_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:tt),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        $vis enum $name { $($(#[$vmeta])* #[serde(rename = $text)] $variant,)* }

        impl $name {
            /// Every value.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];
            /// The stable spelling.
            pub const fn as_str(self) -> &'static str { match self { $($name::$variant => $text),* } }
            /// The value of that spelling.
            pub fn parse(text: &str) -> Option<Self> { match text { $($text => Some($name::$variant),)* _ => None } }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text).ok_or_else(|| $crate::Error::internal(format!(
                    "unknown {} {text:?}", stringify!($name))))
            }
        }
    };
}

string_enum! {
    /// What a person does on the marketplace; chosen at sign-up.
    pub enum Role {
        /// Applies, is vetted, bids.
        Developer = "developer",
        /// Posts projects, hires.
        Client = "client",
    }
}

string_enum! {
    /// What a staff member may do. Granted by an admin, never chosen.
    pub enum Permission {
        /// Curates projects, verifies organisations.
        Curator = "curator",
        /// Holds assessment sessions and rates.
        Assessor = "assessor",
        /// Decides applications and appeals.
        Reviewer = "reviewer",
        /// Acts on money.
        Finance = "finance",
        /// Grants permissions, suspends accounts, changes policy.
        Admin = "admin",
    }
}

string_enum! {
    /// What an API token may do. Browser sessions and access tokens of a sign-in carry all of them.
    pub enum Scope {
        /// Read whatever the person may read.
        Read = "read",
        /// Act as a developer: bid, revise, withdraw, answer offers and invitations.
        Bid = "bid",
        /// Act as a client: post projects, invite, make offers, manage the organisation.
        Hire = "hire",
        /// Commit money, up to the token's limit.
        Spend = "spend",
        /// Change the person's own profile and tokens, and staff acts.
        Account = "account",
    }
}

string_enum! {
    /// Whether an account may act.
    pub enum AccountStatus {
        /// Signed in, not signed up.
        Pending = "pending",
        /// Signed up.
        Active = "active",
        /// Stopped by staff.
        Suspended = "suspended",
        /// Erased at the person's request.
        Erased = "erased",
    }
}

/// How the caller proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Credential {
    /// A browser's session cookie.
    Cookie(SessionId),
    /// An access token that belongs to a session.
    AccessToken(SessionId),
    /// A personal API token.
    ApiToken(ApiTokenId),
}

/// The caller of an operation, as the database knows them at this moment.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The person's account.
    pub account_id: AccountId,
    /// Whether the account may act.
    pub status: AccountStatus,
    /// What the person does here.
    pub roles: Vec<Role>,
    /// Staff permissions, empty for everybody else.
    pub permissions: Vec<Permission>,
    /// How they proved who they are.
    pub credential: Credential,
    /// What the credential may do.
    pub scopes: Vec<Scope>,
    /// Most the credential may commit in one act, USD minor units; none = the account's own limits only.
    pub spend_limit_usd_minor: Option<i64>,
    /// When the person last went through GitHub's sign-in with this credential.
    pub authenticated_at: chrono::DateTime<chrono::Utc>,
}

impl Actor {
    /// Does the person have the role?
    pub fn has_role(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Does the person hold the staff permission?
    pub fn is(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    /// Is the person staff of any kind?
    pub fn is_staff(&self) -> bool {
        !self.permissions.is_empty()
    }

    /// 403 unless the credential carries the scope.
    pub fn require_scope(&self, scope: Scope) -> Result<()> {
        if self.scopes.contains(&scope) {
            return Ok(());
        }
        Err(Error::new(Code::InsufficientScope, format!("The token does not carry the scope `{scope}`.")))
    }

    /// 403 unless the account has signed up and is not suspended.
    pub fn require_active(&self) -> Result<()> {
        match self.status {
            AccountStatus::Active => Ok(()),
            AccountStatus::Pending => Err(Error::new(Code::SignUpRequired, Code::SignUpRequired.meaning())),
            AccountStatus::Suspended | AccountStatus::Erased => {
                Err(Error::new(Code::AccountSuspended, "The account is suspended."))
            }
        }
    }

    /// 403 unless the person has the role.
    pub fn require_role(&self, role: Role) -> Result<()> {
        if self.has_role(role) {
            return Ok(());
        }
        Err(Error::new(Code::Forbidden, format!("This needs the role `{role}`.")))
    }

    /// 403 unless the person holds the staff permission.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.is(permission) {
            return Ok(());
        }
        Err(Error::new(Code::Forbidden, format!("This needs the staff permission `{permission}`.")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spelling_is_one_in_json_text_and_openapi() {
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
            assert_eq!(Role::parse(role.as_str()), Some(*role));
        }
        let schema = serde_json::to_value(<Role as utoipa::PartialSchema>::schema()).unwrap();
        assert_eq!(schema["enum"], serde_json::json!(["developer", "client"]));
    }
}
