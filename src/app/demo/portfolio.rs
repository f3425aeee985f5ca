//! The act of the portfolio: consent and import.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::walk::{Person, Walk, right};
use crate::app::boot::{Failure, Outcome};

impl Walk<'_> {
    /// The public work on GitHub, with its progress.
    pub(super) async fn import(&self, developer: &Person) -> Outcome {
        let consents = self.get(developer, "/v1/me/consents").await?.body;
        let consents = consents["data"].as_array().cloned().unwrap_or_default();
        let vetting = consents.iter().find(|consent| consent["kind"] == "vetting");
        let version = vetting.map(|consent| consent["current_version"].clone()).unwrap_or_default();
        let put =
            self.send(Method::PUT, developer, "/v1/me/consents/vetting", None, json!({ "version": version }));
        right(put.await?, 200).await?;
        self.say(&format!("{} consents to vetting, version {version}", developer.login));
        let asked = self.post(developer, "/v1/portfolio/imports", 202, Value::Null).await?;
        let import = format!("/v1/portfolio/imports/{}", asked.text("/id")?);
        self.say(&format!("{} asks for an import from GitHub: {}", developer.login, asked.text("/id")?));
        let mut shown = String::new();
        // Half a minute; the import of this person takes about a second.
        for _ in 0..300 {
            let now = self.get(developer, &import).await?;
            let (state, step) = (now.text("/state")?, now.text("/step")?);
            let progress = format!("step {} of {}, {step}", now.body["step_number"], now.body["steps"]);
            if progress != shown {
                println!("       {progress}; so far {}", now.body["counts"]);
                shown = progress;
            }
            match state.as_str() {
                "completed" => {
                    self.say(&format!("the import is complete after {} requests", now.body["requests"]));
                    return Ok(());
                }
                "failed" => return Err(Failure(format!("the import failed: {}", now.body))),
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        Err(Failure("the import did not end".to_owned()))
    }
}
