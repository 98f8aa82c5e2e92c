//! A PC and a phone, and one whole login of theirs.
//!
//! ```text
//!  PC       issue ----.        .--- waits ------------ hears ----> redeem ---> GET /v1/me
//!  phone              '-> scan -'            confirm ---^
//! ```
//!
//! Seven things for the server to do: five requests, the wait, and the answer to whoever waits.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use futures_util::StreamExt as _;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::rounds::Work;
use crate::wire::{Request, Wire};

/// What a server has to do for one login by long poll.
pub(crate) const STEPS_OF_A_LOGIN: f64 = 7.0;

const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";
const PASSWORD: &str = "a password of the load's own";
const ISSUE: &str = "client_id=load&device_name=desk&device_os=Linux&device_app=load";

/// How a PC follows its login.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Transport {
    LongPoll,
    WebSocket,
    Poll,
}

#[derive(Deserialize)]
struct Issued<'a> {
    device_code: &'a str,
    verification_uri_complete: &'a str,
}

#[derive(Deserialize)]
struct Scanned<'a> {
    confirm_token: &'a str,
}

#[derive(Deserialize)]
struct Tokens<'a> {
    access_token: &'a str,
}

#[derive(Deserialize)]
struct LoggedIn<'a> {
    phone_token: &'a str,
}

/// A code that was issued, and what is in its QR.
pub(crate) struct Code {
    device_code: String,
    scan_code: String,
}

/// Somebody with a PC and a phone, who logs in again and again.
pub(crate) struct Person {
    server: SocketAddr,
    transport: Transport,
    pc: Wire,
    waiter: Wire,
    phone: Wire,
    phone_token: String,
}

