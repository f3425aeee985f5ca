//! Sending.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{AsyncSmtpTransportBuilder, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::compose::{self, Mail};
use super::error::MailError;
use super::folder;

/// For one mail, from the first byte to the server's last word.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How mails are sent.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// `smtp://user:password@host:port` (STARTTLS demanded; `?tls=none` for a server on this machine) or `smtps://…`;
    /// empty = files.
    pub smtp_url: SecretString,
    /// `Name <address>` of the sender.
    pub from: String,
    /// A file of certificates (PEM) that the server's may be signed by, besides the public ones; empty = none.
    pub tls_ca: PathBuf,
    /// Where files go.
    pub folder: PathBuf,
}

/// The sender of mails. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailer {
    from: Mailbox,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    Smtp(Smtp),
    Files(PathBuf),
}

#[derive(Clone)]
struct Smtp {
    builder: AsyncSmtpTransportBuilder,
    /// Made with the first mail: a pool spawns a task, for which there must be a runtime.
    transport: Arc<OnceLock<AsyncSmtpTransport<Tokio1Executor>>>,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Smtp") // the builder holds the password
    }
}

impl Mailer {
    /// A sender as configured. Connects with the first mail.
    ///
    /// # Errors
    /// When the sender's address or the URL cannot be used.
    pub fn new(config: &Config) -> Result<Self, MailError> {
        let from = compose::mailbox(&config.from)
            .map_err(|detail| MailError::Config { key: "from", detail: detail.to_owned() })?;
        let url = config.smtp_url.expose_secret();
        let way = if url.is_empty() {
            Way::Files(config.folder.clone())
        } else {
            Way::Smtp(Smtp::new(url, &config.tls_ca)?)
        };
        Ok(Self { from, way })
    }

    /// Do mails go to files?
    pub fn is_sandbox(&self) -> bool {
        matches!(self.way, Way::Files(_))
    }

    /// A mail as it is sent.
    ///
    /// # Errors
    /// When it cannot be made into a message.
    pub fn source(&self, mail: &Mail) -> Result<Vec<u8>, MailError> {
        Ok(compose::message(&self.from, mail)?.formatted())
    }

    /// Sends a mail.
    ///
    /// # Errors
    /// [`MailError`] tells whether a repeat can help.
    pub async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = compose::message(&self.from, mail)?;
        match &self.way {
            Way::Smtp(smtp) => smtp.send(message).await,
            Way::Files(folder) => folder::write(folder, mail, &message.formatted()).await.map_err(|error| {
                MailError::Unavailable(format!("the folder for mails cannot be written: {error}"))
            }),
        }
    }
}

impl Smtp {
    fn new(url: &str, tls_ca: &Path) -> Result<Self, MailError> {
        let refuse = |detail: &str| MailError::Config { key: "smtp_url", detail: detail.to_owned() };
        let mut url = Url::parse(url).map_err(|_| refuse("not a URL"))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        if host.is_empty() {
            return Err(refuse("it has no host"));
        }
        if url.password().is_none() && !url.username().is_empty() {
            return Err(refuse("it has a user without a password"));
        }
        let plain = match url.query() {
            None => false,
            Some("tls=none") => true,
            Some(_) => return Err(refuse("the only parameter is tls=none")),
        };
        match url.scheme() {
            "smtps" if !plain => {}
            "smtp" if !plain => url.set_query(Some("tls=required")),
            "smtp" if matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]") => url.set_query(None),
            "smtp" => return Err(refuse("tls=none is for a server on this machine")),
            _ => return Err(refuse("the scheme must be smtp or smtps")),
        }
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str())
            .map_err(|_| refuse("the mail library refuses it"))?
            .timeout(Some(TIMEOUT))
            .pool_config(PoolConfig::new().max_size(2));
        if tls_ca.as_os_str().is_empty() {
            return Ok(Self { builder, transport: Arc::default() });
        }
        let refuse = |detail: &str| MailError::Config { key: "tls_ca", detail: detail.to_owned() };
        let wrapped = match (url.scheme(), plain) {
            (_, true) => return Err(refuse("it goes with TLS only")),
            (scheme, false) => scheme == "smtps",
        };
        let pem =
            std::fs::read(tls_ca).map_err(|error| refuse(&format!("the file cannot be read: {error}")))?;
        let certificate = Certificate::from_pem(&pem).map_err(|_| refuse("the file has no certificate"))?;
        let parameters = TlsParameters::builder(host)
            .add_root_certificate(certificate)
            .build()
            .map_err(|_| refuse("the certificate cannot be used"))?;
        let tls = if wrapped { Tls::Wrapper(parameters) } else { Tls::Required(parameters) };
        Ok(Self { builder: builder.tls(tls), transport: Arc::default() })
    }

    async fn send(&self, message: lettre::Message) -> Result<(), MailError> {
        let transport = self.transport.get_or_init(|| self.builder.clone().build());
        match tokio::time::timeout(TIMEOUT, transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(meaning(&error)),
            Err(_) => Err(MailError::Unavailable("no answer in time".to_owned())),
        }
    }
}

