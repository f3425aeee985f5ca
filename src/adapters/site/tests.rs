//! The client against a local server, which only a trusted place may be.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

use super::{Client, SiteError};

/// Serves one canned answer for each path; `{port}` in it becomes the port. Gives the port.
async fn serve(answers: &'static [(&'static str, &'static str)]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4_096];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            assert!(!request.to_ascii_lowercase().contains("\r\ncookie:"));
            let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
            let answer = answers.iter().find(|(known, _)| *known == path).map(|(_, answer)| *answer);
            let answer =
                answer.unwrap_or("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.replace("{port}", &port.to_string()).as_bytes()).await;
        }
    });
    port
}

fn url(port: u16, path: &str) -> Url {
    Url::parse(&format!("http://127.0.0.1:{port}{path}")).unwrap()
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\ntoken";

#[tokio::test]
async fn a_trusted_place_is_read_and_any_other_is_not() {
    let port = serve(&[("/file", OK)]).await;
    let client = Client::new(&[format!("127.0.0.1:{port}")]);
    assert_eq!(client.text(&url(port, "/file")).await, Ok("token".to_owned()));
    assert_eq!(client.text(&url(port, "/nothing")).await, Err(SiteError::Status(404)));
    assert_eq!(Client::default().text(&url(port, "/file")).await, Err(SiteError::Address));
}

#[tokio::test]
async fn redirects_are_checked_like_the_first_address() {
    const ANSWERS: &[(&str, &str)] = &[
        ("/file", OK),
        ("/here", "HTTP/1.1 302 Found\r\nlocation: /file\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
        ("/loop", "HTTP/1.1 301 Moved\r\nlocation: /loop\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
        (
            "/inside",
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        ),
        (
            "/metadata",
            "HTTP/1.1 307 X\r\nlocation: https://169.254.169.254/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        ),
        (
            "/file-scheme",
            "HTTP/1.1 302 X\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        ),
        (
            "/local-name",
            "HTTP/1.1 302 X\r\nlocation: https://localhost.localdomain/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        ),
    ];
    let port = serve(ANSWERS).await;
    let client = Client::new(&[format!("127.0.0.1:{port}")]);
    assert_eq!(client.text(&url(port, "/here")).await, Ok("token".to_owned()));
    assert_eq!(client.text(&url(port, "/loop")).await, Err(SiteError::Redirects));
    for path in ["/inside", "/metadata", "/file-scheme"] {
        assert_eq!(client.text(&url(port, path)).await, Err(SiteError::Address), "{path}");
    }
    assert_eq!(client.text(&url(port, "/local-name")).await, Err(SiteError::Host));
}

#[tokio::test]
async fn large_bodies_and_silent_sites_end_soon() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 1_024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await;
                while stream.write_all(&[b'x'; 8_192]).await.is_ok() {}
            });
        }
    });
    let client = Client::new(&[format!("127.0.0.1:{port}")]);
    let read = tokio::time::timeout(Duration::from_secs(5), client.text(&url(port, "/"))).await;
    assert_eq!(read.unwrap(), Err(SiteError::Body));
}

#[test]
fn only_https_with_a_name_may_be_asked() {
    let client = Client::default();
    let allowed = |text: &str| Url::parse(text).is_ok_and(|url| client.check(&url).is_ok());
    assert!(allowed("https://example.com/x"));
    assert!(allowed("https://example.com:443/"));
    for refused in [
        "http://example.com/",
        "https://example.com:8443/",
        "https://user:secret@example.com/",
        "https://user@example.com/",
        "https://93.184.216.34/",
        "https://[2606:4700:4700::1111]/",
        "https://localhost/",
        "https://intranet/",
        "https://0x7f.1/",
        "https://2130706433/",
        "ftp://example.com/",
        "gopher://127.0.0.1/",
        "file:///etc/passwd",
        "data:text/plain,x",
    ] {
        assert!(!allowed(refused), "{refused}");
    }
}
