//! Portfolios: import, items, signals, signs of gaming, challenges, skills.

mod challenges;
mod imports;
mod items;
mod kill;
mod personas;
mod skills;
mod trouble;

use serde_json::{Value, json};

use crate::harness::{Answer, Person, TestApp};

/// Longer than the pause between two imports.
pub const PAUSE: std::time::Duration = std::time::Duration::from_secs(3_700);

impl TestApp {
    /// Imports a person's work and gives the import as it ended.
    pub async fn import(&self, person: &Person) -> Answer {
        let asked = self.post("/v1/portfolio/imports").by(person).expect(202).await;
        self.work().await;
        self.get(asked.header("location").expect("a location")).by(person).expect(200).await
    }

    /// The same, and it must have been completed.
    pub async fn imported(&self, person: &Person) -> Answer {
        let import = self.import(person).await;
        assert_eq!(import.text_at("/state"), "completed", "{import}");
        import
    }

    /// All items of a person, by all pages.
    pub async fn items(&self, person: &Person, filter: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/v1/portfolio/items?limit=100{filter}{cursor}");
            let page = self.get(&path).by(person).expect(200).await;
            items.extend(page.at("/data").as_array().expect("items").iter().cloned());
            match page.at("/next_cursor").as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }

    /// Tells the sandbox GitHub something.
    pub async fn github(&self, path: &str, order: Value) {
        let url = self.github.base_url().join(path).expect("a URL");
        let answer = self.http.post(url).json(&order).send().await.expect("the sandbox answers");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }

    /// What the sandbox GitHub was asked since the last time, by path.
    pub async fn asked(&self) -> (u64, Value) {
        let url = self.github.base_url().join("/_sandbox/requests").expect("a URL");
        let seen: Value = self.http.get(url).send().await.expect("answers").json().await.expect("JSON");
        self.github("/_sandbox/reset", json!({})).await;
        (seen["total"].as_u64().expect("a number"), seen["by_path"].clone())
    }

    /// Events that a person can read, by kind.
    pub async fn events_of(&self, person: &Person, kind: &str) -> Vec<Value> {
        let events = self.get("/v1/events?limit=100").by(person).expect(200).await;
        let events = events.at("/data").as_array().expect("events").clone();
        events.into_iter().filter(|event| event["type"] == kind || event["kind"] == kind).collect()
    }
}

/// A signal of a portfolio by its name.
pub fn signal(portfolio: &Answer, name: &str) -> Value {
    let signals = portfolio.at("/signals/signals");
    let found = signals.as_array().expect("signals").iter().find(|signal| signal["name"] == name);
    found.unwrap_or_else(|| panic!("no signal {name}")).clone()
}

/// A staff member who reviews.
pub async fn reviewer(app: &TestApp) -> Person {
    app.staff("staff-sam", assay_kernel::Permission::Reviewer).await
}

/// The codes of the signs of gaming that a reviewer sees.
pub async fn flags(app: &TestApp, reviewer: &Person, person: &Person) -> Vec<String> {
    let path = format!("/v1/developers/{}/portfolio", person.id);
    let seen = app.get(&path).by(reviewer).expect(200).await;
    let flags = seen.at("/flags");
    let mut codes: Vec<String> = flags
        .as_array()
        .expect("flags")
        .iter()
        .map(|f| f["code"].as_str().expect("a code").to_owned())
        .collect();
    codes.dedup();
    codes
}
