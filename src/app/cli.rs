//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use assay_kernel::ids::{JobId, OrganisationId};
use assay_platform::config::Config;
use assay_platform::db::migrate;
use assay_platform::{Ctx, audit, jobs, telemetry};
use assay_projects::LineOutcome;
use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};

use super::boot::{self, Database, Failure, Options, Origins, Outcome};
use super::providers::{Providers, Sandboxes};
use super::worker::{Background, Duties};
use super::{demo, domains, ledger, matching, openapi, score, server, slots, spec};

/// Back end of a vetted mid-market talent marketplace.
#[derive(Debug, Parser)]
#[command(
    name = "assay",
    version,
    about,
    after_help = "Without a command the service is started.\n\nExamples:\n  assay                        serve at http://127.0.0.1:8080 with a private database\n  assay --port 9000 serve      the same on another port\n  assay demo                   walk the whole road over HTTP"
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Args)]
struct Global {
    /// Where the service keeps its files: the private database, keys, mails of the sandbox
    #[arg(long, global = true, value_name = "FOLDER", default_value = "./.assay", env = "ASSAY_DATA_DIR")]
    data_dir: PathBuf,
    /// A configuration file (TOML); config/README.md lists every key
    #[arg(long, global = true, value_name = "FILE", env = "ASSAY_CONFIG")]
    config: Option<PathBuf>,
    /// Address of the API [default: server.host]
    #[arg(long, global = true, value_name = "ADDRESS")]
    host: Option<String>,
    /// Port of the API, 0 for any free one [default: server.port]
    #[arg(long, global = true, value_name = "PORT")]
    port: Option<u16>,
}

