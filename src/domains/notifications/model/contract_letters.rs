//! Mails about contracts, milestones and their money.

use chrono::{DateTime, Utc};

use super::letter::Letter;
use super::template::{Template, when};

/// The letter of a mail about contracts; none for other mails.
pub(super) fn letter(template: &Template) -> Option<Letter> {
    Some(match template {
        Template::ContractToSign { title, url, until } => Letter::new(format!("A contract to sign: {title}"))
            .say(format!(
                "The contract for “{title}” waits for your side's signature. Read it whole: milestones, dates, review \
                 window, fees. What you sign is named by the hash of its text."
            ))
            .link("Read and sign the contract", url)
            .say(format!("It lapses on {} if both sides have not signed by then.", when(until))),
        Template::ContractToFund { title, url, until } => {
            Letter::new(format!("Signed by both: {title}"))
                .say(format!("Both sides have signed the contract for “{title}”. Work begins when a milestone is paid."))
                .link("Pay for one or several milestones", url)
                .say(format!("The contract lapses on {} if nothing is paid by then.", when(until)))
        }
        Template::ChangeProposed { title, url, reason, until } => {
            Letter::new(format!("A change is proposed: {title}"))
                .say(format!("The other side proposes to change the contract for “{title}”. Their reason:"))
                .quote(reason)
                .link("Read the change and answer", url)
                .say(format!("The proposal stands until {}. Until you accept, nothing changes.", when(until)))
        }
        Template::ContractEnding { title, url, reason, until } => ending(title, url, reason, until.as_ref()),
        Template::MilestoneDelivered { title, url, until } => {
            Letter::new(format!("Delivered: {title}"))
                .say(format!(
                    "“{title}” is delivered, with evidence for each deliverable. Accept what is done, or ask for changes \
                     with your notes."
                ))
                .link("Review the delivery", url)
                .say(format!("If you say nothing, it counts as accepted on {}.", when(until)))
        }
        Template::ReviewEnding { title, url, until } => {
            Letter::new(format!("Your review ends soon: {title}"))
                .say(format!(
                    "“{title}” is under your review. On {} it counts as accepted and its money is released.",
                    when(until)
                ))
                .link("Accept, or ask for changes", url)
        }
        Template::MilestonePaid { title, url, amount, by_silence } => {
            let how = match by_silence {
                true => "The review of “{}” has ended without a word from the client, which accepts it.",
                false => "Money of “{}” is released to you.",
            };
            Letter::new(format!("{amount} released: {title}"))
                .say(how.replace("{}", title))
                .say(format!("You get {amount}. It is sent after a few days in which card payments can be taken back."))
                .link("See the decision", url)
        }
        Template::MoneyReturned { title, url, amount } => {
            Letter::new(format!("{amount} comes back to you: {title}"))
                .say(format!(
                    "{amount} of what you paid for “{title}”, with the fee on it, goes back to the method that you paid \
                     with. That may take some days."
                ))
                .link("See the decision", url)
        }
        Template::RefundAsked { title, url, reason, until } => {
            Letter::new(format!("The client asks for a refund: {title}"))
                .say(format!("The client asks for what is left of the money of “{title}”. The reason given:"))
                .quote(reason)
                .link("Grant the request, or decline it with your reason", url)
                .say(format!("If you say nothing, it is granted on {}.", when(until)))
        }
        Template::MilestoneLate { title, url, until } => {
            Letter::new(format!("Not delivered: {title}"))
                .say(format!(
                    "“{title}” is long overdue. On {} it is cancelled and its money goes back to the client, unless it is \
                     delivered before.",
                    when(until)
                ))
                .link("Open the milestone", url)
        }
        Template::HoldEnding { title, url, until } => {
            Letter::new(format!("Money can be held until {}: {title}", until.format("%-d %B")))
                .say(format!(
                    "The money of “{title}” can be held until {}. What is delivered by then counts as accepted; what is not \
                     goes back to the client.",
                    when(until)
                ))
                .link("Open the milestone", url)
        }
        _ => return None,
    })
}

fn ending(title: &str, url: &str, reason: &str, until: Option<&DateTime<Utc>>) -> Letter {
    let letter = Letter::new(format!("The contract may end: {title}"))
        .say(format!(
            "The other side of the contract for “{title}” has ended it, or proposes to. The reason given:"
        ))
        .quote(reason)
        .link("Read what that means for each milestone", url);
    match until {
        None => letter,
        Some(until) => letter.say(format!("The contract tells what you can do until {}.", when(until))),
    }
}

/// One of each, with `text` wherever people write.
#[cfg(test)]
pub(super) fn every(text: &str) -> Vec<Template> {
    let (title, url, reason) =
        (text.to_owned(), "https://assay.example/p?a=1&b=2".to_owned(), text.to_owned());
    let until: DateTime<Utc> = "2026-11-01T09:05:00Z".parse().unwrap_or_default();
    let amount = "USD 3780.00".to_owned();
    vec![
        Template::ContractToSign { title: title.clone(), url: url.clone(), until },
        Template::ContractToFund { title: title.clone(), url: url.clone(), until },
        Template::ChangeProposed { title: title.clone(), url: url.clone(), reason: reason.clone(), until },
        Template::ContractEnding {
            title: title.clone(),
            url: url.clone(),
            reason: reason.clone(),
            until: Some(until),
        },
        Template::MilestoneDelivered { title: title.clone(), url: url.clone(), until },
        Template::ReviewEnding { title: title.clone(), url: url.clone(), until },
        Template::MilestonePaid {
            title: title.clone(),
            url: url.clone(),
            amount: amount.clone(),
            by_silence: true,
        },
        Template::MoneyReturned { title: title.clone(), url: url.clone(), amount },
        Template::RefundAsked { title: title.clone(), url: url.clone(), reason, until },
        Template::MilestoneLate { title: title.clone(), url: url.clone(), until },
        Template::HoldEnding { title, url, until },
    ]
}
