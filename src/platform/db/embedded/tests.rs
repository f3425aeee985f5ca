#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

use super::deadline::Deadline;
use super::*;

/// A folder that is removed at the end.
struct Temp(PathBuf);

impl Temp {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().canonicalize().unwrap();
        let dir = root.join(format!("assay-test-{}-{name}", std::process::id()));
        let _leftover = fs::remove_dir_all(&dir);
        layout::create_data_dir(&dir).unwrap();
        Self(dir)
    }

    fn options(&self) -> Options {
        Options { data_dir: self.0.join("d"), durable: false }
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

/// Runs SQL with the `psql` next to the server; `None` if this installation has none.
fn psql(cluster: &Cluster, sql: &str) -> Option<String> {
    let program = cluster.bin_dir().join("psql");
    if !program.exists() {
        return None;
    }
    let output = Command::new(program).args(["-XAtq", "-c", sql, &cluster.url("postgres")]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

fn accepts(cluster: &Cluster) -> bool {
    postmaster::accepts_connections(&cluster.layout.socket_dir)
}

fn postmaster_pid(cluster: &Cluster) -> Pid {
    cluster.owned.as_ref().unwrap().postmaster.pid()
}

/// Another process that starts a cluster and then sleeps until it is killed: this test binary, running [`owner`].
struct Owner(Child);

impl Owner {
    fn spawn(kind: &str, data_dir: &Path) -> (Self, PathBuf) {
        let module = module_path!().split_once("::").unwrap().1;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "--ignored", &format!("{module}::owner")])
            .env("EMBEDDED_TEST_OWNER", kind)
            .env("EMBEDDED_TEST_DIR", data_dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let dir = lines
            .map(Result::unwrap)
            .find_map(|line| line.split_once("READY ").map(|(_, dir)| dir.to_owned()));
        (Self(child), PathBuf::from(dir.expect("the owner starts")))
    }

    fn kill_9(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
#[ignore = "not a test: the other process of the tests that kill one"]
fn owner() {
    let data_dir = PathBuf::from(std::env::var_os("EMBEDDED_TEST_DIR").unwrap());
    let cluster = match std::env::var("EMBEDDED_TEST_OWNER").unwrap().as_str() {
        "throwaway" => start_throwaway().unwrap(),
        _ => Cluster::start(&Options { data_dir, durable: false }).unwrap(),
    };
    println!("READY {}", cluster.data_dir().display());
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn keeps_data_over_a_restart_and_has_one_owner() {
    let temp = Temp::new("restart");
    let options = temp.options();
    // What a start that was killed in the middle of initdb, and an owner that was killed, leave behind.
    let half = options.data_dir.join("postgres/data.init-1");
    layout::create_data_dir(&options.data_dir).unwrap();
    fs::create_dir_all(&half).unwrap();
    fs::set_permissions(options.data_dir.join("postgres"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(half.join("PG_VERSION"), "9").unwrap();
    fs::write(options.data_dir.join("lock"), "1\n").unwrap();
    assert_eq!(attach(&options.data_dir).unwrap(), None);

    let cluster = Cluster::start(&options).unwrap();
    assert!(!half.exists());
    assert!(accepts(&cluster));
    psql(
        &cluster,
        "CREATE EXTENSION btree_gist; CREATE EXTENSION pg_trgm; CREATE TABLE t AS SELECT 'é' AS x",
    );
    assert_eq!(psql(&cluster, "SHOW fsync").unwrap_or("off".into()), "off");

    let error = Cluster::start(&options).unwrap_err();
    assert!(
        matches!(&error, EmbeddedError::InUse { pid, .. } if pid.unwrap() == Pid::this().as_raw()),
        "{error}"
    );
    assert!(error.to_string().contains(&format!("in use by process {}", std::process::id())), "{error}");
    assert_eq!(attach(&options.data_dir).unwrap().unwrap().url("a b"), cluster.url("a b"));
    assert!(cluster.url("a b").ends_with("%2Fd%2Fpostgres/a%20b"), "{}", cluster.url("a b"));
    cluster.stop().unwrap();
    assert_eq!(attach(&options.data_dir).unwrap(), None);

    let durable = Options { durable: true, ..options };
    let cluster = Cluster::start(&durable).unwrap();
    assert_eq!(psql(&cluster, "SELECT x FROM t").unwrap_or("é".into()), "é");
    assert_eq!(psql(&cluster, "SHOW fsync").unwrap_or("on".into()), "on");
    assert_eq!(psql(&cluster, "SELECT upper(x) FROM t").unwrap_or("É".into()), "É");
}

#[test]
fn recovers_from_a_killed_postmaster() {
    let temp = Temp::new("killed");
    let options = temp.options();
    let mut cluster = Cluster::start(&options).unwrap();
    psql(&cluster, "CREATE TABLE t AS SELECT 7 AS x");
    // Without durability the last commits would be lost with the server.
    psql(&cluster, "CHECKPOINT");
    kill(postmaster_pid(&cluster), Signal::SIGKILL).unwrap();
    assert!(Deadline::after(Duration::from_secs(5)).wait_until(|| cluster.ensure_running().unwrap()));
    assert_eq!(psql(&cluster, "SELECT x FROM t").unwrap_or("7".into()), "7");

    kill(postmaster_pid(&cluster), Signal::SIGKILL).unwrap();
    cluster.stop().unwrap();
    let cluster = Cluster::start(&options).unwrap();
    assert_eq!(psql(&cluster, "SELECT x FROM t").unwrap_or("7".into()), "7");
    let pgdata = cluster.layout.pgdata.clone();
    cluster.stop().unwrap();

    // The process id in the lock file of PostgreSQL now belongs to somebody else.
    fs::write(pgdata.join("postmaster.pid"), format!("{}\n{}\n", std::process::id(), pgdata.display()))
        .unwrap();
    assert!(accepts(&Cluster::start(&options).unwrap()));
}

#[test]
fn replaces_the_postmaster_of_a_killed_owner() {
    let temp = Temp::new("orphan");
    let options = temp.options();
    let (owner, data_dir) = Owner::spawn("plain", &options.data_dir);
    let error = Cluster::start(&options).unwrap_err();
    assert!(matches!(&error, EmbeddedError::InUse { pid, .. } if pid.unwrap() == owner.0.id().cast_signed()));
    assert!(attach(&data_dir).unwrap().is_some());
    owner.kill_9();
    assert_eq!(attach(&data_dir).unwrap(), None);
    let pid_file = data_dir.join("postgres/data/postmaster.pid");
    let first_line = || fs::read_to_string(&pid_file).unwrap().lines().next().unwrap().to_owned();
    let orphan = first_line();
    assert!(Path::new("/proc").join(&orphan).exists() || !Path::new("/proc/self").exists());

    let cluster = Cluster::start(&options).unwrap();
    assert_eq!(first_line(), postmaster_pid(&cluster).to_string());
    assert_ne!(first_line(), orphan);
    assert!(accepts(&cluster));
}

#[test]
fn a_throwaway_cluster_ends_with_its_owner() {
    let cluster = start_throwaway().unwrap();
    let (dir, socket) = (cluster.data_dir().to_owned(), cluster.layout.socket_dir.clone());
    assert!(accepts(&cluster));
    drop(cluster);
    assert!(!dir.exists() && !postmaster::accepts_connections(&socket));

    let (owner, dir) = Owner::spawn("throwaway", Path::new(""));
    let running = attach(&dir).unwrap().unwrap();
    assert!(postmaster::accepts_connections(&running.socket_dir));
    let pid = fs::read_to_string(dir.join("postgres/data/postmaster.pid")).unwrap();
    let pid: i32 = pid.lines().next().unwrap().parse().unwrap();
    owner.kill_9();
    let state = || fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_else(|_| ") Z".into());
    let gone = || !dir.exists() && state().contains(") Z");
    assert!(Deadline::after(Duration::from_secs(10)).wait_until(gone), "{} {}", dir.display(), state());
}

#[test]
fn puts_the_socket_elsewhere_when_the_path_is_long() {
    let temp = Temp::new("long");
    let options = Options { data_dir: temp.0.join("x".repeat(60)).join("y".repeat(60)), durable: false };
    let cluster = Cluster::start(&options).unwrap();
    let socket_dir = cluster.layout.socket_dir.clone();
    assert!(!socket_dir.starts_with(&temp.0));
    assert!(cluster.notes().iter().any(|note| note.contains("too long")), "{:?}", cluster.notes());
    assert!(psql(&cluster, "SELECT 1").is_none_or(|one| one == "1"));
    assert_eq!(attach(&options.data_dir).unwrap().unwrap().url("p"), cluster.url("p"));
    cluster.stop().unwrap();
    fs::remove_dir_all(socket_dir).unwrap();

    let file = temp.0.join("file");
    fs::write(&file, "").unwrap();
    let error = Cluster::start(&Options { data_dir: file.join("d"), durable: false }).unwrap_err();
    assert!(matches!(error, EmbeddedError::Io { .. }), "{error}");
}

#[test]
fn root_puts_the_cluster_elsewhere_when_its_user_cannot_reach_the_data_folder() {
    if !geteuid().is_root() {
        return;
    }
    let temp = Temp::new("private");
    fs::set_permissions(&temp.0, fs::Permissions::from_mode(0o700)).unwrap();
    let options = temp.options();
    let cluster = Cluster::start(&options).unwrap();
    let home = cluster.layout.home.clone();
    assert!(!home.starts_with(&temp.0));
    assert!(cluster.notes().iter().any(|note| note.contains("cannot reach")), "{:?}", cluster.notes());
    psql(&cluster, "CREATE TABLE t AS SELECT 7 AS x");
    cluster.stop().unwrap();

    // The same place the next time, even when the data folder could be reached by now.
    fs::set_permissions(&temp.0, fs::Permissions::from_mode(0o711)).unwrap();
    let cluster = Cluster::start(&options).unwrap();
    assert_eq!(cluster.layout.home, home);
    assert_eq!(psql(&cluster, "SELECT x FROM t").unwrap_or("7".into()), "7");
    cluster.stop().unwrap();
    fs::remove_dir_all(&home).unwrap();

    // A folder of that name which somebody else put there is not used.
    fs::set_permissions(&temp.0, fs::Permissions::from_mode(0o700)).unwrap();
    fs::create_dir(&home).unwrap();
    std::os::unix::fs::chown(&home, Some(12_345), None).unwrap();
    let error = Cluster::start(&options).unwrap_err();
    fs::remove_dir_all(&home).unwrap();
    assert!(matches!(error, EmbeddedError::Folder { .. }), "{error}");
}

#[test]
fn reads_versions_and_prefers_the_right_one() {
    let version = |text| binaries::parse_version(text).map(|version| (version.major, version.minor));
    assert_eq!(version("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"), Some((15, 14)));
    assert_eq!(version("postgres (PostgreSQL) 18beta1"), Some((18, 0)));
    assert_eq!(version("postgres: not found"), None);
    let found: Vec<Binaries> = [(15, 9), (17, 2), (17, 10)]
        .map(|(major, minor)| Binaries {
            bin_dir: PathBuf::new(),
            version: binaries::Version { major, minor },
        })
        .into();
    let best = |needed| binaries::best(&found, needed).map(|binaries| binaries.version.to_string());
    assert_eq!(best(None).as_deref(), Some("17.10"));
    assert_eq!(best(Some(15)).as_deref(), Some("15.9"));
    assert_eq!(best(Some(16)), None);
}
