//! `assay ledger`: checks, export, statements.

use std::io::{BufWriter, Write};

use assay_platform::Ctx;
use clap::Subcommand;

use super::boot::{Failure, Outcome};
use super::domains::INVARIANTS;

/// What to do with the ledger.
#[derive(Debug, Subcommand)]
pub enum Act {
    /// Check every invariant: exit 0 when all hold, 1 when one does not
    #[command(after_help = "Example:\n  assay ledger check")]
    Check,
    /// Print the whole journal
    #[command(after_help = "Example:\n  assay ledger export --format csv > ledger.csv")]
    Export {
        /// json (an object a line), csv or beancount
        #[arg(long, default_value = "json", value_parser = parse_format)]
        format: assay_ledger::Format,
    },
    /// Print the entries of an account, the newest first, with the balance after each
    #[command(after_help = "Example:\n  assay ledger statement --account 7 --limit 50")]
    Statement {
        /// The account's number
        #[arg(long)]
        account: i64,
        /// Most entries
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=100_000))]
        limit: i64,
    },
}

fn parse_format(text: &str) -> Result<assay_ledger::Format, String> {
    assay_ledger::Format::parse(text).ok_or_else(|| "one of json, csv, beancount".to_owned())
}

/// Does it.
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
        Act::Statement { account, limit } => {
            let (entries, _) = assay_ledger::statement(ctx, *account, None, *limit).await?;
            let mut out = BufWriter::new(std::io::stdout());
            writeln!(out, "transaction\tat\tkind\tkey\tamount\tbalance")?;
            for entry in entries {
                let at = entry.effective_at.to_rfc3339();
                let (kind, key) = (entry.kind, entry.key);
                writeln!(
                    out,
                    "{}\t{at}\t{kind}\t{key}\t{}\t{}",
                    entry.transaction, entry.amount, entry.balance
                )?;
            }
            Ok(out.flush()?)
        }
    }
}