impl Person {
    /// Makes an account, and logs its phone in.
    pub(crate) async fn arrive(server: SocketAddr, name: &str, transport: Transport) -> anyhow::Result<Self> {
        let mut phone = Wire::connect(server).await?;
        let account = format!(r#"{{"username":"{name}","password":"{PASSWORD}"}}"#);
        let (status, _) = phone.call(&json("/v1/accounts", "", &account)).await?;
        ensure!(status == 201, "an account is refused: {status}");
        let (status, body) = phone.call(&json("/v1/phones", "", &account)).await?;
        ensure!(status == 201, "a phone's log-in is refused: {status}");
        let phone_token = serde_json::from_slice::<LoggedIn>(body)?.phone_token.to_owned();
        let (pc, waiter) = (Wire::connect(server).await?, Wire::connect(server).await?);
        Ok(Self { server, transport, pc, waiter, phone, phone_token })
    }

    pub(crate) async fn issue(&mut self) -> anyhow::Result<Code> {
        issue(&mut self.pc).await
    }

    async fn scan(&mut self, code: &Code) -> anyhow::Result<String> {
        let body = format!(r#"{{"scan_code":"{}"}}"#, code.scan_code);
        let body = expect(self.phone.call(&json("/v1/scans", &self.phone_token, &body)).await?, 200)?;
        Ok(serde_json::from_slice::<Scanned>(body)?.confirm_token.to_owned())
    }

    async fn confirm(&mut self, confirm_token: &str) -> anyhow::Result<()> {
        let body = format!(r#"{{"confirm_token":"{confirm_token}"}}"#);
        expect(self.phone.call(&json("/v1/scans/confirm", &self.phone_token, &body)).await?, 200)?;
        Ok(())
    }

    async fn redeem(&mut self, code: &Code) -> anyhow::Result<()> {
        let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=load";
        let form = format!("{grant}&device_code={}", code.device_code);
        let request = Request::with_body("POST", "/oauth/token", FORM, &form);
        let token = serde_json::from_slice::<Tokens>(expect(self.pc.call(&request).await?, 200)?)?;
        let me = Request::bare("GET", "/v1/me", &bearer(token.access_token));
        expect(self.pc.call(&me).await?, 200)?;
        Ok(())
    }

    async fn log_in(&mut self) -> anyhow::Result<()> {
        let code = self.issue().await?;
        match self.transport {
            Transport::LongPoll => {
                let confirm_token = self.scan(&code).await?;
                let headers = "prefer: wait=25\r\nif-none-match: \"2\"\r\n";
                self.waiter.send(&status(&code, headers)).await?;
                self.confirm(&confirm_token).await?;
                expect(self.waiter.answer().await?, 200)?;
            }
            Transport::WebSocket => {
                let mut socket = follow(self.server, &code).await?;
                hear(&mut socket, "unscanned").await?;
                let confirm_token = self.scan(&code).await?;
                hear(&mut socket, "scanned").await?;
                self.confirm(&confirm_token).await?;
                hear(&mut socket, "confirmed").await?;
            }
            Transport::Poll => {
                expect(self.waiter.call(&status(&code, "")).await?, 200)?;
                let confirm_token = self.scan(&code).await?;
                expect(self.waiter.call(&status(&code, "")).await?, 200)?;
                self.confirm(&confirm_token).await?;
                expect(self.waiter.call(&status(&code, "")).await?, 200)?;
            }
        }
        self.redeem(&code).await
    }
}

impl Work for Person {
    async fn once(&mut self) -> anyhow::Result<()> {
        self.log_in().await
    }
}

/// A PC that does nothing but ask for codes.
pub(crate) struct Issuer(pub(crate) Wire);

impl Work for Issuer {
    async fn once(&mut self) -> anyhow::Result<()> {
        issue(&mut self.0).await.map(drop)
    }
}

/// Somebody who says the same, again and again, and is answered with 200.
pub(crate) struct Repeater {
    pub(crate) wire: Wire,
    pub(crate) request: Request,
}

impl Work for Repeater {
    async fn once(&mut self) -> anyhow::Result<()> {
        expect(self.wire.call(&self.request).await?, 200).map(drop)
    }
}

impl Repeater {
    /// A PC that polls for a login that nobody has scanned.
    pub(crate) async fn polls(server: SocketAddr) -> anyhow::Result<Self> {
        let mut wire = Wire::connect(server).await?;
        let code = issue(&mut wire).await?;
        Ok(Self { wire, request: status(&code, "") })
    }
}

async fn issue(pc: &mut Wire) -> anyhow::Result<Code> {
    let request = Request::with_body("POST", "/oauth/device_authorization", FORM, ISSUE);
    let issued: Issued = serde_json::from_slice(expect(pc.call(&request).await?, 200)?)?;
    let (_, scan_code) = issued.verification_uri_complete.rsplit_once('/').context("the QR has a path")?;
    Ok(Code { device_code: issued.device_code.to_owned(), scan_code: scan_code.to_owned() })
}

async fn follow(server: SocketAddr, code: &Code) -> anyhow::Result<WebSocketStream<TcpStream>> {
    let mut request = format!("ws://{server}/v1/login/events").into_client_request()?;
    request.headers_mut().insert("authorization", format!("Bearer {}", code.device_code).parse()?);
    let stream = Wire::connect(server).await?.into_stream();
    Ok(tokio_tungstenite::client_async(request, stream).await?.0)
}

async fn hear(socket: &mut WebSocketStream<TcpStream>, status: &str) -> anyhow::Result<()> {
    let Some(Message::Text(frame)) = socket.next().await.transpose()? else {
        anyhow::bail!("a socket ended before {status}");
    };
    ensure!(frame.contains(status), "{frame} is not {status}");
    Ok(())
}

fn status(code: &Code, headers: &str) -> Request {
    Request::bare("GET", "/v1/login", &format!("{}{headers}", bearer(&code.device_code)))
}

fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

pub(crate) fn json(path: &str, token: &str, body: &str) -> Request {
    let headers = "content-type: application/json\r\n";
    let headers = if token.is_empty() { headers.to_owned() } else { format!("{headers}{}", bearer(token)) };
    Request::with_body("POST", path, &headers, body)
}

/// The body of an answer with this status.
fn expect((status, body): (u16, &[u8]), wanted: u16) -> anyhow::Result<&[u8]> {
    ensure!(status == wanted, "answered with {status}: {}", String::from_utf8_lossy(body));
    Ok(body)
}
