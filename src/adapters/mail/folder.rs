//! The folder in which mails are left when there is no server: `<id>.eml` as it would have been sent, beside it
//! `<id>.json` with the same unencoded, for people and scripts that look.

use std::io::ErrorKind;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::fs;
use uuid::Uuid;

use super::compose::Mail;

/// A mail in the folder, in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredMailSummary {
    /// Its id: ids sort by time.
    pub id: String,
    /// The address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// When it was written.
    pub date: DateTime<Utc>,
}

/// A mail in the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredMail {
    /// Its id, address, subject and date.
    #[serde(flatten)]
    pub summary: StoredMailSummary,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
    /// The calendar (RFC 5545) that mail programs act on.
    #[serde(default)]
    pub calendar: Option<String>,
}

/// Writes a mail; a second time replaces the first.
pub(super) async fn write(folder: &Path, mail: &Mail, source: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(folder).await?;
    let id = mail.id.simple().to_string();
    let stored = StoredMail {
        summary: StoredMailSummary {
            id: id.clone(),
            to: mail.to.clone(),
            subject: mail.subject.clone(),
            date: mail.written_at,
        },
        text: mail.text.clone(),
        html: mail.html.clone(),
        calendar: mail.calendar.as_ref().map(|calendar| calendar.text.clone()),
    };
    replace(&folder.join(format!("{id}.eml")), source).await?;
    // The one that is listed comes last.
    replace(&folder.join(format!("{id}.json")), &serde_json::to_vec(&stored)?).await
}

/// A reader never sees half a file.
async fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension("tmp");
    fs::write(&draft, bytes).await?;
    fs::rename(&draft, path).await
}

/// The newest mails, `most` of them, newest first.
///
/// # Errors
/// When the folder cannot be read. A folder that is not there has no mails.
pub async fn list_files(folder: &Path, most: usize) -> std::io::Result<Vec<StoredMailSummary>> {
    let mut entries = match fs::read_dir(folder).await {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut ids = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        let name = entry.file_name();
        ids.extend(name.to_str().and_then(|name| name.strip_suffix(".json")).map(str::to_owned));
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    let mut mails = Vec::new();
    for id in ids {
        if mails.len() == most {
            break;
        }
        mails.extend(read_file(folder, &id).await?.map(|mail| mail.summary));
    }
    Ok(mails)
}

/// The mail of that id; none when there is no such one.
///
/// # Errors
/// When the file is there but cannot be read.
pub async fn read_file(folder: &Path, id: &str) -> std::io::Result<Option<StoredMail>> {
    // Only ids as we make them, so that an id cannot be a path.
    let Some(id) = Uuid::try_parse(id).ok().filter(|uuid| uuid.simple().to_string() == id) else {
        return Ok(None);
    };
    match fs::read(folder.join(format!("{}.json", id.simple()))).await {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Deletes the mails whose ids were made before, in both their files. Returns how many files went.
///
/// # Errors
/// When the folder cannot be read or a file not deleted.
pub async fn delete_files(folder: &Path, before: DateTime<Utc>) -> std::io::Result<usize> {
    let mut entries = match fs::read_dir(folder).await {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    // Ids begin with their time in milliseconds (UUIDv7).
    let limit = format!("{:012x}", before.timestamp_millis());
    let mut gone = 0_usize;
    while let Some(entry) = entries.next_entry().await? {
        let name = entry.file_name();
        let made = name.to_str().and_then(|name| name.get(..12));
        if made.is_some_and(|made| made < limit.as_str()) {
            match fs::remove_file(entry.path()).await {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => gone = gone.saturating_add(1),
            }
        }
    }
    Ok(gone)
}
