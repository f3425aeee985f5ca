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
        Template::DisputeOpened { title, url, reason, until } => {
            Letter::new(format!("A dispute is opened: {title}"))
                .say(format!(
                    "The other side of the contract disputes the money of “{title}”. It is frozen until you agree or staff \
                     decide; other milestones go on. The reason given:"
                ))
                .quote(reason)
                .link("Read the claim and answer", url)
                .say(format!("If you say nothing, the claim is granted on {}.", when(until)))
        }
        Template::DisputeUnanswered { title, url, until } => {
            Letter::new(format!("Second notice: the dispute over {title}"))
                .say(format!(
                    "You have not answered the dispute over the money of “{title}”. If you say nothing, the claim is granted \
                     on {}.",
                    when(until)
                ))
                .link("Read the claim and answer", url)
        }
        Template::DisputeProposed { title, url, developer, client, until } => {
            Letter::new(format!("A mediator proposes: {title}"))
                .say(format!(
                    "A mediator has looked at the dispute over “{title}” and proposes {developer} for the developer and \
                     {client} for the client, with what each finding rests on."
                ))
                .link("Read the proposal, and accept or reject it", url)
                .say(format!(
                    "It stands until {}. Unless both sides accept it, another person decides, for a fee that the loser pays.",
                    when(until)
                ))
        }
        Template::DisputeAwarded { title, url, developer, client, until } => {
            Letter::new(format!("The dispute is decided: {title}"))
                .say(format!(
                    "An arbitrator has decided the dispute over “{title}”: {developer} for the developer, {client} for the \
                     client. The fee of the arbitration is the loser's, out of their part."
                ))
                .link("Read the award and its reasons", url)
                .say(format!(
                    "It is carried out on {}. Until then an error of arithmetic can be shown, which a third person looks at.",
                    when(until)
                ))
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
        Template::HoldEnding { title: title.clone(), url: url.clone(), until },
        Template::DisputeOpened { title: title.clone(), url: url.clone(), reason: text.to_owned(), until },
        Template::DisputeUnanswered { title: title.clone(), url: url.clone(), until },
        Template::DisputeProposed {
            title: title.clone(),
            url: url.clone(),
            developer: "USD 4200.00".to_owned(),
            client: "USD 2100.00".to_owned(),
            until,
        },
        Template::DisputeAwarded {
            title,
            url,
            developer: "USD 4200.00".to_owned(),
            client: "USD 2100.00".to_owned(),
            until,
        },
    ]
}
