//! English.

use shared::api::Status;

shared::catalogue! {
    // Where the login stands, as headlines, and what to do now.
    title() = "Saoma";
    asking() = "One moment";
    asking_for_code() = "Asking the server for a code …";
    no_answer() = "The server does not answer";
    asked_to_wait() = "The server asks to wait";
    next_try(secs) = { 0 => "Next try now.", _ => "Next try in {secs} s." };
    log_in() = "Log in with your phone";
    step_open() = "Open Saoma on your phone";
    step_scan() = "Scan this code";
    step_confirm() = "Check the computer, then confirm";
    type_code() = "Can't scan it? Type this code there:";
    open_link() = "Or open this link there:";
    shown_there_as() = "This computer is shown there as";
    no_room() = "No room here for the QR code. Enlarge the window.";
    no_room_but(columns, rows) = "No room here for the QR code. Enlarge the window: {columns}x{rows} will do.";
    or_type_code() = "Or type this code on your phone:";
    scanned() = "Scanned";
    scanned_by(name) = "Scanned by {name}";
    confirm_now() = "Now confirm on your phone.";
    it_asks_about() = "It asks about this computer:";
    not_your_scan() = "Is that not you? Press r for a new code; this one is worthless then.";
    confirmed() = "Confirmed";
    confirmed_by(name) = "Confirmed by {name}";
    logging_in() = "Logging in …";
    type_digits() = "Type the two digits that your phone shows:";
    wrong_digits(left) = { 1 => "Those were not it: 1 try left.", _ => "Those were not it: {left} tries left." };
    time_left(time) = "Time left: {time}";
    welcome_back() = "Welcome back";
    asking_for_session() = "Asking the server whether the session still stands …";
    logged_in_as(name) = "Logged in as {name}";
    since() = "Since";
    until() = "Until";
    then_renewed() = "then renewed by itself";
    session() = "Session";
    today(time) = "today, {time}";
    is_kept() = "The session is kept on this computer: the next start is logged in already.";
    is_not_kept() = "The session is not kept: it ends when you quit.";
    not_you() = "Not you? Press l to log out.";
    denied() = "Denied on the phone";
    nobody_logged_in() = "Nobody was logged in.";
    after_denied() = "If you did want to log in, press r for a new code.";
    expired() = "The code has expired";
    nobody_used_it() = "Nobody has used it for a while.";
    press_r() = "Press r for a new code.";
    cancelled() = "The login was cancelled";
    given_up() = "The server gave it up.";
    failed() = "That did not work";
    after_failed() = "Press r to try again with a new code.";
    lost(secs) = {
        0 => "Connection lost; trying now.",
        _ => "Connection lost; retry in {secs} s.",
    };

    // The last line: what a key does, in a word or two.
    key_try_now() = "try now";
    key_log_out() = "log out";
    key_new_code() = "new code";
    key_save() = "save";
    key_copy() = "copy link";
    key_style() = "style";
    key_digits() = "type the code";
    key_help() = "help";
    key_quit() = "quit";

    // The help: the same at length.
    help() = "Keys";
    help_new_code() = "a new code";
    help_save() = "save the QR code as a picture";
    help_copy() = "copy the link";
    help_transport() = "next transport";
    help_drawing() = "draw the QR code another way";
    help_log_out() = "log out";
    help_help() = "this help";
    help_quit() = "quit; cancels a pending login";
    help_digits() = "type the check code";

    // Notes: what has just been done, or why not.
    transport_is(name) = "Transport: {name}";
    drawn_auto(style) = "Style: {style}, as large as fits";
    drawn_full(style) = "Style: {style}, 2 spaces a module";
    drawn_half(style) = "Style: {style}, 2 modules a cell";
    drawn_reverse(style) = "Style: {style}, terminal colours";
    drawn_picture(style) = "Style: {style}, in pixels";
    style_missing(wanted, style) = "This terminal has no style {wanted}; this is {style}.";
    no_other_style() = "No other style fits here.";
    already_logged_in() = "Already logged in. To log in anew, log out first: l";
    no_code_to_save() = "There is no code to save.";
    no_link_to_copy() = "There is no link to copy.";
    link_copied() = "Copied, if the terminal allows.";
    qr_saved(path) = "Saved in {path}";
    qr_not_saved(path, why) = "can't save the QR code in {path}: {why}";
    code_renewed() = "A new code: the old one expired.";
    not_digits() = "That is no code, so it was not sent: two digits, from 10 to 99.";
    session_over() = "The session has ended. Log in again.";
    nobody_to_log_out() = "Nobody is logged in here yet.";
    logged_out() = "Logged out.";
    not_revoked(why) = "The server could not be told that the session is over; end it on your phone. {why}";

    // What is wrong about a value.
    unknown_style() = "the styles are auto, full, half, reverse and picture";
    no_device_name() = "it has no character that can be shown";
    no_count(most) = "it must be a number from 0 to {most}";

    // Why it can't go on.
    no_more_digits() = "the server asks for the two digits on the phone, and standard input has ended; write them there as a line";
    strange_link() = "the server sent a link with characters that no link has; is this a Saoma server?";
    endless_link(most) = "the server sent a link of more than {most} characters; is this a Saoma server?";
    somebody_else(name, expected) = "{name} logged in, but {expected} was expected; that session was ended";
    kept_of_somebody_else(name, expected) = "this computer is logged in as {name}, not as {expected}; log out first with: pc-tui logout";
    session_unusable() = "the session was ended before it could be used";
    no_home() = "this user has no home; say where to keep the session with --state-dir";
    not_logged_in(server) = "not logged in to {server} here";
    no_screen(why) = "no screen here: {why}; try --plain";
    no_output(why) = "can't write to standard output: {why}";
    cant_use(path, why) = "can't use {path}: {why}; choose another place with --state-dir, or keep nothing with --ephemeral";
    in_use(server) = "another pc-tui uses the session of {server}; quit it first, or give this one its own --state-dir or --ephemeral";
    bad_key(path) = "{path} does not hold this PC's key; move it away to have a new one made, and log in again";
    unreadable_session(path, aside) = "the session in {path} could not be read; it was set aside as {aside}";

    // `--plain`, a line per change.
    plain_link(link) = "link: {link}";
    plain_code(code) = "code: {code}";
    plain_invitation(secs) = "Scan the QR code with your phone, or type the code there, within {secs} s.";
    plain_no_room(columns, rows) = "No room here for the QR code: it takes {columns} columns and {rows} rows. Or save it with --save-qr FILE.";
    plain_no_characters() = "No QR code: this locale has no characters for it. Use the link or the code, draw it with --qr-style full, or save it with --save-qr FILE.";
    plain_unscanned() = "unscanned: waiting for a phone";
    plain_scanned() = "scanned: confirm on your phone";
    plain_scanned_by(name) = "scanned by {name}: confirm on your phone";
    plain_confirmed() = "confirmed: logging in";
    plain_confirmed_by(name) = "confirmed by {name}: logging in";
    plain_denied() = "denied: the phone said no";
    plain_cancelled() = "cancelled: the login was given up";
    plain_expired() = "expired: the code no longer works";
    plain_trouble(trouble) = "trouble: {trouble}";
    plain_check(wanted) = "check: {wanted}";
    plain_note(note) = "note: {note}";
    plain_logged_in(name, session) = "logged in as {name}, session {session}";
    plain_logged_out(server) = "logged out of {server}";
    digits_wanted() = "type the two digits that the phone shows, and press Enter";
    digits_wanted_again(left) = {
        1 => "not those, 1 try left; type the two digits that the phone shows, and press Enter",
        _ => "not those, {left} tries left; type the two digits that the phone shows, and press Enter",
    };
    trouble(why, secs) = "{why} (next try in {secs} s)";
}

/// How a login ended, as the last line of `--plain`.
pub(crate) fn plain_ended(status: Status) -> String {
    format!("ended: {}", status.as_str())
}