impl Global {
    fn options(&self) -> Options {
        let mut overrides = Vec::new();
        // Quoted, so that figment reads a text and not a number or a truth value.
        overrides.extend(self.host.as_ref().map(|host| ("server.host", format!("{host:?}"))));
        overrides.extend(self.port.map(|port| ("server.port", port.to_string())));
        Options { data_dir: self.data_dir.clone(), file: self.config.clone(), overrides }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API (and, unless server.worker is off, do the background work)
    #[command(after_help = "Example:\n  assay serve --data-dir /var/lib/assay --port 8080")]
    Serve,
    /// Do the background work only: timers, jobs, events
    #[command(after_help = "Example:\n  ASSAY_DATABASE__URL=postgresql://… assay worker")]
    Worker,
    /// Bring the database's schema up to date, or take migrations back
    #[command(after_help = "Examples:\n  assay migrate\n  assay migrate --revert 1")]
    Migrate {
        /// Take the newest N migrations back instead
        #[arg(long, value_name = "N")]
        revert: Option<usize>,
    },
    /// Walk the whole road over HTTP against a service of its own, in a temporary folder
    #[command(after_help = "Example:\n  assay demo")]
    Demo,
    /// Print the description of the API (OpenAPI 3.1)
    #[command(after_help = "Example:\n  assay openapi > api-spec/openapi.json")]
    Openapi {
        /// Print the conventions, error codes and id prefixes (api-spec/README.md) instead
        #[arg(long)]
        readme: bool,
    },
    /// Print the effective configuration, secrets masked
    #[command(after_help = "Examples:\n  assay config\n  assay config --markdown > config/README.md")]
    Config {
        /// Print every key with its variable, default and meaning instead
        #[arg(long)]
        markdown: bool,
    },
    /// Grant or revoke staff permissions: the first admin is made here
    #[command(
        after_help = "Examples:\n  assay staff grant octocat admin\n  assay staff revoke octocat curator"
    )]
    Staff {
        #[command(subcommand)]
        act: StaffAct,
    },
    /// Import scoped projects (JSON lines) as drafts of an organisation; a second run imports nothing twice
    #[command(
        after_help = "Example:\n  assay import-projects projects.jsonl --organisation org_0193… --as octocat\n\nEach line is an object: title, description, total_usd, duration, milestones with title, cost_usd,\nduration, fte and deliverables (number, title, specification). A bad line loses no other."
    )]
    ImportProjects {
        /// The file
        file: PathBuf,
        /// Whose drafts they become
        #[arg(long, value_name = "ID")]
        organisation: OrganisationId,
        /// The curator who imports, by GitHub login
        #[arg(long = "as", value_name = "LOGIN")]
        staff: String,
    },
    /// Say which starts of a paired assessment can be offered, or who takes it: a question in JSON on standard input
    #[command(
        after_help = "Examples:\n  assay slots < input.json                                    {\"slots\": […]}, or {\"picks\": […]} if the input has a pool\n  assay slots --explain < input.json                          and why each host is not offered, start by start\n  assay slots --explain 2027-03-29T08:00:00Z < input.json     for one start only\n\nBad input: exit 2 and a problem (RFC 9457) on standard error. A question may span 400 days of the\nyears 1970 to 2099, 2000 hosts and ten million starts of the grid over all hosts."
    )]
    Slots {
        /// Also say why a start is not offered with a host: for START, or for every start of the grid
        #[arg(long, value_name = "START", value_parser = parse_start)]
        explain: Option<Option<DateTime<Utc>>>,
    },
    /// Score developers from ratings: measures that do not depend on who assessed, with standard errors and fit
    #[command(
        after_help = "Examples:\n  assay score --ratings ratings.jsonl --out scores.jsonl --report report.json\n  assay score --ratings ratings.jsonl --out scores.jsonl --estimator jmle --levels 0..4\n\nA line of input: {\"developer_id\",\"assessor_id\",\"role\",\"criterion\",\"rating\"}. A malformed line: exit 2, its\nnumber on standard error, and nothing is written. docs/MATCHING.md tells the method."
    )]
    Score {
        /// Ratings, a JSON object a line
        #[arg(long, value_name = "FILE")]
        ratings: PathBuf,
        /// Where the scores go, a JSON object a line, on the logit scale
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Where a report goes: assessors, criteria, thresholds, separation, connected components
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
        /// bayes (what is published) or jmle (as published programs do it)
        #[arg(long, default_value = "bayes", value_parser = parse_estimator)]
        estimator: assay_scoring::Estimator,
        /// Lowest and highest level, if not the data's own
        #[arg(long, value_name = "MIN..MAX", value_parser = score::parse_levels)]
        levels: Option<assay_scoring::Scale>,
    },
    /// Rank developers for the projects of a market in files: hard constraints, learned value, shared exposure
    #[command(
        after_help = "Examples:\n  assay match --market market-101 --out ranking.jsonl\n  assay match --market market-101 --out ranking.jsonl --exposure off --depth 10\n  assay match --market market-101 --out ranking.jsonl --explain\n\nThe folder holds skills.json, developers.jsonl, ratings.jsonl, invitations.jsonl, contracts.jsonl and\nprojects.jsonl. Bad input: exit 2, the file and line on standard error, and nothing is written.\ndocs/MATCHING.md tells the method."
    )]
    Match {
        /// The folder with the market's files
        #[arg(long, value_name = "FOLDER")]
        market: PathBuf,
        /// Where the rankings go, a JSON object a line
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Most developers in a ranking
        #[arg(long, value_name = "N", default_value_t = 50)]
        depth: usize,
        /// Breaks ties
        #[arg(long, value_name = "N", default_value_t = 0)]
        seed: u64,
        /// on: explore newcomers, share exposure, leave out who is probably taken; off: value alone
        #[arg(long, value_name = "on|off", default_value = "on", action = clap::ArgAction::Set, value_parser = parse_switch)]
        exposure: bool,
        /// Also say why the first ten are where they are, and what would move them up
        #[arg(long)]
        explain: bool,
    },
    /// Check, export and read the ledger
    #[command(
        after_help = "Examples:\n  assay ledger check\n  assay ledger export --format beancount > ledger.beancount\n  assay ledger statement --account 7"
    )]
    Ledger {
        #[command(subcommand)]
        act: ledger::Act,
    },
    /// Work with the audit log
    #[command(after_help = "Example:\n  assay audit verify")]
    Audit {
        #[command(subcommand)]
        act: AuditAct,
    },
    /// Work with background jobs
    #[command(
        after_help = "Examples:\n  assay jobs list\n  assay jobs list --live\n  assay jobs replay job_0193…"
    )]
    Jobs {
        #[command(subcommand)]
        act: JobsAct,
    },
}

#[derive(Debug, Subcommand)]
enum StaffAct {
    /// Grant a permission to an account that has signed in
    #[command(after_help = "Example:\n  assay staff grant octocat admin")]
    Grant(StaffGrant),
    /// Take a permission back
    #[command(after_help = "Example:\n  assay staff revoke octocat curator")]
    Revoke(StaffGrant),
}

#[derive(Debug, Args)]
struct StaffGrant {
    /// The person's GitHub login
    login: String,
    /// curator, assessor, reviewer, finance or admin
    #[arg(value_parser = parse_permission)]
    permission: assay_kernel::Permission,
}

