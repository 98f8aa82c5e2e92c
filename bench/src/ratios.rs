//! Requests and whole logins per second, as ratios to bare axum.

use std::time::Duration;

use futures_util::future::try_join_all;
use serde::Serialize;

use crate::args::Ratios;
use crate::people::{Issuer, Person, Repeater, STEPS_OF_A_LOGIN, Transport, json};
use crate::probe;
use crate::rounds::{self, Round};
use crate::servers::{Cores, Measured, near};
use crate::wire::{Request, Wire};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    BareGet,
    BarePost,
    Status,
    Issue,
    Login(Transport),
}

/// A measurement: its name, what it is, on which store, and its goals.
struct Measurement {
    name: &'static str,
    what: What,
    store: &'static str,
    must: Option<f64>,
    aim: Option<f64>,
}

const fn measurement(
    name: &'static str,
    what: What,
    store: &'static str,
    goals: Option<(f64, f64)>,
) -> Measurement {
    let (must, aim) = match goals {
        Some((must, aim)) => (Some(must), Some(aim)),
        None => (None, None),
    };
    Measurement { name, what, store, must, aim }
}

/// In the order in which a round has them. The bare ones come first, since the others are told by them.
const ALL: [Measurement; 9] = [
    measurement("bare GET", What::BareGet, "bare", None),
    measurement("GET /v1/login", What::Status, "sqlite", Some((0.80, 0.95))),
    measurement("bare POST", What::BarePost, "bare", None),
    measurement("issue", What::Issue, "sqlite", Some((0.17, 0.35))),
    measurement("login, long poll", What::Login(Transport::LongPoll), "sqlite", Some((0.55, 0.70))),
    measurement("login, websocket", What::Login(Transport::WebSocket), "sqlite", None),
    measurement("login, poll", What::Login(Transport::Poll), "sqlite", None),
    measurement("login, long poll", What::Login(Transport::LongPoll), "memory", None),
    measurement("login, long poll", What::Login(Transport::LongPoll), "redis", None),
];

/// What came of a measurement, as medians over the rounds.
#[derive(Serialize)]
struct Figure {
    name: &'static str,
    store: &'static str,
    per_sec: f64,
    /// To bare axum in the same round; of logins, seven times that.
    ratio: f64,
    must: Option<f64>,
    aim: Option<f64>,
    cpu_micros: f64,
    p50_micros: f64,
    p99_micros: f64,
}

#[derive(Serialize)]
struct Report {
    figures: Vec<Figure>,
    /// Durable logins to such in memory.
    durable_to_memory: Option<f64>,
    log_bytes_per_10_000_logins: Option<f64>,
    rss_bytes: u64,
    sync_before_micros: f64,
    sync_after_micros: f64,
    disturbed: bool,
}

/// Those that are measured, idle while others are.
struct Scene {
    bare: Measured,
    sqlite: Measured,
    memory: Measured,
    redis: Option<Measured>,
}

impl Scene {
    fn set(options: &Ratios) -> anyhow::Result<Self> {
        let (cores, program) = (Cores::find()?, options.common.server()?);
        let server = |store: &str| Measured::server(&cores, &program, store, &[]);
        Ok(Self {
            bare: Measured::bare(&cores)?,
            sqlite: server("sqlite")?,
            memory: server("memory")?,
            redis: options.common.redis.as_deref().map(server).transpose()?,
        })
    }

    fn on(&self, store: &str) -> Option<&Measured> {
        match store {
            "bare" => Some(&self.bare),
            "sqlite" => Some(&self.sqlite),
            "memory" => Some(&self.memory),
            _ => self.redis.as_ref(),
        }
    }
}

pub(crate) async fn run(options: &Ratios) -> anyhow::Result<()> {
    let dir = near()?;
    let sync_before = probe::sync(&dir)?;
    let scene = Scene::set(options)?;
    let is_wanted = |of: &Measurement| {
        let is_bare = of.store == "bare";
        let is_named = options.only.iter().any(|part| of.name.contains(part.as_str()));
        scene.on(of.store).is_some() && (is_bare || options.only.is_empty() || is_named)
    };
    let wanted: Vec<&Measurement> = ALL.iter().filter(|of| is_wanted(of)).collect();
    let mut rounds: Vec<Vec<Round>> = wanted.iter().map(|_| Vec::new()).collect();
    let (mut logged, mut logins) = (0, 0.0);
    for number in 0..options.rounds {
        for (of, rounds) in wanted.iter().zip(&mut rounds) {
            let Some(server) = scene.on(of.store) else { continue };
            let before = server.file_bytes("log")?;
            let round = measure(of.what, server, options, number).await?;
            if matches!(of.what, What::Login(_)) && of.store == "sqlite" {
                logged += server.file_bytes("log")? - before;
                // Those of the warm-up have written their lines, too.
                logins += round.per_sec * rounds::secs_in_all(options.secs);
            }
            rounds.push(round);
        }
    }
    let sync_after = probe::sync(&dir)?;
    let figures = figures(&wanted, &rounds);
    let per_sec = |store| {
        let on_store = |figure: &&Figure| figure.name == "login, long poll" && figure.store == store;
        figures.iter().find(on_store).map(|figure| figure.per_sec)
    };
    let report = Report {
        durable_to_memory: per_sec("sqlite").zip(per_sec("memory")).map(|(durable, memory)| durable / memory),
        #[expect(clippy::cast_precision_loss, reason = "nobody logs as much as that")]
        log_bytes_per_10_000_logins: (logins > 0.0).then(|| logged as f64 / logins * 10_000.0),
        rss_bytes: scene.sqlite.used()?.rss_bytes,
        sync_before_micros: sync_before.as_secs_f64() * 1e6,
        sync_after_micros: sync_after.as_secs_f64() * 1e6,
        disturbed: sync_before.max(sync_after) > probe::DISTURBED_ABOVE,
        figures,
    };
    if options.common.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print(&report);
    }
    Ok(())
}

