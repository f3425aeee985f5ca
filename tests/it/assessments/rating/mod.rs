//! Ratings: blind cards, decisions, appeals, redos, integrity, and every clock of theirs.

mod appeals;
mod blind;
mod cards;
mod clocks;
mod decisions;
mod integrity;
mod races;
mod rights;

use assay_assessments::Assessments;
use assay_kernel::Permission;
use assay_kernel::ids::AssessmentId;
use assay_platform::db::Conn;
use assay_skills::Taxonomy;
use assay_vetting::Vetting;
use chrono::Duration;
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Answer, Person, TestApp};

/// The criteria of the rubric.
pub const CRITERIA: [&str; 10] = [
    "problem-decomposition",
    "correctness",
    "code-quality",
    "testing",
    "debugging",
    "design",
    "tool-fluency",
    "review-response",
    "communication",
    "planning",
];

/// An assessment whose session is over.
pub struct Over {
    /// Its path.
    pub path: String,
    /// Who was assessed.
    pub candidate: Person,
    /// The path of the application.
    pub application: String,
    /// The lead.
    pub lead: Person,
    /// The observer.
    pub observer: Person,
}

/// A whole card: the same level everywhere.
pub fn card(level: u8, recommendation: &str) -> Value {
    card_saying(level, recommendation, "plain words")
}

/// The same with a word to look for in every text.
pub fn card_saying(level: u8, recommendation: &str, word: &str) -> Value {
    let rating = json!({ "level": level, "evidence": format!("Seen at the keyboard: {word}.") });
    let ratings: serde_json::Map<String, Value> =
        CRITERIA.iter().map(|name| ((*name).to_owned(), rating.clone())).collect();
    json!({ "ratings": ratings, "recommendation": recommendation, "summary": format!("On the whole: {word}, and so on.") })
}

/// A decision.
pub fn decision(outcome: &str) -> Value {
    let feedback: Vec<Value> = CRITERIA
        .iter()
        .map(|name| json!({ "criterion": name, "strength": "Clear names.", "next_step": "Smaller steps." }))
        .collect();
    let code = if outcome == "approved" { "meets_the_bar" } else { "verification" };
    json!({ "outcome": outcome, "reason_codes": [code], "reason": "As both cards say it.", "feedback": feedback })
}

impl TestApp {
    /// The use cases, for what no operation does yet.
    pub async fn assessments(&self) -> Assessments {
        let ctx = self.ctx().clone();
        let taxonomy = Taxonomy::load(&ctx).await.expect("the taxonomy");
        let vetting = Vetting { ctx: ctx.clone(), taxonomy: taxonomy.clone() };
        let (ties, on_rated) = (assay_contracts::ties, assay_scoring::on_rated);
        Assessments::new(ctx, taxonomy, vetting, ties, on_rated).expect("the tasks read")
    }

