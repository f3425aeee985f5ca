//! Enqueuing mails, sending them, what people want of them; reading the feed.

pub(crate) mod personal_data;

use std::path::PathBuf;

use assay_adapters::mail::{self, CalendarPart, Mail, Mailer};
use assay_kernel::ids::{AccountId, JobId};
use assay_kernel::{Actor, Code, Error, Result, Scope};
use assay_platform::Ctx;
use assay_platform::config::Config;
use assay_platform::crypto::{base64url, from_base64url};
use assay_platform::db::Conn;
use assay_platform::input;
use assay_platform::jobs::{NewJob, enqueue};
use assay_platform::outbox::{self, Audience, Event};
use assay_platform::web::IfMatch;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;
use validator::Validate;

use crate::model::ical::Party;
use crate::model::{Category, Footer, MailJob, NewMail, Recipient, Template};
use crate::store;
use crate::store::Addressee;

/// The kind of the jobs that send mails.
pub(crate) const MAIL_JOB: &str = "mail.send";
/// What tokens of unsubscribe links are signed for.
const UNSUBSCRIBE: &str = "mail.unsubscribe";

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
    let id = ctx.ids.uuid();
    let plain = serde_json::to_vec(&mail).map_err(Error::internal)?;
    let job = MailJob {
        id,
        account: match mail.to {
            Recipient::Account(account) => Some(account),
            Recipient::Address(_) => None,
        },
        sealed: base64url(&ctx.keys.seal(&ctx.entropy, &MailJob::context(id), &plain)?),
        written_at: ctx.clock.now(),
    };
    let payload = serde_json::to_value(job).map_err(Error::internal)?;
    enqueue(ctx, conn, NewJob { kind: MAIL_JOB, payload, dedupe_key, run_at: None }).await
}

/// The sender of mails as configured: SMTP, or files in the data folder.
///
/// # Errors
/// When the configured address, URL or certificate cannot be used.
pub fn mailer(config: &Config) -> Result<Mailer> {
    Ok(Mailer::new(&mail::Config {
        smtp_url: config.mail.smtp_url.clone(),
        from: config.mail.from.clone(),
        tls_ca: config.mail.tls_ca.clone(),
        folder: folder(config),
    })?)
}

/// Where mails are left when there is no server.
fn folder(config: &Config) -> PathBuf {
    config.data_dir.join("mail")
}

/// Deletes mails that have lain in the folder for long. Returns how many went.
///
/// # Errors
/// When the folder cannot be read or written.
pub async fn delete_old_files(ctx: &Ctx) -> Result<usize> {
    let before = ctx.clock.now() - Duration::days(ctx.policy.retention.mail_file_days);
    mail::delete_files(&folder(&ctx.config), before).await.map_err(Error::internal)
}

/// Renders and sends a mail, if it is still wanted.
pub(crate) async fn send_mail(ctx: &Ctx, mailer: &Mailer, job: MailJob) -> Result<()> {
    let sealed =
        from_base64url(&job.sealed).ok_or_else(|| Error::internal("a mail's job is not base64url"))?;
    let plain = ctx.keys.open(&MailJob::context(job.id), &sealed)?;
    let NewMail { to, template } = serde_json::from_slice(&plain).map_err(Error::internal)?;
    let (address, unsubscribe) = match to {
        Recipient::Address(address) => (address, None),
        Recipient::Account(account) => {
            let category = template.category();
            let Some(address) = wanted_at(ctx, account, category).await? else { return Ok(()) };
            (address, category.map(|category| unsubscribe_url(ctx, account, category)).transpose()?)
        }
    };
    let from = &ctx.config.mail.from;
    Ok(mailer.send(&composed(job.id, address, &template, unsubscribe, job.written_at, from)).await?)
}

/// The configured sender, `Name <address>` or an address: the one organizer of everything that is arranged.
fn sender(from: &str) -> Party<'_> {
    match from.rsplit_once('<') {
        Some((name, address)) => {
            Party { name: name.trim().trim_matches('"'), address: address.trim_end().trim_end_matches('>') }
        }
        None => Party { name: "", address: from.trim() },
    }
}

/// The domain of the sender's address, which names what is arranged.
pub fn sender_domain(ctx: &Ctx) -> String {
    let address = sender(&ctx.config.mail.from).address;
    address.rsplit_once('@').map_or(address, |(_, domain)| domain).to_owned()
}

/// The mail as it goes out.
pub(crate) fn composed(
    id: Uuid,
    to: String,
    template: &Template,
    unsubscribe: Option<String>,
    written_at: DateTime<Utc>,
    from: &str,
) -> Mail {
    let letter = template.letter();
    let footer = match (template.category(), &unsubscribe) {
        (Some(category), Some(url)) => Footer::Optional { about: category.about(), unsubscribe: url },
        _ => Footer::Essential,
    };
    let calendar = template.invitation().map(|invitation| CalendarPart {
        method: invitation.method.as_str(),
        text: invitation.object(sender(from), &to, written_at),
    });
    Mail {
        id,
        calendar,
        to,
        subject: letter.subject(),
        text: letter.text(&footer),
        html: letter.html(&footer),
        written_at,
        unsubscribe: unsubscribe.clone(),
    }
}

