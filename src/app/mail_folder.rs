//! Reads the folder where the sandbox leaves mails instead of sending them.

use std::path::{Path, PathBuf};

use assay_kernel::{Error, Result};
use serde::Serialize;
use utoipa::ToSchema;

/// A mail in a line.
#[derive(Debug, Serialize, ToSchema)]
pub struct MailSummary {
    /// Its id.
    pub id: String,
    /// To whom.
    #[schema(example = "dora@example.com")]
    pub to: String,
    /// What about.
    pub subject: String,
    /// When it was made.
    pub date: String,
}

/// A mail.
#[derive(Debug, Serialize, ToSchema)]
pub struct Mail {
    /// Its id.
    pub id: String,
    /// To whom.
    #[schema(example = "dora@example.com")]
    pub to: String,
    /// What about.
    pub subject: String,
    /// When it was made.
    pub date: String,
    /// The text as it would have been sent, with all headers (RFC 5322).
    pub source: String,
}

/// The newest hundred.
///
/// # Errors
/// When the folder cannot be read.
pub async fn list(folder: PathBuf) -> Result<Vec<MailSummary>> {
    blocking(move || {
        let mut ids = ids(&folder)?;
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids.truncate(100);
        Ok(ids
            .into_iter()
            .filter_map(|id| read(&folder, &id))
            .map(|mail| MailSummary { id: mail.id, to: mail.to, subject: mail.subject, date: mail.date })
            .collect())
    })
    .await
}

/// One mail.
///
/// # Errors
/// When the folder cannot be read.
pub async fn get(folder: PathBuf, id: String) -> Result<Option<Mail>> {
    // Only what the list shows, so that an id cannot be a path.
    blocking(move || Ok(ids(&folder)?.contains(&id).then(|| read(&folder, &id)).flatten())).await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

fn ids(folder: &Path) -> Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::internal(error)),
    };
    Ok(entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok()?.strip_suffix(".eml").map(str::to_owned))
        .collect())
}

fn read(folder: &Path, id: &str) -> Option<Mail> {
    let source = String::from_utf8_lossy(&std::fs::read(folder.join(format!("{id}.eml"))).ok()?).into_owned();
    let header = |name: &str| header(&source, name).unwrap_or_default();
    Some(Mail { id: id.to_owned(), to: header("To"), subject: header("Subject"), date: header("Date"), source })
}

/// The value of a header, unfolded.
fn header(source: &str, name: &str) -> Option<String> {
    let mut lines = source.lines().take_while(|line| !line.is_empty());
    let first = lines.find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })?;
    Some(lines.take_while(|line| line.starts_with([' ', '\t'])).fold(first, |value, more| value + " " + more.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_unfolded() {
        let source = "From: a@b.c\r\nSubject: one\r\n two\r\nTo: d@e.f\r\n\r\nTo: not this\r\n";
        assert_eq!(header(source, "subject").as_deref(), Some("one two"));
        assert_eq!(header(source, "To").as_deref(), Some("d@e.f"));
        assert_eq!(header(source, "Cc"), None);
    }
}
