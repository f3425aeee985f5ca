//! Mails about assessments: starts to choose, ratings, outcomes. None says anything of another's card.

use chrono::{DateTime, Utc};

use super::letter::Letter;
use super::template::{Template, when};

/// The letter of a mail about them; none for other mails.
pub(super) fn letter(template: &Template) -> Option<Letter> {
    Some(match template {
        Template::RatingCardOpened { url, due_at } => card_opened(url, due_at),
        Template::RatingCardDue { url, due_at } => card_due(url, due_at),
        Template::RatingAsked { url, due_at } => asked(url, due_at),
        Template::AnchorCardsOpened { url, due_at } => anchor_cards_opened(url, due_at),
        Template::AnchorCardDue { url, due_at } => anchor_card_due(url, due_at),
        Template::RaterWanted { url } => rater_wanted(url),
        Template::AssessmentDecided { approved, feedback, url, appeal_until } => {
            decided(*approved, feedback, url, appeal_until.as_ref())
        }
        Template::AssessmentSlotsWanted { track, url } => slots_wanted(track, url),
        Template::AssessmentSlotsFree { track, url } => slots_free(track, url),
        _ => return None,
    })
}

/// A candidate waits for a session, and nobody has time for one.
fn slots_wanted(track: &str, url: &str) -> Letter {
    Letter::new(format!("Nobody has time for assessments: {track}"))
        .say(format!(
            "A candidate waits for an assessment on the track “{track}”, and there is no start that could be offered. \
             Further candidates on this track who wait are not told of by mail."
        ))
        .link("Open the assessment", url)
}

/// There is time for the session of a candidate who waits.
fn slots_free(track: &str, url: &str) -> Letter {
    Letter::new("There is time for your assessment")
        .say(format!(
            "You wait for an assessment on the track “{track}”. There are starts now: hold one and book it. Others who wait \
             are told too, in their order."
        ))
        .link("Open the assessment", url)
}

/// A session is over; its rater has a card to fill in.
fn card_opened(url: &str, due_at: &DateTime<Utc>) -> Letter {
    Letter::new("Your rating card is open")
        .say(format!(
            "The session is over. Rate it for yourself, by what you saw; the card is due on {}.",
            when(due_at)
        ))
        .link("Open your card", url)
        .say("Do not speak about the session with the other rater before you have submitted your card.")
}

/// A rater's card is not submitted yet.
fn card_due(url: &str, due_at: &DateTime<Utc>) -> Letter {
    Letter::new("Your rating card waits for you")
        .say(format!("Your card of a session is not submitted yet. It is due on {}.", when(due_at)))
        .link("Open your card", url)
}

/// Somebody is asked to rate a session from its record.
fn asked(url: &str, due_at: &DateTime<Utc>) -> Letter {
    Letter::new("You are asked to rate an assessment")
        .say(format!(
            "Another rating of a session is needed, by somebody who was not in it: yours, from its record. The card is \
             due on {}.",
            when(due_at)
        ))
        .link("Open your card", url)
}

/// Somebody is asked to rate anchor sessions.
fn anchor_cards_opened(url: &str, due_at: &DateTime<Utc>) -> Letter {
    Letter::new("Anchor sessions wait for your rating")
        .say(format!(
            "All assessors of your track rate the same sessions of this quarter, each for themselves and from the record, so \
             that it does not matter to candidates who assesses them. Your cards are due on {}.",
            when(due_at)
        ))
        .link("Open your anchor cards", url)
        .say("These sessions are decided: what you rate changes nothing for the candidates. Do not speak about them with others who rate them.")
}

/// An anchor card is not submitted yet.
fn anchor_card_due(url: &str, due_at: &DateTime<Utc>) -> Letter {
    Letter::new("An anchor session waits for your rating")
        .say(format!(
            "Your card of an anchor session is not submitted yet. It is due on {}, and is taken until the quarter ends.",
            when(due_at)
        ))
        .link("Open your anchor cards", url)
}

/// Nobody was found who can rate.
fn rater_wanted(url: &str) -> Letter {
    Letter::new("An assessment needs a rater")
        .say(
            "An assessment needs another rater, and nobody of its track is free of ties to the candidate. Appoint \
             somebody.",
        )
        .link("Open the assessment", url)
}

/// An assessment is decided.
fn decided(approved: bool, feedback: &[String], url: &str, appeal_until: Option<&DateTime<Utc>>) -> Letter {
    let (subject, told) = match approved {
        true => {
            ("You passed the assessment", "You passed the assessment. What was seen, and what comes next:")
        }
        false => (
            "Your assessment is decided: not ready yet",
            "The assessment did not reach the pass line this time. What was seen, and what comes next:",
        ),
    };
    let letter = Letter::new(subject).say(told).list(feedback).link("Read the outcome", url);
    match appeal_until {
        None => letter,
        Some(until) => letter.say(format!(
            "You can appeal until {}. Somebody who saw none of the cards rates the session anew; the outcome can rise or \
             stay, never fall.",
            when(until)
        )),
    }
}
