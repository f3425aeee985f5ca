//! People: the profile they write, their addresses, why one may be suspended.

use assay_kernel::text::{self, Text};
use assay_kernel::{Role, error::FieldErrors, string_enum};
use serde::{Deserialize, Serialize};
use validator::Validate;

/// Most live API tokens of a person.
pub const MAX_API_TOKENS: i64 = 50;
/// Most organisations that a person owns.
pub const MAX_OWNED: i64 = 20;

string_enum! {
    /// Why staff suspended an account.
    pub enum SuspensionReason {
        /// Deceit: false identity, false evidence, stolen means of payment.
        Fraud = "fraud",
        /// Harassment, spam, or other harm to people.
        Abuse = "abuse",
        /// Taking work found here out of the marketplace to avoid its fees.
        OffPlatform = "off_platform",
        /// The account may be in somebody else's hands.
        Security = "security",
        /// Something else; the text says what.
        Other = "other",
    }
}

/// An address that GitHub has verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VerifiedEmail {
    /// The address.
    #[schema(example = "mona@example.com")]
    pub email: String,
    /// Is it the one GitHub writes to?
    pub primary: bool,
}

/// Are the two addresses one? Letter case does not tell mailboxes apart anywhere that people use.
pub fn same_address(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

/// What a person says about themselves. In a merge patch, `null` removes what may be missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What the person does here; one can be added, none taken away.
    #[validate(length(min = 1, max = 2))]
    #[schema(required = false, min_items = 1, max_items = 2, example = json!(["developer"]))]
    pub roles: Vec<Role>,
    /// The name they go by.
    #[validate(length(min = 2, max = 80), custom(function = "text::line"))]
    #[schema(required = false, value_type = String, min_length = 2, max_length = 80, example = "Mona Lisa")]
    pub display_name: Text,
    /// What they do, on one line.
    #[validate(length(max = 120), custom(function = "text::line"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 120, example = "Back-end engineer: ledgers and payments")]
    pub headline: Option<Text>,
    /// About themselves.
    #[validate(length(max = 4_000), custom(function = "text::prose"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 4000, example = "Twelve years of accounting systems.")]
    pub bio: Option<Text>,
    /// Where they live, ISO 3166-1.
    #[validate(custom(function = "text::country"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Z]{2}$", example = "DE")]
    pub country: Option<String>,
    /// Their time zone, IANA name.
    #[validate(custom(function = "text::time_zone"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Europe/Berlin")]
    pub time_zone: Option<String>,
    /// Their web page, https.
    #[validate(custom(function = "text::https_url"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000, example = "https://mona.example.com")]
    pub website: Option<String>,
    /// Where mail reaches them: one of the addresses that GitHub has verified.
    #[validate(length(max = 254))]
    #[schema(required = false, max_length = 254, example = "mona@example.com")]
    pub contact_email: String,
}

impl Profile {
    /// What is wrong with the profile, given what GitHub has verified and which roles the person has.
    pub fn check(&self, verified: &[VerifiedEmail], present: Option<&Self>) -> assay_kernel::Result<()> {
        let mut faults = FieldErrors::new();
        let mut roles = self.roles.clone();
        roles.sort_unstable();
        roles.dedup();
        faults.check(roles.len() == self.roles.len(), "/roles", "duplicate", "names a role twice");
        let kept = present.is_none_or(|present| present.roles.iter().all(|role| self.roles.contains(role)));
        faults.check(kept, "/roles", "not_allowed", "roles can be added but not taken away");
        // An address that was verified when it was chosen stays, until the person chooses another.
        let unchanged = present.is_some_and(|present| present.contact_email == self.contact_email);
        let known = verified.iter().any(|one| one.email == self.contact_email);
        faults.check(
            unchanged || known,
            "/contact_email",
            "not_allowed",
            "must be one of the addresses that GitHub has verified for you",
        );
        faults.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> Profile {
        Profile {
            roles: vec![Role::Developer],
            display_name: Text::new("Mona"),
            headline: None,
            bio: None,
            country: None,
            time_zone: None,
            website: None,
            contact_email: "mona@example.com".into(),
        }
    }

    fn pointers(result: assay_kernel::Result<()>) -> Vec<String> {
        result.err().map(|e| e.fields().iter().map(|f| f.pointer.clone()).collect()).unwrap_or_default()
    }

    #[test]
    fn the_contact_address_must_be_verified_unless_it_stays() {
        let verified = [VerifiedEmail { email: "new@example.com".into(), primary: true }];
        assert_eq!(pointers(profile().check(&verified, None)), ["/contact_email"]);
        assert!(profile().check(&verified, Some(&profile())).is_ok());
        assert!(
            Profile { contact_email: "new@example.com".into(), ..profile() }
                .check(&verified, Some(&profile()))
                .is_ok()
        );
    }

    #[test]
    fn roles_are_added_but_not_taken_away() {
        let both = Profile { roles: vec![Role::Client, Role::Developer], ..profile() };
        assert!(both.check(&[], Some(&profile())).is_ok());
        let swapped = Profile { roles: vec![Role::Client], ..profile() };
        assert_eq!(pointers(swapped.check(&[], Some(&profile()))), ["/roles"]);
        let twice = Profile { roles: vec![Role::Developer, Role::Developer], ..profile() };
        assert_eq!(pointers(twice.check(&[], Some(&profile()))), ["/roles"]);
    }

    #[test]
    fn letter_case_does_not_tell_addresses_apart() {
        assert!(same_address("Mona@Example.com ", "mona@example.COM"));
        assert!(!same_address("mona@example.com", "mona+x@example.com"));
    }
}
