//! The job that sends mails.

use assay_adapters::mail::Mailer;
use assay_platform::Ctx;
use assay_platform::jobs::Registry;

use crate::model::MailJob;
use crate::service::{self, MAIL_JOB};

/// Registers the jobs of notifications.
pub fn jobs(registry: &mut Registry, mailer: Mailer) {
    registry.on(MAIL_JOB, move |ctx: Ctx, job: MailJob| {
        let mailer = mailer.clone();
        async move { service::send_mail(&ctx, &mailer, job).await }
    });
}
