//! Mails about organisations, projects, bids and invitations.

use super::letter::Letter;
use super::template::{Template, when};

/// The letter of a mail about them; none for other mails.
pub(super) fn letter(template: &Template) -> Option<Letter> {
    Some(match template {
        Template::OrganisationInvitation { organisation, inviter, url, expires_at } => {
            Letter::new(format!("Invitation to join {organisation} on Assay"))
                .say(format!("{inviter} invites you to join {organisation} on Assay."))
                .link("Accept or decline the invitation", url)
                .say(format!(
                    "The invitation stands until {}. The link is for you alone: whoever has it can answer in \
                         your place.",
                    when(expires_at)
                ))
        }
        Template::ProjectListed { title, url } => Letter::new(format!("Your project is listed: {title}"))
            .say(format!("Your project “{title}” has passed curation and is open for bids."))
            .link("Open the project", url),
        Template::ProjectChangesRequested { title, url, notes } => {
            Letter::new(format!("Changes requested: {title}"))
                .say(format!(
                    "A curator has read your project “{title}” and asks for changes before it can be listed:"
                ))
                .list(notes)
                .link("Change the project and submit it again", url)
        }
        Template::ProjectRejected { title, reason, url } => {
            Letter::new(format!("Your project was not accepted: {title}"))
                .say(format!(
                    "A curator has read your project “{title}” and did not accept it. The reason given:"
                ))
                .quote(reason)
                .link("Read the decision, or appeal against it", url)
        }
        Template::OfferReceived { title, url, expires_at } => {
            Letter::new(format!("You have an offer: {title}"))
                .say(format!("You have an offer on your bid for “{title}”."))
                .link("Read and answer the offer", url)
                .say(format!("The offer stands until {}.", when(expires_at)))
        }
        Template::InvitationToBid { title, client, url, expires_at } => {
            Letter::new(format!("Invitation to bid: {title}"))
                .say(format!("{client} invites you to bid on “{title}”."))
                .link("Read the project and answer", url)
                .say(format!(
                    "The invitation stands until {}. Declining has no effect on your standing.",
                    when(expires_at)
                ))
        }
        Template::ListingExpiring { title, url, at } => {
            Letter::new(format!("Your listing ends soon: {title}"))
                .say(format!(
                    "The listing of your project “{title}” ends on {}. After that it takes no more bids.",
                    when(at)
                ))
                .link("Open the project", url)
        }
        _ => return None,
    })
}
