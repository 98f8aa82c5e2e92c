//! What is taken, and what is refused.

use super::*;
use crate::limits::LimitSettings;

fn cli(args: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(format!("server {args}").split_whitespace())
}

#[test]
fn the_defaults_are_the_contracts() {
    let cli = cli("").unwrap();
    assert_eq!(cli.place.store, StorePlace::Sqlite("saoma.db".into()));
    assert_eq!(cli.place.secret_file(), Some("saoma.secret".into()));
    let settings = cli.serve.settings("127.0.0.1:8080".parse().unwrap()).unwrap();
    assert_eq!(settings.public_url.as_str(), "http://127.0.0.1:8080");
    assert_eq!(settings.code_lifetime, Duration::from_mins(2));
    assert!(!settings.requires_check_code && !settings.requires_same_network);
    assert_eq!(settings.issue_from, []);
    assert_eq!(format!("{:?}", settings.limits), format!("{:?}", LimitSettings::default()));
}

#[test]
fn check_codes_are_off_unless_they_are_required() {
    let bound = "127.0.0.1:8080".parse().unwrap();
    for (args, required) in [("--check-code off", false), ("--check-code require", true)] {
        let settings = cli(args).unwrap().serve.settings(bound).unwrap();
        assert_eq!(settings.requires_check_code, required, "{args}");
    }
}

#[test]
fn the_networks_that_pcs_may_ask_from_are_added_up() {
    let cli = cli("--issue-from 10.0.0.0/8 --issue-from 2001:db8::/32,192.0.2.7").unwrap();
    let settings = cli.serve.settings("127.0.0.1:8080".parse().unwrap()).unwrap();
    let allowed = ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32"].map(|net| net.parse().unwrap());
    assert_eq!(settings.issue_from, allowed);
}

#[test]
fn bad_values_are_refused_at_the_edge() {
    for args in [
        "--code-lifetime 0s",
        "--code-lifetime 11m",
        "--limit-issue 60",
        "--limit-issue 0/1m",
        "--limit-issue 5/0s",
        "--limit-issue 5/10000y",
        "--store mysql:x",
        "--store sqlite:",
        "--public-url http://x/y",
        "--trusted-proxy banana",
        "--issue-from 10.0.0.0/33",
        "--tls-cert x",
        "--listen nowhere",
        "--check-code maybe",
        "account",
        "account add",
    ] {
        assert!(cli(args).is_err(), "{args}");
    }
}

#[test]
fn a_server_on_all_addresses_must_know_its_name_and_keep_it_secure() {
    let serve = |args: &str| cli(args).unwrap().serve;
    for args in [
        "--listen 0.0.0.0:80",
        "--listen 192.0.2.1:80",
        "--public-url http://a.example",
        "--listen 0.0.0.0:80 --insecure-http",
    ] {
        assert!(serve(args).check().is_err(), "{args}");
    }
    for args in [
        "--listen 0.0.0.0:80 --public-url https://a.example",
        "--listen 192.0.2.1:80 --insecure-http",
        "--public-url http://a.example --insecure-http",
        "--listen 192.0.2.1:443 --tls-cert a --tls-key b",
    ] {
        assert_eq!(serve(args).check(), Ok(()), "{args}");
    }
}

#[test]
fn the_store_may_be_named_before_or_after_a_command() {
    for args in ["--store sqlite:a.db account list", "account list --store sqlite:a.db"] {
        assert_eq!(cli(args).unwrap().place.store, StorePlace::Sqlite("a.db".into()), "{args}");
    }
}

#[test]
fn a_store_may_be_a_redis_with_a_secret_file_that_its_servers_share() {
    for args in ["--store redis://10.0.0.1:6379", "--store redis-cluster://a:1,b:2 --redis-replicas 1"] {
        let place = cli(args).unwrap().place;
        assert!(matches!(place.store, StorePlace::Redis(_)), "{args}");
        assert_eq!(place.secret_file(), Some("saoma.secret".into()));
    }
    assert_eq!(cli("account list --redis-replicas 2").unwrap().place.redis_replicas, 2);
    for args in
        ["--store redis:", "--store redis://a:1,b:2", "--store rediss://a", "--store redis-cluster://"]
    {
        assert!(cli(args).is_err(), "{args}");
    }
}
