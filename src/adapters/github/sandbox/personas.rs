//! The invented people and projects, as data. Everything the sandbox answers about them follows from these tables.

/// Somebody who can sign in at the sandbox.
#[derive(Debug)]
pub struct Persona {
    /// The login.
    pub login: &'static str,
    /// GitHub's number for the account.
    pub id: i64,
    /// The name shown.
    pub name: &'static str,
    /// Who this is, in one line.
    pub summary: &'static str,
    /// An earlier login: signing in with it shows the account as it was before the change, under the same number.
    pub former: Option<&'static str>,
    pub(super) since: Since,
    pub(super) bio: Option<&'static str>,
    pub(super) company: Option<&'static str>,
    pub(super) location: Option<&'static str>,
    pub(super) blog: &'static str,
    pub(super) followers: u32,
    pub(super) following: u32,
    pub(super) emails: &'static [Mail],
    pub(super) orgs: &'static [&'static str],
    pub(super) repos: &'static [Spec],
    /// Further small repositories, generated.
    pub(super) bulk: u32,
    /// Upstream repositories forked, nothing added.
    pub(super) forks: &'static [&'static str],
    /// Pull requests merged upstream: repository and how many.
    pub(super) merged: &'static [(&'static str, u32)],
    /// Pull requests of others reviewed upstream: repository and how many.
    pub(super) reviewed: &'static [(&'static str, u32)],
}

/// When an account was made.
#[derive(Clone, Copy, Debug)]
pub(super) enum Since {
    Date(i32, u32, u32),
    DaysAgo(i64),
}

/// An e-mail address.
#[derive(Debug)]
pub(super) struct Mail {
    pub address: &'static str,
    pub primary: bool,
    pub verified: bool,
    pub public: bool,
}

/// A repository of some weight.
#[derive(Debug)]
pub(super) struct Spec {
    pub name: &'static str,
    pub about: &'static str,
    pub language: &'static str,
    pub stars: u32,
    pub forks: u32,
    /// People who get its notifications: hard to fake, unlike stars.
    pub subscribers: u32,
    pub issues: u32,
    pub commits: u32,
    /// Others with commits in it.
    pub others: &'static [(&'static str, u32)],
    pub topics: &'static [&'static str],
    pub age_days: i64,
    pub pushed_days: i64,
}

pub(super) const fn spec(name: &'static str, language: &'static str, about: &'static str) -> Spec {
    Spec {
        name,
        about,
        language,
        stars: 3,
        forks: 0,
        subscribers: 1,
        issues: 0,
        commits: 40,
        others: &[],
        topics: &[],
        age_days: 700,
        pushed_days: 30,
    }
}

pub(super) const fn mail(address: &'static str) -> Mail {
    Mail { address, primary: true, verified: true, public: true }
}

pub(super) const NOBODY: Persona = Persona {
    login: "",
    id: 0,
    name: "",
    summary: "",
    former: None,
    since: Since::Date(2018, 4, 12),
    bio: None,
    company: None,
    location: None,
    blog: "",
    followers: 4,
    following: 9,
    emails: &[],
    orgs: &[],
    repos: &[],
    bulk: 0,
    forks: &[],
    merged: &[],
    reviewed: &[],
};

