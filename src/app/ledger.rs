//! `assay ledger`: checks, export, statements.

use std::io::BufWriter;

use assay_ledger::{Format, Scope};
use assay_platform::Ctx;
use clap::{Args, Subcommand};
use uuid::Uuid;

use super::boot::{Failure, Outcome};
use super::domains::INVARIANTS;

/// Lines that are read at a time.
const PAGE: i64 = 1_000;

/// What to do with the ledger.
#[derive(Debug, Subcommand)]
pub enum Act {
    /// Check every invariant: exit 0 when all hold, 1 when one does not
    #[command(after_help = "Example:\n  assay ledger check")]
    Check,
    /// Print the whole journal
    #[command(
        after_help = "Examples:\n  assay ledger export --format csv > ledger.csv\n  assay ledger export --format beancount > ledger.beancount && bean-check ledger.beancount"
    )]
    Export {
        /// json (an object a line), csv or beancount
        #[arg(long, default_value = "json", value_parser = parse_format)]
        format: Format,
    },
    /// Print entries with the balance after each
    #[command(
        after_help = "Examples:\n  assay ledger statement --account 7 --limit 50\n  assay ledger statement --owner acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b --format json"
    )]
    Statement {
        /// Of what
        #[command(flatten)]
        of: Of,
        /// csv or json (an object a line)
        #[arg(long, default_value = "csv", value_parser = parse_format)]
        format: Format,
        /// Most entries
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=1_000_000))]
        limit: i64,
    },
}

/// Whose entries.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Of {
    /// The account with this number; the newest entries first
    #[arg(long, value_name = "N")]
    account: Option<i64>,
    /// The accounts of a person or an organisation; the oldest entries first
    #[arg(long, value_name = "ID", value_parser = parse_id)]
    owner: Option<Uuid>,
    /// The transactions that move a milestone's money
    #[arg(long, value_name = "ID", value_parser = parse_id)]
    milestone: Option<Uuid>,
    /// The transactions of a contract
    #[arg(long, value_name = "ID", value_parser = parse_id)]
    contract: Option<Uuid>,
}

impl Of {
    fn scope(&self) -> Option<Scope> {
        let Self { account: _, owner, milestone, contract } = self;
        let scopes =
            [owner.map(Scope::Owner), milestone.map(Scope::Milestone), contract.map(Scope::Contract)];
        scopes.into_iter().flatten().next()
    }
}

fn parse_format(text: &str) -> Result<Format, String> {
    Format::parse(text).ok_or_else(|| "one of json, csv, beancount".to_owned())
}

/// An id as the API shows it, or as it is stored.
fn parse_id(text: &str) -> Result<Uuid, String> {
    let digits = text.split_once('_').map_or(text, |(_, digits)| digits);
    Uuid::parse_str(digits).map_err(|_| "an id such as acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b".to_owned())
}

/// Does it.
///
/// # Errors
/// What is wrong, in one line.
pub async fn run(ctx: &Ctx, act: &Act) -> Outcome {
    match act {
        Act::Check => {
            let findings = assay_ledger::check(ctx, INVARIANTS).await?;
            for finding in &findings {
                println!("{:>8}  {}: {}", finding.offenders, finding.name, finding.meaning);
            }
            let broken = findings.iter().filter(|finding| finding.offenders != 0).count();
            if broken == 0 { Ok(()) } else { Err(Failure(format!("{broken} invariants do not hold"))) }
        }
        Act::Export { format } => {
            assay_ledger::export(ctx, *format, &mut BufWriter::new(std::io::stdout())).await?;
            Ok(())
        }
        Act::Statement { of, format, limit } => {
            let mut entries = Vec::new();
            let (mut after, mut before) = ((0, 0), None);
            loop {
                let taken = i64::try_from(entries.len()).unwrap_or(i64::MAX);
                let wanted = PAGE.min(limit.saturating_sub(taken));
                let page = match (of.scope(), of.account) {
                    (Some(scope), _) => assay_ledger::statement_of(ctx, scope, after, wanted).await?,
                    (None, account) => {
                        let account = account.unwrap_or_default();
                        let (page, next) = assay_ledger::statement(ctx, account, before, wanted).await?;
                        before = next;
                        page
                    }
                };
                let Some(last) = page.last() else { break };
                after = (last.transaction, last.account);
                entries.extend(page);
            }
            assay_ledger::write_statement(&entries, *format, &mut BufWriter::new(std::io::stdout()))?;
            Ok(())
        }
    }
}