    /// One value of one row.
    pub async fn one(&self, query: &str) -> String {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Text)]
            line: String,
        }
        let mut conn = Conn::establish(self.database_url()).await.expect("a connection");
        let row: Row = diesel::sql_query(format!("SELECT ({query})::text AS line"))
            .get_result(&mut conn)
            .await
            .expect("a row");
        row.line
    }

    /// Ends the session of a seated assessment and opens its cards.
    pub async fn end_session(&self, path: &str) {
        let id = path.rsplit('/').next().expect("an id").parse::<AssessmentId>().expect("an assessment's id");
        let (uuid, now) = (id.uuid(), self.now());
        self.sql(&format!(
            "UPDATE assessments SET state = 'in_review', started_at = timestamptz '{now}' - interval '2 hours',
                ended_at = '{now}', version = version + 3 WHERE id = '{uuid}'"
        ))
        .await
        .expect("the session is over");
        self.sql(&format!("UPDATE bookings SET state = 'completed' WHERE assessment_id = '{uuid}'"))
            .await
            .expect("over");
        self.sql(&format!(
            "UPDATE booking_hosts SET state = 'completed' WHERE booking_id IN
                (SELECT id FROM bookings WHERE assessment_id = '{uuid}')"
        ))
        .await
        .expect("over");
        let assessments = self.assessments().await;
        self.ctx()
            .db
            .tx(async |conn| {
                let row = assessments.assessment(conn, id).await?;
                assessments.rating_opens_in(conn, &row).await
            })
            .await
            .expect("the cards open");
    }

    /// A session that is over, of this candidate with these hosts.
    pub async fn over_with(&self, login: &str, lead: &str, observer: &str) -> Over {
        let (candidate, application) = self.ready(login).await;
        let (lead, observer) = (self.assessor(lead).await, self.assessor(observer).await);
        let starts_at = self.now() - Duration::hours(2);
        let path = self.seated(&candidate, &application, (&lead, &observer), starts_at).await;
        self.end_session(&path).await;
        Over { path, candidate, application: format!("/v1/applications/{application}"), lead, observer }
    }

    /// A session that is over.
    pub async fn over(&self) -> Over {
        self.over_with("dev-dora", "staff-ines", "staff-theo").await
    }

    /// Saves a card's content.
    pub async fn save_card(&self, rater: &Person, path: &str, content: &Value) -> Answer {
        let own = format!("{path}/card");
        let seen = self.get(&own).by(rater).expect(200).await;
        let call = self.patch(&own).by(rater).if_match(&seen.etag());
        call.body("application/merge-patch+json", content.to_string()).send().await
    }

    /// Fills in a card and submits it.
    pub async fn rate(&self, rater: &Person, path: &str, content: Value) -> Answer {
        let saved = self.save_card(rater, path, &content).await;
        saved.assert_status(200);
        let submit = self.post(&format!("{path}/card/submit")).by(rater).if_match(&saved.etag());
        submit.expect(200).await
    }

    /// Both cards.
    pub async fn both_rate(&self, over: &Over, lead: Value, observer: Value) {
        self.rate(&over.lead, &over.path, lead).await;
        self.rate(&over.observer, &over.path, observer).await;
    }

    /// A reviewer's act on an assessment, as it is seen in the list of its cards.
    pub async fn review(&self, reviewer: &Person, path: &str, verb: &str, body: Value) -> Answer {
        let seen = self.get(&format!("{path}/cards")).by(reviewer).expect(200).await;
        self.post(&format!("{path}/{verb}")).by(reviewer).if_match(&seen.etag()).json(body).send().await
    }

    /// Who has the card of a role.
    pub async fn rater_of(&self, path: &str, role: &str) -> Uuid {
        let id = path.rsplit('/').next().expect("an id").parse::<AssessmentId>().expect("an id").uuid();
        let query = format!(
            "SELECT rater_id FROM rating_cards WHERE assessment_id = '{id}' AND role = '{role}' AND state <> 'withdrawn'"
        );
        self.one(&query).await.parse().expect("a rater")
    }

    /// A reviewer who has no part in anything.
    pub async fn reviewer(&self) -> Person {
        self.staff("staff-sam", Permission::Reviewer).await
    }
}

impl TestApp {
    /// Gives an assessment that waits for a time hosts and a time that is over.
    pub async fn seat_redo(&self, path: &str, (lead, observer): (&Person, &Person)) {
        let id = path.rsplit('/').next().expect("an id").parse::<AssessmentId>().expect("an id").uuid();
        let (booking, start) = (self.ctx().ids.uuid(), self.now() - Duration::hours(3));
        let end = start + Duration::minutes(120);
        self.sql(&format!(
            "UPDATE assessments SET state = 'in_progress', starts_at = '{start}', ends_at = '{end}' WHERE id = '{id}'"
        ))
        .await
        .expect("a time");
        self.sql(&format!(
            "INSERT INTO bookings (id, assessment_id, candidate_id, state, starts_at, ends_at, created_at)
             SELECT '{booking}', id, candidate_id, 'completed', starts_at, ends_at, starts_at FROM assessments WHERE id = '{id}'"
        ))
        .await
        .expect("a booking");
        for (person, role) in [(lead, "lead"), (observer, "observer")] {
            self.sql(&format!(
                "INSERT INTO booking_hosts (booking_id, assessor_id, role, state, blocked, starts_at, ends_at, local_date, assigned_at)
                 VALUES ('{booking}', '{}', '{role}', 'completed', tstzrange('{start}', '{end}'), '{start}', '{end}', '{}', '{start}')",
                super::uuid_of(person),
                start.date_naive()
            ))
            .await
            .expect("a host");
        }
    }
}
