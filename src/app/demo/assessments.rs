//! The act of the assessments: assessors and their time, a session booked across two zones, blind cards that disagree,
//! a third rater, the decision; then a rejection, and an appeal that somebody answers who saw neither card.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::walk::{Answer, Person, Walk, told};
use crate::app::boot::{Failure, Outcome};

/// Who assesses, where, and when on their wall clocks.
const ASSESSORS: [(&str, &str, &str, &str); 4] = [
    ("staff-ines", "Europe/Lisbon", "09:00", "18:30"),
    ("staff-theo", "America/New_York", "05:30", "14:00"),
    ("staff-kaya", "Europe/Istanbul", "11:00", "21:30"),
    ("staff-umar", "Asia/Kolkata", "13:30", "00:00"),
];

/// An assessor and their zone.
struct Assessor {
    person: Person,
    zone: Tz,
}

/// A session and its staff.
struct Session<'a> {
    path: String,
    lead: &'a Assessor,
    observer: &'a Assessor,
    starts_at: DateTime<Utc>,
}

fn wall(at: DateTime<Utc>, zone: Tz) -> String {
    format!("{} ({zone})", at.with_timezone(&zone).format("%a %-d %b %H:%M %:z"))
}

/// One of the assessors, by account.
fn known<'a>(assessors: &'a [Assessor], account: &Value) -> Outcome<&'a Assessor> {
    let found = assessors.iter().find(|one| one.person.account.as_str() == account);
    found.ok_or_else(|| Failure(format!("{account} is none of the assessors")))
}

