//! Mail that people can do without.

use assay_kernel::string_enum;

string_enum! {
    /// A sort of mail that is not needed for what a person has under way. It is sent to those only who gave the
    /// consent `product_mail` and did not unsubscribe from the sort. Mail of no category is essential.
    pub enum Category {
        /// A client invites the person to bid.
        Invitations = "invitations",
        /// Something of the person's ends soon.
        Reminders = "reminders",
    }
}

impl Category {
    /// As said to the person: "mail about …".
    pub(crate) const fn about(self) -> &'static str {
        match self {
            Self::Invitations => "invitations to bid",
            Self::Reminders => "things that end soon",
        }
    }
}
