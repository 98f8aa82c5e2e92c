//! What a client says on a socket that only listens.

use std::time::Duration;

use http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::scene::bearing;
use crate::stage::{House, on_stage, request};

const BAD_FRAME: u16 = 4400;
/// The most that a client may say in one message, in bytes.
const MAX_MESSAGE: usize = 512;
/// How long the server may take to end a socket. It gives the other end one second.
const ENDS_WITHIN: Duration = Duration::from_secs(20);
/// The most that the server says: the snapshot, pongs, and why it ends.
const MAX_SAID: u64 = 256 * 1024;

/// The bytes that a client sends on `/v1/login/events` once the socket is open, before it falls silent.
///
/// The server says the snapshot, answers pings, and ends: with 4400 for whatever is no ping, pong or close. What
/// it says are frames; it still answers others at once; and the login is as it was.
///
/// # Panics
/// When that does not hold.
pub fn socket_frames(data: &[u8]) {
    on_stage(async |house| {
        let heard = tokio::time::timeout(ENDS_WITHIN, converse(house, data)).await.expect("an end");
        let (frames, is_whole) = frames_in(&heard, false);
        let snapshot = frames.first().expect("the snapshot");
        assert!(
            snapshot.opcode == TEXT && snapshot.payload.starts_with(b"{\"status\":\"unscanned\""),
            "{frames:?}"
        );
        let (said, _) = frames_in(data, true);
        let pings: Vec<_> = said.iter().filter(|frame| frame.opcode == PING).collect();
        let mut code = None;
        for frame in &frames[1..] {
            assert!(code.is_none(), "something after the end: {frames:?}");
            match frame.opcode {
                PONG => assert!(pings.iter().any(|ping| ping.payload == frame.payload), "{frames:?}"),
                CLOSE => code = Some(frame.payload.first_chunk().map_or(0, |code| u16::from_be_bytes(*code))),
                _ => panic!("no client asked for that: {frames:?}"),
            }
        }
        assert!(is_whole, "half a frame: {heard:?}");
        match fate(data) {
            Fate::Bad => assert_eq!(code, Some(BAD_FRAME), "{frames:?}"),
            // The code of the client's close comes back to it, or one that says what was wrong with that.
            Fate::Closes => assert!(code.is_some(), "{frames:?}"),
            Fate::Cut => assert!(code.is_none_or(|code| [1000, BAD_FRAME].contains(&code)), "{frames:?}"),
        }
        let device_code = house.scene.device_codes[0].clone();
        let answer = house.send(bearing(request(&Method::GET, "/v1/login"), "Bearer", &device_code)).await;
        assert_eq!(answer.json()["version"], 1, "{answer:?}");
    });
}

/// Opens a socket, says that, and hears everything that comes.
async fn converse(house: &House, data: &[u8]) -> Vec<u8> {
    let device_code = &house.scene.device_codes[0];
    let mut stream = TcpStream::connect(house.addr).await.expect("a connection to this machine");
    let request = format!(
        "GET /v1/login/events HTTP/1.1\r\nhost: login.example.com\r\nauthorization: Bearer {device_code}\r\n\
         connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("a request is sent");
    let mut heard = Vec::new();
    let end_of_head = loop {
        assert_ne!(stream.read_buf(&mut heard).await.expect("an answer"), 0, "no socket");
        let end = heard.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            break end + 4;
        }
    };
    assert!(heard.starts_with(b"HTTP/1.1 101 "), "{:?}", String::from_utf8_lossy(&heard));
    heard.drain(..end_of_head);
    // The server may have heard enough before all is said, and the rest then meets a closed door.
    _ = stream.write_all(data).await;
    _ = stream.shutdown().await;
    _ = stream.take(MAX_SAID).read_to_end(&mut heard).await;
    heard
}

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// A frame (RFC 6455 §5.2), its payload unmasked.
#[derive(Debug)]
struct Frame {
    is_last: bool,
    opcode: u8,
    payload: Vec<u8>,
}

/// What ends a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// A frame that no client may send here.
    Bad,
    /// A close.
    Closes,
    /// Nothing so far: the connection ends, perhaps within a frame.
    Cut,
}

