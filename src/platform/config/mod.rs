//! Configuration: defaults, then the profile's file, then the operator's file, then `ASSAY_<SECTION>__<KEY>`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use assay_kernel::string_enum;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::db::connect::Target;
use crate::rate_limit::Limits;
use crate::telemetry::LogFormat;

const DEFAULT: &str = include_str!("../../../config/default.toml");
const SANDBOX: &str = include_str!("../../../config/sandbox.toml");
const PRODUCTION: &str = include_str!("../../../config/production.toml");

string_enum! {
    /// What the service is run for.
    pub enum Profile {
        /// Trying, developing, testing: providers may be sandboxed, the clock may be moved.
        Sandbox = "sandbox",
        /// Real people and money.
        Production = "production",
    }
}

/// The effective configuration. `config/default.toml` explains every key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Config {
    pub profile: Profile,
    pub server: ServerConfig,
    pub metrics: MetricsConfig,
    pub log: LogConfig,
    pub database: DatabaseConfig,
    pub github: GithubConfig,
    pub stripe: StripeConfig,
    pub sites: SitesConfig,
    pub mail: MailConfig,
    pub assessments: AssessmentsConfig,
    pub secrets: SecretsConfig,
    pub auth: AuthConfig,
    pub rate_limit: Limits,
    /// Where the service keeps its files; from the command line.
    #[serde(default)]
    pub data_dir: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ServerConfig {
    pub host: String,
    pub port: u16,
    pub threads: usize,
    pub public_url: String,
    pub trusted_proxies: Vec<IpAddr>,
    pub cors_origins: Vec<String>,
    pub drain_seconds: u64,
    pub body_limit: usize,
    pub body_seconds: u64,
    pub worker: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct MetricsConfig {
    pub host: String,
    pub port: u16,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct LogConfig {
    pub format: LogFormat,
    pub filter: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct DatabaseConfig {
    pub url: SecretString,
    pub api_connections: u32,
    pub worker_connections: u32,
    pub statement_seconds: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct GithubConfig {
    pub client_id: String,
    pub client_secret: SecretString,
    pub web_base: String,
    pub api_base: String,
    pub sandbox_port: u16,
    pub sandbox_profiles: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct StripeConfig {
    pub secret_key: SecretString,
    pub api_base: String,
    pub webhook_secrets: Vec<SecretString>,
    pub connect_webhook_secrets: Vec<SecretString>,
    pub sandbox_port: u16,
    pub sandbox_webhook_url: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct SitesConfig {
    pub trusted: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct MailConfig {
    pub smtp_url: SecretString,
    pub from: String,
    pub tls_ca: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct AssessmentsConfig {
    pub video_url: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct SecretsConfig {
    pub master_keys: SecretString,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct AuthConfig {
    pub session_idle_hours: i64,
    pub session_absolute_hours: i64,
    pub access_token_seconds: i64,
    pub refresh_token_days: i64,
    pub staff_second_factor: bool,
}

/// Reads data that ships with this version of the service (a test holds that each file reads).
///
/// # Errors
/// When the text is not of the type.
pub fn shipped<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Box<figment::Error>> {
    Figment::from(Toml::string(text)).extract().map_err(Box::new)
}

/// Keys whose values are never shown.
const SECRET_KEYS: &[&str] = &[
    "database.url",
    "github.client_secret",
    "stripe.secret_key",
    "stripe.webhook_secrets",
    "stripe.connect_webhook_secrets",
    "mail.smtp_url",
    "secrets.master_keys",
];

impl Config {
    /// Reads the configuration. `overrides` come from the command line and win.
    ///
    /// # Errors
    /// One message for everything that is wrong, naming keys but no secrets.
    pub fn load(file: Option<&Path>, overrides: &[(&str, String)], data_dir: &Path) -> Result<Self, String> {
        let figment = Self::figment(file, overrides)?;
        let mut config: Config = figment.extract().map_err(|error| {
            let faults: Vec<String> = error.into_iter().map(|fault| fault.to_string()).collect();
            format!("the configuration is not usable: {}", faults.join("; "))
        })?;
        config.data_dir = data_dir.to_owned();
        config.check()?;
        Ok(config)
    }

    fn figment(file: Option<&Path>, overrides: &[(&str, String)]) -> Result<Figment, String> {
        let with_file = |mut figment: Figment| -> Result<Figment, String> {
            if let Some(file) = file {
                if !file.is_file() {
                    return Err(format!("there is no configuration file {}", file.display()));
                }
                figment = figment.merge(Toml::file_exact(file));
            }
            // The launcher and the database tools have variables of their own under the same prefix.
            figment =
                figment.merge(Env::prefixed("ASSAY_").split("__").filter(|key| {
                    key == "profile" || key.as_str().contains("__") || key.as_str().contains('.')
                }));
            for (key, value) in overrides {
                let parsed: figment::value::Value =
                    value.parse().map_err(|_| format!("the value of {key} cannot be read"))?;
                figment = figment.merge(Serialized::default(key, parsed));
            }
            Ok(figment)
        };
        let first = with_file(Figment::from(Toml::string(DEFAULT)))?;
        let profile: Profile = first.extract_inner("profile").map_err(|error| format!("profile: {error}"))?;
        let of_profile = match profile {
            Profile::Sandbox => SANDBOX,
            Profile::Production => PRODUCTION,
        };
        with_file(Figment::from(Toml::string(DEFAULT)).merge(Toml::string(of_profile)))
    }

    /// What may not be: all faults at once.
    fn check(&self) -> Result<(), String> {
        let mut faults = Vec::new();
        let url_fault = self.database_fault();
        faults.extend(url_fault.as_deref());
        if self.is_production() {
            let given = |secret: &SecretString| !secret.expose_secret().is_empty();
            if !given(&self.database.url) {
                faults.push(
                    "database.url must be given in production (the embedded cluster is for one machine)",
                );
            }
            if self.sandbox_github() {
                faults.push("github.client_id and github.client_secret must be given in production");
            }
            if !self.github.api_base.starts_with("https://") || !self.github.web_base.starts_with("https://")
            {
                faults.push("github.api_base and github.web_base must be https in production");
            }
            if self.sandbox_stripe() {
                faults.push("stripe.secret_key must be given in production");
            }
            let signed = |secrets: &[SecretString]| !secrets.is_empty() && secrets.iter().all(given);
            if !signed(&self.stripe.webhook_secrets) || !signed(&self.stripe.connect_webhook_secrets) {
                faults.push(
                    "stripe.webhook_secrets and stripe.connect_webhook_secrets must be given in production",
                );
            }
            if !self.stripe.api_base.starts_with("https://") {
                faults.push("stripe.api_base must be https in production");
            }
            if !self.sites.trusted.is_empty() {
                faults.push("sites.trusted must be empty in production");
            }
            if self.sandbox_mail() {
                faults.push("mail.smtp_url must be given in production");
            }
            if self.mail.from.contains(".invalid") {
                faults.push("mail.from must be a real address in production");
            }
            if !given(&self.secrets.master_keys) {
                faults.push("secrets.master_keys must be given in production");
            }
            if !self.server.public_url.starts_with("https://") {
                faults.push("server.public_url must be an https URL in production");
            }
        }
        let video = &self.assessments.video_url;
        let usable = video.starts_with("https://") && video.contains("{assessment}");
        if !video.is_empty() && !usable {
            faults.push("assessments.video_url must be an https URL with {assessment} in it");
        }
        if !(60..=600).contains(&self.auth.access_token_seconds) {
            faults.push("auth.access_token_seconds must be between 60 and 600");
        }
        if self.database.api_connections == 0 || self.database.worker_connections == 0 {
            faults.push("database.api_connections and database.worker_connections must be at least 1");
        }
        if self.rate_limit.default == 0 || self.rate_limit.search == 0 || self.rate_limit.sign_in == 0 {
            faults.push("rate_limit values must be at least 1");
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(format!("the configuration is not usable: {}", faults.join("; ")))
        }
    }

    /// Why `database.url` cannot be used, if it cannot.
    fn database_fault(&self) -> Option<String> {
        let url = self.database.url.expose_secret();
        if url.is_empty() {
            return None;
        }
        match Target::parse(url) {
            Err(fault) => Some(format!("database.url: {fault}")),
            Ok(target) if self.is_production() && target.is_careless() => Some(
                "database.url is on another machine, so it must say sslmode=verify-full (or disable) in production"
                    .to_owned(),
            ),
            Ok(_) => None,
        }
    }

    /// Real people and money?
    pub fn is_production(&self) -> bool {
        self.profile == Profile::Production
    }

    /// Is GitHub sandboxed?
    pub fn sandbox_github(&self) -> bool {
        self.github.client_id.is_empty() || self.github.client_secret.expose_secret().is_empty()
    }

    /// Is Stripe sandboxed?
    pub fn sandbox_stripe(&self) -> bool {
        self.stripe.secret_key.expose_secret().is_empty()
    }

    /// Does mail go to files?
    pub fn sandbox_mail(&self) -> bool {
        self.mail.smtp_url.expose_secret().is_empty()
    }

    /// The URL under which people reach the service, without a trailing slash.
    pub fn public_url(&self) -> String {
        if self.server.public_url.is_empty() {
            return format!("http://{}:{}", self.server.host, self.server.port);
        }
        self.server.public_url.trim_end_matches('/').to_owned()
    }

    /// Every key with its effective value, secrets masked: `(key, value, variable)`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn describe(
        file: Option<&Path>,
        overrides: &[(&str, String)],
    ) -> Result<Vec<(String, String, String)>, String> {
        let value: serde_json::Value =
            Self::figment(file, overrides)?.extract().map_err(|error| error.to_string())?;
        let mut rows = Vec::new();
        flatten("", &value, &mut rows);
        Ok(rows
            .into_iter()
            .map(|(key, value)| {
                let variable = format!("ASSAY_{}", key.to_uppercase().replace('.', "__"));
                let given = !matches!(value.as_str(), "\"\"" | "[]");
                let masked = SECRET_KEYS.contains(&key.as_str()) && given;
                (key, if masked { "********".to_owned() } else { value }, variable)
            })
            .collect())
    }

    /// `config/README.md`: every key, its variable, its default and its meaning, from `config/default.toml`.
    pub fn readme() -> String {
        let mut out = String::from(
            "# Configuration\n\nGenerated from `default.toml` by `assay config --markdown`; a test holds it fresh. Later wins: \
             `default.toml`, the profile's file, `--config FILE`, the variables, the command line.\n\n\
             | key | variable | default | meaning |\n|---|---|---|---|\n",
        );
        let mut section = String::new();
        let mut meaning = String::new();
        for line in DEFAULT.lines().skip(1) {
            if let Some(comment) = line.strip_prefix("# ") {
                if !meaning.is_empty() {
                    meaning.push(' ');
                }
                meaning.push_str(&comment.replace('|', "\\|"));
            } else if let Some(name) = line.strip_prefix('[') {
                section = format!("{}.", name.trim_end_matches(']'));
                meaning.clear();
            } else if let Some((key, value)) = line.split_once(" = ") {
                let key = format!("{section}{key}");
                let variable = format!("ASSAY_{}", key.to_uppercase().replace('.', "__"));
                out.push_str(&format!("| `{key}` | `{variable}` | `{value}` | {meaning} |\n"));
            } else {
                meaning.clear();
            }
        }
        out
    }
}

fn flatten(prefix: &str, value: &serde_json::Value, rows: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(&key, value, rows);
            }
        }
        other => rows.push((prefix.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_usable_and_production_is_refused_with_every_reason() {
        let config = Config::load(None, &[], Path::new("x")).unwrap();
        assert!(config.sandbox_github() && config.sandbox_stripe() && config.sandbox_mail());
        assert!(!config.is_production());
        let refused = Config::load(None, &[("profile", "production".into())], Path::new("x")).unwrap_err();
        for key in [
            "database.url",
            "github.client_id",
            "stripe.secret_key",
            "stripe.webhook_secrets",
            "mail.smtp_url",
            "secrets.master_keys",
            "server.public_url",
        ] {
            assert!(refused.contains(key), "{refused}");
        }
    }

    #[test]
    fn production_must_say_how_a_distant_database_is_protected() {
        let refused = |url: &str, profile: &str| {
            let overrides = [("profile", profile.to_owned()), ("database.url", url.to_owned())];
            Config::load(None, &overrides, Path::new("x")).err().unwrap_or_default()
        };
        let (bare, full) = ("postgres://u@db.example/a", "postgres://u@db.example/a?sslmode=verify-full");
        assert!(refused(bare, "production").contains("must say sslmode"));
        assert!(!refused(full, "production").contains("database.url"));
        assert!(!refused("postgres://u@localhost/a", "production").contains("database.url"));
        assert_eq!(refused(bare, "sandbox"), "");
        assert!(refused("postgres://u@db.example/a?sslmode=prefer", "sandbox").contains("prefer and allow"));
    }

    #[test]
    fn unknown_keys_are_refused() {
        let error = Config::load(None, &[("server.prot", "1".into())], Path::new("x")).unwrap_err();
        assert!(error.contains("prot"), "{error}");
    }

    #[test]
    fn secrets_are_masked() {
        let rows = Config::describe(None, &[("secrets.master_keys", "k1:AAAA".into())]).unwrap();
        let shown = rows.iter().find(|(key, _, _)| key == "secrets.master_keys").unwrap();
        assert_eq!(shown.1, "********");
        assert!(
            rows.iter().any(|(key, _, variable)| key == "server.port" && variable == "ASSAY_SERVER__PORT")
        );
    }
}
