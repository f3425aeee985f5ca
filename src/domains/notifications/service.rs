//! Enqueuing mails, sending them, reading the feed.

use assay_adapters::mail::{self, Mail, Mailer};
use assay_kernel::ids::JobId;
use assay_kernel::{Actor, Error, Result, Scope};
use assay_platform::Ctx;
use assay_platform::config::Config;
use assay_platform::db::Conn;
use assay_platform::jobs::{NewJob, enqueue};
use assay_platform::outbox::{self, Audience, Event};

use crate::model::{MailJob, NewMail};
use crate::store;

/// The kind of the jobs that send mails.
pub(crate) const MAIL_JOB: &str = "mail.send";

/// Enqueues a mail in the caller's transaction.
///
/// # Errors
/// When the database fails. An address that cannot be used shows when the mail is sent.
pub async fn enqueue_mail(ctx: &Ctx, conn: &mut Conn, mail: NewMail) -> Result<JobId> {
    enqueue_keyed(ctx, conn, mail, None).await
}

/// As [`enqueue_mail`], but does nothing while a mail of the same key waits to be sent.
///
/// # Errors
/// As [`enqueue_mail`].
pub async fn enqueue_mail_once(ctx: &Ctx, conn: &mut Conn, mail: NewMail, key: &str) -> Result<JobId> {
    enqueue_keyed(ctx, conn, mail, Some(format!("{MAIL_JOB}:{key}"))).await
}

async fn enqueue_keyed(
    ctx: &Ctx,
    conn: &mut Conn,
    mail: NewMail,
    dedupe_key: Option<String>,
) -> Result<JobId> {
    let job =
        MailJob { id: ctx.ids.uuid(), to: mail.to, template: mail.template, written_at: ctx.clock.now() };
    let payload = serde_json::to_value(job).map_err(Error::internal)?;
    enqueue(ctx, conn, NewJob { kind: MAIL_JOB, payload, dedupe_key, run_at: None }).await
}

/// The sender of mails as configured: SMTP, or files in the data folder.
///
/// # Errors
/// When the configured address or URL cannot be used.
pub fn mailer(config: &Config) -> Result<Mailer> {
    Ok(Mailer::new(&mail::Config {
        smtp_url: config.mail.smtp_url.clone(),
        from: config.mail.from.clone(),
        folder: config.data_dir.join("mail"),
    })?)
}

/// Renders and sends a mail.
pub(crate) async fn send_mail(mailer: &Mailer, job: MailJob) -> Result<()> {
    let mail = Mail {
        id: job.id,
        to: job.to,
        subject: job.template.subject(),
        text: job.template.text()?,
        html: job.template.html()?,
        written_at: job.written_at,
    };
    Ok(mailer.send(&mail).await?)
}

/// Events after `after` that the caller may read, oldest first.
pub(crate) async fn read_events(ctx: &Ctx, caller: &Actor, after: i64, limit: i64) -> Result<Vec<Event>> {
    ctx.db
        .read(async |conn| {
            let mut audiences = vec![Audience::Account(caller.account_id)];
            let organisations = store::organisations_of(conn, caller.account_id).await?;
            audiences.extend(organisations.into_iter().map(Audience::Organisation));
            // Staff acts need this scope, so a token without it reads as the person, not as staff.
            if caller.scopes.contains(&Scope::Account) {
                audiences.extend(caller.permissions.iter().copied().map(Audience::Staff));
            }
            outbox::read(conn, &audiences, after, limit).await
        })
        .await
}
