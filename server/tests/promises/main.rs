//! The store's promises, and every back end that is held to them.
//!
//! A promise is a function that is given a world on an empty store. Each
//! module holds those of one subject; the list below makes a test of each, for
//! each back end. What only one back end has to promise is in a module of its
//! own.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod accounts;
mod keeping;
mod limits;
mod logins;
mod notices;
mod on_redis;
mod open;
mod sessions;
mod sqlite;
mod watches;
mod ways;
mod world;

mod measure;

#[path = "../support/proxy.rs"]
mod proxy;
#[path = "../support/redis.rs"]
mod redis;

use std::sync::Arc;

use redis::Redis;
use server::clock::Clock;
use server::store::redis::RedisStore;
use server::store::sqlite::SqliteStore;
use shared::random::OsRandom;
use world::{Place, World};

/// One test for each promise, on the worlds that `make` makes.
macro_rules! promises {
    ($make:path) => {
        promises!(lasting $make);
        promises!($make;
            keeping: a_login_is_forgotten_a_while_after_its_end,
            keeping: a_purge_takes_what_is_over_and_nothing_else,
            keeping: a_purge_of_thousands_leaves_none,
        );
    };
    // Those of a store that forgets by itself, and not when it is told to.
    (lasting $make:path) => {
        promises!($make;
            accounts: an_account_is_found_by_its_name_which_is_its_own,
            accounts: of_racing_callers_one_gets_the_name,
            accounts: accounts_are_listed_by_name_as_they_are,
            accounts: a_removed_account_takes_everything_along_and_leaves_its_name,
            accounts: a_password_is_replaced_only_by_who_knows_its_version,
            accounts: a_new_password_ends_every_session_but_the_kept_one_itself,
            accounts: a_pc_is_known_from_its_log_in_until_it_is_forgotten,
            accounts: a_disabled_account_begins_no_session,
            accounts: resource_servers_come_and_go_by_name,
            keeping: a_forgotten_logins_codes_are_free_with_or_without_a_purge,
            keeping: a_closed_store_says_so,
            limits: a_limit_is_exact,
            limits: racing_callers_stay_within_a_limit,
            limits: each_limit_and_each_subject_is_counted_by_itself,
            logins: a_login_is_found_by_each_of_its_keys_and_by_no_other,
            logins: an_ended_login_is_still_found,
            logins: of_any_number_of_racing_commits_exactly_one_is_done,
            logins: a_change_of_another_revision_is_stale_and_writes_nothing,
            logins: a_change_whose_session_part_fails_leaves_the_login_untouched,
            logins: a_change_that_needs_a_phone_is_refused_once_it_is_gone,
            logins: a_redeem_that_races_with_the_phones_end_leaves_no_session_behind,
            logins: a_notice_for_an_account_that_is_gone_stops_no_login,
            logins: a_code_is_one_logins_only,
            logins: a_confirmed_login_is_due_when_its_time_runs_out_until_that_is_written,
            logins: a_phones_unfinished_logins_are_those_it_scanned_and_that_have_not_ended,
            logins: a_repeated_redeem_replaces_tokens_that_nobody_used,
            notices: there_is_one_notice_per_kind_and_subject_counted,
            notices: every_kind_is_kept_as_it_came,
            notices: racing_notices_are_all_counted,
            notices: an_account_keeps_its_newest_thousand_and_reads_a_hundred_at_a_time,
            open: an_address_is_full_until_one_of_its_logins_ends_or_runs_out,
            open: a_slash_64_is_one_address,
            open: a_confirmed_login_is_open_until_it_is_redeemed_or_runs_out,
            open: when_there_are_too_many_the_address_with_the_most_loses_its_oldest_unscanned,
            open: racing_callers_stay_within_the_caps,
            sessions: a_session_is_found_whole_by_its_tokens_and_no_others,
            sessions: sessions_are_listed_newest_first,
            sessions: however_a_phone_ends_nothing_that_it_granted_is_found,
            sessions: ending_one_ends_what_it_granted_and_says_so,
            sessions: ending_the_others_leaves_one_phone,
            sessions: a_phone_lives_while_it_is_used,
            sessions: a_pc_lives_by_its_tokens,
            sessions: a_refresh_token_works_once_and_is_remembered_as_spent,
            sessions: of_racing_rotations_exactly_one_succeeds,
            sessions: a_use_is_seen_at_once,
            sessions: tokens_that_were_used_are_never_replaced,
            watches: no_change_is_missed_however_they_race,
            watches: whatever_concerns_a_login_or_an_account_wakes_its_watchers,
        );
    };
    ($make:path; $($module:ident: $promise:ident,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $promise() {
            crate::$module::$promise($make().await).await;
        }
    )*};
}

/// SQLite, as a deployment has it.
mod sqlite_in_file {
    promises!(crate::in_file);
}

/// SQLite, as a trial has it.
mod sqlite_in_memory {
    promises!(crate::in_memory);
}

/// Redis, one instance.
mod redis_alone {
    promises!(lasting crate::in_redis);
}

/// Redis, a cluster of three.
mod redis_cluster {
    promises!(lasting crate::in_cluster);
}

/// The clock of a store, which stands still: the worlds pass the time in.
fn clock() -> Clock {
    Clock::held(jiff::Timestamp::UNIX_EPOCH)
}

async fn in_file() -> World {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("saoma.db"), clock()).unwrap();
    World::on(Arc::new(store), Place::Folder(dir))
}

async fn in_memory() -> World {
    World::on(Arc::new(SqliteStore::in_memory(clock()).unwrap()), Place::Memory)
}

async fn in_redis() -> World {
    in_this(Redis::alone().await).await
}

async fn in_cluster() -> World {
    in_this(Redis::cluster().await).await
}

async fn in_this(redis: Redis) -> World {
    let store = RedisStore::open(redis.place(), &redis.options(), clock(), Arc::new(OsRandom)).await.unwrap();
    World::on(Arc::new(store), Place::Redis(redis))
}
