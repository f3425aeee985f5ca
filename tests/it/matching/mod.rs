//! Matching: rankings with reasons, near misses, exposure, exclusions, replays, invitations, what developers see of it.

mod columns;
mod exposure;
mod invitations;
mod mine;
mod rankings;
mod staff;

use assay_kernel::Permission;
use assay_kernel::ids::AccountId;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use crate::harness::{Answer, Person, TestApp};
use crate::market::complete_with;

/// A developer made for a test, beside the personas.
pub struct Made {
    pub id: String,
    pub cookie: String,
}

/// What a developer is given.
#[derive(Clone)]
pub struct Given {
    /// Skills: slug, and merged pull requests that show it (five and more lift its level by one).
    pub skills: Vec<(&'static str, i32)>,
    /// Dollars an hour.
    pub rate: i64,
    /// Hours a week.
    pub hours: i32,
    pub zone: &'static str,
}

impl Default for Given {
    fn default() -> Self {
        Self { skills: vec![("rust", 0)], rate: 60, hours: 40, zone: "Europe/Copenhagen" }
    }
}

/// A listed project that wants Rust, pays $75 an hour and takes 19 hours a week from the first of March.
pub async fn listed(app: &TestApp, client: &Person, title: &str, changes: Value) -> String {
    let project = app.listed(client, complete_with(title, changes)).await;
    format!("/v1/projects/{}", project["id"].as_str().expect("an id"))
}

impl TestApp {
    /// Approved developers with these skills, rates, hours and zones.
    pub async fn pool(&self, given: &[Given]) -> Vec<Made> {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static FIRST: AtomicUsize = AtomicUsize::new(0);
        let people =
            self.crowd_from(FIRST.fetch_add(given.len(), Ordering::Relaxed) + 5_000, given.len()).await;
        let mut conn = self.ctx().db.get().await.expect("a connection");
        for ((id, _), given) in people.iter().zip(given) {
            let uuid = id.parse::<AccountId>().expect("an id").uuid();
            let mut statements = vec![
                format!("UPDATE accounts SET time_zone = '{}' WHERE id = '{uuid}'", given.zone),
                format!(
                    "UPDATE applications SET rate_amount = {}, rate_currency = 'USD', hours_per_week = {} WHERE id = '{uuid}'",
                    given.rate * 100,
                    given.hours
                ),
                format!(
                    "INSERT INTO events (id, kind, subject, data, audience, occurred_at)
                     VALUES (gen_random_uuid(), 'account.updated', '{id}', '{{}}', '{{}}', now())"
                ),
            ];
            statements.extend(given.skills.iter().map(|(skill, merged)| {
                format!(
                    "INSERT INTO portfolio_skills (account_id, skill, derived, claimed, removed, pull_requests, updated_at)
                     VALUES ('{uuid}', '{skill}', true, false, false, {merged}, now())"
                )
            }));
            for statement in statements {
                diesel::sql_query(statement).execute(&mut conn).await.expect("a developer's part");
            }
        }
        self.columns_are_fresh().await;
        people.into_iter().map(|(id, cookie)| Made { id, cookie }).collect()
    }

    /// Waits until the columns have heard of every event; answers how long that took.
    pub async fn columns_are_fresh(&self) -> std::time::Duration {
        self.work().await;
        let curator = self.staff("staff-sam", Permission::Curator).await;
        self.work().await;
        let started = std::time::Instant::now();
        loop {
            let last = self.number("SELECT last_seq AS n FROM event_cursor").await;
            let status = self.get("/v1/matches/status").by(&curator).expect(200).await;
            let day = status.at("/built_at").as_str().map(|at| at[..10].to_owned());
            let today = self.now().date_naive().to_string();
            if status.at("/ready") == true && status.at("/snapshot_version") == last && day == Some(today) {
                return started.elapsed();
            }
            assert!(started.elapsed().as_secs() < 20, "{status}, the last event is {last}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// A ranking of all fifty places.
    pub async fn ranked(&self, client: &Person, project: &str) -> Answer {
        self.post(&format!("{project}/matches")).by(client).json(json!({ "depth": 50 })).expect(201).await
    }
}

/// Whom a ranking shows, in order.
pub fn shown(ranking: &Answer) -> Vec<String> {
    let places = ranking.at("/places");
    let id = |place: &Value| place["developer"]["id"].as_str().expect("a developer").to_owned();
    places.as_array().expect("places").iter().map(id).collect()
}

/// Their ids, sorted.
pub fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}
