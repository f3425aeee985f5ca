//! From the command line to a context: configuration, keys, database, migrations, seeds.

use std::fmt;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use assay_kernel::{Clock, Entropy, Error, IdSource};
use assay_platform::config::Config;
use assay_platform::crypto::Keyring;
use assay_platform::db::embedded::{self, Cluster, EmbeddedError, Running};
use assay_platform::db::{self, Db, PoolOptions, migrate};
use assay_platform::policy::{self, Policy};
use assay_platform::{Ctx, sandbox_clock};
use secrecy::{ExposeSecret, SecretString};

use super::domains;

/// The database's name in a cluster of our own.
const DATABASE: &str = "assay";

/// Why a command fails: one line for the person at the terminal.
#[derive(Debug)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error.chain())
    }
}

impl From<EmbeddedError> for Failure {
    fn from(error: EmbeddedError) -> Self {
        Self(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// What a command ends with.
pub type Outcome<T = ()> = Result<T, Failure>;

/// What the command line says for every command.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data folder.
    pub data_dir: PathBuf,
    /// A configuration file.
    pub file: Option<PathBuf>,
    /// Keys that the command line sets.
    pub overrides: Vec<(&'static str, String)>,
}

impl Options {
    /// The effective configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it, in one message.
    pub fn config(&self) -> Outcome<Config> {
        let data_dir = std::path::absolute(&self.data_dir)?;
        Ok(Config::load(self.file.as_deref(), &self.overrides, &data_dir)?)
    }
}

/// Where mails go that are not sent.
pub fn mail_folder(config: &Config) -> PathBuf {
    config.data_dir.join("mail")
}

/// The master keys: those given, else those of the data folder, made on the first start.
///
/// # Errors
/// When they cannot be read or kept.
pub fn keys(config: &Config, entropy: &Entropy) -> Outcome<Keyring> {
    if !config.secrets.master_keys.expose_secret().is_empty() {
        return Ok(Keyring::parse(&config.secrets.master_keys)?);
    }
    let folder = config.data_dir.join("secrets");
    let file = folder.join("master_keys");
    let told = |error: std::io::Error| {
        Failure(format!("the master keys {} cannot be used: {error}", file.display()))
    };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => SecretString::from(text.trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let fresh = Keyring::generate(entropy, "k1");
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(told)?;
            keep(&file, fresh.expose_secret()).map_err(told)?;
            // What is on disk counts: two processes may have come here together.
            SecretString::from(std::fs::read_to_string(&file).map_err(told)?.trim().to_owned())
        }
        Err(error) => return Err(told(error)),
    };
    Ok(Keyring::parse(&text).map_err(|error| format!("{}: {error}", file.display()))?)
}

/// Writes a whole file that only its owner can read, unless it exists.
fn keep(path: &Path, text: &str) -> std::io::Result<()> {
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&fresh, path);
    std::fs::remove_file(&fresh)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The database that a process works with.
#[derive(Debug)]
pub enum Database {
    /// A server that the operator gave.
    Given(SecretString),
    /// A cluster that this process runs.
    Own(Box<Cluster>),
    /// A cluster that another process of ours runs.
    Attached(Running),
}

impl Database {
    /// For a service: the given server, or a cluster of its own. Blocks.
    ///
    /// # Errors
    /// As the launcher tells it.
    pub fn start(config: &Config) -> Outcome<Self> {
        if !config.database.url.expose_secret().is_empty() {
            return Ok(Self::Given(config.database.url.clone()));
        }
        let cluster =
            Cluster::start(&embedded::Options { data_dir: config.data_dir.clone(), durable: true })?;
        create_database(&cluster.url("postgres"))?;
        Ok(Self::Own(Box::new(cluster)))
    }

    /// For a tool: as for a service, but a cluster that already runs on the data folder is used. Blocks.
    ///
    /// # Errors
    /// As the launcher tells it.
    pub fn reach(config: &Config) -> Outcome<Self> {
        if config.database.url.expose_secret().is_empty()
            && let Some(running) = embedded::attach(&config.data_dir)?
        {
            return Ok(Self::Attached(running));
        }
        Self::start(config)
    }

    /// Its URL.
    pub fn url(&self) -> String {
        match self {
            Self::Given(url) => url.expose_secret().to_owned(),
            Self::Own(cluster) => cluster.url(DATABASE),
            Self::Attached(running) => running.url(DATABASE),
        }
    }

    /// Lines for the person who started the service.
    pub fn notes(&self) -> &[String] {
        match self {
            Self::Own(cluster) => cluster.notes(),
            Self::Given(_) | Self::Attached(_) => &[],
        }
    }

    /// Stops it, if it is ours. Blocks.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(self) -> Outcome {
        if let Self::Own(cluster) = self {
            cluster.stop()?;
        }
        Ok(())
    }
}

/// Makes the service's database in a fresh cluster.
fn create_database(url: &str) -> Outcome {
    Ok(migrate::create_database(url, DATABASE)?)
}

/// A clock, ids and randomness that belong together; one for each process.
#[derive(Clone, Debug)]
pub struct Origins {
    /// The clock.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// The keys.
    pub keys: Arc<Keyring>,
    /// The policy in force.
    pub policy: Arc<Policy>,
}

impl Origins {
    /// Of the system, with the configured keys.
    ///
    /// # Errors
    /// When the keys cannot be read or made.
    pub fn of(config: &Config) -> Outcome<Self> {
        let entropy = Entropy::system();
        let policy =
            Policy::shipped().map_err(|error| format!("config/policy.toml cannot be used: {error}"))?;
        Ok(Self {
            clock: Clock::system(),
            keys: Arc::new(keys(config, &entropy)?),
            entropy,
            policy: Arc::new(policy),
        })
    }
}

/// A context with pools of its own; `connections` is for each thread.
pub fn context(config: &Arc<Config>, origins: &Origins, url: &str, connections: u32) -> Ctx {
    let options = PoolOptions {
        size: connections,
        statement_timeout: Duration::from_secs(config.database.statement_seconds),
    };
    Ctx {
        db: Db::new(url, options),
        clock: origins.clock.clone(),
        ids: IdSource::new(origins.clock.clone(), origins.entropy.clone()),
        entropy: origins.entropy.clone(),
        keys: origins.keys.clone(),
        policy: origins.policy.clone(),
        config: config.clone(),
    }
}

/// Follows the sandbox's clock and writes what the domains need to begin with. The schema must be there.
///
/// # Errors
/// Whatever the database or a domain fails with.
pub async fn prepare(ctx: &Ctx) -> Outcome {
    ctx.db
        .tx(async |conn| {
            db::advisory_lock(conn, db::LOCK_MIGRATE).await?;
            if !ctx.config.is_production() {
                sandbox_clock::follow(ctx, conn).await?;
            }
            policy::record(ctx, conn).await
        })
        .await?;
    Ok(domains::seed(ctx).await?)
}
