//! One throw-away cluster for the run; databases cloned from one migrated and seeded template.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use assay::app::boot::{self, Origins};
use assay_kernel::{Clock, Entropy};
use assay_platform::config::Config;
use assay_platform::crypto::Keyring;
use assay_platform::db::embedded::{Cluster, start_throwaway};
use assay_platform::db::{Conn, migrate};
use assay_platform::policy::Policy;
use diesel_async::{AsyncConnection, SimpleAsyncConnection};

const TEMPLATE: &str = "assay_template";

struct Server {
    cluster: Cluster,
    /// One clone at a time: PostgreSQL locks the template anyway.
    cloning: Mutex<()>,
    clones: AtomicU32,
}

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let cluster = start_throwaway().expect("a throw-away PostgreSQL starts");
    // Statics are not dropped: the cluster watches for the end of this process itself.
    migrate::create_database(&cluster.url("postgres"), TEMPLATE).expect("the template can be made");
    let url = cluster.url(TEMPLATE);
    migrate::run(&url).expect("the migrations run");
    on_own_runtime(async || {
        let folder = std::env::temp_dir();
        let config = Arc::new(Config::load(None, &[], &folder).expect("the defaults load"));
        let ctx = boot::context(&config, &origins(), &url, 1);
        boot::prepare(&ctx).await.expect("the seeds are written");
    });
    Server { cluster, cloning: Mutex::default(), clones: AtomicU32::default() }
});

/// Keys that are the same in every run.
pub fn origins() -> Origins {
    let keys = Keyring::parse(&Keyring::generate(&Entropy::seeded(7), "test")).expect("a keyring");
    Origins {
        clock: Clock::system(),
        entropy: Entropy::system(),
        keys: Arc::new(keys),
        policy: Arc::new(Policy::shipped().expect("the policy reads")),
    }
}

/// Runs a future on a thread and runtime of its own, so that connections end with it.
pub fn on_own_runtime<T: Send, F: Future<Output = T>>(work: impl FnOnce() -> F + Send) -> T {
    std::thread::scope(|scope| {
        scope
            .spawn(|| {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                runtime.block_on(work())
            })
            .join()
            .expect("the thread ends well")
    })
}

fn execute(statement: &str) {
    let url = SERVER.cluster.url("postgres");
    on_own_runtime(async || {
        let mut conn = Conn::establish(&url).await.expect("a connection");
        conn.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    });
}

/// A database that goes with its owner, or one that somebody gave.
pub struct Scratch {
    name: Option<String>,
    /// Its URL.
    pub url: String,
}

impl Scratch {
    fn make(options: &str) -> Self {
        let name = format!("assay_test_{}", SERVER.clones.fetch_add(1, Ordering::Relaxed));
        let _one = SERVER.cloning.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        execute(&format!("CREATE DATABASE {name} {options}"));
        let url = SERVER.cluster.url(&name);
        Self { name: Some(name), url }
    }

    /// One that is migrated and seeded, and stays.
    pub fn given(url: &str) -> Self {
        Self { name: None, url: url.to_owned() }
    }

    /// A clone of the migrated and seeded template.
    pub fn cloned() -> Self {
        static STRATEGY: LazyLock<&str> =
            LazyLock::new(|| if major() >= 15 { " STRATEGY file_copy" } else { "" });
        LazyLock::force(&SERVER);
        Self::make(&format!("TEMPLATE {TEMPLATE}{}", *STRATEGY))
    }
}

/// An empty database, for the laws about migrations.
pub fn scratch() -> Scratch {
    Scratch::make("")
}

fn major() -> u32 {
    #[derive(diesel::QueryableByName)]
    struct Version {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        number: i32,
    }
    let url = SERVER.cluster.url("postgres");
    on_own_runtime(async || {
        let mut conn = Conn::establish(&url).await.expect("a connection");
        let query = diesel::sql_query("SELECT current_setting('server_version_num')::int AS number");
        let version: Version =
            diesel_async::RunQueryDsl::get_result(query, &mut conn).await.expect("the version");
        u32::try_from(version.number).unwrap_or_default() / 10_000
    })
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(name) = &self.name
            && !std::thread::panicking()
        {
            execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}
