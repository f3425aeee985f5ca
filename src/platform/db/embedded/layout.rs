//! Where the cluster lives: its home folder, the data folder in it and the folder of its socket.

use std::env;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use super::account::Account;
use super::error::EmbeddedError;

/// The name of the socket for port 5432; the port never matters, as every cluster has its own folder.
pub(super) const SOCKET_NAME: &str = ".s.PGSQL.5432";
/// The longest path of a Unix socket: `sun_path` has 108 bytes on Linux (104 on macOS) with the closing NUL.
pub(super) const SOCKET_PATH_MAX: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The folders of one cluster.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// The folder of the service, with the lock.
    pub(super) data_dir: PathBuf,
    /// The folder of the cluster, private to the user it runs as.
    pub(super) home: PathBuf,
    /// PostgreSQL's own data folder (`PGDATA`).
    pub(super) pgdata: PathBuf,
    /// The folder of the Unix socket.
    pub(super) socket_dir: PathBuf,
    /// The user it runs as.
    pub(super) account: Account,
    /// What the person who starts the service should know.
    pub(super) notes: Vec<String>,
}

/// Makes the data folder of the service if it is missing, with the folders above it, and returns its canonical path.
pub(super) fn make_data_dir(path: &Path) -> Result<PathBuf, EmbeddedError> {
    let missing: Vec<&Path> =
        path.ancestors().take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists()).collect();
    for dir in missing.into_iter().rev() {
        match create_data_dir(dir) {
            // Another process may be faster.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(EmbeddedError::io("make the folder", dir)(error));
            }
            _ => {}
        }
    }
    path.canonicalize().map_err(EmbeddedError::io("resolve", path))
}

/// Makes a data folder; fails if there is one. As root the cluster runs as another user, who has to pass through it
/// but not to look into it, whatever the umask says.
pub(super) fn create_data_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(path)?;
    if geteuid().is_root() { fs::set_permissions(path, fs::Permissions::from_mode(0o711)) } else { Ok(()) }
}

impl Layout {
    /// Chooses and makes the folders of the cluster that belongs to `data_dir` (a canonical path).
    pub(super) fn choose(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let mut notes = Vec::new();
        let process = Account::of_process()?;
        let inside = data_dir.join("postgres");
        let account = process.clone().or_owner_of(&inside);
        let reachable = account.can_reach(data_dir);
        let (home, account) = if is_initialised(&inside) {
            if !reachable {
                let reason =
                    format!("the user {} cannot pass through all the folders above it", account.name);
                return Err(EmbeddedError::folder(&inside, reason));
            }
            (inside, account)
        } else if !process.drops_root() {
            (inside, account)
        } else {
            // A cluster that once had to be put aside stays there.
            let aside = aside_folders(data_dir, &process)
                .find(|dir| is_initialised(dir) && process.owns_privately(dir));
            match aside {
                Some(dir) => {
                    notes.push(aside_note(data_dir, &dir, &process));
                    (dir, process)
                }
                None if reachable => (inside, account),
                None => {
                    let dir = aside_folders(data_dir, &process).next().ok_or_else(|| {
                        EmbeddedError::folder(data_dir, format!("the user {} cannot reach it", process.name))
                    })?;
                    notes.push(aside_note(data_dir, &dir, &process));
                    (dir, process)
                }
            }
        };
        account.private_dir(&home)?;
        let socket_dir = socket_dir(data_dir, &home, &account)?;
        if socket_dir != home {
            account.private_dir(&socket_dir)?;
            notes.push(format!(
                "the path of the data folder is too long for a Unix socket, so the socket is in {}",
                socket_dir.display()
            ));
        }
        if account.drops_root() {
            notes.push(format!("PostgreSQL does not run as root, so it runs as the user {}", account.name));
        }
        Ok(Self {
            data_dir: data_dir.to_owned(),
            pgdata: home.join("data"),
            home,
            socket_dir,
            account,
            notes,
        })
    }

    /// The major version that made the cluster; `None` if there is none yet.
    pub(super) fn major(&self) -> Result<Option<u32>, EmbeddedError> {
        if !is_initialised(&self.home) {
            return Ok(None);
        }
        let file = self.pgdata.join("PG_VERSION");
        let text = fs::read_to_string(&file).map_err(EmbeddedError::io("read", &file))?;
        text.trim()
            .parse()
            .map(Some)
            .map_err(|_| EmbeddedError::folder(&self.pgdata, format!("PG_VERSION says {:?}", text.trim())))
    }

    /// The log of the postmaster.
    pub(super) fn log(&self) -> PathBuf {
        self.home.join("postgres.log")
    }

    /// The socket of the postmaster.
    pub(super) fn socket(&self) -> PathBuf {
        self.socket_dir.join(SOCKET_NAME)
    }

    /// All folders of the cluster, to remove a throw-away one.
    pub(super) fn folders(&self) -> [&Path; 3] {
        [&self.data_dir, &self.home, &self.socket_dir]
    }
}

/// Whether a finished cluster is in this home folder: `initdb` works in a sibling which is renamed at the end.
fn is_initialised(home: &Path) -> bool {
    home.join("data").join("PG_VERSION").exists()
}

fn aside_note(data_dir: &Path, aside: &Path, account: &Account) -> String {
    format!(
        "the user {} cannot reach the data folder {} (a private home, for example), so the cluster lives in {}, which \
         the system may empty; choose a data folder that other users can pass through for data that has to last",
        account.name,
        data_dir.display(),
        aside.display()
    )
}

/// The folder for the socket: the home of the cluster, or a short one if that path is too long.
fn socket_dir(data_dir: &Path, home: &Path, account: &Account) -> Result<PathBuf, EmbeddedError> {
    let fits = |dir: &Path| dir.as_os_str().len() + 1 + SOCKET_NAME.len() <= SOCKET_PATH_MAX;
    if fits(home) {
        return Ok(home.to_owned());
    }
    temp_roots(account)
        .map(|root| root.join(format!("assay-socket-{}", path_hash(data_dir))))
        .find(|dir| fits(dir))
        .ok_or_else(|| {
            EmbeddedError::folder(home, "its path and those of the temp folders are too long for a socket")
        })
}

/// Where a cluster is put that cannot live in its data folder; the name depends on the data folder only.
fn aside_folders(data_dir: &Path, account: &Account) -> impl Iterator<Item = PathBuf> {
    let name = format!("assay-postgres-{}", path_hash(data_dir));
    temp_roots(account).map(move |root| root.join(&name))
}

/// The temp folders that the user can reach.
pub(super) fn temp_roots(account: &Account) -> impl Iterator<Item = PathBuf> {
    [env::temp_dir(), PathBuf::from("/tmp"), PathBuf::from("/var/tmp")]
        .into_iter()
        .filter_map(|root| root.canonicalize().ok())
        .filter(|root| account.can_reach(root))
}

/// A stable name for a path (FNV-1a; the standard hasher may change between releases of Rust).
fn path_hash(path: &Path) -> String {
    let hash = path.as_os_str().as_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}
