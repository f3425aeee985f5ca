//! Every mail. To add one: a variant, its letter, its category when it is not essential, and an example in the tests;
//! then `INSTA_UPDATE=always cargo test -p assay-notifications` writes the snapshot, to be reviewed and committed.

use assay_kernel::string_enum;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::category::Category;
use super::ical::Invitation;
use super::letter::Letter;
use super::session::{self, SessionMail};
use super::{assessment_letters, contract_letters, project_letters, vetting_letters};

macro_rules! templates {
    ($(#[$meta:meta])* pub enum $name:ident {
        $($(#[$vmeta:meta])* $variant:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty),* $(,)? }),* $(,)?
    }) => {
        $(#[$meta])*
        pub enum $name { $($(#[$vmeta])* $variant { $($(#[$fmeta])* $field: $type),* }),* }

        #[cfg(test)]
        impl $name {
            /// Every variant.
            const VARIANTS: &'static [&'static str] = &[$(stringify!($variant)),*];
            /// Which this is.
            fn variant(&self) -> &'static str { match self { $(Self::$variant { .. } => stringify!($variant)),* } }
        }
    };
}

templates! {
    /// What a mail says. Stored in jobs: additive changes only.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(tag = "name", rename_all = "snake_case")]
    pub enum Template {
        /// Somebody is asked to join an organisation.
        OrganisationInvitation {
            /// The organisation's name.
            organisation: String,
            /// Who invites.
            inviter: String,
            /// Where to answer; carries the secret.
            url: String,
            /// Until when.
            expires_at: DateTime<Utc>,
        },
        /// The client's project is open for bids.
        ProjectListed {
            /// The project's title.
            title: String,
            /// Where it is.
            url: String,
        },
        /// Curation asks for changes.
        ProjectChangesRequested {
            /// The project's title.
            title: String,
            /// Where it is.
            url: String,
            /// What to change, one note each.
            notes: Vec<String>,
        },
        /// Curation turned the project down.
        ProjectRejected {
            /// The project's title.
            title: String,
            /// Why.
            reason: String,
            /// Where to read more and to appeal.
            url: String,
        },
        /// A developer has an offer on a bid.
        OfferReceived {
            /// The project's title.
            title: String,
            /// Where to answer.
            url: String,
            /// Until when.
            expires_at: DateTime<Utc>,
        },
        /// A client invites a developer to bid.
        InvitationToBid {
            /// The project's title.
            title: String,
            /// The client organisation's name.
            client: String,
            /// Where to answer.
            url: String,
            /// Until when.
            expires_at: DateTime<Utc>,
        },
        /// The client's listing ends soon.
        ListingExpiring {
            /// The project's title.
            title: String,
            /// Where it is.
            url: String,
            /// When it ends.
            at: DateTime<Utc>,
        },
        /// A developer's application has arrived.
        ApplicationReceived {
            /// Where it is.
            url: String,
            /// When it is answered at the latest.
            due_at: DateTime<Utc>,
        },
        /// A reviewer asks for changes to an application.
        ApplicationChangesRequested {
            /// What it is about.
            reason: String,
            /// What to change, one note each.
            notes: Vec<String>,
            /// Where it is.
            url: String,
            /// Until when.
            until: DateTime<Utc>,
        },
        /// The time for such changes ends soon.
        ApplicationChangesDue {
            /// Where it is.
            url: String,
            /// Until when.
            until: DateTime<Utc>,
        },
        /// An application was left alone for too long.
        ApplicationExpired {
            /// Where it is.
            url: String,
        },
        /// An application has passed the screening.
        ApplicationPassed {
            /// Where it is.
            url: String,
        },
        /// A decision against a person.
        AdverseDecision {
            /// What was decided.
            what: Adverse,
            /// Why.
            reason: String,
            /// Where to read the evidence and to appeal.
            url: String,
            /// Until when it can be appealed.
            appeal_until: DateTime<Utc>,
        },
        /// A developer is approved.
        DeveloperApproved {
            /// Where the approval is.
            url: String,
            /// Until when it holds.
            expires_at: DateTime<Utc>,
        },
        /// An approval ends soon.
        ApprovalExpiring {
            /// Where it is.
            url: String,
            /// When it ends.
            expires_at: DateTime<Utc>,
        },
        /// An approval has ended.
        ApprovalExpired {
            /// Where it is.
            url: String,
        },
        /// An appeal has arrived.
        AppealReceived {
            /// Where it is.
            url: String,
            /// When it is answered at the latest.
            due_at: DateTime<Utc>,
        },
        /// An appeal is answered.
        AppealAnswered {
            /// Has the decision fallen?
            overturned: bool,
            /// Why.
            answer: String,
            /// Where it is.
            url: String,
        },
        /// A session is over; its rater has a card to fill in.
        RatingCardOpened {
            /// Where it is.
            url: String,
            /// When it is due.
            due_at: DateTime<Utc>,
        },
        /// A rater's card is not submitted yet.
        RatingCardDue {
            /// Where it is.
            url: String,
            /// When it is due.
            due_at: DateTime<Utc>,
        },
        /// Somebody is asked to rate a session from its record.
        RatingAsked {
            /// Where the card is.
            url: String,
            /// When it is due.
            due_at: DateTime<Utc>,
        },
        /// Somebody is asked to rate anchor sessions from their records.
        AnchorCardsOpened {
            /// Where the cards are.
            url: String,
            /// When they are due.
            due_at: DateTime<Utc>,
        },
        /// An anchor card is not submitted yet.
        AnchorCardDue {
            /// Where the cards are.
            url: String,
            /// When it is due.
            due_at: DateTime<Utc>,
        },
        /// Nobody was found who can rate; a reviewer appoints somebody.
        RaterWanted {
            /// Which assessment.
            url: String,
        },
        /// An assessment is decided.
        AssessmentDecided {
            /// Is the candidate approved?
            approved: bool,
            /// The feedback, a line a criterion.
            feedback: Vec<String>,
            /// Where to read it.
            url: String,
            /// Until when it can be appealed.
            appeal_until: Option<DateTime<Utc>>,
        },
        /// A candidate waits for a session, and nobody has time for one.
        AssessmentSlotsWanted {
            /// The track.
            track: String,
            /// Where the candidate's assessment is.
            url: String,
        },
        /// There is time for the session of a candidate who waits.
        AssessmentSlotsFree {
            /// The track.
            track: String,
            /// Where the assessment is.
            url: String,
        },
        /// A session is booked.
        SessionBooked {
            /// Which.
            session: SessionMail,
        },
        /// A session has another time.
        SessionMoved {
            /// Which.
            session: SessionMail,
            /// When it was to begin.
            before: DateTime<Utc>,
        },
        /// Who of the staff has a session has changed.
        SessionReassigned {
            /// Which.
            session: SessionMail,
        },
        /// Somebody of the staff no longer has a session.
        SessionLeft {
            /// Which.
            session: SessionMail,
        },
        /// A session is cancelled.
        SessionCancelled {
            /// Which.
            session: SessionMail,
        },
        /// A session begins soon.
        SessionReminder {
            /// Which.
            session: SessionMail,
        },
        /// A session has begun without the person.
        SessionAbsence {
            /// Which.
            session: SessionMail,
            /// When it is closed.
            closes_at: DateTime<Utc>,
        },
        /// The candidate missed a session.
        SessionNoShow {
            /// Which.
            session: SessionMail,
            /// When another can begin.
            bookable_from: DateTime<Utc>,
        },
        /// To the staff of a session whose candidate missed it.
        SessionWithoutCandidate {
            /// Which.
            session: SessionMail,
        },
        /// To the candidate of a session that its lead missed.
        SessionWithoutAssessor {
            /// Which.
            session: SessionMail,
        },
        /// A session was broken off for technical reasons.
        SessionAborted {
            /// Which.
            session: SessionMail,
            /// Why.
            reason: String,
        },
        /// A contract waits for a side's signature.
        ContractToSign {
            /// Its title.
            title: String,
            /// Where it is.
            url: String,
            /// Until when.
            until: DateTime<Utc>,
        },
        /// Both sides have signed; the client pays.
        ContractToFund {
            /// Its title.
            title: String,
            /// Where it is.
            url: String,
            /// Until when.
            until: DateTime<Utc>,
        },
        /// The other side proposes to change the contract.
        ChangeProposed {
            /// Its title.
            title: String,
            /// Where it is.
            url: String,
            /// Why.
            reason: String,
            /// Until when.
            until: DateTime<Utc>,
        },
        /// The other side ends the contract, or proposes to.
        ContractEnding {
            /// Its title.
            title: String,
            /// Where it is.
            url: String,
            /// Why.
            reason: String,
            /// Until when.
            until: Option<DateTime<Utc>>,
        },
        /// A milestone is delivered; the client reviews it.
        MilestoneDelivered {
            /// Its title.
            title: String,
            /// Where it is.
            url: String,
            /// Until when.
            until: DateTime<Utc>,
        },
        /// The review ends soon; silence accepts.
        ReviewEnding {
            /// Its title.
            title: String,
            /// Where it is.
            url: String,
            /// Until when.
            until: DateTime<Utc>,
        },
        /// Money is released to the developer.
        MilestonePaid {
            /// Its title.
            title: String,
            /// Where it is.
            url: String,
            /// How much, with its currency.
            amount: String,
            /// Did silence accept?
            by_silence: bool,
        },
        /// Money goes back to the client.
        MoneyReturned {
            /// Its title.
            title: String,
            /// Where it is.
            url: String,
            /// How much, with its currency.
            amount: String,
        },
        /// The client asks for the money back.
        RefundAsked {
            /// Its title.
            title: String,
            /// Where it is.
            url: String,
            /// Why.
            reason: String,
            /// Until when.
            until: DateTime<Utc>,
        },
        /// A milestone that was never delivered is cancelled soon.
        MilestoneLate {
            /// Its title.
            title: String,
            /// Where it is.
            url: String,
            /// Until when.
            until: DateTime<Utc>,
        },
        /// The money of a milestone can be held for some days only.
        HoldEnding {
            /// Its title.
            title: String,
            /// Where it is.
            url: String,
            /// Until when.
            until: DateTime<Utc>,
        },
        /// The other side disputes a milestone's money.
        DisputeOpened {
            /// Its title.
            title: String,
            /// Where it is.
            url: String,
            /// Why.
            reason: String,
            /// Until when.
            until: DateTime<Utc>,
        },
        /// A dispute is not answered yet.
        DisputeUnanswered {
            /// Its title.
            title: String,
            /// Where it is.
            url: String,
            /// Until when.
            until: DateTime<Utc>,
        },
        /// A mediator proposes how to divide disputed money.
        DisputeProposed {
            /// Its title.
            title: String,
            /// Where it is.
            url: String,
            /// The developer's part.
            developer: String,
            /// The client's part.
            client: String,
            /// Until when.
            until: DateTime<Utc>,
        },
        /// An arbitrator has divided disputed money.
        DisputeAwarded {
            /// Its title.
            title: String,
            /// Where it is.
            url: String,
            /// The developer's part.
            developer: String,
            /// The client's part.
            client: String,
            /// When it is carried out.
            until: DateTime<Utc>,
        },
        /// Staff are late with an answer.
        StaffOverdue {
            /// With what.
            what: Overdue,
            /// Where it is.
            url: String,
            /// When it was due.
            due_at: DateTime<Utc>,
        },
    }
}

string_enum! {
    /// A decision against a person.
    pub enum Adverse {
        /// The application was declined for now.
        Declined = "declined",
        /// The application was refused for want of integrity.
        Rejected = "rejected",
        /// The approval was taken back.
        Revoked = "revoked",
    }
}

string_enum! {
    /// With what staff can be late.
    pub enum Overdue {
        /// The screening of an application.
        Screening = "screening",
        /// The answer to an appeal.
        Appeal = "appeal",
        /// The rating of an assessment.
        Rating = "rating",
        /// The decision on an assessment.
        Assessment = "assessment",
    }
}

impl Template {
    /// The sort of mail that a person can stop; none when it is essential.
    pub(crate) fn category(&self) -> Option<Category> {
        match self {
            Self::InvitationToBid { .. } => Some(Category::Invitations),
            Self::ListingExpiring { .. } => Some(Category::Reminders),
            Self::OrganisationInvitation { .. }
            | Self::ProjectListed { .. }
            | Self::ProjectChangesRequested { .. }
            | Self::ProjectRejected { .. }
            | Self::OfferReceived { .. }
            | Self::ApplicationReceived { .. }
            | Self::ApplicationChangesRequested { .. }
            | Self::ApplicationChangesDue { .. }
            | Self::ApplicationExpired { .. }
            | Self::ApplicationPassed { .. }
            | Self::AdverseDecision { .. }
            | Self::DeveloperApproved { .. }
            | Self::ApprovalExpiring { .. }
            | Self::ApprovalExpired { .. }
            | Self::AppealReceived { .. }
            | Self::AppealAnswered { .. }
            | Self::RatingCardOpened { .. }
            | Self::RatingCardDue { .. }
            | Self::RatingAsked { .. }
            | Self::AnchorCardsOpened { .. }
            | Self::AnchorCardDue { .. }
            | Self::RaterWanted { .. }
            | Self::AssessmentDecided { .. }
            | Self::AssessmentSlotsWanted { .. }
            | Self::AssessmentSlotsFree { .. }
            | Self::SessionBooked { .. }
            | Self::SessionMoved { .. }
            | Self::SessionReassigned { .. }
            | Self::SessionLeft { .. }
            | Self::SessionCancelled { .. }
            | Self::SessionReminder { .. }
            | Self::SessionAbsence { .. }
            | Self::SessionNoShow { .. }
            | Self::SessionWithoutCandidate { .. }
            | Self::SessionWithoutAssessor { .. }
            | Self::SessionAborted { .. }
            | Self::ContractToSign { .. }
            | Self::ContractToFund { .. }
            | Self::ChangeProposed { .. }
            | Self::ContractEnding { .. }
            | Self::MilestoneDelivered { .. }
            | Self::ReviewEnding { .. }
            | Self::MilestonePaid { .. }
            | Self::MoneyReturned { .. }
            | Self::RefundAsked { .. }
            | Self::MilestoneLate { .. }
            | Self::HoldEnding { .. }
            | Self::DisputeOpened { .. }
            | Self::DisputeUnanswered { .. }
            | Self::DisputeProposed { .. }
            | Self::DisputeAwarded { .. }
            | Self::StaffOverdue { .. } => None,
        }
    }

    /// What the recipient's calendar is told.
    pub(crate) fn invitation(&self) -> Option<&Invitation> {
        session::session(self)?.invitation.as_ref()
    }

    /// What it says.
    pub(crate) fn letter(&self) -> Letter {
        session::letter(self)
            .or_else(|| assessment_letters::letter(self))
            .or_else(|| contract_letters::letter(self))
            .or_else(|| project_letters::letter(self))
            .or_else(|| vetting_letters::letter(self))
            // A test holds that every mail says something.
            .unwrap_or_else(|| Letter::new("Assay"))
    }
}

/// Instants in mails.
pub(super) fn when(at: &DateTime<Utc>) -> impl std::fmt::Display {
    at.format("%-d %B %Y, %H:%M UTC")
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