fn parse_permission(text: &str) -> Result<assay_kernel::Permission, String> {
    assay_kernel::Permission::parse(text).ok_or_else(|| {
        let all: Vec<&str> =
            assay_kernel::Permission::ALL.iter().map(|permission| permission.as_str()).collect();
        format!("one of {}", all.join(", "))
    })
}

fn parse_switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("on or off".to_owned()),
    }
}

fn parse_estimator(text: &str) -> Result<assay_scoring::Estimator, String> {
    match text {
        "bayes" => Ok(assay_scoring::Estimator::Bayes),
        "jmle" => Ok(assay_scoring::Estimator::Jmle),
        _ => Err("bayes or jmle".to_owned()),
    }
}

fn parse_start(text: &str) -> Result<DateTime<Utc>, String> {
    assay_assessments::read_instant(text).ok_or_else(|| "an instant such as 2027-03-29T08:00:00Z".to_owned())
}

#[derive(Debug, Subcommand)]
enum AuditAct {
    /// Prove that no entry was changed or taken out
    #[command(after_help = "Example:\n  assay audit verify")]
    Verify,
}

#[derive(Debug, Subcommand)]
enum JobsAct {
    /// List dead jobs, or those still to run
    #[command(after_help = "Examples:\n  assay jobs list\n  assay jobs list --live")]
    List {
        /// Those still to run instead of the dead ones
        #[arg(long)]
        live: bool,
    },
    /// Give a dead job all its tries again
    #[command(after_help = "Example:\n  assay jobs replay job_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    Replay {
        /// The job
        id: JobId,
    },
}

/// Reads the command line and does what it says: 0 done, 1 failed, 2 not understood.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(Failure(text)) => {
            eprintln!("assay: {text}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Outcome<ExitCode> {
    let options = cli.global.options();
    let done = match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => server::run(&options),
        Command::Worker => worker(&options),
        Command::Migrate { revert } => migrate(&options, revert),
        Command::Demo => demo::run(),
        Command::Openapi { readme } => {
            print!("{}", if readme { spec::readme() } else { openapi::pretty() });
            Ok(())
        }
        Command::Config { markdown } => config(&options, markdown),
        Command::Staff { act } => staff(&options, act),
        Command::ImportProjects { file, organisation, staff } => {
            let lines = std::fs::read_to_string(&file)
                .map_err(|error| Failure(format!("{} cannot be read: {error}", file.display())))?;
            tool(&options, async |ctx| import(ctx, organisation, &staff, &lines).await)
        }
        Command::Ledger { act } => tool(&options, async |ctx| ledger::run(ctx, &act).await),
        Command::Audit { act: AuditAct::Verify } => tool(&options, async |ctx| {
            let entries = ctx.db.read(async |conn| audit::verify(conn).await).await?;
            println!("The audit log is whole: {entries} entries.");
            let links = ctx.db.read(async |conn| assay_identity::verify_presences(conn).await).await?;
            println!("The chains of identity are whole: {links} links.");
            Ok(())
        }),
        Command::Jobs { act } => tool(&options, async |ctx| jobs(ctx, &act).await),
        Command::Score { ratings, out, report, estimator, levels } => {
            return Ok(refused(score::run(&score::Task { ratings, out, report, estimator, levels })));
        }
        Command::Match { market, out, depth, seed, exposure, explain } => {
            let settings = assay_matching::Settings { depth, seed, exposure, ..Default::default() };
            return Ok(refused(matching::run(&matching::Task { market, out, settings, explain })));
        }
        Command::Slots { explain } => {
            return Ok(slots::run(match explain {
                None => slots::Explain::No,
                Some(None) => slots::Explain::Grid,
                Some(Some(start)) => slots::Explain::Start(start),
            }));
        }
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// A command on files: 0 done, 2 with what is wrong with the input.
fn refused(done: Result<(), String>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("assay: {text}");
            ExitCode::from(2)
        }
    }
}

fn config(options: &Options, markdown: bool) -> Outcome {
    if markdown {
        print!("{}", Config::readme());
        return Ok(());
    }
    for (key, value, variable) in Config::describe(options.file.as_deref(), &options.overrides)? {
        println!("{key} = {value}    # {variable}");
    }
    println!("# data folder: {}", std::path::absolute(&options.data_dir)?.display());
    Ok(())
}

