//! Mails about paired sessions.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::ical::Invitation;
use super::letter::Letter;
use super::template::Template;

/// A session as mails tell of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionMail {
    /// Slug of the skill family.
    pub track: String,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
    /// The recipient's zone.
    pub zone: Tz,
    /// Where the service shows it.
    pub url: String,
    /// What the recipient's calendar is told.
    pub invitation: Option<Invitation>,
}

impl SessionMail {
    fn letter(&self, subject: &str, told: impl Into<String>) -> Letter {
        Letter::new(format!("{subject}: {}", self.track)).say(told)
    }

    /// The same with a link to another assessment.
    #[must_use]
    pub fn leading_to(self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self }
    }

    /// An instant on the recipient's wall clock, and in UTC.
    fn wall(&self, at: DateTime<Utc>) -> String {
        if self.zone == Tz::UTC {
            return at.format("%-d %B %Y, %H:%M UTC").to_string();
        }
        format!("{} ({} UTC)", at.with_timezone(&self.zone).format("%-d %B %Y, %H:%M %Z"), at.format("%H:%M"))
    }

    fn linked(&self, letter: Letter) -> Letter {
        letter.link("Open the assessment", &self.url)
    }
}

/// The session that a mail is about; none for other mails.
pub(super) fn session(template: &Template) -> Option<&SessionMail> {
    match template {
        Template::SessionBooked { session }
        | Template::SessionMoved { session, .. }
        | Template::SessionReassigned { session }
        | Template::SessionLeft { session }
        | Template::SessionCancelled { session }
        | Template::SessionReminder { session }
        | Template::SessionAbsence { session, .. }
        | Template::SessionNoShow { session, .. }
        | Template::SessionWithoutCandidate { session }
        | Template::SessionWithoutAssessor { session }
        | Template::SessionAborted { session, .. } => Some(session),
        _ => None,
    }
}

/// What such a mail says; none for other mails.
pub(super) fn letter(template: &Template) -> Option<Letter> {
    let session = session(template)?;
    let starts = session.wall(session.starts_at);
    Some(match template {
        Template::SessionBooked { .. } => session.linked(session.letter(
            "Your session is booked",
            format!(
                "The session begins on {starts} and takes {} minutes. The invitation for your calendar is in this mail.",
                (session.ends_at - session.starts_at).num_minutes()
            ),
        )),
        Template::SessionMoved { before, .. } => session.linked(session.letter(
            "Your session has another time",
            format!(
                "The session that was to begin on {} now begins on {starts}. Your calendar is told by this mail.",
                session.wall(*before)
            ),
        )),
        Template::SessionReassigned { .. } => session.linked(session.letter(
            "Your session has changed",
            format!(
                "Who of our staff has the session that begins on {starts} has changed; its time has not. Your calendar is \
                 told by this mail."
            ),
        )),
        Template::SessionLeft { .. } => session.letter(
            "A session is no longer yours",
            format!(
                "The session that begins on {starts} was given to somebody else, or moved to a time at which others have \
                 it. You need not come. Your calendar is told by this mail."
            ),
        ),
        Template::SessionCancelled { .. } => session.linked(session.letter(
            "Your session is cancelled",
            format!("The session that was to begin on {starts} is cancelled. Your calendar is told by this mail."),
        )),
        Template::SessionReminder { .. } => session.linked(session.letter(
            "Your session begins soon",
            format!("The session begins on {starts}. Check-in opens 30 minutes before."),
        )),
        Template::SessionAbsence { closes_at, .. } => session.linked(session.letter(
            "You are missing in your session",
            format!(
                "The session was to begin on {starts}, and you have not checked in. Check-in closes on {}: who is not there \
                 by then has missed it.",
                session.wall(*closes_at)
            ),
        )),
        Template::SessionNoShow { bookable_from, .. } => session.linked(session.letter(
            "You missed your session",
            format!(
                "You did not check in to the session that was to begin on {starts}, so it was closed. You may ask for another; \
                 it cannot begin before {}.",
                session.wall(*bookable_from)
            ),
        )),
        Template::SessionWithoutCandidate { .. } => session.linked(session.letter(
            "The candidate did not come",
            format!(
                "The candidate did not check in to the session that was to begin on {starts}, so it was closed. There is \
                 nothing to rate."
            ),
        )),
        Template::SessionWithoutAssessor { .. } => session.linked(session.letter(
            "We missed your session",
            format!(
                "Nobody of ours who could lead it came to the session that was to begin on {starts}. We are sorry: the \
                 fault is ours, and it counts against you nowhere. A new assessment is open for you; it comes before \
                 others, and you can choose a time at once."
            ),
        )),
        Template::SessionAborted { reason, .. } => session.linked(
            session
                .letter(
                    "Your session was broken off",
                    format!("The session of {starts} was broken off for technical reasons:"),
                )
                .quote(reason)
                .say("It does not count. A new assessment is open for you, and you can choose a time at once."),
        ),
        _ => return None,
    })
}

/// One of each, with `text` wherever people write.
#[cfg(test)]
pub(super) fn every(text: &str) -> Vec<Template> {
    use super::ical::{Event, Method};
    let at: DateTime<Utc> = "2026-12-01T10:00:00Z".parse().unwrap();
    let with = |method: Option<Method>| SessionMail {
        track: "backend".into(),
        starts_at: at,
        ends_at: at + chrono::Duration::hours(2),
        zone: Tz::Europe__Berlin,
        url: "https://assay.example/p?a=1&b=2".into(),
        invitation: method.map(|method| Invitation {
            method,
            event: Event {
                uid: "asm_00000000000000000000000000000007@assay.example".into(),
                sequence: 1,
                starts_at: at,
                ends_at: at + chrono::Duration::hours(2),
                summary: "Assay: paired session, backend".into(),
                description: format!("With {text}.\nAI tools: allowed and watched."),
                location: Some("https://meet.example/AAAA".into()),
                url: "https://assay.example/p?a=1&b=2".into(),
            },
            name: text.into(),
            optional: false,
        }),
    };
    let (request, cancel) = (Some(Method::Request), Some(Method::Cancel));
    vec![
        Template::SessionBooked { session: with(request) },
        Template::SessionMoved { session: with(request), before: at - chrono::Duration::days(1) },
        Template::SessionReassigned { session: with(request) },
        Template::SessionLeft { session: with(cancel) },
        Template::SessionCancelled { session: with(cancel) },
        Template::SessionReminder { session: with(None) },
        Template::SessionAbsence { session: with(None), closes_at: at + chrono::Duration::minutes(15) },
        Template::SessionNoShow { session: with(None), bookable_from: at + chrono::Duration::days(7) },
        Template::SessionWithoutCandidate { session: with(None) },
        Template::SessionWithoutAssessor { session: with(None) },
        Template::SessionAborted { session: with(None), reason: text.into() },
    ]
}
