//! Which language people are spoken to in, and that programs are always spoken to in the same.

use serde_json::json;
use shared::problem::ProblemCode;

use crate::fake::Fake;
use crate::phone::{Phone, scanned};

#[test]
fn the_option_wins_over_its_variable_and_that_over_the_locale() {
    let fake = Fake::start();
    let phone = Phone::new(&fake);
    for (environment, option, says) in [
        (&[("LC_ALL", "zh_CN.UTF-8")][..], "", "尚未登录"),
        (&[("LC_ALL", ""), ("LC_MESSAGES", ""), ("LANG", "zh_CN.UTF-8")], "", "尚未登录"),
        (&[("LC_ALL", "zh_CN.UTF-8"), ("SAOMA_LANG", "en")], "", "not logged in"),
        (&[("SAOMA_LANG", "en")], " --lang zh-CN", "尚未登录"),
        (&[], " --lang zh", "尚未登录"),
        (&[("LC_ALL", "zh_CN.GBK")], " --lang zh-CN", "not logged in"),
        (&[("LC_ALL", "de_DE.UTF-8")], "", "not logged in"),
    ] {
        let mut command = phone.command(&format!("whoami{option}"));
        command.envs(environment.iter().copied());
        phone.run_command(command, b"").assert_failed(3, says);
    }
    let ran = phone.run("whoami --lang tlh");
    assert!(ran.exit == 2 && ran.stderr.contains("en, zh-CN"), "{ran:?}");
}

#[test]
fn the_usage_after_an_error_is_that_of_the_help_whatever_the_environment_has() {
    let fake = Fake::start();
    let phone = Phone::new(&fake);
    for (command, usage) in [
        ("scan", "scan [OPTIONS] <IMAGE|--code <CODE>|--url <URL>|--clipboard|--screen>"),
        ("sessions end", "sessions end [OPTIONS] <ID|--others>"),
        ("confirm --no", "confirm [OPTIONS]"),
    ] {
        for lang in ["en", "zh-CN"] {
            let mut command = phone.command(command);
            command.env("SAOMA_LANG", lang);
            let ran = phone.run_command(command, b"");
            let usage = format!("\nUsage: mobile-cli {usage}\n");
            assert!(ran.exit == 2 && ran.stderr.contains(&usage), "{ran:?}");
        }
    }
}

#[test]
fn programs_read_the_same_in_every_language() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    let ran = ["en", "zh-CN"].map(|lang| {
        fake.answers("POST /v1/scans", 200, scanned()).refuses("GET /v1/sessions", ProblemCode::Unavailable);
        let ran =
            ["scan --code WDJB-MJHT", "sessions", "sessions end 0", "scan --code AEIOU", "register a/b"]
                .map(|words| phone.run(&format!("{words} --json --lang {lang}")));
        ran.map(|ran| (ran.exit, ran.stdout))
    });
    assert_eq!(ran[0], ran[1]);
    assert!(ran[0][3].1.contains("eight letters"), "{ran:?}");
    assert!(ran[0][4].1.contains("a user name is"), "{ran:?}");
}

#[test]
fn a_scan_and_a_decision_in_chinese() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    fake.answers("POST /v1/scans", 200, scanned());
    let ran = phone.run("scan --code WDJB-MJHT --lang zh-CN");
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(ran.stdout);
    fake.answers("POST /v1/scans/confirm", 200, json!({"status": "confirmed"}));
    phone.run("confirm --yes --lang zh-CN").assert_done("已确认，电脑正在登录账号 alice。");
}

#[cfg(unix)]
#[test]
fn a_person_answers_in_either_language() {
    let fake = Fake::start();
    for (types, lang, says) in [
        ("是\n", "zh-CN", "已确认"),
        ("y\n", "zh-CN", "已确认"),
        ("是\n", "en", "Confirmed"),
        ("\n", "zh-CN", "暂未处理"),
        ("否\n", "zh-CN", "暂未处理"),
    ] {
        let phone = Phone::with_a_scan(&fake);
        if !says.starts_with("暂") {
            fake.answers("POST /v1/scans/confirm", 200, json!({"status": "confirmed"}));
        }
        let (_, screen) = crate::terminal::run(phone.command(&format!("confirm --lang {lang}")), types);
        assert!(screen.contains(says), "{screen}");
    }
}
