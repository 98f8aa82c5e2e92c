//! Codes of somebody else, above all those that look like ours, or that a lenient parser takes for ours. Each is
//! refused by its text alone: nobody hears of it, neither our server nor theirs.

use std::net::TcpListener;

use serde_json::json;
use shared::code::PublicUrl;

use crate::fake::Fake;
use crate::phone::{CODE, Phone, Ran, logged_in, me};
use crate::scan::picture;

/// Somebody else's server, which hears of every connection.
struct Listener(TcpListener);

impl Listener {
    /// On another address of this machine, or on another port.
    fn at(address: &str) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn authority(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// A connection is there as soon as the other side has it, so this need not wait.
    #[track_caller]
    fn assert_unheard(&self) {
        assert!(self.0.accept().is_err(), "somebody connected to {}", self.authority());
    }
}

/// A phone that is logged in at a server which has this name on its own machine.
struct Scene {
    fake: Fake,
    phone: Phone,
    /// `HTTP://LOCALHOST:8080`
    ours: String,
    port: String,
    evil: Listener,
}

impl Scene {
    fn with_host(host: &str) -> Self {
        let fake = Fake::start();
        let port = fake.url().rsplit(':').next().unwrap().to_owned();
        let server = format!("http://{host}:{port}");
        let phone = Phone::at(server.clone());
        fake.answers("POST /v1/phones", 201, logged_in());
        assert_eq!(phone.run_with("login alice --password-stdin", b"correct horse").exit, 0);
        Self { fake, phone, ours: server.to_uppercase(), port, evil: Listener::at("127.0.0.1:0") }
    }

    fn scan_url(&self, text: &str) -> Ran {
        let mut command = self.phone.command("scan");
        command.arg(format!("--url={text}"));
        self.phone.run_command(command, b"")
    }