async fn measure(what: What, server: &Measured, options: &Ratios, number: usize) -> anyhow::Result<Round> {
    let (addr, count) = (server.addr, options.connections);
    let lasts = Duration::from_secs(options.secs);
    match what {
        What::BareGet | What::BarePost => {
            let workers = (0..count).map(async |_| {
                let request = match what {
                    What::BareGet => Request::bare("GET", "/get", "authorization: Bearer of-this-length\r\n"),
                    _ => json("/post", "of-this-length", r#"{"text":"as long as a scan code"}"#),
                };
                anyhow::Ok(Repeater { wire: Wire::connect(addr).await?, request })
            });
            rounds::run(server, &mut try_join_all(workers).await?, lasts).await
        }
        What::Status => {
            let workers = (0..count).map(async |_| Repeater::polls(addr).await);
            rounds::run(server, &mut try_join_all(workers).await?, lasts).await
        }
        What::Issue => {
            let workers = (0..count).map(async |_| anyhow::Ok(Issuer(Wire::connect(addr).await?)));
            rounds::run(server, &mut try_join_all(workers).await?, lasts).await
        }
        What::Login(transport) => {
            let name = |worker| format!("{transport:?}-{number}-{worker}").to_lowercase();
            let workers = (0..count).map(async |worker| Person::arrive(addr, &name(worker), transport).await);
            rounds::run(server, &mut try_join_all(workers).await?, lasts).await
        }
    }
}

/// The medians, with ratios taken within each round.
fn figures(wanted: &[&Measurement], rounds: &[Vec<Round>]) -> Vec<Figure> {
    let of = |what: What| {
        let at = wanted.iter().position(|of| of.what == what);
        at.map(|at| rounds[at].iter().map(|round| round.per_sec).collect::<Vec<f64>>()).unwrap_or_default()
    };
    let (gets, posts) = (of(What::BareGet), of(What::BarePost));
    let figure = |(of, rounds): (&&Measurement, &Vec<Round>)| {
        let (bare, steps) = match of.what {
            What::BareGet | What::Status => (&gets, 1.0),
            What::BarePost | What::Issue => (&posts, 1.0),
            What::Login(_) => (&posts, STEPS_OF_A_LOGIN),
        };
        let median_of = |value: fn(&Round) -> f64| median(rounds.iter().map(value));
        Figure {
            name: of.name,
            store: of.store,
            per_sec: median_of(|round| round.per_sec),
            ratio: median(rounds.iter().zip(bare).map(|(round, bare)| steps * round.per_sec / bare)),
            must: of.must,
            aim: of.aim,
            cpu_micros: median_of(|round| round.cpu_micros),
            p50_micros: median_of(|round| round.p50.as_secs_f64() * 1e6),
            p99_micros: median_of(|round| round.p99.as_secs_f64() * 1e6),
        }
    };
    wanted.iter().zip(rounds).map(figure).collect()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn print(report: &Report) {
    println!(
        "{:<18} {:<7} {:>9} {:>6} {:>6} {:>6} {:>8} {:>8} {:>8}",
        "what", "store", "per s", "ratio", "must", "aim", "CPU µs", "p50 µs", "p99 µs"
    );
    for figure in &report.figures {
        let goal = |goal: Option<f64>| goal.map(|goal| format!("{goal:.2}")).unwrap_or_default();
        println!(
            "{:<18} {:<7} {:>9.0} {:>6.3} {:>6} {:>6} {:>8.1} {:>8.0} {:>8.0}",
            figure.name,
            figure.store,
            figure.per_sec,
            figure.ratio,
            goal(figure.must),
            goal(figure.aim),
            figure.cpu_micros,
            figure.p50_micros,
            figure.p99_micros
        );
    }
    println!();
    println!("ratio: to bare axum in the same round; of logins, seven times their number");
    if let Some(ratio) = report.durable_to_memory {
        println!("durable logins to those in memory: {ratio:.2} (must 0.60, aim 0.80)");
    }
    if let Some(bytes) = report.log_bytes_per_10_000_logins {
        println!("log for 10,000 logins: {:.2} MiB (must 4, aim 2)", bytes / 1_048_576.0);
    }
    #[expect(clippy::cast_precision_loss, reason = "memory is far smaller")]
    let rss = report.rss_bytes as f64 / 1_048_576.0;
    println!("the durable server's memory at the end: {rss:.1} MiB");
    println!("a sync: {:.0} µs before, {:.0} µs after", report.sync_before_micros, report.sync_after_micros);
    if report.disturbed {
        println!("DISTURBED: the disk was slow, so what is durable was, too");
    }
}
