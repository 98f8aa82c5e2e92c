-- From version 3 to 4: steps of logins are in a journal first; what never changes of a login is apart; notices of steps
-- are not counted; the PCs of an account are found by its phones.

CREATE TABLE journal (
    number         INTEGER PRIMARY KEY,
    login          BLOB    NOT NULL CHECK (length(login) = 16),
    revision       INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    status         TEXT    NOT NULL,
    forgettable_at INTEGER,
    issued         TEXT,
    state          TEXT    NOT NULL,
    session        TEXT,
    notice         TEXT
) STRICT;

ALTER TABLE logins RENAME TO logins_before;
CREATE TABLE logins (
    id             BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    revision       INTEGER NOT NULL CHECK (revision >= 1),
    version        INTEGER NOT NULL CHECK (version >= 1),
    status         TEXT    NOT NULL CHECK (
                       status = 'unscanned' OR status = 'scanned' OR status = 'confirmed' OR
                       status = 'logged_in' OR status = 'denied' OR status = 'cancelled' OR status = 'expired'),
    forgettable_at INTEGER,
    issued         TEXT    NOT NULL,
    state          TEXT    NOT NULL
) STRICT;
INSERT INTO logins
SELECT id, revision, record ->> 'version', status, forgettable_at,
       json_object('digests', record -> 'digests', 'request', record -> 'request',
                   'issued_at', record -> 'issued_at', 'deadline', record -> 'deadline'),
       record -> 'state'
FROM logins_before;
DROP TABLE logins_before;

ALTER TABLE notices RENAME TO notices_before;
CREATE TABLE notices (
    account     BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id          INTEGER NOT NULL CHECK (id >= 1),
    kind        TEXT    NOT NULL CHECK (
                    kind = 'login_confirmed' OR kind = 'logged_in' OR kind = 'login_denied' OR
                    kind = 'second_scan_refused' OR kind = 'confirm_from_another_phone' OR
                    kind = 'token_replayed' OR kind = 'login_not_finished' OR kind = 'password_changed'),
    subject     BLOB    NOT NULL CHECK (length(subject) = 16),
    at          INTEGER NOT NULL,
    count       INTEGER NOT NULL CHECK (count >= 1),
    device_name TEXT,
    ip          TEXT,
    session     BLOB    CHECK (length(session) = 16),
    is_counted  INTEGER NOT NULL CHECK (is_counted IN (0, 1)),
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX notices_counted ON notices (account, kind, subject) WHERE is_counted;
INSERT INTO notices
SELECT account, id, kind, subject, at, count, device_name, ip, session, 1 FROM notices_before;
DROP TABLE notices_before;

-- What hangs on a table goes when it is dropped.
DROP VIEW standing_pcs;
CREATE TABLE spent_before AS SELECT * FROM spent;
CREATE TABLE pcs_before AS SELECT * FROM pcs;
DROP TABLE spent;
DROP TABLE pcs;
CREATE TABLE pcs (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account       BLOB    NOT NULL CHECK (length(account) = 16),
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
CREATE INDEX pcs_by_phone ON pcs (granted_by);
CREATE TABLE spent (
    refresh BLOB    NOT NULL PRIMARY KEY CHECK (length(refresh) = 32),
    session BLOB    NOT NULL REFERENCES pcs (id) ON DELETE CASCADE,
    until   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX spent_by_session ON spent (session);
INSERT INTO pcs SELECT * FROM pcs_before;
INSERT INTO spent SELECT * FROM spent_before;
DROP TABLE spent_before;
DROP TABLE pcs_before;

CREATE VIEW standing_pcs AS
SELECT pcs.*, accounts.username,
       phones.created_at AS phone_created_at, phones.last_seen_at AS phone_last_seen_at
FROM pcs
JOIN phones ON phones.id = pcs.granted_by
JOIN accounts ON accounts.id = pcs.account
WHERE accounts.enabled;