/// The first frame, and what follows it; nothing if it is cut; an error if it is none.
fn frame(bytes: &[u8], by_client: bool) -> Result<Option<(Frame, &[u8])>, Fate> {
    let Some((&[head, len], mut rest)) = bytes.split_first_chunk() else { return Ok(None) };
    let (is_last, reserved, opcode) = (head & 0x80 != 0, head & 0x70, head & 0x0f);
    let is_known = matches!(opcode, CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG);
    let is_control = opcode >= CLOSE;
    let mut len_bytes = [0; 8];
    let extra = match len & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let Some((extended, after)) = rest.split_at_checked(extra) else { return Ok(None) };
    len_bytes[8 - extra..].copy_from_slice(extended);
    rest = after;
    let payload_len = if extra == 0 { u64::from(len & 0x7f) } else { u64::from_be_bytes(len_bytes) };
    let is_masked = len & 0x80 != 0;
    let mut mask = [0; 4];
    if is_masked {
        let Some((four, after)) = rest.split_first_chunk() else { return Ok(None) };
        (mask, rest) = (*four, after);
    }
    // Whoever says how much too much is to come need not go on.
    if by_client && payload_len > MAX_MESSAGE as u64 {
        return Err(Fate::Bad);
    }
    let payload_len = usize::try_from(payload_len).unwrap_or(usize::MAX);
    let Some((payload, rest)) = rest.split_at_checked(payload_len) else { return Ok(None) };
    // A length that is written longer than need be is taken for what it says.
    let is_allowed = is_known && reserved == 0 && !(is_control && (!is_last || payload_len > 125));
    if !is_allowed || is_masked != by_client {
        return Err(Fate::Bad);
    }
    let payload = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    Ok(Some((Frame { is_last, opcode, payload }, rest)))
}

/// The frames up to the first that is none, and whether that is all there is.
fn frames_in(mut bytes: &[u8], by_client: bool) -> (Vec<Frame>, bool) {
    let mut frames = Vec::new();
    while let Ok(Some((next, rest))) = frame(bytes, by_client) {
        frames.push(next);
        bytes = rest;
    }
    (frames, bytes.is_empty())
}

/// What becomes of a socket on which a client says this.
fn fate(mut bytes: &[u8]) -> Fate {
    let mut message: Option<usize> = None;
    loop {
        let (frame, rest) = match frame(bytes, true) {
            Ok(Some(next)) => next,
            Ok(None) => return Fate::Cut,
            Err(fate) => return fate,
        };
        bytes = rest;
        match (frame.opcode, message) {
            (CLOSE, _) => return Fate::Closes,
            (PING | PONG, _) => {}
            (TEXT | BINARY, None) if !frame.is_last => message = Some(frame.payload.len()),
            (CONTINUATION, Some(so_far)) if !frame.is_last && so_far + frame.payload.len() <= MAX_MESSAGE => {
                message = Some(so_far + frame.payload.len());
            }
            // A whole message, one that is too long, one within another, or the rest of none.
            _ => return Fate::Bad,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_fate_is_that_of_its_first_frame_that_matters() {
        for (bytes, expected) in [
            (&b""[..], Fate::Cut),
            (b"\x89\x80\0\0\0\0", Fate::Cut),
            (b"\x89\x80\0\0\0\0\x81\x80\0\0\0\0", Fate::Bad),
            (b"\x01\x80\0\0\0\0\x89\x80\0\0\0\0", Fate::Cut),
            (b"\x01\x80\0\0\0\0\x80\x80\0\0\0\0", Fate::Bad),
            (b"\x88\x80\0\0\0\0\x81\x80\0\0\0\0", Fate::Closes),
            (b"\x81\x00", Fate::Bad),
            (b"\x88\x7a\x03\xe8", Fate::Cut),
            (b"\x81\x85\0\0\0\0hell", Fate::Cut),
            (b"\x82\xfe\x02\x01\0\0\0\0", Fate::Bad),
            (b"\x80\x80\0\0\0\0", Fate::Bad),
            (b"\xc1\x80\0\0\0\0", Fate::Bad),
            (b"\x83\x80\0\0\0\0", Fate::Bad),
        ] {
            assert_eq!(fate(bytes), expected, "{bytes:?}");
        }
        let (frames, is_whole) = frames_in(b"\x8a\x83\x01\x02\x03\x04abc", true);
        assert!(is_whole && frames[0].payload == [b'a' ^ 1, b'b' ^ 2, b'c' ^ 3], "{frames:?}");
    }
}
