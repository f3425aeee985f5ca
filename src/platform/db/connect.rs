//! Connections, with TLS where the URL asks for it by libpq's `sslmode` and `sslrootcert`. TLS is verified, the chain
//! and the name, or there is none: what falls back to less would be no defence against who can make it fall.

use std::path::PathBuf;
use std::sync::Arc;

use diesel::{ConnectionError, ConnectionResult};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Conn;

/// What a server's certificate must lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Roots {
    /// The public authorities.
    Public,
    /// Those in a PEM file.
    File(PathBuf),
}

/// A database URL, understood.
#[derive(Clone, Debug)]
pub struct Target {
    config: Config,
    tls: Option<Roots>,
    /// Does the URL say how the connection is protected?
    explicit: bool,
}

impl Target {
    /// Reads a URL. No file is opened here.
    ///
    /// # Errors
    /// What is wrong, without any of its values.
    pub fn parse(url: &str) -> Result<Self, String> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err("it must start with postgres:// or postgresql://".to_owned());
        }
        let (mode, roots, rest) = take_ssl(url)?;
        let mut config: Config = rest.parse().map_err(|error| chain(&error))?;
        if config.get_hosts().is_empty() {
            return Err("it has no host".to_owned());
        }
        let tls = match mode.as_deref() {
            None | Some("disable") if roots.is_some() => {
                return Err("sslrootcert goes with sslmode=require or verify-full".to_owned());
            }
            None | Some("disable") => None,
            Some("require" | "verify-full") if config.get_hosts().iter().any(is_socket) => {
                return Err("there is no TLS over a unix socket; leave sslmode out".to_owned());
            }
            Some("require" | "verify-full") => Some(match roots.as_deref() {
                None | Some("system") => Roots::Public,
                Some(file) => Roots::File(file.into()),
            }),
            Some("prefer" | "allow") => {
                return Err("sslmode=prefer and allow can be made to go without TLS by who stands between; \
                            use verify-full (or disable)"
                    .to_owned());
            }
            Some(_) => return Err("sslmode must be disable, require or verify-full".to_owned()),
        };
        config.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        Ok(Self { config, tls, explicit: mode.is_some() })
    }

    /// Would it go to another machine without TLS, and nobody has said so?
    pub fn is_careless(&self) -> bool {
        let here = |host: &Host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => {
                name == "localhost"
                    || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        };
        let local = self.config.get_hosts().iter().all(here)
            && self.config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback);
        !self.explicit && !local
    }

    async fn open(&self) -> ConnectionResult<Conn> {
        // The driven connection tells its client of its end, by which the pool knows a broken one.
        match &self.tls {
            None => {
                let (client, connection) = self.config.connect(NoTls).await.map_err(|e| failed(&e))?;
                Conn::try_from_client_and_connection(client, connection).await
            }
            Some(roots) => {
                let tls = roots.connector().map_err(ConnectionError::BadConnection)?;
                let (client, connection) = self.config.connect(tls).await.map_err(|e| failed(&e))?;
                Conn::try_from_client_and_connection(client, connection).await
            }
        }
    }
}