/// Runs a short command with a context, on the database of a running service or on one started for it.
fn tool(options: &Options, work: impl AsyncFn(&Ctx) -> Outcome) -> Outcome {
    let config = options.config()?;
    telemetry::init_logs(config.log.format, "warn");
    let database = Database::reach(&config)?;
    let url = database.url();
    let config = Arc::new(config);
    let done = server::runtime()?.block_on(async {
        if !matches!(database, Database::Attached(_)) && !server::bring_up(&config, &url)? {
            return Err(Failure("the database lacks migrations; run `assay migrate` first".to_owned()));
        }
        let ctx = boot::context(&config, &Origins::of(&config)?, &url, 2);
        boot::prepare(&ctx).await?;
        work(&ctx).await
    });
    let stopped = database.stop();
    done.and(stopped)
}

fn migrate(options: &Options, revert: Option<usize>) -> Outcome {
    let config = options.config()?;
    telemetry::init_logs(config.log.format, "warn");
    let database = Database::reach(&config)?;
    let done = match revert {
        Some(steps) => migrate::revert(&database.url(), Some(steps)).map(|()| println!("Took {steps} back.")),
        None => migrate::run(&database.url()).map(|names| match names.as_slice() {
            [] => println!("The schema is up to date."),
            names => names.iter().for_each(|name| println!("Ran {name}.")),
        }),
    };
    let stopped = database.stop();
    done.map_err(Failure::from).and(stopped)
}

fn staff(options: &Options, act: StaffAct) -> Outcome {
    tool(options, async |ctx| {
        let (grant, person) = match &act {
            StaffAct::Grant(person) => (true, person),
            StaffAct::Revoke(person) => (false, person),
        };
        domains::set_permission(ctx, &person.login, person.permission, grant).await?;
        let done = if grant { "now has" } else { "no longer has" };
        println!("{} {done} the permission `{}`.", person.login, person.permission);
        Ok(())
    })
}

async fn import(ctx: &Ctx, organisation: OrganisationId, staff: &str, lines: &str) -> Outcome {
    let mut refused = 0_usize;
    domains::import_projects(ctx, organisation, staff, lines, |line, outcome| match outcome {
        LineOutcome::Imported { id, notes } => {
            println!("line {line}: imported {id}");
            for note in notes {
                println!("  note: {note}");
            }
        }
        LineOutcome::Unchanged { id } => println!("line {line}: is there already as {id}"),
        LineOutcome::Refused { problems } => {
            refused = refused.saturating_add(1);
            println!("line {line}: refused");
            for problem in problems {
                println!("  {}: {} ({})", problem.pointer, problem.detail, problem.code);
            }
        }
    })
    .await?;
    if refused == 0 { Ok(()) } else { Err(Failure(format!("{refused} lines were refused"))) }
}

async fn jobs(ctx: &Ctx, act: &JobsAct) -> Outcome {
    match act {
        JobsAct::List { live } => {
            let rows = ctx.db.read(async |conn| jobs::list(conn, !live, None, 100).await).await?;
            if rows.is_empty() {
                println!("None.");
            }
            for job in rows {
                let error = job.last_error.unwrap_or_default();
                println!("{}  {}  tries {}/{}  {error}", job.id, job.kind, job.attempts, job.max_attempts);
            }
        }
        JobsAct::Replay { id } => {
            let job = ctx.db.tx(async |conn| jobs::replay(ctx, conn, *id).await).await?;
            println!("{} ({}) runs again.", job.id, job.kind);
        }
    }
    Ok(())
}

fn worker(options: &Options) -> Outcome {
    let config = Arc::new(options.config()?);
    telemetry::init_logs(config.log.format, &config.log.filter);
    let database = Database::reach(&config)?;
    let url = database.url();
    let done = server::runtime()?.block_on(async {
        if !server::bring_up(&config, &url)? {
            return Err(Failure("the database lacks migrations; run `assay migrate` first".to_owned()));
        }
        let origins = Origins::of(&config)?;
        // Jobs may call the providers.
        let sandboxes = Sandboxes::beside_a_service(&config, &origins)?;
        let providers = Providers::new(&config, &origins, &sandboxes)?;
        let ctx = boot::context(&config, &origins, &url, 1);
        boot::prepare(&ctx).await?;
        let metrics = server::serve_metrics(
            &ctx,
            server::listen(&config.metrics.host, config.metrics.port, "metrics.port")?,
        )?;
        let duties = Duties { limiter: None, work: true, providers };
        let background = Background::start(config.clone(), origins, url.clone(), duties)?;
        println!("The worker runs; metrics at http://{}/metrics. Stop with Ctrl-C.", metrics.address);
        server::told_to_stop().await?;
        tokio::task::block_in_place(|| background.join());
        metrics.stop(false).await;
        Ok(())
    });
    let stopped = database.stop();
    done.and(stopped)
}
