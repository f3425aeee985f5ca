//! How other processes find a running cluster: a small file in the data folder.

use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::USER;
use super::deadline::Deadline;
use super::error::EmbeddedError;
use super::{lock, postmaster};

/// How long a cluster that is just starting is waited for; a first start takes about a second.
const PATIENCE: Duration = Duration::from_secs(20);

/// A cluster that another process owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    pub(super) socket_dir: PathBuf,
    pub(super) bin_dir: PathBuf,
}

impl Running {
    /// The URL of a database of this cluster.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        url(&self.socket_dir, database)
    }

    /// The folder of `postgres`; most installations also have `psql` and `pg_dump` there.
    #[must_use]
    pub fn bin_dir(&self) -> &Path {
        &self.bin_dir
    }
}

/// Finds the cluster that a running process owns on this data folder; `None` if nobody does. Waits for one that is
/// just starting.
///
/// # Errors
///
/// [`EmbeddedError::InUse`] if the folder has an owner but its cluster does not answer; or a file that cannot be read.
pub fn attach(data_dir: &Path) -> Result<Option<Running>, EmbeddedError> {
    let deadline = Deadline::after(PATIENCE);
    while lock::is_held(data_dir)? {
        if let Some(running) =
            read(data_dir).filter(|running| postmaster::accepts_connections(&running.socket_dir))
        {
            return Ok(Some(running));
        }
        if deadline.passed() {
            return Err(EmbeddedError::InUse { data_dir: data_dir.to_owned(), pid: lock::holder(data_dir) });
        }
        deadline.pause();
    }
    Ok(None)
}

/// Tells other processes where the cluster is.
pub(super) fn write(data_dir: &Path, running: &Running) -> Result<(), EmbeddedError> {
    let path = file(data_dir);
    let text =
        [running.socket_dir.as_os_str().as_bytes(), running.bin_dir.as_os_str().as_bytes(), b""].join(&b'\n');
    let fresh = path.with_added_extension("new");
    fs::write(&fresh, text)
        .and_then(|()| fs::rename(&fresh, &path))
        .map_err(EmbeddedError::io("write", &path))
}

/// Takes the notice back.
pub(super) fn remove(data_dir: &Path) {
    let _may_be_missing = fs::remove_file(file(data_dir));
}

fn read(data_dir: &Path) -> Option<Running> {
    let bytes = fs::read(file(data_dir)).ok()?;
    let mut lines = bytes.split(|byte| *byte == b'\n').map(|line| PathBuf::from(OsStr::from_bytes(line)));
    Some(Running { socket_dir: lines.next()?, bin_dir: lines.next()? })
}

fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres.endpoint")
}

/// The URL of a database behind a socket: the folder of the socket, percent-encoded, stands for the host.
pub(super) fn url(socket_dir: &Path, database: &str) -> String {
    let mut url = format!("postgresql://{USER}@");
    percent_encode(socket_dir.as_os_str().as_bytes(), &mut url);
    url.push('/');
    percent_encode(database.as_bytes(), &mut url);
    url
}

fn percent_encode(bytes: &[u8], into: &mut String) {
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            into.push(char::from(*byte));
        } else {
            let _writing_to_a_string = write!(into, "%{byte:02X}");
        }
    }
}