/// Everybody who can sign in.
#[rustfmt::skip] // one line a thing
pub(super) const PERSONAS: &[Persona] = &[
    Persona {
        login: "ada-oss",
        id: 101_000_001,
        name: "Ada Okonkwo",
        summary: "strong open-source contributor: 250 repositories, 340 pull requests merged elsewhere",
        since: Since::Date(2012, 5, 3),
        bio: Some("Compilers, query engines, boring reliability. Maintainer of lexer-kit."),
        company: Some("@open-forge"),
        location: Some("Lagos, Nigeria"),
        blog: "https://ada.example",
        followers: 4_120,
        following: 88,
        emails: &[mail("ada@okonkwo.example")],
        orgs: &["open-forge", "tidewater"],
        repos: &[
            Spec { stars: 6_240, forks: 412, subscribers: 131, issues: 48, commits: 1_930, others: &[("mira-maintains", 214), ("priya-patches", 97), ("dev-deniz", 6), ("otto-ops", 3)], topics: &["parser", "rust", "incremental"], age_days: 2_600, pushed_days: 1, ..spec("reparse", "Rust", "Incremental parsing for editors and build tools") },
            Spec { stars: 1_380, forks: 96, subscribers: 40, issues: 17, commits: 804, others: &[("sven-ships", 52), ("yuki-yaml", 11)], topics: &["sql", "optimizer"], age_days: 1_900, pushed_days: 6, ..spec("plancheck", "Rust", "Explain why a query plan changed between two versions") },
            Spec { stars: 720, forks: 61, subscribers: 22, issues: 9, commits: 388, others: &[("lena-lint", 20)], topics: &["go", "testing"], age_days: 1_400, pushed_days: 12, ..spec("faultbox", "Go", "Inject network faults in tests without root") },
            Spec { stars: 310, forks: 18, subscribers: 9, issues: 3, commits: 150, topics: &["postgresql"], age_days: 900, pushed_days: 40, ..spec("pg-window-notes", "PLpgSQL", "Worked examples of window functions") },
            Spec { stars: 95, forks: 7, commits: 61, age_days: 480, pushed_days: 19, ..spec("tinytrace", "Rust", "Tracing for programs too small for tracing") },
            Spec { stars: 41, forks: 2, commits: 210, age_days: 3_900, pushed_days: 3, ..spec("dotfiles", "Shell", "My machines") },
        ],
        bulk: 238,
        forks: &["open-forge/lexer-kit", "open-forge/query-engine", "tidewater/http-gateway", "tidewater/metrics-hub", "papercut-labs/form-builder", "northwind-data/frame-diff"],
        merged: &[("open-forge/lexer-kit", 148), ("open-forge/query-engine", 92), ("tidewater/http-gateway", 41), ("tidewater/metrics-hub", 33), ("northwind-data/frame-diff", 17), ("papercut-labs/form-builder", 9)],
        reviewed: &[("open-forge/lexer-kit", 60), ("open-forge/query-engine", 31), ("tidewater/http-gateway", 12)],
        ..NOBODY
    },
    Persona {
        login: "newton-newcomer",
        id: 101_000_002,
        name: "Newton Abara",
        summary: "account made twenty days ago, one small repository",
        since: Since::DaysAgo(20),
        followers: 0,
        following: 2,
        emails: &[mail("newton@abara.example")],
        repos: &[Spec { stars: 0, subscribers: 1, commits: 3, age_days: 12, pushed_days: 10, ..spec("hello-world", "HTML", "My first page") }],
        ..NOBODY
    },
    Persona {
        login: "fred-forks",
        id: 101_000_003,
        name: "Fred Lindqvist",
        summary: "ten forks, no work of his own",
        since: Since::Date(2016, 9, 21),
        bio: Some("Full-stack everything"),
        emails: &[mail("fred@lindqvist.example")],
        forks: &["open-forge/lexer-kit", "open-forge/query-engine", "tidewater/http-gateway", "tidewater/metrics-hub", "papercut-labs/form-builder", "papercut-labs/design-tokens", "northwind-data/etl-runner", "northwind-data/frame-diff", "bluejay/terraform-modules", "bluejay/mobile-kit"],
        ..NOBODY
    },
    Persona {
        login: "renamed-rita",
        id: 101_000_004,
        name: "Rita Calvo",
        summary: "changed her login: rita-before and renamed-rita are one account",
        former: Some("rita-before"),
        since: Since::Date(2015, 1, 30),
        location: Some("Montevideo, Uruguay"),
        followers: 61,
        emails: &[mail("rita@calvo.example")],
        repos: &[
            Spec { stars: 140, forks: 12, subscribers: 6, issues: 4, commits: 320, others: &[("otto-ops", 14)], topics: &["kotlin", "android"], pushed_days: 4, ..spec("offline-first", "Kotlin", "Sync for phones that are mostly in tunnels") },
            Spec { commits: 77, pushed_days: 90, ..spec("rita-bot", "Python", "Answers the questions of our chess club") },
        ],
        bulk: 7,
        merged: &[("bluejay/mobile-kit", 6)],
        ..NOBODY
    },
    Persona {
        login: "no-mail-nina",
        id: 101_000_005,
        name: "Nina Petrova",
        summary: "good work, but no verified e-mail address",
        since: Since::Date(2019, 11, 2),
        emails: &[Mail { address: "nina@petrova.example", primary: true, verified: false, public: false }],
        repos: &[Spec { stars: 22, forks: 3, commits: 130, topics: &["typescript"], pushed_days: 8, ..spec("grid-kit", "TypeScript", "Data grids that a keyboard can reach") }],
        bulk: 5,
        merged: &[("papercut-labs/form-builder", 4)],
        ..NOBODY
    },
    Persona {
        login: "stella-stars",
        id: 101_000_006,
        name: "Stella Marsh",
        summary: "thousands of bought stars on young repositories that nobody forks or follows",
        since: Since::DaysAgo(140),
        followers: 2_900,
        following: 0,
        bio: Some("10x AI architect | top 1 %"),
        emails: &[mail("stella@marsh.example")],
        repos: &[
            Spec { stars: 4_870, forks: 1, subscribers: 1, commits: 4, topics: &["ai", "blockchain", "web3"], age_days: 61, pushed_days: 58, ..spec("ultra-ai-agent", "Python", "The most advanced AI agent framework in the world") },
            Spec { stars: 3_910, forks: 0, subscribers: 1, commits: 2, topics: &["saas"], age_days: 44, pushed_days: 44, ..spec("saas-boilerplate-pro", "TypeScript", "Ship in one day") },
            Spec { stars: 2_655, forks: 0, subscribers: 0, commits: 1, age_days: 30, pushed_days: 30, ..spec("awesome-everything", "Markdown", "A list") },
        ],
        ..NOBODY
    },
    Persona {
        login: "copy-kai",
        id: 101_000_007,
        name: "Kai Brandt",
        summary: "uploads other people's histories as his own repositories",
        since: Since::Date(2021, 7, 14),
        emails: &[mail("kai@brandt.example")],
        repos: &[
            Spec { stars: 12, forks: 1, commits: 1, others: &[("mira-maintains", 880), ("priya-patches", 312)], age_days: 120, pushed_days: 119, ..spec("my-lexer", "Rust", "A fast lexer I wrote") },
            Spec { stars: 8, commits: 2, others: &[("sven-ships", 430)], age_days: 90, pushed_days: 88, ..spec("gateway-pro", "Go", "API gateway from scratch") },
        ],
        ..NOBODY
    },
    Persona {
        login: "private-pia",
        id: 101_000_008,
        name: "Pia Rossi",
        summary: "hides her address: several, the primary one private and not first",
        since: Since::Date(2017, 3, 8),
        emails: &[
            Mail { address: "101000008+private-pia@users.noreply.github.com", primary: false, verified: true, public: false },
            Mail { address: "pia.old@rossi.example", primary: false, verified: false, public: false },
            Mail { address: "pia@rossi.example", primary: true, verified: true, public: false },
        ],
        repos: &[Spec { stars: 18, forks: 2, commits: 95, others: &[("yuki-yaml", 4)], pushed_days: 15, ..spec("ledger-rules", "Python", "Double-entry rules as a small language") }],
        bulk: 3,
        merged: &[("northwind-data/etl-runner", 3)],
        ..NOBODY
    },
    Persona {
        login: "dev-dora",
        id: 101_000_009,
        name: "Dora Mensah",
        summary: "an ordinary developer: TypeScript and React, eighteen repositories",
        since: Since::Date(2016, 2, 17),
        bio: Some("Front end, accessibility first"),
        location: Some("Accra, Ghana"),
        followers: 57,
        following: 64,
        emails: &[mail("dora@mensah.example")],
        orgs: &["papercut-labs"],
        repos: &[
            Spec { stars: 210, forks: 24, subscribers: 8, issues: 11, commits: 410, others: &[("lena-lint", 18), ("private-pia", 5)], topics: &["react", "accessibility"], age_days: 1_500, pushed_days: 2, ..spec("a11y-forms", "TypeScript", "Forms that pass an audit by default") },
            Spec { stars: 64, forks: 6, subscribers: 4, issues: 2, commits: 170, topics: &["nextjs", "postgresql"], age_days: 800, pushed_days: 9, ..spec("clinic-booking", "TypeScript", "Appointments for a small clinic, with reminders") },
            Spec { stars: 17, commits: 88, topics: &["css"], age_days: 1_100, pushed_days: 60, ..spec("contrast-check", "CSS", "Colour pairs that everyone can read") },
        ],
        bulk: 15,
        forks: &["papercut-labs/form-builder"],
        merged: &[("papercut-labs/form-builder", 8), ("papercut-labs/design-tokens", 4)],
        reviewed: &[("papercut-labs/form-builder", 5)],
        ..NOBODY
    },
    Persona {
        login: "dev-deniz",
        id: 101_000_010,
        name: "Deniz Arslan",
        summary: "an ordinary developer: Python, data and Terraform, eleven repositories",
        since: Since::Date(2014, 10, 5),
        bio: Some("Data plumbing and the clouds it runs on"),
        location: Some("Izmir, Türkiye"),
        followers: 38,
        following: 41,
        emails: &[mail("deniz@arslan.example")],
        orgs: &["northwind-data"],
        repos: &[
            Spec { stars: 180, forks: 31, subscribers: 9, issues: 6, commits: 290, others: &[("staff-sam", 37), ("otto-ops", 12)], topics: &["terraform", "aws"], age_days: 1_250, pushed_days: 5, ..spec("fleet-terraform", "HCL", "A fleet of small services on a small budget") },
            Spec { stars: 44, forks: 5, subscribers: 3, commits: 205, topics: &["airflow", "etl"], age_days: 950, pushed_days: 11, ..spec("late-data", "Python", "Pipelines that expect data to be late") },
        ],
        bulk: 9,
        merged: &[("northwind-data/etl-runner", 3), ("bluejay/terraform-modules", 2)],
        ..NOBODY
    },
    Persona {
        login: "carl-client",
        id: 101_000_011,
        name: "Carl Jensen",
        summary: "a client: head of product at a logistics firm, no code of his own",
        since: Since::Date(2020, 6, 1),
        company: Some("Jensen Freight"),
        location: Some("Aarhus, Denmark"),
        emails: &[mail("carl@jensenfreight.example")],
        ..NOBODY
    },
    Persona {
        login: "claire-client",
        id: 101_000_012,
        name: "Claire Dubois",
        summary: "a client: technical founder, one repository",
        since: Since::Date(2013, 8, 26),
        company: Some("Atelier Dubois"),
        location: Some("Lyon, France"),
        emails: &[mail("claire@atelierdubois.example")],
        repos: &[Spec { stars: 2, commits: 25, pushed_days: 200, ..spec("shop-prototype", "Ruby", "The first version of the shop") }],
        ..NOBODY
    },
    Persona {
        login: "staff-sam",
        id: 101_000_013,
        name: "Sam Whitaker",
        summary: "staff: curator of projects; has commits in a repository of dev-deniz",
        since: Since::Date(2011, 12, 9),
        company: Some("Assay"),
        emails: &[mail("sam@assay.example")],
        bulk: 4,
        merged: &[("bluejay/terraform-modules", 5)],
        ..NOBODY
    },
    Persona {
        login: "staff-rosa",
        id: 101_000_014,
        name: "Rosa Nakamura",
        summary: "staff: reviewer and administrator",
        since: Since::Date(2010, 5, 19),
        company: Some("Assay"),
        emails: &[mail("rosa@assay.example")],
        bulk: 2,
        ..NOBODY
    },
    Persona {
        login: "staff-ines",
        id: 101_000_015,
        name: "Inês Duarte",
        summary: "staff: assessor in Lisbon",
        since: Since::Date(2012, 3, 7),
        location: Some("Lisbon, Portugal"),
        emails: &[mail("ines@assay.example")],
        bulk: 1,
        ..NOBODY
    },
    Persona {
        login: "staff-theo",
        id: 101_000_016,
        name: "Theo Marchetti",
        summary: "staff: assessor in New York",
        since: Since::Date(2012, 3, 7),
        location: Some("New York, USA"),
        emails: &[mail("theo@assay.example")],
        bulk: 1,
        ..NOBODY
    },
    Persona {
        login: "staff-kaya",
        id: 101_000_017,
        name: "Kaya Özdemir",
        summary: "staff: assessor in Istanbul",
        since: Since::Date(2012, 3, 7),
        location: Some("Istanbul, Türkiye"),
        emails: &[mail("kaya@assay.example")],
        bulk: 1,
        ..NOBODY
    },
    Persona {
        login: "staff-umar",
        id: 101_000_018,
        name: "Umar Siddiqui",
        summary: "staff: assessor in Kolkata",
        since: Since::Date(2012, 3, 7),
        location: Some("Kolkata, India"),
        emails: &[mail("umar@assay.example")],
        bulk: 1,
        ..NOBODY
    },
];

