//! One connection: says a prepared request, reads the answer.
//!
//! No client library: the load has one core, as the server has, and must not be what is measured.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The most headers that an answer may have.
const HEADERS: usize = 32;

/// An HTTP/1.1 connection that is kept open.
pub(crate) struct Wire {
    stream: TcpStream,
    /// What was read and not taken yet.
    read: Vec<u8>,
    body: Vec<u8>,
}

/// A request as it goes over the wire.
pub(crate) struct Request(Vec<u8>);

impl Request {
    /// A request without a body. Each header ends in a line end.
    pub(crate) fn bare(method: &str, path: &str, headers: &str) -> Self {
        Self(format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n").into())
    }

    /// A request with one. The headers name its type.
    pub(crate) fn with_body(method: &str, path: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n");
        Self(format!("{head}{headers}\r\n{body}").into())
    }
}

impl Wire {
    pub(crate) async fn connect(to: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(2048), body: Vec::new() })
    }

    /// The status and body of the answer to a request.
    pub(crate) async fn call(&mut self, request: &Request) -> Result<(u16, &[u8])> {
        self.send(request).await?;
        self.answer().await
    }

    pub(crate) async fn send(&mut self, request: &Request) -> Result<()> {
        self.stream.write_all(&request.0).await
    }

    pub(crate) async fn answer(&mut self) -> Result<(u16, &[u8])> {
        loop {
            if let Some((status, head, length)) = head(&self.read)?
                && self.read.len() >= head + length
            {
                self.body.clear();
                self.body.extend_from_slice(&self.read[head..head + length]);
                self.read.drain(..head + length);
                return Ok((status, &self.body));
            }
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// What is below, for a protocol of its own.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }
}

/// The status of an answer whose head is complete, and how long its head and body are.
fn head(read: &[u8]) -> Result<Option<(u16, usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(read).map_err(Error::other)? {
        httparse::Status::Partial => Ok(None),
        httparse::Status::Complete(head) => {
            let length =
                response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
            let length = length.and_then(|length| std::str::from_utf8(length.value).ok()?.parse().ok());
            Ok(Some((response.code.unwrap_or_default(), head, length.unwrap_or(0))))
        }
    }
}
