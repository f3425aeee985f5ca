//! What people agree to.

use assay_kernel::string_enum;

string_enum! {
    /// What a person is asked to agree to.
    pub enum ConsentKind {
        /// The terms of service.
        Terms = "terms",
        /// The evaluation of imported work, and of the sessions in which the person takes part.
        Vetting = "vetting",
        /// Mail that is not needed for what the person has under way.
        ProductMail = "product_mail",
    }
}

impl ConsentKind {
    /// What cannot be had without it.
    pub const fn needed_for(self) -> &'static str {
        match self {
            Self::Terms => "Having an account. It is taken back by having the account erased.",
            Self::Vetting => "Importing a portfolio, applying, and taking part in assessments.",
            Self::ProductMail => "Invitations to bid and reminders by mail. Nothing else depends on it.",
        }
    }

    /// Can it be taken back while the account stays?
    pub const fn can_be_withdrawn(self) -> bool {
        !matches!(self, Self::Terms)
    }
}

string_enum! {
    /// What a person did with a consent.
    pub enum ConsentAct {
        /// Agreed.
        Given = "given",
        /// Took it back.
        Withdrawn = "withdrawn",
    }
}
