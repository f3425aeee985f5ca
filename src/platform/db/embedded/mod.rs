//! A private PostgreSQL: one cluster per data folder, started and stopped with the service.
//!
//! It listens on a Unix socket only, in a folder that belongs to the user it runs as and that nobody else can enter,
//! which is why it asks for no password. Root cannot run PostgreSQL, so as root it runs as `postgres` or `nobody`.
//! All calls block.
//!
//! | file in the data folder | what it is |
//! |---|---|
//! | `lock` | held (`flock`) by the owner, with its process id |
//! | `postgres/` | the cluster: `data`, `postgres.log` and the socket |
//! | `postgres.endpoint` | where [`attach`] finds a running cluster |

mod account;
mod binaries;
mod deadline;
mod endpoint;
mod error;
mod layout;
mod lock;
mod postmaster;
mod watchdog;
mod wheel;

#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use self::account::Account;
use self::binaries::Binaries;
pub use self::endpoint::{Running, attach};
pub use self::error::EmbeddedError;
use self::layout::Layout;
use self::lock::DataLock;
use self::postmaster::Postmaster;
use self::watchdog::Watchdog;

/// The superuser of the cluster, and the only role until somebody makes another.
const USER: &str = "assay";

/// How to run a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The data folder of the service; made if it is missing.
    pub data_dir: PathBuf,
    /// Whether a commit survives a crash of the machine or of the server; false only for data that is thrown away
    /// (even a killed postmaster then loses the last commits).
    pub durable: bool,
}

/// A running cluster that this process owns. Dropping it stops it.
#[derive(Debug)]
pub struct Cluster {
    options: Options,
    layout: Layout,
    binaries: Binaries,
    /// `None` once stopped.
    owned: Option<Owned>,
}

/// What the owner holds while the cluster runs.
#[derive(Debug)]
struct Owned {
    postmaster: Postmaster,
    /// Only for a throw-away cluster.
    watchdog: Option<Watchdog>,
    lock: DataLock,
}

impl Cluster {
    /// Starts the cluster of a data folder, which is made on the first start.
    ///
    /// A postmaster left behind by a killed owner is stopped first, and a crashed one recovers.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::InUse`] if another process runs it; otherwise what was missing or failed.
    pub fn start(options: &Options) -> Result<Self, EmbeddedError> {
        Self::start_watched(options, false)
    }

    fn start_watched(options: &Options, throw_away: bool) -> Result<Self, EmbeddedError> {
        let data_dir = layout::make_data_dir(&options.data_dir)?;
        let lock = DataLock::acquire(&data_dir)?;
        endpoint::remove(&data_dir);
        let layout = Layout::choose(&data_dir)?;
        let watchdog = if throw_away { Some(Watchdog::spawn(&layout)?) } else { None };
        let binaries = binaries::find(&layout)?;
        if layout.major()?.is_none() {
            postmaster::initdb(&layout, &binaries, options.durable)?;
        }
        let postmaster = Postmaster::start(&layout, &binaries, options)?;
        let cluster = Self {
            options: options.clone(),
            layout,
            binaries,
            owned: Some(Owned { postmaster, watchdog, lock }),
        };
        endpoint::write(&cluster.layout.data_dir, &cluster.running())?;
        tracing::info!(
            version = %cluster.binaries.version,
            home = %cluster.layout.home.display(),
            "private PostgreSQL is running"
        );
        Ok(cluster)
    }

    /// The URL of a database of this cluster, in the form that `tokio-postgres` and `libpq` read. `postgres` always
    /// exists.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        endpoint::url(&self.layout.socket_dir, database)
    }

    /// The folder of `postgres`; most installations also have `psql` and `pg_dump` there.
    #[must_use]
    pub fn bin_dir(&self) -> &Path {
        &self.binaries.bin_dir
    }

    /// The data folder, by its canonical path.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.layout.data_dir
    }

    /// Lines for the person who started the service, such as where the cluster lives and why.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.layout.notes
    }

    /// Starts the server again if its process is gone; true if it had to.
    ///
    /// # Errors
    ///
    /// As for [`Cluster::start`].
    pub fn ensure_running(&mut self) -> Result<bool, EmbeddedError> {
        let Some(owned) = self.owned.as_mut() else { return Ok(false) };
        if owned.postmaster.is_alive() {
            return Ok(false);
        }
        tracing::warn!("private PostgreSQL is gone, starting it again");
        owned.postmaster = Postmaster::start(&self.layout, &self.binaries, &self.options)?;
        Ok(true)
    }

    /// Shuts the cluster down and waits for it: sessions are ended, their open transactions rolled back.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::Stop`] if the server does not end.
    pub fn stop(mut self) -> Result<(), EmbeddedError> {
        self.shut_down()
    }

    fn shut_down(&mut self) -> Result<(), EmbeddedError> {
        let Some(mut owned) = self.owned.take() else { return Ok(()) };
        endpoint::remove(&self.layout.data_dir);
        owned.postmaster.stop()?;
        if let Some(watchdog) = owned.watchdog {
            watchdog.release();
            for folder in self.layout.folders() {
                let _may_be_inside_another = fs::remove_dir_all(folder);
            }
        }
        drop(owned.lock);
        Ok(())
    }

    fn running(&self) -> Running {
        Running { socket_dir: self.layout.socket_dir.clone(), bin_dir: self.binaries.bin_dir.clone() }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.shut_down() {
            tracing::warn!(%error, "private PostgreSQL did not stop");
        }
    }
}

/// Starts a cluster in a new temp folder, for tests: not durable, removed when it is stopped or dropped, and also when
/// this process ends without doing either.
///
/// # Errors
///
/// As for [`Cluster::start`].
pub fn start_throwaway() -> Result<Cluster, EmbeddedError> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let account = Account::of_process()?;
    let root = layout::temp_roots(&account).next().ok_or_else(|| {
        EmbeddedError::folder(&std::env::temp_dir(), format!("{} cannot reach it", account.name))
    })?;
    let data_dir = loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = root.join(format!("assay-throwaway-{}-{count}", std::process::id()));
        match layout::create_data_dir(&dir) {
            Ok(()) => break dir,
            // Left by an older process with this id.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(EmbeddedError::io("make the folder", &dir)(error)),
        }
    };
    Cluster::start_watched(&Options { data_dir, durable: false }, true)
}
