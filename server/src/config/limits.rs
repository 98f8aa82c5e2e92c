//! The options that say how often anybody may try what.

use clap::Args;

use super::values::rate;
use crate::limits::LimitSettings;
use crate::store::{OpenCaps, Rate};

/// The limits' options. A rate is written N/TIME: at most N in any TIME.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// New logins per address
    #[arg(long, env = "SAOMA_LIMIT_ISSUE", default_value = "60/1m", value_name = "RATE", value_parser = rate)]
    pub limit_issue: Rate,
    /// Open logins per address
    #[arg(long, env = "SAOMA_LIMIT_OPEN_PER_IP", default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit_open_per_ip: u32,
    /// Open logins in all; past it, the address with the most loses its oldest unscanned one
    #[arg(long, env = "SAOMA_LIMIT_OPEN", default_value_t = 100_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit_open: u32,
    /// Unknown scan codes per phone session
    #[arg(long, env = "SAOMA_LIMIT_SCAN", default_value = "10/1m", value_name = "RATE", value_parser = rate)]
    pub limit_scan: Rate,
    /// Wrong user codes per account
    #[arg(long, env = "SAOMA_LIMIT_USER_CODE", default_value = "5/10m", value_name = "RATE", value_parser = rate)]
    pub limit_user_code: Rate,
    /// Wrong user codes per address
    #[arg(long, env = "SAOMA_LIMIT_USER_CODE_PER_IP", default_value = "30/10m", value_name = "RATE", value_parser = rate)]
    pub limit_user_code_per_ip: Rate,
    /// Unknown device codes per address
    #[arg(long, env = "SAOMA_LIMIT_DEVICE_CODE", default_value = "30/1m", value_name = "RATE", value_parser = rate)]
    pub limit_device_code: Rate,
    /// Wrong passwords per account and address
    #[arg(long, env = "SAOMA_LIMIT_PASSWORD", default_value = "5/10m", value_name = "RATE", value_parser = rate)]
    pub limit_password: Rate,
    /// Wrong passwords per address
    #[arg(long, env = "SAOMA_LIMIT_PASSWORD_PER_IP", default_value = "20/10m", value_name = "RATE", value_parser = rate)]
    pub limit_password_per_ip: Rate,
    /// Wrong passwords per account
    #[arg(long, env = "SAOMA_LIMIT_PASSWORD_PER_ACCOUNT", default_value = "100/10m", value_name = "RATE", value_parser = rate)]
    pub limit_password_per_account: Rate,
    /// New accounts per address
    #[arg(long, env = "SAOMA_LIMIT_REGISTER", default_value = "20/1m", value_name = "RATE", value_parser = rate)]
    pub limit_register: Rate,
    /// The largest body of a request, in bytes
    #[arg(long, env = "SAOMA_LIMIT_BODY", default_value_t = 16 * 1024, value_name = "BYTES")]
    pub limit_body: usize,
}

impl LimitArgs {
    pub(super) fn settings(&self) -> LimitSettings {
        LimitSettings {
            issue: self.limit_issue,
            open: OpenCaps { per_address: self.limit_open_per_ip, total: self.limit_open },
            scan: self.limit_scan,
            user_code: self.limit_user_code,
            user_code_per_ip: self.limit_user_code_per_ip,
            device_code: self.limit_device_code,
            password: self.limit_password,
            password_per_ip: self.limit_password_per_ip,
            password_per_account: self.limit_password_per_account,
            register: self.limit_register,
        }
    }
}
