//! Mails about applications, approvals and appeals, and to staff who are late.

use super::letter::Letter;
use super::template::{Adverse, Overdue, Template, when};

impl Adverse {
    fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Declined => (
                "Your application was declined for now",
                "A reviewer has read your application and declined it for now. The reason given:",
            ),
            Self::Rejected => (
                "Your application was rejected",
                "A reviewer has read your application and rejected it. The reason given:",
            ),
            Self::Revoked => (
                "Your approval was revoked",
                "Your approval was taken back, so that you can place no more bids. The reason given:",
            ),
        }
    }
}

/// The letter of a mail about them; none for other mails.
pub(super) fn letter(template: &Template) -> Option<Letter> {
    Some(match template {
            Template::ApplicationReceived { url, due_at } => Letter::new("Your application has arrived".to_owned())
                .say(format!("A reviewer reads your application and answers by {}.", when(due_at)))
                .link("Open the application", url),
            Template::ApplicationChangesRequested { reason, notes, url, until } => {
                Letter::new("Changes requested to your application".to_owned())
                    .say("A reviewer has read your application and asks for changes:".to_owned())
                    .quote(reason)
                    .list(notes)
                    .link("Change the application and submit it again", url)
                    .say(format!("It waits for you until {}.", when(until)))
            }
            Template::ApplicationChangesDue { url, until } => {
                Letter::new("Your application waits for changes".to_owned())
                    .say(format!(
                        "A reviewer asked for changes to your application. It waits for you until {}; after that it \
                         expires, and you may begin another.",
                        when(until)
                    ))
                    .link("Change the application and submit it again", url)
            }
            Template::ApplicationExpired { url } => Letter::new("Your application has expired".to_owned())
                .say(
                    "The changes that a reviewer asked for were not made in time. You may begin another application \
                     at once."
                        .to_owned(),
                )
                .link("Open the application", url),
            Template::ApplicationPassed { url } => Letter::new("Your application has passed the screening".to_owned())
                .say("A reviewer has read your application and passed it. The assessment comes next.".to_owned())
                .link("Open the application", url),
            Template::AdverseDecision { what, reason, url, appeal_until } => {
                let (subject, told) = what.told();
                Letter::new(subject.to_owned())
                    .say(told.to_owned())
                    .quote(reason)
                    .link("Read the evidence it rests on, or appeal", url)
                    .say(format!(
                        "You can appeal until {}. Somebody who did not make the decision answers.",
                        when(appeal_until)
                    ))
            }
            Template::DeveloperApproved { url, expires_at } => Letter::new("You are approved".to_owned())
                .say(format!("You can bid on projects from now on. The approval holds until {}.", when(expires_at)))
                .link("Open the approval", url),
            Template::ApprovalExpiring { url, expires_at } => Letter::new("Your approval ends soon".to_owned())
                .say(format!(
                    "Your approval ends on {}. You may apply again from now on; a new approval begins where this one \
                     ends, so that you lose no days.",
                    when(expires_at)
                ))
                .link("Open the approval", url),
            Template::ApprovalExpired { url } => Letter::new("Your approval has ended".to_owned())
                .say("You can place no more bids. You may apply again at once.".to_owned())
                .link("Open the approval", url),
            Template::AppealReceived { url, due_at } => Letter::new("Your appeal has arrived".to_owned())
                .say(format!(
                    "Somebody who did not make the decision reads your appeal and answers by {}.",
                    when(due_at)
                ))
                .link("Open the appeal", url),
            Template::AppealAnswered { overturned, answer, url } => {
                let (subject, told) = match overturned {
                    true => ("Your appeal succeeded", "The decision has fallen. The answer:"),
                    false => ("Your appeal was answered", "The decision stands. The answer:"),
                };
                Letter::new(subject.to_owned()).say(told.to_owned()).quote(answer).link("Open the appeal", url)
            }
            Template::StaffOverdue { what, url, due_at } => {
                let what = match what {
                    Overdue::Screening => "The screening of an application",
                    Overdue::Appeal => "The answer to an appeal",
                    Overdue::Rating => "The rating of an assessment",
                    Overdue::Assessment => "The decision on an assessment",
                };
                Letter::new(format!("{what} is late"))
                    .say(format!("{what} was due on {}.", when(due_at)))
                    .link("Open it", url)
            }
            _ => return None,
    })
}
