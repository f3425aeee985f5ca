//! The operating-system user PostgreSQL runs as: ours, or an unprivileged one when we are root.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{Gid, Uid, User, getegid, geteuid};

use super::error::EmbeddedError;

/// The user PostgreSQL runs as.
#[derive(Debug, Clone)]
pub(super) struct Account {
    uid: Uid,
    gid: Gid,
    /// The name, for messages.
    pub(super) name: String,
    /// We are root and must change to this user in the child.
    drops_root: bool,
}

impl Account {
    /// Our own user; for root `postgres` where it exists, else `nobody`.
    pub(super) fn of_process() -> Result<Self, EmbeddedError> {
        if geteuid().is_root() {
            return ["postgres", "nobody"]
                .into_iter()
                .find_map(|name| User::from_name(name).ok().flatten())
                .map(|user| Self { uid: user.uid, gid: user.gid, name: user.name, drops_root: true })
                .ok_or(EmbeddedError::NoUnprivilegedUser);
        }
        let name = User::from_uid(geteuid()).ok().flatten().map_or_else(|| geteuid().to_string(), |u| u.name);
        Ok(Self { uid: geteuid(), gid: getegid(), name, drops_root: false })
    }

    /// The user who already owns `folder`, if we are root and it is not root: a cluster made as `nobody` must go on
    /// as `nobody` after somebody adds a user `postgres`.
    pub(super) fn or_owner_of(self, folder: &Path) -> Self {
        match fs::symlink_metadata(folder) {
            Ok(meta) if self.drops_root && meta.uid() != 0 => {
                let uid = Uid::from_raw(meta.uid());
                let name =
                    User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name);
                Self { uid, gid: Gid::from_raw(meta.gid()), name, drops_root: true }
            }
            _ => self,
        }
    }

    /// Whether this is another user than the one of our process.
    pub(super) fn drops_root(&self) -> bool {
        self.drops_root
    }

    /// Whether this user may pass through `folder` and all folders above it. Supplementary groups do not count:
    /// the child has none after the change of user.
    pub(super) fn can_reach(&self, folder: &Path) -> bool {
        if !self.drops_root {
            return true;
        }
        let Ok(folder) = folder.canonicalize() else { return false };
        folder.ancestors().all(|dir| {
            fs::metadata(dir).is_ok_and(|meta| {
                let bit = if meta.uid() == self.uid.as_raw() {
                    0o100
                } else if meta.gid() == self.gid.as_raw() {
                    0o010
                } else {
                    0o001
                };
                meta.mode() & bit != 0
            })
        })
    }

    /// Whether `path` is a real folder of this user that nobody else may enter.
    pub(super) fn owns_privately(&self, path: &Path) -> bool {
        fs::symlink_metadata(path)
            .is_ok_and(|meta| meta.is_dir() && meta.uid() == self.uid.as_raw() && meta.mode() & 0o077 == 0)
    }

    /// Makes `path` a folder of this user with mode 0700, or makes sure that it is one. Never repairs a folder that
    /// somebody else may have made: in a shared temp folder that would hand our data to them.
    pub(super) fn private_dir(&self, path: &Path) -> Result<(), EmbeddedError> {
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(EmbeddedError::io("make the folder", path)(error)),
        }
        let meta = fs::symlink_metadata(path).map_err(EmbeddedError::io("look at", path))?;
        if !meta.is_dir() {
            return Err(EmbeddedError::folder(path, "it is not a folder"));
        }
        if meta.uid() == 0 && self.drops_root {
            lchown(path, Some(self.uid.as_raw()), Some(self.gid.as_raw()))
                .map_err(EmbeddedError::io("change the owner of", path))?;
        } else if meta.uid() != self.uid.as_raw() {
            return Err(EmbeddedError::folder(
                path,
                format!("it belongs to user id {}, not to {}", meta.uid(), self.name),
            ));
        }
        if meta.mode() & 0o077 != 0 {
            return Err(EmbeddedError::folder(path, "other users may enter it; `chmod 700` it first"));
        }
        Ok(())
    }

    /// A command that runs as this user, in its own process group (so that Ctrl-C at the terminal does not reach it)
    /// and with a bare environment: `PG*` variables would change the server, and secrets do not belong there.
    pub(super) fn command(&self, program: impl AsRef<OsStr>, home: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", home).env("LC_ALL", "C");
        for name in ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.current_dir(home).stdin(Stdio::null()).process_group(0);
        if self.drops_root {
            // As root the standard library also clears the supplementary groups.
            command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
        }
        command
    }
}
