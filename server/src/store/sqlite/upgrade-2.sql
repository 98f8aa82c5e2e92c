-- From version 1 to 2: sessions that are bound to a key, and the keys that have logged in.

ALTER TABLE pcs ADD COLUMN key BLOB CHECK (length(key) = 32);

CREATE TABLE known_pcs (
    account      BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    key          BLOB    NOT NULL CHECK (length(key) = 32),
    last_seen_at INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;
