//! The scripts, each a file of its own.

use std::sync::LazyLock;

/// A script, and what Redis calls it by once it knows it.
pub(super) struct Script {
    pub(super) code: &'static str,
    pub(super) hash: String,
}

impl Script {
    fn new(code: &'static str) -> Self {
        let hash = redis::Script::new(code).get_hash().to_owned();
        Self { code, hash }
    }
}

macro_rules! scripts {
    ($($name:ident = $($file:literal)+;)*) => {$(
        pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!($(include_str!(concat!("lua/", $file))),+)));
    )*};
}

scripts! {
    INSERT = "insert.lua";
    FIND = "find.lua";
    COMMIT = "commit.lua";
    PC = "pc.lua";
    ROTATE = "rotate.lua";
    END_PC = "end_pc.lua";
    SEEN = "seen.lua";
    DELIVER = "tell.lua" "deliver.lua";
    NOTICES = "notices.lua";
    ADD_PHONE = "add_phone.lua";
    PHONE = "phone.lua";
    SESSIONS = "sessions.lua";
    ACCOUNT = "tell.lua" "account.lua";
    RESERVE = "open.lua" "open_reserve.lua";
    OPEN = "open.lua" "open_change.lua";
    TAKE = "take.lua";
    TAKE_CODE = "take_code.lua";
    TAKE_NAME = "take_name.lua";
    GIVE_NAME_BACK = "give_name_back.lua";
    FIRST_USE = "first_use.lua";
    SETTLE = "settle.lua";
    FORGET = "forget.lua";
}
