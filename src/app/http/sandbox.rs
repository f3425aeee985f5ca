//! What only the sandbox has: never registered in production.

use std::path::PathBuf;
use std::time::Duration;

use actix_web::web::Data;
use actix_web::{get, post};
use assay_adapters::mail::{StoredMailSummary, list_files, read_file};
use assay_kernel::{Error, Page, Result};
use assay_platform::Ctx;
use assay_platform::sandbox_clock;
use assay_platform::web::{Body, Outcome, Path, Reply, Routes};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

/// The furthest that one call moves the clock.
const FURTHEST: Duration = Duration::from_secs(5 * 366 * 86_400);

/// What is sandboxed; app data.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// Where the sandbox GitHub is, when there is one.
    pub github: Option<String>,
    /// Where the sandbox Stripe is, when there is one.
    pub stripe: Option<String>,
    /// Where mails go, when they are not sent.
    pub mail: Option<PathBuf>,
}

/// Registers the routes.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(get_sandbox)
        .service(open_sandbox_github)
        .service(get_sandbox_clock)
        .service(advance_sandbox_clock)
        .service(list_sandbox_mails)
        .service(get_sandbox_mail);
}

/// What is sandboxed here.
#[derive(Debug, Serialize, ToSchema)]
pub struct SandboxView {
    /// The sandbox GitHub, where one picks a persona; none when the real GitHub is used.
    #[schema(example = "http://127.0.0.1:8081")]
    pub github: Option<String>,
    /// The sandbox Stripe; none when the real Stripe is used.
    #[schema(example = "http://127.0.0.1:8082")]
    pub stripe: Option<String>,
    /// Where the mails are that were not sent; none when mail is sent.
    #[schema(example = "/sandbox/mail")]
    pub mail: Option<&'static str>,
    /// The clock.
    pub clock: ClockView,
}

/// The service's clock.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClockView {
    /// The time by which everything goes.
    pub now: DateTime<Utc>,
    /// How far it is ahead of the real time.
    #[schema(example = 259_200)]
    pub ahead_seconds: i64,
}

impl ClockView {
    fn of(ctx: &Ctx) -> Self {
        Self { now: ctx.clock.now(), ahead_seconds: ctx.clock.offset().num_seconds() }
    }
}

/// How far to move the clock: one of the two.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdvanceClock {
    /// An ISO 8601 duration of weeks, days, hours, minutes and seconds.
    #[schema(example = "P3D", max_length = 40)]
    #[validate(length(max = 40))]
    advance: Option<String>,
    /// The same in seconds.
    #[schema(minimum = 1, maximum = 158_112_000)]
    advance_seconds: Option<u64>,
}

impl AdvanceClock {
    fn duration(&self) -> Result<Duration> {
        let (pointer, duration) = match (&self.advance, self.advance_seconds) {
            (Some(text), None) => {
                let duration = parse_duration(text).ok_or_else(|| {
                    let detail = "must be an ISO 8601 duration such as `P3D`, `PT12H` or `P1DT6H30M`";
                    Error::invalid_field("/advance", "invalid_format", detail)
                })?;
                ("/advance", duration)
            }
            (None, Some(seconds)) => ("/advance_seconds", Duration::from_secs(seconds)),
            _ => {
                let detail = "give either `advance` or `advance_seconds`";
                return Err(Error::invalid_field("/advance", "inconsistent", detail));
            }
        };
        if duration.is_zero() || duration > FURTHEST {
            return Err(Error::invalid_field(
                pointer,
                "out_of_range",
                "must be between a second and five years",
            ));
        }
        Ok(duration)
    }
}

/// Reads weeks, days and a time of day part. Years and months are of no fixed length, so they are refused.
fn parse_duration(text: &str) -> Option<Duration> {
    let rest = text.strip_prefix('P')?;
    let (date, time) = rest.split_once('T').map_or((rest, None), |(date, time)| (date, Some(time)));
    if time == Some("") || (date.is_empty() && time.is_none()) {
        return None;
    }
    let date = parse_units(date, &[('W', 604_800), ('D', 86_400)])?;
    let time = parse_units(time.unwrap_or_default(), &[('H', 3_600), ('M', 60), ('S', 1)])?;
    Some(Duration::from_secs(date.checked_add(time)?))
}

fn parse_units(mut text: &str, units: &[(char, u64)]) -> Option<u64> {
    let mut units = units.iter();
    let mut sum = 0_u64;
    while !text.is_empty() {
        let end = text.find(|c: char| !c.is_ascii_digit())?;
        let (digits, rest) = text.split_at(end);
        let name = rest.chars().next()?;
        let (_, seconds) = units.find(|(unit, _)| *unit == name)?;
        sum = sum.checked_add(digits.parse::<u64>().ok()?.checked_mul(*seconds)?)?;
        text = &rest[name.len_utf8()..];
    }
    Some(sum)
}