    /// Tries each text as a picture, as a URL and as a code to type.
    fn refuses(&self, texts: &[String]) {
        let before = self.fake.connections();
        let says = "this is no log-in code of SERVER, so nothing was sent; if you log in at another server";
        for text in texts {
            let ran = self.phone.run_with("scan -", &picture(&[text]));
            assert!(ran.exit == 1, "{text:?}: {ran:?}");
            ran.assert_failed(1, says);
            assert_words_are_ours(&ran, text);
            // No argument can hold a zero.
            if text.contains('\0') {
                continue;
            }
            let ran = self.scan_url(text);
            assert!(ran.exit == 1, "{text:?}: {ran:?}");
            ran.assert_failed(1, says);
            assert_words_are_ours(&ran, text);

            let mut command = self.phone.command("scan");
            command.arg(format!("--code={text}"));
            let ran = self.phone.run_command(command, b"");
            assert!(ran.exit == 2, "{text:?}: {ran:?}");
            ran.assert_failed(2, "a code to type has eight letters");
            assert_words_are_ours(&ran, text);
        }
        self.evil.assert_unheard();
        // One call that is heard: had there been others, they would have been counted before it.
        self.fake.answers("GET /v1/me", 200, me());
        self.phone.run("whoami").assert_done("alice");
        assert_eq!(self.fake.connections(), before + 1, "our own server heard of them");
        assert!(!self.phone.has_a_scan());
    }
}

/// What was refused is not repeated: it may be meant for the eyes of whoever reads the refusal.
#[track_caller]
fn assert_words_are_ours(ran: &Ran, text: &str) {
    let shown = ran.stderr.replace("SERVER", "");
    assert!(text.trim().is_empty() || !shown.contains(text.trim()), "{text:?}: {ran:?}");
}

/// A QR's text: a server's address, and a code.
fn at(base: &str) -> String {
    format!("{base}/Q/{CODE}")
}

#[test]
fn a_host_that_a_lenient_parser_takes_for_ours_is_refused() {
    let scene = Scene::with_host("localhost");
    let hosts = [
        // Full width, circled, mathematical, and the long s: IDNA maps them all to plain letters.
        "ＬＯＣＡＬＨＯＳＴ",
        "ｌocalhost",
        "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
        "𝐥𝐨𝐜𝐚𝐥𝐡𝐨𝐬𝐭",
        "LOCALHO\u{17f}T",
        // What IDNA leaves out.
        "LOCAL\u{ad}HOST",
        "LOCAL\u{200b}HOST",
        "LOCAL\u{2060}HOST",
        "LOCAL\u{fe0f}HOST",
        // Percent signs are decoded in a host.
        "%4COCALHOST",
        "%6c%6f%63%61%6c%68%6f%73%74",
    ];
    let ours = PublicUrl::parse(&scene.ours).unwrap();
    let bases = hosts.map(|host| format!("HTTP://{host}:{}", scene.port));
    for base in &bases {
        assert_eq!(PublicUrl::parse(base).as_ref(), Ok(&ours), "{base} is no look-alike");
    }
    // A parser leaves out or turns around these as well.
    let p = &scene.port;
    let forgiven = [
        format!("HTTP:\\\\LOCALHOST:{p}"),
        format!("HTTP:/LOCALHOST:{p}"),
        format!("HTTP:LOCALHOST:{p}"),
        format!("HTTP:///LOCALHOST:{p}"),
        format!("HT\tTP://LOCALHOST:{p}"),
        format!("HTTP://LOCAL\nHOST:{p}"),
        format!("HTTP://LOCALHOST:0{p}"),
        format!("HTTP://@LOCALHOST:{p}"),
        format!("HTTP://:@LOCALHOST:{p}"),
        format!("\u{1}HTTP://LOCALHOST:{p}"),
    ];
    for base in &forgiven {
        assert_eq!(PublicUrl::parse(base).as_ref(), Ok(&ours), "{base:?} is no look-alike");
    }
    let texts: Vec<_> = bases.iter().chain(&forgiven).map(|base| at(base)).collect();
    scene.refuses(&texts);
}

#[test]
fn a_host_that_only_looks_like_ours_is_refused() {
    let scene = Scene::with_host("localhost");
    let hosts = [
        // Cyrillic о, с, а; Greek ο; dotless i's kin: other letters, for the eye the same.
        "LОCALHOST",
        "loсalhost",
        "locаlhost",
        "lοcalhost",
        "1OCALHOST",
        "L0CALHOST",
        "LOCALHOST.",
        "LOCALHOST。",
        "LOCALHOST．",
        "LOCALHOST..",
        "LOCALHOST\u{202e}",
        "XN--LCALHOST-1BH",
        "xn--localhost-",
        "XN--LCLHOST-2FGD.EXAMPLE",
        "LOCALHOST.EVIL.EXAMPLE",
        "LOCALHOST.LOCALHOST",
        "EVIL-LOCALHOST",
        "[::1]",
        "127.0.0.1",
    ];
    let texts: Vec<_> = hosts.iter().map(|host| at(&format!("HTTP://{host}:{}", scene.port))).collect();
    scene.refuses(&texts);
}

#[test]
fn an_address_that_is_written_otherwise_is_refused() {
    let scene = Scene::with_host("127.0.0.1");
    let hosts = [
        "0177.0.0.1",
        "0177.0000.00.01",
        "0X7F.0.0.1",
        "0X7F000001",
        "0x7f.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "017700000001",
        "127.0.0.1.",
        "１２７.0.0.1",
        "①②⑦.0.0.1",
        "127。0。0。1",
        "127．0．0．1",
        "%31%32%37.0.0.1",
        "127.0.0.0x1",
    ];
    let ours = PublicUrl::parse(&scene.ours).unwrap();
    let bases = hosts.map(|host| format!("HTTP://{host}:{}", scene.port));
    for base in &bases {
        assert_eq!(PublicUrl::parse(base).as_ref(), Ok(&ours), "{base} is not our address");
    }
    let mut texts: Vec<_> = bases.iter().map(|base| at(base)).collect();
    for other in [
        "[::FFFF:127.0.0.1]",
        "[::1]",
        "[::FFFF:7F00:1]",
        "0.0.0.0",
        "127.0.0.2",
        "0",
        "LOCALHOST",
        "127.0.0.1.NIP.EXAMPLE",
    ] {
        texts.push(at(&format!("HTTP://{other}:{}", scene.port)));
    }
    scene.refuses(&texts);
}

#[test]
fn a_url_that_leads_elsewhere_is_refused_and_nobody_there_hears_of_it() {
    let scene = Scene::with_host("127.0.0.1");
    let (ours, port, evil) = (&scene.ours, &scene.port, scene.evil.authority());
    let host = ours.strip_prefix("HTTP://").unwrap();
    // Who follows it lands on the same port of another address.
    let beside = Listener::at(&format!("127.0.0.2:{port}"));
    let texts = [
        // A name and a password before the host that counts.
        at(&format!("HTTP://{host}@{evil}")),
        at(&format!("HTTP://127.0.0.1:{port}@{evil}")),
        at(&format!("http://{evil}\\@{host}")),
        at(&format!("http://{evil}#@{host}")),
        at(&format!("http://{evil}?@{host}")),
        at(&format!("http://{evil}%2F@{host}")),
        at(&format!("http://{host}%40{evil}")),
        at(&format!("HTTP://ALICE@{host}")),
        at(&format!("HTTP://ALICE:SECRET@{host}")),
        // Other hosts, ports and schemes.
        at(&format!("HTTP://{evil}")),
        at(&format!("HTTP://127.0.0.2:{port}")),
        at(&format!("HTTPS://{host}")),
        at(&format!("WS://{host}")),
        at(&format!("FTP://{host}")),
        at(&format!("//{host}")),
        at(host),
        at("HTTP://127.0.0.1"),
        at("HTTP://127.0.0.1:"),
        at("HTTP://127.0.0.1:80"),
        at("HTTP://127.0.0.1:443"),
        at("HTTPS://127.0.0.1:443"),
        at(&format!("{ours}0")),
        at(&format!("HTTP://127.0.0.1:+{port}")),
        at(&format!("HTTP://127.0.0.1:{}", u64::from(port.parse::<u16>().unwrap()) + 65_536)),
        "javascript:fetch('/Q/')".to_owned(),
        format!("DATA:TEXT/HTML,{}", at(ours)),
        format!("VIEW-SOURCE:{}", at(ours)),
    ];
    scene.refuses(&texts);
    beside.assert_unheard();
}

#[test]
fn what_is_not_exactly_a_code_below_our_address_is_refused() {
    let scene = Scene::with_host("127.0.0.1");
    let (ours, evil) = (&scene.ours, scene.evil.authority());
    let url = at(ours);
    let mut texts = vec![
        format!("{ours}/Q/../Q/{CODE}"),
        format!("{ours}/./Q/{CODE}"),
        format!("{ours}//Q/{CODE}"),
        format!("{ours}/Q//{CODE}"),
        format!("{ours}/%51/{CODE}"),
        format!("{ours}/Q%2F{CODE}"),
        format!("{ours}/q/{CODE}"),
        format!("{ours}/Ｑ/{CODE}"),
        format!("{ours}\\Q\\{CODE}"),
        format!("{ours}/D/{CODE}"),
        format!("{ours}/v1/scans/{CODE}"),
        format!("{ours}/Q/{}", CODE.to_lowercase()),
        format!("{ours}/Q/%37{}", &CODE[1..]),
        format!("{ours}/Q/{}", &CODE[1..]),
        format!("{ours}/Q/{CODE}0"),
        format!("{ours}/Q/{}", CODE.replace('0', "O")),
        format!("{ours}/Q/{}", CODE.replace('1', "l")),
        format!("{ours}/Q/{}７", &CODE[..25]),
        format!("{ours}/Q/"),
        format!("{ours}/"),
        format!("{url}/"),
        format!("{url}."),
        format!("{url}.PNG"),
        format!("{url}?"),
        format!("{url}?X=1"),
        format!("{url}#"),
        format!("{url}#HTTP://{evil}/"),
        format!("{url};X"),
        format!("{url}@{evil}"),
        format!("{url}\0"),
        format!("{url} {url}"),
        format!("{url}\n{url}"),
        format!("{url},HTTP://{evil}/Q/{CODE}"),
        format!("HTTP://{evil}/?{url}"),
        format!("HTTP://{evil}/{url}"),
        format!("HTTP://{evil}/Q/{CODE}#{url}"),
        format!("{ours}/Q/\t{CODE}"),
        format!("{ours}/Q\n/{CODE}"),
        format!("{ours}\r/Q/{CODE}"),
        format!("\u{feff}{url}"),
        format!("{url}\u{200b}"),
        format!("\u{202e}{url}"),
        format!("\u{2066}{url}\u{2069}"),
        format!("<{url}>"),
        format!("URL:{url}"),
        CODE.to_owned(),
        "X".repeat(2_000),
    ];
    // In any place a blank, a tab or a line break, which a URL parser would leave out.
    for place in [4, 7, ours.len(), url.len() - 1] {
        for blank in [' ', '\t', '\n', '\u{3000}'] {
            let (head, tail) = url.split_at(place);
            texts.push(format!("{head}{blank}{tail}"));
        }
    }
    scene.refuses(&texts);
}

#[test]
fn only_what_a_copy_leaves_around_our_url_is_forgiven_and_in_a_picture_nothing() {
    let scene = Scene::with_host("127.0.0.1");
    let url = at(&scene.ours);
    scene.fake.answers("POST /v1/scans", 200, crate::phone::scanned());
    assert_eq!(scene.scan_url(&format!(" {url}\r\n")).exit, 0);
    let seen = scene.fake.seen();
    assert_eq!(seen.last().unwrap().body, json!({"scan_code": CODE}));
    let before = scene.fake.connections();
    for text in [format!(" {url}"), format!("{url}\n"), format!("\t{url}"), format!("{url}\u{3000}")] {
        scene.phone.run_with("scan -", &picture(&[&text])).assert_failed(1, "no log-in code of SERVER");
    }
    assert_eq!(scene.fake.connections(), before);
}

#[test]
fn a_port_that_is_the_schemes_own_may_be_said_or_not_and_no_other_is_ours() {
    // Whether or not anything listens on port 80 here, a code that is ours gets as far as that.
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    let state = "--state-dir elsewhere --server http://127.0.0.1";
    let kept = std::fs::read_to_string(&phone.files()[0]).unwrap();
    phone.put_below(
        "elsewhere",
        "mobile-cli.http@127.0.0.1.phone.json",
        &kept.replace(&fake.url(), "http://127.0.0.1"),
    );
    for ours in ["HTTP://127.0.0.1", "http://127.0.0.1:80"] {
        let ran = phone.run(&format!("scan {state} --url {}", at(ours)));
        assert!(!ran.stderr.contains("this is no log-in code"), "{ran:?}");
    }
    for foreign in [
        "HTTP://127.0.0.1:",
        "HTTP://127.0.0.1:080",
        "HTTP://127.0.0.1:443",
        "HTTPS://127.0.0.1:80",
        "HTTP://127.0.0.1:8080",
    ] {
        phone
            .run(&format!("scan {state} --url {}", at(foreign)))
            .assert_failed(1, "this is no log-in code of");
    }
}