impl Walk<'_> {
    /// The whole act.
    pub(super) async fn assessments(
        &self,
        first: &Person,
        application: &str,
        (sam, rosa): (&Person, &Person),
    ) -> Outcome {
        let assessors = self.assessors(rosa).await?;

        let path = self.booked(first, application, "America/Sao_Paulo").await?;
        self.moved(first, &path).await?;
        let session = self.seats(sam, path, &assessors).await?;
        self.held(first, &session).await?;
        self.disagree(&session, sam, &assessors).await?;
        self.decided(first, sam, &session.path, "approved").await?;

        let second = self.join("renamed-rita", "developer").await?;
        let application = self.ready(&second, rosa).await?;
        let path = self.booked(&second, &application, "Asia/Tokyo").await?;
        let session = self.seats(sam, path, &assessors).await?;
        self.held(&second, &session).await?;
        self.rated(&session.lead.person, &session.path, 1, "no").await?;
        self.rated(&session.observer.person, &session.path, 1, "no").await?;
        self.decided(&second, sam, &session.path, "not_ready").await?;
        self.raised(&second, (sam, rosa), &session.path, &assessors).await
    }

    /// Staff with the permission, their hours, and the tracks that an admin gives them.
    async fn assessors(&self, admin: &Person) -> Outcome<Vec<Assessor>> {
        let mut assessors = Vec::new();
        for (login, zone, start, end) in ASSESSORS {
            let person = self.join(login, "developer").await?;
            self.appoint(&person, "assessor")?;
            let seen = self.get(&person, "/v1/assessors/me").await?;
            let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
            let rules = json!({ "zone": zone, "weekly": [{ "days": days, "start": start, "end": end }] });
            self.put(&person, "/v1/assessors/me", seen.etag.as_deref(), rules).await?;
            let path = format!("/v1/assessors/{}", person.account);
            let seen = self.get(admin, &path).await?;
            let tracks = json!({
                "tracks": [{ "track": "backend", "roles": ["lead", "observer"] }],
                "weight": 100,
                "priority": 2,
                "reason": "Has led such sessions elsewhere.",
            });
            self.put(admin, &format!("{path}/tracks"), seen.etag.as_deref(), tracks).await?;
            self.say(&format!(
                "{login} assesses every day from {start} to {end} in {zone}; {} gives them the track backend",
                admin.login
            ));
            assessors.push(Assessor { person, zone: zone.parse().map_err(told)? });
        }
        Ok(assessors)
    }

    /// From the request to the booking. Answers the assessment's path.
    async fn booked(&self, candidate: &Person, application: &str, zone: &str) -> Outcome<String> {
        let id = application.rsplit('/').next().unwrap_or_default();
        let body = json!({ "application_id": id, "track": "backend", "zone": zone });
        let made = self.post(candidate, "/v1/assessments", 201, body).await?;
        let path = format!("/v1/assessments/{}", made.text("/id")?);
        self.say(&format!(
            "{} requests an assessment: {}, \"{}\"",
            candidate.login,
            made.text("/id")?,
            made.text("/task/title")?
        ));
        println!("       AI tools: {}", made.text("/ai_policy")?);
        let start = self.start_from(candidate, zone, 1).await?;
        let held = self.post(candidate, &format!("{path}/hold"), 200, json!({ "starts_at": start })).await?;
        self.say(&format!("{} holds {start} until {}", candidate.login, held.text("/hold/expires_at")?));
        let booked = self.act(candidate, &path, "book", held.etag.as_deref(), Value::Null).await?;
        booked.demand("/state", "booked")?;
        self.say(&format!("books it: {} in {zone}", booked.text("/starts_at_local")?));
        self.mail(&candidate.email, "Your session is booked: backend").await?;
        Ok(path)
    }

    /// A free start some days after the first.
    async fn start_from(&self, candidate: &Person, zone: &str, days: i64) -> Outcome<String> {
        let offered =
            self.get(candidate, &format!("/v1/assessments/slots?track=backend&zone={zone}")).await?;
        let slots = offered.list("/data");
        let from = offered.time("/data/0/starts_at")? + Duration::days(days);
        let starts = |slot: &Value| slot["starts_at"].as_str().and_then(|start| start.parse().ok());
        let later = slots.iter().find(|slot| starts(slot).is_some_and(|start: DateTime<Utc>| start >= from));
        self.say(&format!("{} sees {} free starts, such as", candidate.login, slots.len()));
        for slot in slots.iter().take(1).chain(later) {
            println!("       {} in {zone}, {}", words(&slot["starts_at_local"]), words(&slot["starts_at"]));
        }
        later
            .map(|slot| words(&slot["starts_at"]))
            .ok_or_else(|| Failure("there are few free starts".to_owned()))
    }

    /// To another time, and what the candidate's calendar is told.
    async fn moved(&self, candidate: &Person, path: &str) -> Outcome {
        let seen = self.get(candidate, path).await?;
        let start = self.start_from(candidate, &seen.text("/zone")?, 2).await?;
        let body = json!({ "starts_at": start });
        let moved = self.act(candidate, path, "reschedule", seen.etag.as_deref(), body).await?;
        self.say(&format!(
            "{} moves the session from {} to {}; the invitation:",
            candidate.login,
            seen.text("/starts_at_local")?,
            moved.text("/starts_at_local")?
        ));
        let mail = self.mail(&candidate.email, "Your session has another time: backend").await?;
        println!("       To: {}\n       Subject: {}", mail.text("/to")?, mail.text("/subject")?);
        for line in mail.text("/text")?.lines().chain(mail.text("/calendar")?.lines()) {
            println!("       | {line}");
        }
        Ok(())
    }

    /// Who has a session: told to staff only.
    async fn seats<'a>(
        &self,
        reviewer: &Person,
        path: String,
        assessors: &'a [Assessor],
    ) -> Outcome<Session<'a>> {
        let seen = self.get(reviewer, &path).await?;
        let seat = |role: &str| {
            let hosts = seen.list("/hosts");
            let host = hosts.iter().find(|host| host["role"] == role).map(|host| host["account_id"].clone());
            known(assessors, &host.unwrap_or_default())
        };
        let (lead, observer, starts_at) = (seat("lead")?, seat("observer")?, seen.time("/starts_at")?);
        let zone = seen.text("/zone")?.parse().map_err(told)?;
        self.say(&format!(
            "the session is {} for the candidate, {} for {}, who leads, and {} for {}, who watches",
            wall(starts_at, zone),
            wall(starts_at, lead.zone),
            lead.person.login,
            wall(starts_at, observer.zone),
            observer.person.login
        ));
        Ok(Session { path, lead, observer, starts_at })
    }

    /// The session itself: checking in, two hours, its end.
    async fn held(&self, candidate: &Person, session: &Session<'_>) -> Outcome {
        let Session { path, lead, observer, starts_at } = session;
        self.move_clock(*starts_at - Duration::minutes(50)).await?;
        let reminder = self.mail(&candidate.email, "Your session begins soon: backend").await?;
        println!("       mail to {}: {}", reminder.text("/to")?, reminder.text("/subject")?);
        self.refused(candidate, Method::POST, &format!("{path}/check_in"), 409).await?;
        self.say(&format!("{} is too early to check in: 409", candidate.login));
        self.move_clock(*starts_at - Duration::minutes(10)).await?;
        for (who, state) in
            [(candidate, "booked"), (&lead.person, "checked_in"), (&observer.person, "checked_in")]
        {
            let there = self.post(who, &format!("{path}/check_in"), 200, Value::Null).await?;
            there.demand("/state", state)?;
            self.say(&format!("{} checks in: {state}", who.login));
        }
        self.move_clock(*starts_at).await?;
        let started = self.post(&lead.person, &format!("{path}/start"), 200, Value::Null).await?;
        started.demand("/state", "in_progress")?;
        self.say(&format!("{} begins the session", lead.person.login));
        self.move_clock(*starts_at + Duration::hours(2)).await?;
        let ended = self.post(&lead.person, &format!("{path}/end"), 200, Value::Null).await?;
        ended.demand("/state", "in_review")?;
        self.say(&format!("{} ends it: in_review, two cards are open", lead.person.login));
        Ok(())
    }

    /// Fills in somebody's card and submits it.
    async fn rated(&self, rater: &Person, path: &str, level: u8, recommendation: &str) -> Outcome {
        let card = format!("{path}/card");
        let seen = self.get(rater, &card).await?;
        let rating = json!({ "level": level, "evidence": "Seen in the session, as the notes say." });
        let criteria = self.criteria(rater).await?;
        let ratings: Map<String, Value> =
            criteria.iter().map(|criterion| (criterion.clone(), rating.clone())).collect();
        let content = json!({
            "ratings": ratings,
            "recommendation": recommendation,
            "summary": format!("On the whole at level {level}, on every criterion."),
        });
        let saved = self.patch(rater, &card, seen.etag.as_deref(), &content).await?;
        self.act(rater, &card, "submit", saved.etag.as_deref(), Value::Null).await?;
        self.say(&format!(
            "{} submits a card as {}: {} criteria at level {level}, {recommendation}",
            rater.login,
            seen.text("/role")?,
            ratings.len()
        ));
        Ok(())
    }

    async fn criteria(&self, reader: &Person) -> Outcome<Vec<String>> {
        let rubric = self.get(reader, "/v1/assessments/rubric").await?.list("/criteria");
        Ok(rubric.iter().map(|criterion| words(&criterion["name"])).collect())
    }

    /// Two cards that are far apart, blind to each other, and a third.
    async fn disagree(&self, session: &Session<'_>, reviewer: &Person, assessors: &[Assessor]) -> Outcome {
        let path = &session.path;
        let cards = format!("{path}/cards");
        let (lead, observer) = (&session.lead.person, &session.observer.person);
        let before = self.get(observer, &format!("{path}/card")).await?;
        self.rated(lead, path, 3, "yes").await?;
        let after = self.get(observer, &format!("{path}/card")).await?;
        if (&before.body, &before.etag) != (&after.body, &after.etag) {
            return Err(Failure("a rater's card tells of another's".to_owned()));
        }
        self.refused(observer, Method::GET, &cards, 403).await?;
        self.say(&format!("{} sees nothing of it: the own card as before, all cards 403", observer.login));
        let halfway = self.get(reviewer, &cards).await?;
        if halfway.body["cards"].as_array().is_none_or(|all| all.iter().any(|one| !one["content"].is_null()))
        {
            return Err(Failure(format!("a reviewer sees a card too early: {}", halfway.body)));
        }
        self.say(&format!("{} sees that a card is in, not what it says", reviewer.login));
        self.rated(observer, path, 1, "no").await?;
        let apart = self.get(reviewer, &cards).await?;
        apart.demand("/state", "adjudication")?;
        let third = known(assessors, &card_of(&apart, "third")["rater_id"])?;
        self.say(&format!("the cards are too far apart: {} is asked for a third", third.person.login));
        self.rated(&third.person, path, 3, "yes").await?;
        let all = self.get(reviewer, &cards).await?;
        self.say(&format!("{} sees all three, and the plain means:", reviewer.login));
        println!("       {}", all.body["means"]["by_criterion"]);
        self.say("and what they say once the raters' severity is taken out:");
        for score in all.body["scores"].as_array().into_iter().flatten() {
            println!(
                "       {}: {}, between {} and {} nine times in ten; at or above the pass line with probability {:.2}",
                score["scale"].as_str().unwrap_or_default(),
                score["score"],
                score["lower"],
                score["upper"],
                score["above_cut"].as_f64().unwrap_or_default()
            );
        }
        Ok(())
    }

    /// A reviewer's decision, and what the candidate is told.
    async fn decided(&self, candidate: &Person, reviewer: &Person, path: &str, outcome: &str) -> Outcome {
        let criteria = self.criteria(reviewer).await?;
        let feedback: Vec<Value> = criteria
            .iter()
            .map(|name| json!({ "criterion": name, "strength": "Clear names.", "next_step": "Smaller steps." }))
            .collect();
        let code = if outcome == "approved" { "meets_the_bar" } else { "verification" };
        let decision = json!({
            "outcome": outcome,
            "reason_codes": [code],
            "reason": "As the cards say it, taken together.",
            "feedback": feedback,
        });
        let seen = self.get(reviewer, &format!("{path}/cards")).await?;
        self.act(reviewer, path, "finalize", seen.etag.as_deref(), decision).await?;
        self.say(&format!("{} decides: {outcome}, {code}", reviewer.login));
        let told = self.get(candidate, &format!("{path}/outcome")).await?;
        told.demand("/outcome", outcome)?;
        self.say(&format!(
            "{} reads the feedback on {} criteria, such as: {}",
            candidate.login,
            told.list("/feedback").len(),
            told.body["feedback"][0]
        ));
        if outcome == "approved" {
            self.approved(candidate).await?;
        }
        Ok(())
    }

    async fn approved(&self, candidate: &Person) -> Outcome {
        let approval = self.get(candidate, "/v1/me/approval").await?;
        approval.demand("/state", "active")?;
        self.say(&format!("{} is approved: {}", candidate.login, approval.text("/id")?));
        Ok(())
    }

    /// An appeal that is rated anew and answered by others than before.
    async fn raised(
        &self,
        candidate: &Person,
        (first, second): (&Person, &Person),
        path: &str,
        assessors: &[Assessor],
    ) -> Outcome {
        let text = json!({ "text": "The failing test was the task's own; the last commit shows the fix." });
        let filed = self.post(candidate, &format!("{path}/appeal"), 201, text).await?;
        self.say(&format!(
            "{} appeals; the answer is due by {}",
            candidate.login,
            filed.text("/appeal/due_at")?
        ));
        let cards = self.get(first, &format!("{path}/cards")).await?;
        let rater = known(assessors, &card_of(&cards, "appeal")["rater_id"])?;
        self.refused(&rater.person, Method::GET, &format!("{path}/cards"), 403).await?;
        self.say(&format!("{}, who saw neither card and cannot see them, rates anew", rater.person.login));
        self.rated(&rater.person, path, 3, "yes").await?;
        let answer = json!({ "outcome": "raise", "reason": "The record shows the fix; it reaches the bar." });
        let seen = self.get(second, &format!("{path}/outcome")).await?;
        let answered = self.act(second, path, "answer_appeal", seen.etag.as_deref(), answer).await?;
        answered.demand("/outcome", "approved")?;
        self.say(&format!("{}, who did not decide, answers: the outcome is raised", second.login));
        self.approved(candidate).await
    }
}

fn words(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The card of a role.
fn card_of(cards: &Answer, role: &str) -> Value {
    cards.list("/cards").into_iter().find(|card| card["role"] == role).unwrap_or_default()
}
