//! Requests that no well-behaved client sends.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::TestApp;

async fn connect(app: &TestApp) -> TcpStream {
    let address = app.base.strip_prefix("http://").expect("http");
    TcpStream::connect(address).await.expect("a connection")
}

/// Reads one answer as far as it comes, and closes.
async fn answer(stream: &mut TcpStream) -> String {
    let (mut text, mut buffer) = (Vec::new(), [0; 4_096]);
    let read = async {
        loop {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(n) => text.extend_from_slice(&buffer[..n]),
            }
            if text.ends_with(b"}") {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), read).await.expect("an answer in time");
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn a_body_that_dribbles_is_cut_off() {
    let app = TestApp::start_with(&[("server.body_seconds", "1")]).await;
    let mut stream = connect(&app).await;
    let head = "POST /sandbox/clock HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let started = Instant::now();
    let text = answer(&mut stream).await;
    assert!(text.starts_with("HTTP/1.1 408"), "{text}");
    assert!(text.contains("request_timeout") && text.contains("x-request-id"), "{text}");
    assert!(started.elapsed() >= Duration::from_millis(900));
    app.get("/livez").expect(200).await;
}

#[tokio::test]
async fn a_body_of_unknown_length_is_cut_off_at_the_limit() {
    let app = TestApp::start_with(&[("server.body_limit", "1000")]).await;
    let mut stream = connect(&app).await;
    let head = "POST /sandbox/clock HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    for _ in 0..4 {
        let chunk = format!("190\r\n{}\r\n", "x".repeat(400));
        if stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let text = answer(&mut stream).await;
    assert!(text.starts_with("HTTP/1.1 413") && text.contains("body_too_large"), "{text}");
}

#[tokio::test]
async fn nonsense_is_refused_and_the_service_goes_on() {
    let app = TestApp::start().await;
    let json = "content-type: application/json\r\n";
    for (name, request) in [
        ("no HTTP", "hello\r\n\r\n".to_owned()),
        (
            "two lengths",
            format!(
                "POST /sandbox/clock HTTP/1.1\r\nhost: x\r\n{json}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}"
            ),
        ),
        (
            "a length and chunks",
            format!(
                "POST /sandbox/clock HTTP/1.1\r\nhost: x\r\n{json}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
        ),
        (
            "a negative length",
            format!("POST /sandbox/clock HTTP/1.1\r\nhost: x\r\n{json}content-length: -1\r\n\r\n"),
        ),
        (
            "huge headers",
            format!("GET /v1/policy HTTP/1.1\r\nhost: x\r\nx-a: {}\r\n\r\n", "a".repeat(300_000)),
        ),
        ("a NUL in the target", "GET /v1/po\0licy HTTP/1.1\r\nhost: x\r\n\r\n".to_owned()),
    ] {
        let mut stream = connect(&app).await;
        // The service may hang up before all is sent.
        let _may_be_cut = stream.write_all(request.as_bytes()).await;
        let text = answer(&mut stream).await;
        assert!(!text.starts_with("HTTP/1.1 2") && !text.starts_with("HTTP/1.1 5"), "{name}: {text}");
    }
    app.get("/livez").expect(200).await;
}

#[tokio::test]
async fn requests_under_way_are_finished_when_the_service_stops() {
    let app = TestApp::start_with(&[("server.drain_seconds", "5")]).await;
    let mut stream = connect(&app).await;
    let body = "{\"advance\":\"PT1S\"}";
    let head = format!(
        "POST /sandbox/clock HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    // The head has arrived when another request on the one thread has been answered.
    tokio::time::sleep(Duration::from_millis(200)).await;
    app.get("/livez").expect(200).await;
    let finish = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        stream.write_all(body.as_bytes()).await.expect("the rest is still taken");
        answer(&mut stream).await
    };
    let base = app.base.clone();
    let ((), text) = futures_util::join!(app.stop(), finish);
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    assert!(reqwest::get(format!("{base}/livez")).await.is_err(), "nothing listens any more");
}