/// An organisation with its repositories, in which personas have pull requests.
pub(super) struct Upstream {
    pub login: &'static str,
    pub id: i64,
    pub about: &'static str,
    pub repos: &'static [Spec],
}

/// The projects of other people.
#[rustfmt::skip] // one line a thing
pub(super) const UPSTREAM: &[Upstream] = &[
    Upstream {
        login: "open-forge",
        id: 9_400_001,
        about: "Tools for people who write tools",
        repos: &[
            Spec { stars: 18_400, forks: 1_210, subscribers: 390, issues: 212, others: &[("mira-maintains", 2_900), ("priya-patches", 640)], topics: &["lexer", "rust"], age_days: 3_300, pushed_days: 0, ..spec("lexer-kit", "Rust", "Lexers from grammars, fast and with good errors") },
            Spec { stars: 9_200, forks: 803, subscribers: 244, issues: 340, others: &[("mira-maintains", 1_100), ("sven-ships", 980)], topics: &["database", "rust"], age_days: 2_400, pushed_days: 1, ..spec("query-engine", "Rust", "An embeddable columnar query engine") },
        ],
    },
    Upstream {
        login: "tidewater",
        id: 9_400_002,
        about: "Networks that bend",
        repos: &[
            Spec { stars: 6_100, forks: 540, subscribers: 160, issues: 96, others: &[("sven-ships", 1_400), ("otto-ops", 310)], topics: &["gateway", "go"], age_days: 2_100, pushed_days: 2, ..spec("http-gateway", "Go", "A gateway that explains its routing") },
            Spec { stars: 3_300, forks: 280, subscribers: 91, issues: 57, others: &[("otto-ops", 720)], topics: &["metrics"], age_days: 1_700, pushed_days: 3, ..spec("metrics-hub", "Go", "One place for metrics of many clusters") },
        ],
    },
    Upstream {
        login: "papercut-labs",
        id: 9_400_003,
        about: "Small cuts, healed",
        repos: &[
            Spec { stars: 12_700, forks: 1_504, subscribers: 210, issues: 180, others: &[("lena-lint", 1_250), ("yuki-yaml", 410)], topics: &["forms", "react"], age_days: 2_800, pushed_days: 1, ..spec("form-builder", "TypeScript", "Forms from schemas, accessible by default") },
            Spec { stars: 2_100, forks: 133, subscribers: 48, issues: 21, others: &[("lena-lint", 300)], topics: &["design-system"], age_days: 1_300, pushed_days: 14, ..spec("design-tokens", "TypeScript", "Tokens for every platform from one file") },
        ],
    },
    Upstream {
        login: "northwind-data",
        id: 9_400_004,
        about: "Data that arrives",
        repos: &[
            Spec { stars: 4_800, forks: 620, subscribers: 140, issues: 133, others: &[("yuki-yaml", 840)], topics: &["etl", "python"], age_days: 2_000, pushed_days: 2, ..spec("etl-runner", "Python", "Run, retry and explain data pipelines") },
            Spec { stars: 1_500, forks: 98, subscribers: 37, issues: 14, others: &[("priya-patches", 260)], topics: &["dataframes"], age_days: 1_000, pushed_days: 21, ..spec("frame-diff", "Python", "What changed between two data frames") },
        ],
    },
    Upstream {
        login: "bluejay",
        id: 9_400_005,
        about: "Apps and the ground they stand on",
        repos: &[
            Spec { stars: 900, forks: 310, subscribers: 44, issues: 26, others: &[("otto-ops", 510)], topics: &["terraform"], age_days: 1_800, pushed_days: 7, ..spec("terraform-modules", "HCL", "Modules that a small team can hold in its head") },
            Spec { stars: 5_400, forks: 470, subscribers: 120, issues: 88, others: &[("mira-maintains", 700)], topics: &["kotlin", "mobile"], age_days: 1_600, pushed_days: 3, ..spec("mobile-kit", "Kotlin", "The parts that every app rebuilds") },
        ],
    },
];

