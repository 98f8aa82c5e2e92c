-- Saoma's schema, version 3.
--
-- Ids are 16 bytes, digests 32, times milliseconds since 1970. A session exists as long as nobody has ended it;
-- whether it is valid is derived each time (see the views). Ending a phone ends what it granted, by the keys.

CREATE TABLE accounts (
    id               BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    username         TEXT    NOT NULL UNIQUE CHECK (length(username) BETWEEN 1 AND 64),
    password         TEXT    NOT NULL,
    password_version INTEGER NOT NULL CHECK (password_version >= 1),
    enabled          INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    created_at       INTEGER NOT NULL
) STRICT;

CREATE TABLE phones (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account      BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    token        BLOB    NOT NULL UNIQUE CHECK (length(token) = 32),
    device_name  TEXT,
    ip           TEXT,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL
) STRICT;

CREATE INDEX phones_by_account ON phones (account);

CREATE TABLE pcs (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account       BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    granted_by    BLOB    NOT NULL REFERENCES phones (id) ON DELETE CASCADE,
    login         BLOB    NOT NULL CHECK (length(login) = 16),
    client_id     TEXT    NOT NULL,
    scope         TEXT,
    device_name   TEXT,
    ip            TEXT,
    created_at    INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    access        BLOB    NOT NULL UNIQUE CHECK (length(access) = 32),
    access_until  INTEGER NOT NULL,
    refresh       BLOB    NOT NULL UNIQUE CHECK (length(refresh) = 32),
    refresh_until INTEGER NOT NULL,
    used          INTEGER NOT NULL CHECK (used IN (0, 1)),
    key           BLOB    CHECK (length(key) = 32)
) STRICT;

-- The PCs that have logged in to an account, by the thumbprints of their keys.
CREATE TABLE known_pcs (
    account      BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    key          BLOB    NOT NULL CHECK (length(key) = 32),
    last_seen_at INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX pcs_by_account ON pcs (account);
CREATE INDEX pcs_by_phone ON pcs (granted_by);

-- Refresh tokens that were used, until they would have ended anyway.
CREATE TABLE spent (
    refresh BLOB    NOT NULL PRIMARY KEY CHECK (length(refresh) = 32),
    session BLOB    NOT NULL REFERENCES pcs (id) ON DELETE CASCADE,
    until   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX spent_by_session ON spent (session);

CREATE TABLE notices (
    account     BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id          INTEGER NOT NULL CHECK (id >= 1),
    kind        TEXT    NOT NULL CHECK (kind IN (
                    'login_confirmed', 'logged_in', 'login_denied', 'second_scan_refused',
                    'confirm_from_another_phone', 'token_replayed', 'login_not_finished', 'password_changed')),
    subject     BLOB    NOT NULL CHECK (length(subject) = 16),
    at          INTEGER NOT NULL,
    count       INTEGER NOT NULL CHECK (count >= 1),
    device_name TEXT,
    ip          TEXT,
    session     BLOB    CHECK (length(session) = 16),
    PRIMARY KEY (account, id),
    UNIQUE (account, kind, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE clients (
    name       TEXT    NOT NULL PRIMARY KEY,
    secret     BLOB    NOT NULL CHECK (length(secret) = 32),
    created_at INTEGER NOT NULL
) STRICT;

-- A login is one record, and found through memory: its codes are indexed there. The other columns repeat what
-- SQL must know of it; a login without `forgettable_at` still owes its owner a notice.
CREATE TABLE logins (
    id             BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    revision       INTEGER NOT NULL CHECK (revision >= 1),
    status         TEXT    NOT NULL CHECK (status IN (
                       'unscanned', 'scanned', 'confirmed', 'logged_in', 'denied', 'cancelled', 'expired')),
    forgettable_at INTEGER,
    record         TEXT    NOT NULL
) STRICT;

-- The sessions of enabled accounts. Whether their time is over is for the reader to judge.

CREATE VIEW standing_phones AS
SELECT phones.*, accounts.username
FROM phones
JOIN accounts ON accounts.id = phones.account
WHERE accounts.enabled;

CREATE VIEW standing_pcs AS
SELECT pcs.*, accounts.username,
       phones.created_at AS phone_created_at, phones.last_seen_at AS phone_last_seen_at
FROM pcs
JOIN phones ON phones.id = pcs.granted_by
JOIN accounts ON accounts.id = pcs.account
WHERE accounts.enabled;
