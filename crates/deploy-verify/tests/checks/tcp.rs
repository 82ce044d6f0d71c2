//! Ports.

use std::sync::Arc;
use std::time::Duration;

use deploy_core::guard::Check;
use deploy_core::manifest::ObjectId;
use deploy_core::memory::MemoryConnect;
use deploy_verify::tcp::TcpCheck;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::told;

/// Says something to whoever connects: at once, or what it was told.
async fn port(says: &'static [u8], waits: bool) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut heard = [0; 4];
                if waits && stream.read_exact(&mut heard).await.is_err() {
                    return;
                }
                let _ = stream.write_all(says).await;
                if waits {
                    let _ = stream.write_all(&heard).await;
                }
                // Open until the other has enough.
                let _ = stream.read(&mut heard).await;
            });
        }
    });
    address
}

async fn check(check: TcpCheck, address: std::net::SocketAddr, expect: &str) {
    let answer = told(&check, &address.to_string()).await;
    let answer = answer.split(", after ").next().unwrap();
    assert_eq!(answer, expect);
}

#[tokio::test]
async fn listens_and_says_what_is_expected() {
    let address = port(b"220 mail\r\nready", false).await;
    let at = || TcpCheck::new(address.to_string());
    check(at(), address, "yes: HOST accepts connections").await;
    check(at().expect_banner("220 "), address, "yes: HOST said \"220\"").await;
    check(at().expect_banner("ready"), address, "yes: HOST said \"ready\"").await;
    let late = "error: connect: HOST did not answer within 0.2 s";
    check(at().expect_banner("SSH-").timeout(Duration::from_millis(200)), address, late).await;
    let echo = port(b"+", true).await;
    check(
        TcpCheck::new(echo.to_string()).send("PING").expect_banner("+PING"),
        echo,
        "yes: HOST said \"+PING\"",
    )
    .await;
    let much = port(&[b'x'; 10_000], false).await;
    let answer = told(&TcpCheck::new(much.to_string()).expect_banner("y"), &much.to_string()).await;
    assert_eq!(answer, format!("no: HOST said \"{}…\", expected \"y\"", "x".repeat(120)));
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    check(TcpCheck::new(address.to_string()), address, "no: HOST refuses connections").await;
    let answer = told(&TcpCheck::new("no-such-host.invalid:80"), "").await;
    assert!(answer.starts_with("error: connect: no-such-host.invalid:80 cannot be reached: "), "{answer}");
    let answer = told(&TcpCheck::new("nonsense"), "").await;
    assert!(answer.starts_with("error: connect: nonsense cannot be reached: "), "{answer}");
}

#[tokio::test]
async fn goes_through_the_cluster() {
    let address = port(b"220 mail", false).await;
    let service = ObjectId::new("", "Service", Some("shop"), "mail");
    let connect = Arc::new(MemoryConnect::new([(service.clone(), 25, address)]));
    let through = TcpCheck::through(connect.clone(), service.clone(), 25).expect_banner("220");
    assert_eq!(through.describe(), "connect to port 25 of Service shop/mail");
    check(through, address, "yes: port 25 of Service shop/mail said \"220\"").await;
    let answer = told(&TcpCheck::through(connect, service, 26), "").await;
    assert!(
        answer.starts_with("error: connect to Service shop/mail: nothing listens on port 26"),
        "{answer}"
    );
}