/// Tells what is sandboxed.
#[utoipa::path(
    tag = "sandbox",
    responses((status = 200, description = "What is sandboxed.", body = SandboxView)),
    extensions(("x-access" = json!("public")))
)]
#[get("/sandbox")]
async fn get_sandbox(ctx: Data<Ctx>, sandbox: Data<Sandbox>) -> Outcome {
    Ok(Reply::ok(&SandboxView {
        github: sandbox.github.clone(),
        stripe: sandbox.stripe.clone(),
        mail: sandbox.mail.is_some().then_some("/sandbox/mail"),
        clock: ClockView::of(&ctx),
    })?)
}

/// Leads to the sandbox GitHub.
#[utoipa::path(
    tag = "sandbox",
    responses((status = 302, description = "The sandbox GitHub is there.")),
    extensions(("x-access" = json!("public")))
)]
#[get("/sandbox/github")]
async fn open_sandbox_github(sandbox: Data<Sandbox>) -> Outcome {
    match &sandbox.github {
        Some(url) => Ok(Reply::redirect(url)),
        None => Err(Error::not_found("sandbox GitHub").into()),
    }
}

/// Shows the clock.
#[utoipa::path(
    tag = "sandbox",
    responses((status = 200, description = "The clock.", body = ClockView)),
    extensions(("x-access" = json!("public")))
)]
#[get("/sandbox/clock")]
async fn get_sandbox_clock(ctx: Data<Ctx>) -> Outcome {
    Ok(Reply::ok(&ClockView::of(&ctx))?)
}

/// Moves the clock forward.
///
/// Every process on the database follows, and what has become due is done within a second. The clock never goes
/// back.
#[utoipa::path(
    tag = "sandbox",
    request_body = AdvanceClock,
    responses((status = 200, description = "The clock, moved.", body = ClockView)),
    extensions(("x-access" = json!("public")))
)]
#[post("/sandbox/clock")]
async fn advance_sandbox_clock(ctx: Data<Ctx>, body: Body<AdvanceClock>) -> Outcome {
    let by = body.duration()?;
    ctx.db.tx(async |conn| sandbox_clock::advance(&ctx, conn, by).await).await?;
    Ok(Reply::ok(&ClockView::of(&ctx))?)
}

/// A mail in a line.
#[derive(Debug, Serialize, ToSchema)]
pub struct MailSummary {
    /// Its id.
    id: String,
    /// To whom.
    #[schema(example = "dora@example.com")]
    to: String,
    /// What about.
    subject: String,
    /// When it was written.
    date: DateTime<Utc>,
}

impl From<StoredMailSummary> for MailSummary {
    fn from(mail: StoredMailSummary) -> Self {
        Self { id: mail.id, to: mail.to, subject: mail.subject, date: mail.date }
    }
}

/// A mail.
#[derive(Debug, Serialize, ToSchema)]
pub struct Mail {
    /// Its id, address, subject and date.
    #[serde(flatten)]
    summary: MailSummary,
    /// The plain text.
    text: String,
    /// The HTML.
    html: String,
    /// The calendar (RFC 5545) that comes with it.
    calendar: Option<String>,
}

/// Lists the mails that were not sent.
///
/// The newest hundred, newest first.
#[utoipa::path(
    tag = "sandbox",
    responses((status = 200, description = "The mails.", body = Page<MailSummary>)),
    extensions(("x-access" = json!("public")))
)]
#[get("/sandbox/mail")]
async fn list_sandbox_mails(sandbox: Data<Sandbox>) -> Outcome {
    let mails = match &sandbox.mail {
        Some(folder) => list_files(folder, 100).await.map_err(Error::internal)?,
        None => Vec::new(),
    };
    Ok(Reply::page(&Page::whole(mails.into_iter().map(MailSummary::from).collect()))?)
}

/// Shows a mail that was not sent.
#[utoipa::path(
    tag = "sandbox",
    params(("id" = String, Path, description = "The mail's id, from the list.")),
    responses((status = 200, description = "The mail.", body = Mail)),
    extensions(("x-access" = json!("public")))
)]
#[get("/sandbox/mail/{id}")]
async fn get_sandbox_mail(sandbox: Data<Sandbox>, id: Path<String>) -> Outcome {
    let missing = || Error::not_found("mail");
    let folder = sandbox.mail.clone().ok_or_else(missing)?;
    let mail = read_file(&folder, &id.0).await.map_err(Error::internal)?.ok_or_else(missing)?;
    Ok(Reply::ok(&Mail {
        summary: mail.summary.into(),
        text: mail.text,
        html: mail.html,
        calendar: mail.calendar,
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_fixed_length_are_read_and_others_refused() {
        let seconds = |text| parse_duration(text).map(|duration| duration.as_secs());
        assert_eq!(seconds("P3D"), Some(259_200));
        assert_eq!(seconds("PT90M"), Some(5_400));
        assert_eq!(seconds("P1W2DT3H4M5S"), Some(604_800 + 2 * 86_400 + 3 * 3_600 + 4 * 60 + 5));
        for bad in [
            "",
            "P",
            "PT",
            "3D",
            "P3",
            "P1M",
            "P1Y",
            "P-1D",
            "PT1H1H",
            "PT1S1H",
            "P1.5D",
            "P99999999999999999999D",
            "PxD",
        ] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