/// What the server's or the connection's failure means for a repeat.
fn meaning(error: &lettre::transport::smtp::Error) -> MailError {
    let Some(code) = error.status().map(u16::from) else {
        return MailError::Unavailable(error.to_string());
    };
    match code {
        // The mailbox, the mail or the transaction is refused. Other 5xx (syntax, authentication) tell of a server or
        // a configuration that somebody can mend.
        550..=556 => MailError::Refused(code),
        _ => MailError::Unavailable(format!("it answered {code}")),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::super::compose::tests::mail;
    use super::super::folder::{list_files, read_file};
    use super::*;

    fn mailer(smtp_url: &str, folder: &str) -> Result<Mailer, MailError> {
        Mailer::new(&Config {
            smtp_url: smtp_url.to_owned().into(),
            from: "Assay <no-reply@assay.example>".into(),
            folder: folder.into(),
            ..Config::default()
        })
    }

    #[test]
    fn only_urls_with_protection_are_taken() {
        for good in [
            "smtp://u:p@mail.example.com:587",
            "smtps://u:p%40@mail.example.com",
            "smtp://127.0.0.1:1025?tls=none",
        ] {
            assert!(mailer(good, "").is_ok(), "{good}");
        }
        for bad in [
            "smtp://mail.example.com?tls=none",
            "smtp://mail.example.com?tls=opportunistic",
            "http://mail.example.com",
            "smtp://user@mail.example.com",
            "smtp:",
            "mail.example.com",
        ] {
            let Err(MailError::Config { key: "smtp_url", detail }) = mailer(bad, "") else { panic!("{bad}") };
            assert!(!detail.contains("example"), "{detail}");
        }
        assert!(!format!("{:?}", mailer("smtp://u:secret@mail.example.com", "").unwrap()).contains("secret"));
    }

    #[tokio::test]
    async fn a_retry_replaces_the_file() {
        let folder = std::env::temp_dir().join(format!("assay-mail-{}", std::process::id()));
        let mailer = mailer("", folder.to_str().unwrap()).unwrap();
        assert!(mailer.is_sandbox());
        assert!(list_files(&folder, 10).await.unwrap().is_empty());
        let mut mail = mail("dora@example.com", "Zoë — an offer");
        mailer.send(&mail).await.unwrap();
        mailer.send(&mail).await.unwrap();
        mail.id = uuid::Uuid::from_u128(8);
        mailer.send(&mail).await.unwrap();
        let listed = list_files(&folder, 10).await.unwrap();
        assert_eq!(listed.len(), 2);
        assert_eq!(listed[0].id, mail.id.simple().to_string());
        assert_eq!(listed[0].subject, "Zoë — an offer");
        assert_eq!(list_files(&folder, 1).await.unwrap().len(), 1);
        assert_eq!(read_file(&folder, &listed[0].id).await.unwrap().unwrap().text, mail.text);
        for id in ["../x", "", "7", "00000000-0000-0000-0000-000000000008"] {
            assert!(read_file(&folder, id).await.unwrap().is_none(), "{id}");
        }
        tokio::fs::remove_dir_all(&folder).await.unwrap();
    }

    /// A server that answers the recipient with `answer`.
    async fn server(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}?tls=none", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (read, mut write) = stream.into_split();
                let mut lines = BufReader::new(read).lines();
                write.write_all(b"220 test\r\n").await.unwrap();
                let mut in_data = false;
                while let Ok(Some(line)) = lines.next_line().await {
                    let reply = match line.as_str() {
                        "." => "250 taken",
                        _ if in_data => continue,
                        "DATA" => "354 go on",
                        line if line.starts_with("RCPT") => answer,
                        _ => "250 yes",
                    };
                    in_data = reply.starts_with("354");
                    if write.write_all(format!("{reply}\r\n").as_bytes()).await.is_err() {
                        break;
                    }
                }
            }
        });
        url
    }

    #[tokio::test]
    async fn a_refusal_and_a_delay_differ() {
        let send = async |url: &str| mailer(url, "").unwrap().send(&mail("dora@example.com", "Hello")).await;
        assert_eq!(send(&server("250 yes").await).await, Ok(()));
        assert_eq!(send(&server("550 <dora@example.com> unknown").await).await, Err(MailError::Refused(550)));
        let delayed = send(&server("451 <dora@example.com> later").await).await.unwrap_err();
        assert!(!delayed.is_permanent() && !delayed.to_string().contains("dora"), "{delayed}");
        let denied = send(&server("535 who are you").await).await.unwrap_err();
        assert!(!denied.is_permanent());
        let nobody = send("smtp://127.0.0.1:1?tls=none").await.unwrap_err();
        assert!(!nobody.is_permanent());
    }
}
