//! One owner per data folder: an exclusive `flock`, which the system drops however the owner ends.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::deadline::Deadline;
use super::error::EmbeddedError;

/// How long to try: `attach` holds the lock for an instant to see whether anybody else does.
const PATIENCE: Duration = Duration::from_millis(200);

/// The lock of a data folder, held until dropped.
#[derive(Debug)]
pub(super) struct DataLock {
    _file: Flock<File>,
}

impl DataLock {
    /// Takes the lock and writes our process id into it.
    pub(super) fn acquire(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let deadline = Deadline::after(PATIENCE);
        let path = data_dir.join("lock");
        let mut file = open(&path)?;
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(mut file) => {
                    file.set_len(0)
                        .and_then(|()| writeln!(file, "{}", std::process::id()))
                        .map_err(EmbeddedError::io("write", &path))?;
                    return Ok(Self { _file: file });
                }
                Err((again, Errno::EWOULDBLOCK)) if !deadline.passed() => file = again,
                Err((_, Errno::EWOULDBLOCK)) => {
                    return Err(EmbeddedError::InUse {
                        data_dir: data_dir.to_owned(),
                        pid: holder(data_dir),
                    });
                }
                Err((_, errno)) => return Err(EmbeddedError::io("lock", &path)(errno.into())),
            }
            deadline.pause();
        }
    }
}

/// Whether some process holds the lock of this data folder.
pub(super) fn is_held(data_dir: &Path) -> Result<bool, EmbeddedError> {
    let path = data_dir.join("lock");
    if !path.exists() {
        return Ok(false);
    }
    let file = File::open(&path).map_err(EmbeddedError::io("open", &path))?;
    match Flock::lock(file, FlockArg::LockSharedNonblock) {
        Ok(_released_at_once) => Ok(false),
        Err((_, Errno::EWOULDBLOCK)) => Ok(true),
        Err((_, errno)) => Err(EmbeddedError::io("lock", &path)(errno.into())),
    }
}

/// The process id in the lock file; meaningful only while the lock is held.
pub(super) fn holder(data_dir: &Path) -> Option<i32> {
    fs::read_to_string(data_dir.join("lock")).ok()?.trim().parse().ok()
}

fn open(path: &Path) -> Result<File, EmbeddedError> {
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644)
        .open(path)
        .map_err(EmbeddedError::io("open", path))
}
