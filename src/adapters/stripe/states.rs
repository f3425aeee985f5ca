//! The states of Stripe's objects: open enumerations.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An enumeration that Stripe may extend at any time.
macro_rules! open_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$vmeta])* $variant,)+
            /// Something newer than this code.
            Other(String),
        }

        impl $name {
            /// Stripe's word.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                Ok(match text.as_str() {
                    $($text => Self::$variant,)+
                    _ => Self::Other(text),
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }
    };
}

open_enum! {
    /// Where a payment stands.
    PaymentIntentStatus {
        /// No method yet, or the last one failed.
        RequiresPaymentMethod = "requires_payment_method",
        /// Not yet confirmed.
        RequiresConfirmation = "requires_confirmation",
        /// The payer must do something.
        RequiresAction = "requires_action",
        /// A bank debit under way.
        Processing = "processing",
        /// Authorised only.
        RequiresCapture = "requires_capture",
        /// Given up.
        Canceled = "canceled",
        /// Paid.
        Succeeded = "succeeded",
    }
}
open_enum! {
    /// Where the setting up of a method stands.
    SetupIntentStatus {
        /// No method yet, or the last one failed.
        RequiresPaymentMethod = "requires_payment_method",
        /// Not yet confirmed.
        RequiresConfirmation = "requires_confirmation",
        /// The payer must do something.
        RequiresAction = "requires_action",
        /// Under way.
        Processing = "processing",
        /// Given up.
        Canceled = "canceled",
        /// Set up.
        Succeeded = "succeeded",
    }
}
open_enum! {
    /// Where a charge stands.
    ChargeStatus {
        /// Paid.
        Succeeded = "succeeded",
        /// Under way.
        Pending = "pending",
        /// Not paid.
        Failed = "failed",
    }
}
open_enum! {
    /// Where a refund stands.
    RefundStatus {
        /// Under way.
        Pending = "pending",
        /// The payer must do something.
        RequiresAction = "requires_action",
        /// Sent.
        Succeeded = "succeeded",
        /// Came back.
        Failed = "failed",
        /// Given up.
        Canceled = "canceled",
    }
}
open_enum! {
    /// Where a payout stands.
    PayoutStatus {
        /// Not yet sent to the bank.
        Pending = "pending",
        /// Sent.
        InTransit = "in_transit",
        /// Should be there.
        Paid = "paid",
        /// The bank refused it, possibly after `paid`.
        Failed = "failed",
        /// Given up.
        Canceled = "canceled",
    }
}
open_enum! {
    /// Where a dispute stands.
    DisputeStatus {
        /// An inquiry: no money was taken.
        WarningNeedsResponse = "warning_needs_response",
        /// An inquiry with our answer.
        WarningUnderReview = "warning_under_review",
        /// An inquiry that came to nothing.
        WarningClosed = "warning_closed",
        /// Evidence is awaited.
        NeedsResponse = "needs_response",
        /// The bank decides.
        UnderReview = "under_review",
        /// The money came back.
        Won = "won",
        /// The money is gone.
        Lost = "lost",
        /// Settled before it began.
        Prevented = "prevented",
    }
}