/// Where the person gets such mail now; none when they do not want it, or have no address any more.
async fn wanted_at(ctx: &Ctx, account: AccountId, category: Option<Category>) -> Result<Option<String>> {
    let consent = &ctx.policy.consents.product_mail.version;
    let found = ctx.db.read(async |conn| Ok(store::addressee(conn, account, consent).await?)).await?;
    let Some(Addressee { address, consented, off }) = found else { return Ok(None) };
    let wanted = category.is_none_or(|category| consented && !off.iter().any(|one| one == category.as_str()));
    Ok(address.filter(|_| wanted))
}

/// A link that stops a sort of mail for a person: signed, so that nobody stops another's; without end, as mails are
/// kept.
fn unsubscribe_url(ctx: &Ctx, account: AccountId, category: Category) -> Result<String> {
    let mut token = [account.uuid().as_bytes(), category.as_str().as_bytes()].concat();
    let tag = ctx.keys.sign(UNSUBSCRIBE, &token)?;
    token.extend_from_slice(tag.get(..16).unwrap_or(&tag));
    Ok(format!("{}/v1/mail/unsubscribe?token={}", ctx.config.public_url(), base64url(&token)))
}

/// Whom and what a link's token stops.
fn read_token(ctx: &Ctx, token: &str) -> Result<(AccountId, Category)> {
    let read = || {
        let bytes = from_base64url(token)?;
        let (message, tag) = bytes.split_at_checked(bytes.len().checked_sub(16)?)?;
        let (account, category) = message.split_at_checked(16)?;
        let category = Category::parse(std::str::from_utf8(category).ok()?)?;
        let account = Uuid::from_slice(account).ok()?;
        ctx.keys.verify(UNSUBSCRIBE, message, tag).then(|| (AccountId::from_uuid(account), category))
    };
    read().ok_or_else(|| Error::new(Code::NotFound, "The link is not whole. Copy it from the mail again."))
}

/// What mail a link is about; changes nothing.
pub(crate) fn look_at_link(ctx: &Ctx, token: &str) -> Result<&'static str> {
    Ok(read_token(ctx, token)?.1.about())
}

/// Follows a link: no more mail of its sort. A second time changes nothing.
pub(crate) async fn unsubscribe(ctx: &Ctx, token: &str) -> Result<&'static str> {
    let (account, category) = read_token(ctx, token)?;
    let now = ctx.clock.now();
    ctx.db
        .tx(async |conn| {
            let (mut off, version) = store::preferences(conn, account).await?;
            if store::addressee(conn, account, "").await?.is_some()
                && !off.iter().any(|one| one == category.as_str())
            {
                off.push(category.to_string());
                store::set_preferences(conn, account, &off, version.saturating_add(1), now).await?;
            }
            Ok(())
        })
        .await?;
    Ok(category.about())
}

/// Which mail, besides the essential, a person wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailPreferences {
    /// When a client invites the person to bid.
    #[schema(required = false, example = true)]
    pub invitations: bool,
    /// When something of the person's ends soon.
    #[schema(required = false, example = true)]
    pub reminders: bool,
}

impl MailPreferences {
    fn without(off: &[String]) -> Self {
        let wants = |category: Category| !off.iter().any(|one| one == category.as_str());
        Self { invitations: wants(Category::Invitations), reminders: wants(Category::Reminders) }
    }

    fn off(self) -> Vec<String> {
        let wanted = |category| match category {
            Category::Invitations => self.invitations,
            Category::Reminders => self.reminders,
        };
        Category::ALL.iter().filter(|one| !wanted(**one)).map(ToString::to_string).collect()
    }
}

/// Which mail a person gets.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MailPreferencesView {
    /// What they want.
    #[serde(flatten)]
    pub wanted: MailPreferences,
    /// Whether the consent `product_mail` is given; without it none of these is sent.
    pub consent_given: bool,
    /// The version of this resource, as in its ETag.
    #[schema(example = 1)]
    pub version: i64,
}

async fn preferences_in(ctx: &Ctx, conn: &mut Conn, account: AccountId) -> Result<MailPreferencesView> {
    let (off, version) = store::preferences(conn, account).await?;
    let consent = &ctx.policy.consents.product_mail.version;
    let addressee = store::addressee(conn, account, consent).await?;
    Ok(MailPreferencesView {
        wanted: MailPreferences::without(&off),
        consent_given: addressee.is_some_and(|addressee| addressee.consented),
        version,
    })
}

/// What the caller wants.
pub(crate) async fn preferences(ctx: &Ctx, actor: &Actor) -> Result<MailPreferencesView> {
    ctx.db.read(async |conn| preferences_in(ctx, conn, actor.account_id).await).await
}

/// Changes what the caller wants, by a merge patch.
pub(crate) async fn update_preferences(
    ctx: &Ctx,
    actor: &Actor,
    seen: &IfMatch,
    patch: &Map<String, Value>,
) -> Result<MailPreferencesView> {
    let (account, now) = (actor.account_id, ctx.clock.now());
    ctx.db
        .tx(async |conn| {
            let (off, version) = store::preferences(conn, account).await?;
            seen.check(version)?;
            let present = MailPreferences::without(&off);
            let wanted: MailPreferences = input::merge(&present, patch)?;
            if wanted != present {
                store::set_preferences(conn, account, &wanted.off(), version.saturating_add(1), now).await?;
            }
            preferences_in(ctx, conn, account).await
        })
        .await
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
