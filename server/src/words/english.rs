//! English.

shared::catalogue! {
    scan_title() = "Scan this with your phone's app";
    scan_text() = "This code logs a PC in. Open the app in which you are logged in and scan it there; a browser can't do it. On a command line, the phone is:";
    only_scan() = "Only scan a code that you asked for yourself, on a screen in front of you.";
    type_title() = "Type the code in your phone's app";
    type_text() = "The PC shows a code of eight letters. Open the app in which you are logged in and type it there; a browser can't do it. On a command line, with your PC's own code, the phone is:";
    only_type() = "Only type a code that you asked for yourself, on a screen in front of you.";
    if_sent_to_you() = "If a website or another person sent you this, close it, and deny if your phone asks: confirming would log <em>their</em> PC in as you.";
}
