//! English.

use mobile_cli::decode::Unreadable;
use shared::api::NoticeKind;

shared::catalogue! {
    // What is asked.
    new_password(name) = "New password for {name}: ";
    same_again() = "The same again: ";
    password(name) = "Password for {name}: ";
    old_password(name) = "Old password of {name}: ";
    decide() = "  d  deny it        y  log it in        Enter  decide nothing";
    deny_it() = "Deny it?";

    // What came of it.
    registered(name, server, next) = "The account {name} is made at {server}. Next: {next}";
    logged_in(server, name, next) = "Logged in at {server} as {name}. Next, for a PC's code: {next}";
    password_changed(name) = "The password of {name} is changed, and every other session of the account has ended.";
    logged_out() = "Logged out, and with this phone the PCs that it had logged in.";
    who(name, server, session) = "{name} at {server}, session {session}";
    confirmed(name) = "Confirmed: the PC is being logged in as {name}.";
    confirmed_already(name) = "Confirmed already: the PC is being logged in as {name}.";
    logged_in_already(name) = "Confirmed already: the PC is logged in as {name}.";
    type_digits(digits) = "Confirmed. Type {digits} on the PC:";
    tell_nobody(name) = "Then it is logged in as {name}. Tell nobody else: whoever asks you for it by phone or chat wants to be logged in as you.";
    denied() = "Denied: this PC is not logged in.";
    denied_already() = "Already over: this login was denied or cancelled, and no PC is logged in by it.";
    left_as_it_is(deny) = "Nothing was decided: the login stays as it is until it expires. To refuse it: {deny}";
    how_to_deny(command) = "  Deny it    {command}";
    how_to_confirm(command) = "  Log it in  {command}";
    ended(session) = "Ended the session {session}, and what hung on it.";
    ended_others() = "Ended all sessions but this phone's.";
    change_password(command) = "If it was not yours, change the password as well: {command}";
    nothing_happened() = "Nothing has happened yet.";
    trying_on(why) = "{why} (trying on)";

    // Between what stands side by side.
    comma() = ", ";

    // Who asks to be logged in.
    log_in_as(name) = "Log this PC in as {name}";
    device() = "Device";
    own_claim() = "(its own claim, not checked)";
    says_nothing() = "it does not say what it is";
    address() = "Address";
    not_known() = "not known";
    network() = "Network";
    same_network() = "the same as this phone's";
    other_network() = "NOT the same as this phone's";
    network_not_known() = "nobody can say whether it is the same as this phone's";
    known_pc() = "Known PC";
    known_since(time) = "yes, last used with this account {time}";
    known() = "yes, used with this account before";
    first_time() = "NO, this is its first time with this account";
    no_key() = "it proved no key: nobody can say whether you used it before";
    wants() = "Wants";
    requested() = "Requested";
    time_left() = "Time left";
    none_left() = "none";
    seconds(secs) = "{secs} s";
    if_sent_to_you() = "If a website or another person sent you this code, deny:";
    would_log_them_in(name) = "confirming would log them in as {name}.";

    // The table of sessions.
    column_device() = "DEVICE";
    column_address() = "ADDRESS";
    column_since() = "SINCE";
    column_last_seen() = "LAST SEEN";
    phone(name) = "phone {name}";
    pc(name) = "PC {name}";
    phone_without_name() = "phone without a name";
    pc_without_name() = "PC without a name";
    this_phone() = "* this phone";

    // What happened: parts of a line.
    where_it_was(details) = ": {details}";
    times(count) = { _ => " ({count} times)" };
    by_session(session) = "; session {session}";
    undo(command, number) = ". If that was not you, change the password, and: {command} {number}";

    // Why it failed.
    neither_id_nor_number() = "neither a session's id nor a notification's number; see `sessions` and `notifications`";
    no_resources(why) = "this machine lacks resources: {why}";
    bad_server(server, why) = "--server {server}: {why}";
    not_logged_in(server, command) = "not logged in at {server}; log in first: {command}";
    session_over(command) = "this phone's session has ended; log in again: {command}";
    password_length(min, max) = "a new password has {min} to {max} characters; choose another";
    passwords_differ() = "the two passwords differ, so nothing was done; try again";
    no_password() = "no password was typed, so nothing was done";
    no_terminal_for_password() = "there is no terminal to ask for the password on; give it with --password-stdin";
    stdin_unreadable(why) = "standard input can't be read: {why}";
    line_too_long() = "the line on standard input is too long for a password";
    no_more_passwords() = "standard input holds no (further) password; put each on a line of its own";
    password_not_utf8() = "the password on standard input is not UTF-8; convert it";
    terminal_fails(why) = "the terminal fails: {why}; use --yes";
    no_terminal() = "there is no terminal to ask on; to decide without being asked, give --yes";
    no_json(why) = "the answer can't be written as JSON: {why}";
    no_output(why) = "the output can't be written: {why}";
    no_ctrl_c(why) = "Ctrl-C can't be listened to: {why}";
    wrong_name_or_password() = "the name or the password is wrong; try again";
    wrong_old_password() = "the old password is wrong, so nothing was changed; try again";
    was_denied() = "this login was denied; to log a PC in, scan a new code";
    was_cancelled() = "the PC has given this login up; to log a PC in, scan a new code";
    was_expired() = "this login has expired; to log a PC in, scan a new code";
    was_rescanned() = "this code was scanned again, so this scan no longer counts; to log a PC in, scan a new code";
    confirmed_before(list) = "this login was confirmed before; end the PC's session, whose id is in: {list}";
    nothing_scanned(scan) = "no login is waiting to be decided; scan a code first: {scan}";
    no_user_code() = "a code to type has eight letters and no vowels, as in WDJB-MJHT; look at the PC again";
    not_our_code(server) = "this is no log-in code of {server}, so nothing was sent; if you log in at another server, name that one with --server";
    several_codes() = "the picture shows several log-in codes, so nothing was sent; take a picture of one";
    or_type(why, scan) = "{why}; or type the code that the PC shows: {scan}";
    draw_or_type(why, scan) = "{why}; or press d on the PC for another drawing, or type the code that it shows: {scan}";
    stdin_no_picture(why) = "standard input can't be read: {why}; name a picture";
    no_picture(name, why) = "{name} can't be read: {why}; name a picture";
    no_desktop() = "there is no desktop here: neither WAYLAND_DISPLAY nor DISPLAY is set; save a picture and name it";
    needs_program(program) = "this needs {program}, which is not installed; or save a picture and name it";
    needs_one_of(programs) = "none of these is installed: {programs}; install one, or save a picture and name it";
    no_copied_picture() = "there is no picture in the clipboard; copy one, and run this again";
    screen_unreadable() = "the screen can't be read; save a picture of it and name that";
    no_notification(number, list) = "this account has no notification {number}, or no longer; its notifications: {list}";
    notification_of_no_pc(number, list) = "notification {number} tells of no PC that was logged in; this account's sessions: {list}";
    over_already(command) = "that session is over already; if it was not yours, change the password as well: {command}";
    no_session(list) = "this account has no such session, or no longer; its sessions: {list}";
    cant_use(path, why) = "can't use {path}: {why}; choose another place with --state-dir";
    phone_file_corrupt(path) = "{path} can't be read, since something else has written to it; log in again to replace it";
    scan_file_corrupt(path) = "{path} can't be read, since something else has written to it; scan the code again to replace it";
    no_home() = "there is no home directory to keep the log-in in; choose a place with --state-dir";
}

/// Why a picture gives no text.
pub(crate) fn unreadable(why: Unreadable) -> String {
    why.to_string()
}

/// What happened to an account.
pub(crate) fn notice(kind: NoticeKind) -> String {
    let words = match kind {
        NoticeKind::LoginConfirmed => "A phone of yours confirmed a login",
        NoticeKind::LoggedIn => "A PC is logged in as you",
        NoticeKind::LoginDenied => "A login that you scanned was denied",
        NoticeKind::SecondScanRefused => "Another phone tried to scan a code that yours had scanned",
        NoticeKind::ConfirmFromAnotherPhone => {
            "Another phone tried to decide about a login that yours had scanned"
        }
        NoticeKind::TokenReplayed => "A token of yours was used a second time, so its session has ended",
        NoticeKind::LoginNotFinished => "A PC never finished the login that you confirmed",
        NoticeKind::PasswordChanged => "Your password was changed",
    };
    words.to_owned()
}

/// The advice that comes with a notification: the server's own, `said` as it was sent.
pub(crate) fn advice(_: NoticeKind, said: &str) -> String {
    format!(". {said}")
}