/// People who only have commits: they have a profile, but nobody signs in as them.
pub(super) const OTHERS: &[(&str, i64, &str)] = &[
    ("mira-maintains", 8_200_001, "Mira Holm"),
    ("otto-ops", 8_200_002, "Otto Brandl"),
    ("priya-patches", 8_200_003, "Priya Raman"),
    ("sven-ships", 8_200_004, "Sven Aalto"),
    ("yuki-yaml", 8_200_005, "Yuki Tanabe"),
    ("lena-lint", 8_200_006, "Lena Fischer"),
];

/// What a generated repository is about: name, language, description.
pub(super) const IDEAS: &[(&str, &str, &str)] = &[
    ("notes", "Markdown", "Notes to myself"),
    ("csv-lens", "Rust", "Look into large CSV files"),
    ("retry-budget", "Go", "Retries that know when to stop"),
    ("date-puzzles", "Python", "Calendars are harder than they look"),
    ("svg-sketch", "TypeScript", "Small drawings from small programs"),
    ("mail-parse", "Rust", "Read mail without surprises"),
    ("city-maps", "Jupyter Notebook", "Plots of public data"),
    ("shell-tools", "Shell", "Scripts I keep needing"),
    ("chess-clock", "Kotlin", "A clock for blitz"),
    ("lab-notebook", "Python", "Experiments that did not work, and why"),
    ("kanban-tui", "Rust", "A board in the terminal"),
    ("webhook-relay", "Go", "Receive, check, forward"),
    ("recipe-box", "TypeScript", "What to cook with what is there"),
    ("sql-katas", "PLpgSQL", "Exercises"),
    ("static-blog", "HTML", "A blog without a build step"),
    ("sensor-hub", "C", "Temperature in the shed"),
];

/// What pull requests are called.
pub(super) const TITLES: &[&str] = &[
    "Fix off-by-one in span merging",
    "Return an error instead of panicking on empty input",
    "Speed up cold start by deferring the index",
    "Document the retry policy",
    "Handle CRLF in multi-line literals",
    "Add a benchmark for wide rows",
    "Close idle connections on shutdown",
    "Make the diff stable under reordering",
    "Refuse duplicate keys in configuration",
    "Reduce allocations in the hot path",
    "Test the upgrade path from the last release",
    "Explain the failure in the error message",
];