impl Roots {
    fn connector(&self) -> Result<MakeRustlsConnect, String> {
        let mut store = RootCertStore::empty();
        match self {
            Self::Public => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Self::File(file) => {
                let refuse = |why: String| format!("sslrootcert {}: {why}", file.display());
                for certificate in CertificateDer::pem_file_iter(file).map_err(|e| refuse(e.to_string()))? {
                    let certificate = certificate.map_err(|e| refuse(e.to_string()))?;
                    store.add(certificate).map_err(|e| refuse(e.to_string()))?;
                }
                if store.is_empty() {
                    return Err(refuse("it has no certificate".to_owned()));
                }
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(MakeRustlsConnect::new(config))
    }
}

/// Opens a connection, protected as its URL says. The one way in: `Conn::establish` knows no TLS.
///
/// # Errors
/// When the URL is refused, the server is not there, or its certificate is not the right one.
pub async fn connect(url: &str) -> ConnectionResult<Conn> {
    Target::parse(url).map_err(ConnectionError::InvalidConnectionUrl)?.open().await
}

fn is_socket(host: &Host) -> bool {
    matches!(host, Host::Unix(_))
}

/// Takes `sslmode` and `sslrootcert` out of a URL: the driver knows neither all values of the one nor the other.
fn take_ssl(url: &str) -> Result<(Option<String>, Option<String>, String), String> {
    // The driver takes all before the first @ as credentials, so a password may hold a question mark.
    let credentials = url.find('@').unwrap_or(0);
    let Some(query) = url[credentials..].find('?').map(|at| credentials + at) else {
        return Ok((None, None, url.to_owned()));
    };
    let (mut mode, mut roots, mut others) = (None, None, Vec::new());
    for pair in url[query + 1..].split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let slot = match key {
            "sslmode" => &mut mode,
            "sslrootcert" => &mut roots,
            _ => {
                others.push(pair);
                continue;
            }
        };
        // A plus is itself here, as in libpq, so it is kept from the reader of forms.
        let form = format!("v={}", value.replace('+', "%2B"));
        let value = url::form_urlencoded::parse(form.as_bytes()).next().map(|(_, value)| value.into_owned());
        if slot.replace(value.unwrap_or_default()).is_some() {
            return Err(format!("{key} is given twice"));
        }
    }
    let rest = if others.is_empty() { String::new() } else { format!("?{}", others.join("&")) };
    Ok((mode, roots, format!("{}{rest}", &url[..query])))
}

fn failed(error: &tokio_postgres::Error) -> ConnectionError {
    ConnectionError::BadConnection(chain(error))
}

/// An error with its causes: the driver's own text is only "error performing TLS handshake".
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |inner| inner.source())
        .fold(error.to_string(), |text, inner| format!("{text}: {inner}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        Target::parse(url).unwrap_err()
    }

    #[test]
    fn tls_is_verified_or_absent() {
        let tls = |query: &str| {
            let target = Target::parse(&format!("postgres://u:p?w@db.example:6432/assay{query}")).unwrap();
            assert_eq!(target.config.get_dbname(), Some("assay"));
            assert_eq!(target.config.get_password(), Some(&b"p?w"[..]));
            let required = target.config.get_ssl_mode() == SslMode::Require;
            assert_eq!(required, target.tls.is_some());
            (target.tls.clone(), target.is_careless())
        };
        assert_eq!(tls(""), (None, true));
        assert_eq!(tls("?sslmode=disable"), (None, false));
        assert_eq!(tls("?sslmode=require"), (Some(Roots::Public), false));
        assert_eq!(
            tls("?connect_timeout=3&sslmode=verify-full&sslrootcert=system"),
            (Some(Roots::Public), false)
        );
        let file = tls("?sslrootcert=%2Fetc%2Fa+b.pem&sslmode=verify-full&application_name=x");
        assert_eq!(file, (Some(Roots::File("/etc/a+b.pem".into())), false));
    }

    #[test]
    fn what_can_be_stripped_or_is_not_known_is_refused() {
        let with = |query: &str| refused(&format!("postgresql://u:secret@db.example/assay?{query}"));
        for (query, reason) in [
            ("sslmode=prefer", "prefer and allow"),
            ("sslmode=allow", "prefer and allow"),
            ("sslmode=verify-ca", "must be disable, require or verify-full"),
            ("sslmode=", "must be disable"),
            ("sslrootcert=/ca.pem", "goes with"),
            ("sslmode=disable&sslrootcert=/ca.pem", "goes with"),
            ("sslmode=require&sslmode=disable", "given twice"),
            ("sslcert=/me.pem", "unknown option `sslcert`"),
        ] {
            let told = with(query);
            assert!(told.contains(reason) && !told.contains("secret"), "{query}: {told}");
        }
        assert!(refused("host=db.example sslmode=prefer").contains("must start with"));
        assert!(refused("postgres://u@%2Frun%2Fpg/assay?sslmode=require").contains("unix socket"));
        assert!(refused("postgres:///assay").contains("no host"));
    }

    #[test]
    fn this_machine_needs_no_word_about_tls() {
        for host in ["localhost", "127.0.0.1:5433", "[::1]", "%2Frun%2Fpostgresql", "127.0.0.1,localhost"] {
            assert!(!Target::parse(&format!("postgres://u@{host}/assay")).unwrap().is_careless(), "{host}");
        }
        for host in ["10.0.0.5", "db.example", "localhost,db.example"] {
            assert!(Target::parse(&format!("postgres://u@{host}/assay")).unwrap().is_careless(), "{host}");
        }
        let elsewhere = Target::parse("postgres://u@localhost/assay?hostaddr=10.0.0.5").unwrap();
        assert!(elsewhere.is_careless());
    }

    #[test]
    fn a_file_without_certificates_is_told() {
        let missing = Roots::File("/nowhere/ca.pem".into()).connector().err().unwrap();
        assert!(missing.contains("/nowhere/ca.pem"), "{missing}");
        let empty = Roots::File("/dev/null".into()).connector().err().unwrap();
        assert!(empty.contains("no certificate"), "{empty}");
        assert!(Roots::Public.connector().is_ok());
    }
}
