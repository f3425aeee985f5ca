//! The act of matching: a ranking and why, what keeps somebody out and what it would mean if it did not, a replay.

use std::time::Duration;

use serde_json::{Value, json};

use super::walk::{Answer, Person, Walk};
use crate::app::boot::{Failure, Outcome};

impl Walk<'_> {
    /// The client ranks; one developer changes; the first ranking is worked out again.
    pub(super) async fn matching(
        &self,
        client: &Person,
        developer: &Person,
        rival: &Person,
        project: &str,
    ) -> Outcome {
        for who in [developer, rival] {
            let skills = self.get(who, "/v1/portfolio/skills").await?;
            let mut all: Vec<Value> =
                skills.list("/data").iter().map(|skill| skill["slug"].clone()).collect();
            let claimed =
                ["rust", "postgresql"].into_iter().take(1 + usize::from(who.login == developer.login));
            for skill in claimed.map(Value::from) {
                if !all.contains(&skill) {
                    all.push(skill);
                }
            }
            self.put(who, "/v1/portfolio/skills", skills.etag.as_deref(), json!({ "skills": all })).await?;
            let free = json!({ "weekly_hours": 40, "rate_per_hour": { "amount": 6_000, "currency": "USD" } });
            self.put(who, "/v1/me/match_preferences", None, free).await?;
        }
        self.say("both developers say what they can do, that they ask $60 an hour, and have 40 hours a week");
        for who in [developer, rival] {
            self.own_match(who, project, |own| own["place"].is_number()).await?;
        }

        let path = format!("{project}/matches");
        let ranking = self.post(client, &path, 201, json!({ "depth": 10 })).await?;
        let id = ranking.text("/id")?;
        self.say(&format!("{} ranks developers for the project: {id}", client.login));
        tell(&ranking);

        let busy = json!({ "weekly_hours": 10, "rate_per_hour": { "amount": 6_000, "currency": "USD" } });
        self.put(rival, "/v1/me/match_preferences", None, busy).await?;
        let own = self.own_match(rival, project, |own| own["feasible"] == false).await?;
        self.say(&format!("{} has 10 hours a week left, and sees at once what that means:", rival.login));
        println!("       out: {}", words(&own["blockers"][0]["detail"]));
        println!("       counterfactual: {}", words(&own["counterfactual"]));

        let now = self.post(client, &path, 201, json!({ "depth": 10 })).await?;
        let count = |answer: &Answer| answer.list("/places").len();
        self.say(&format!(
            "{} ranks again: {} instead of {} fit",
            client.login,
            count(&now),
            count(&ranking)
        ));
        for missed in now.list("/near_misses") {
            println!("       {}", words(&missed["words"]));
        }
        let replay = self.post(client, &format!("/v1/matches/{id}/replay"), 200, Value::Null).await?;
        if replay.body["identical"] != true {
            return Err(Failure(format!("the replay should be identical: {}", replay.body)));
        }
        self.say("the first ranking is worked out again from what was kept: identical, bit by bit");
        Ok(())
    }

    /// How a developer stands to a project, once the columns have heard of it.
    async fn own_match(&self, who: &Person, project: &str, is: impl Fn(&Value) -> bool) -> Outcome<Value> {
        let id = project.rsplit('/').next().unwrap_or_default();
        let mut seen = Value::Null;
        for _ in 0..100 {
            let own = self.get(who, "/v1/me/matches").await?;
            let found = own.list("/data").into_iter().find(|own| own["project_id"] == id);
            seen = found.unwrap_or(own.body);
            if is(&seen) {
                return Ok(seen);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(Failure(format!("{} should stand otherwise: {seen}", who.login)))
    }
}

/// A ranking as a person reads it.
fn tell(ranking: &Answer) {
    for place in ranking.list("/places") {
        let why = &place["explanation"];
        println!("       {}. {}", place["place"], words(&place["developer"]["display_name"]));
        println!("          {}", words(&why["summary"]));
        for constraint in why["constraints"].as_array().into_iter().flatten() {
            println!("          passed: {}", words(&constraint["detail"]));
        }
        if why["counterfactual"].is_string() {
            println!("          {}", words(&why["counterfactual"]));
        }
    }
    for missed in ranking.list("/near_misses") {
        println!("       {}", words(&missed["words"]));
    }
}

fn words(value: &Value) -> &str {
    value.as_str().unwrap_or("–")
}
