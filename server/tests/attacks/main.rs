//! What attackers want, and don't get.
//!
//! A module per class of flaw, a function per attack, named after what the attacker is after. Each is given a
//! back end to start its servers on; the list below makes a test of each, for each back end. What needs no
//! back end, or the real program, is a test where it stands.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod audit;
mod clocks;
mod confusion;
mod controllable;
mod floods;
mod holder;
mod known;
mod leakage;
mod lifetimes;
mod names;
mod oracles;
mod predictable;
mod previews;
mod prints;
mod proofs;
mod proximity;
mod reuse;
mod scene;
mod scopes;
mod theft;
mod unbound;
mod wakeups;
mod zombies;

#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;

use server::Settings;
use server::store::Store;
use support::Server;
use support::faulty::Faulty;

/// A back end that is attacked: what each server stands on.
#[derive(Clone, Copy)]
pub(crate) enum Backend {
    /// One server with SQLite in memory.
    Alone,
    /// Three servers on a Redis Cluster, each connection to the next of them.
    Nodes,
}

impl Backend {
    /// A server that stands on it.
    pub(crate) async fn server(self) -> Server {
        self.server_with(|_| {}).await
    }

    /// One whose store can be looked at over the shoulder.
    pub(crate) async fn server_watched(self, set: impl FnOnce(&mut Settings)) -> (Server, Arc<Faulty>) {
        let mut watched = None;
        let watch = |store| watched.insert(Faulty::over(store)).clone() as Arc<dyn Store>;
        let server = match self {
            Self::Alone => Server::start_on(watch, set).await,
            Self::Nodes => Server::start_on_nodes(1, watch, set).await,
        };
        (server, watched.unwrap())
    }

    /// One with settings of the attack's own.
    pub(crate) async fn server_with(self, set: impl FnOnce(&mut Settings)) -> Server {
        match self {
            Self::Alone => Server::start_with(set).await,
            Self::Nodes => Server::start_on_nodes(3, |store| store, set).await,
        }
    }
}

/// One test for each attack, on a back end.
macro_rules! attacks {
    ($on:ident) => {
        attacks!($on;
            confusion: use_a_secret_where_another_kind_belongs,
            confusion: call_what_nobody_describes,
            controllable: choose_a_code_a_state_a_lifetime_or_an_account,
            controllable: name_the_account_in_a_scan,
            controllable: say_a_field_twice,
            controllable: choose_ones_own_session,
            controllable: keep_a_session_from_before_the_log_in,
            controllable: put_another_host_into_the_qr,
            controllable: provoke_a_failure_with_a_number_at_the_edge,
            floods: fill_the_server_from_one_address,
            floods: fill_the_server_from_thousands_of_addresses,
            floods: have_others_refused_while_the_server_is_full,
            floods: starve_polls_with_five_thousand_idle_waiters,
            floods: hold_a_connection_with_a_head_that_never_ends,
            floods: hold_a_connection_with_a_body_that_never_ends,
            floods: hold_a_connection_by_saying_that_one_waits,
            known: pass_as_a_known_pc,
            known: pass_as_a_known_pc_once_put_out,
            leakage: read_the_phones_owner_off_the_pc,
            leakage: read_a_secret_off_an_error,
            prints: read_a_secret_off_a_debug_print,
            lifetimes: gain_time_from_a_clock_that_is_an_hour_off,
            lifetimes: keep_a_login_alive_by_using_it,
            lifetimes: keep_a_confirmed_login_alive_by_using_it,
            lifetimes: keep_an_access_token_alive_by_using_it,
            lifetimes: keep_a_session_alive_past_its_year,
            names: write_to_the_phones_terminal,
            names: write_to_the_list_of_sessions,
            names: write_through_scope_or_client_id,
            oracles: learn_which_accounts_exist,
            oracles: learn_which_typed_codes_exist,
            oracles: learn_by_the_work_which_typed_codes_exist,
            oracles: learn_by_the_work_what_was_good_once,
            oracles: learn_by_the_work_which_names_and_ids_exist,
            oracles: learn_which_sessions_exist,
            oracles: learn_about_a_token_by_introspection,
            oracles: learn_which_clients_exist,
            previews: have_a_link_preview_use_a_code_up,
            previews: learn_from_a_page_which_codes_are_good,
            proofs: send_a_proof_again,
            proofs: send_a_proof_of_another_time,
            proofs: fill_the_memory_of_used_proofs,
            proofs: have_signatures_checked_for_nothing,
            proofs: have_a_pc_forget_its_session_by_another_name_of_the_server,
            proofs: forge_a_signature_of_p256,
            proximity: let_a_pc_far_away_in,
            proximity: scan_from_afar_what_a_phone_in_the_office_has_scanned,
            proximity: learn_from_afar_which_typed_codes_exist,
            proximity: ask_from_a_network_that_may_not,
            scopes: gain_a_scope_that_nobody_confirmed,
            scopes: ask_for_a_scope_that_nobody_can_read,
            reuse: be_one_of_64_phones_that_scan,
            reuse: confirm_64_times_at_once,
            reuse: confirm_what_is_being_denied,
            reuse: redeem_64_times_at_once,
            reuse: refresh_64_times_at_once,
            reuse: confirm_while_logging_out,
            reuse: find_an_order_of_calls_that_breaks_the_rules,
            theft: use_a_stolen_device_code,
            theft: use_a_stolen_pc_token,
            theft: use_a_stolen_refresh_token,
            theft: use_what_was_bound_at_the_redeem,
            theft: hide_a_theft_behind_a_key_of_ones_own,
            theft: use_a_stolen_pc_token_at_a_resource_server,
            theft: use_a_stolen_pc_token_up_at_a_resource_server,
            theft: do_more_with_a_stolen_token_than_end_it,
            theft: bind_a_stolen_session_to_ones_own_key,
            theft: have_a_pc_that_has_a_key_by_now_go_on_without_it,
            theft: have_a_pc_without_a_clock_take_tokens_that_are_good_without_its_key,
            unbound: confirm_with_somebody_elses_phone,
            unbound: confirm_with_ones_own_second_phone,
            unbound: confirm_after_logging_out,
            unbound: confirm_after_the_password_was_changed,
            unbound: confirm_after_the_account_was_disabled,
            unbound: redeem_after_the_account_was_disabled,
            unbound: redeem_with_another_client_id,
            unbound: refresh_with_another_client_id,
            unbound: revoke_with_another_client_id,
            unbound: scan_for_somebody_else,
            wakeups: have_a_waiter_miss_a_transition,
            zombies: outlive_any_end_of_the_session,
            zombies: outlive_the_phone_that_lapsed,
            zombies: log_in_with_a_password_that_is_being_changed,
        );
    };
    ($on:ident; $($module:ident: $attack:ident,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $attack() {
            crate::$module::$attack(crate::Backend::$on).await;
        }
    )*};
}

/// SQLite, as a trial has it.
mod sqlite_in_memory {
    attacks!(Alone);
}

/// Redis, as a deployment of several servers has it.
mod redis_nodes {
    attacks!(Nodes);
}
