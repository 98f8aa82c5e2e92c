//! What the clients say about servers, in English.

use crate::client::UnknownTransport;
use crate::code::BadUrl;
use crate::lang::UnknownLang;
use crate::name::BadUsername;
use crate::problem::{OauthCode, ProblemCode};

crate::catalogue! {
    // No answer: why, and what to look at.
    no_such_host(server) = "the server at {server} can't be reached (no such host); is the address right, and the network up?";
    not_trusted(server) = "the server at {server} can't be reached (its certificate is not trusted); is the address right?";
    no_tls(server) = "the server at {server} can't be reached (it does not speak TLS); is it http instead of https?";
    not_secure(server) = "the server at {server} can't be reached (no secure connection comes about); is the address right?";
    refused(server) = "the server at {server} can't be reached (connection refused); is it running?";
    broke_off(server) = "the server at {server} can't be reached (the connection broke off); is it running?";
    no_way(server) = "the server at {server} can't be reached (no way to it); is the network up?";
    no_answer(server) = "the server at {server} can't be reached (no answer in time); is it running, and the network up?";
    no_connection(server) = "the server at {server} can't be reached (no connection comes about); is it running?";
    went_silent(server) = "the server at {server} can't be reached (its connection went silent); is the network up?";
    by_gateway(server, status) = "the server at {server} can't be reached (a gateway says {status}); is it running?";

    // An answer that no Saoma server gives.
    strange(server, what) = "{server} answered as no Saoma server does ({what}); is the address right, or does the log-in page of a network answer in its place?";
    endless() = "an answer without end";
    no_json(status) = "HTTP {status}, no JSON";
    other_json(status) = "HTTP {status}, JSON";
    unbound_tokens() = "tokens that are good without this PC's key";
    strange_frame() = "a strange frame";
    binary_frame() = "a binary frame";
    taken_over() = "another program took over this feed; use that one, or start again here";
    uninvited_socket() = "a WebSocket that nobody asked for";

    // This machine's own fault.
    no_set_up(server, cause) = "a connection to {server} can't be set up here ({cause})";
    no_request(server) = "a request to {server} can't be made";

    // On standard error: who says it, and why a file can't be used.
    said_by(program, words) = "{program}: {words}";
    no_such_file() = "there is no such file";
    no_permission() = "permission is missing";
    is_a_folder() = "it is a folder";
    is_no_folder() = "something on the way is no folder";

    // What the server said, where a wait belongs to it.
    too_many_tries(secs) = {
        0 => "Too many tries; try again in a minute.",
        1 => "Too many tries; try again in a second.",
        _ => "Too many tries; try again in {secs} seconds.",
    };
    not_now(secs) = {
        0 => "The server can't do this right now; try again in a minute.",
        1 => "The server can't do this right now; try again in a second.",
        _ => "The server can't do this right now; try again in {secs} seconds.",
    };
    limited() = "too many tries";
    unable() = "the server can't do this right now";
    other_address() = "The server goes by another address than the one that was called; give its public URL with --server, or have whoever runs it set --public-url to this one.";
}

/// What the server said, in its own words.
pub(crate) fn problem(code: ProblemCode) -> String {
    code.title().to_owned()
}

/// The same in `/oauth/*`.
pub(crate) fn oauth(code: OauthCode) -> String {
    code.title().to_owned()
}

/// Why an address is not called.
pub(crate) fn bad_url(why: BadUrl) -> String {
    why.to_string()
}

/// Why a text is no user name.
pub(crate) fn bad_username(why: BadUsername) -> String {
    why.to_string()
}

/// Why a text names no transport.
pub(crate) fn unknown_transport(why: UnknownTransport) -> String {
    why.to_string()
}

/// Why a text names no language.
pub(crate) fn unknown_lang(why: UnknownLang) -> String {
    why.to_string()
}
