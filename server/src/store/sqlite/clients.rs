//! Resource servers.

use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::columns::Columns;
use super::writer::{Outcome, Tx};
use crate::store::ResourceServer;

const ADD: &str =
    "INSERT INTO clients (name, secret, created_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING";
const FIND: &str = "SELECT * FROM clients WHERE name = ?1";
const ALL: &str = "SELECT * FROM clients ORDER BY name";
const REMOVE: &str = "DELETE FROM clients WHERE name = ?1";

pub(super) fn add(tx: &mut Tx<'_>, client: &ResourceServer) -> Result<Outcome<bool>> {
    let row = params![client.name, client.secret.as_bytes(), client.created_at.as_millisecond()];
    Ok(Outcome::Keep(tx.db.prepare_cached(ADD)?.execute(row)? == 1))
}

pub(super) fn find(db: &Connection, name: &str) -> Result<Option<ResourceServer>> {
    db.prepare_cached(FIND)?.query_row([name], client).optional()
}

pub(super) fn all(db: &Connection) -> Result<Vec<ResourceServer>> {
    db.prepare_cached(ALL)?.query_map([], client)?.collect()
}

pub(super) fn remove(tx: &mut Tx<'_>, name: &str) -> Result<Outcome<bool>> {
    Ok(Outcome::Keep(tx.db.prepare_cached(REMOVE)?.execute([name])? == 1))
}

fn client(row: &Row<'_>) -> Result<ResourceServer> {
    Ok(ResourceServer {
        name: row.plain("name")?,
        secret: row.digest("secret")?,
        created_at: row.time("created_at")?,
    })
}
