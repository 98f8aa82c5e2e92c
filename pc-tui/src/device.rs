//! What this PC calls itself, as far as it can tell.

use std::fs;

use shared::name::clean_claim;

use crate::app::Device;

impl Device {
    /// This PC, under the name that was chosen for it, or else its host name.
    pub(crate) fn this_one(name: Option<String>) -> Self {
        let name = name.or_else(host_name).filter(|name| !name.is_empty());
        Self {
            name: name.unwrap_or_else(|| "a computer".to_owned()),
            os: clean_claim(&format!("{} {}", os_name(), std::env::consts::ARCH)),
            app: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems may not know their name")]
fn host_name() -> Option<String> {
    Some(clean_claim(&rustix::system::uname().nodename().to_string_lossy()))
}

#[cfg(not(unix))]
fn host_name() -> Option<String> {
    std::env::var("COMPUTERNAME").ok().map(|name| clean_claim(&name))
}

fn os_name() -> String {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    pretty_name(&release).map_or_else(|| capitalized(std::env::consts::OS), str::to_owned)
}

/// What `os-release` calls the system for people: `Debian GNU/Linux 13 (trixie)`.
fn pretty_name(release: &str) -> Option<&str> {
    let value = release.lines().find_map(|line| line.trim().strip_prefix("PRETTY_NAME="))?;
    let name = value.trim().trim_matches(['"', '\'']);
    (!name.is_empty()).then_some(name)
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_called_what_it_calls_itself() {
        let release = "NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nID=debian\n";
        assert_eq!(pretty_name(release), Some("Debian GNU/Linux 13 (trixie)"));
        assert_eq!(pretty_name("PRETTY_NAME=Alpine"), Some("Alpine"));
        assert_eq!(pretty_name("NAME=x\nPRETTY_NAME=\"\""), None);
        assert_eq!(pretty_name(""), None);
        assert_eq!(capitalized("linux"), "Linux");
    }

    #[test]
    fn a_name_that_was_chosen_wins_and_there_is_always_one() {
        assert_eq!(Device::this_one(Some("thinkpad".to_owned())).name, "thinkpad");
        let device = Device::this_one(None);
        assert!(!device.name.is_empty() && device.os.ends_with(std::env::consts::ARCH));
        assert!(device.app.starts_with("pc-tui "));
    }
}
