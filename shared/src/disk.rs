//! What the PC and the phone keep on disk, and how: in the user's state directory, for its owner alone, one
//! file per server, and each file whole or not there.
//!
//! ```text
//! <state directory>/saoma/PROGRAM.https@login.example.com@8443.WHAT
//! '------ folder() -----'         '------ server_name() -----'
//! ```

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::code::PublicUrl;
use crate::name::escaped;

/// Where this user's programs keep things, where nobody said otherwise. None for a user without a home.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    let dirs = directories::BaseDirs::new()?;
    // Only Linux has a directory for state.
    Some(dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).join("saoma"))
}

/// A path for people to read: its name may hold anything, and is still not to control a terminal.
#[must_use]
pub fn shown(path: &Path) -> String {
    escaped(&path.to_string_lossy())
}

/// Makes a folder, and those above it, for nobody but this user. One that is there stays as it is.
///
/// # Errors
/// As the system says.
pub fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// A server's address as a part of a file's name: `https@login.example.com@8443`. Nothing in an address has a
/// `@` or a slash beyond the scheme's, so no two servers share one.
#[must_use]
pub fn server_name(server: &PublicUrl) -> String {
    server.as_str().replacen("://", "@", 1).replace(':', "@")
}

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone, and it outlives a power cut once written.
    Owner,
    /// Whoever the user's umask lets.
    AsUsual,
}

/// Writes a file whole: beside its place, then put into it in one move. At no time does anybody see half of it,
/// also not after a crash.
///
/// # Errors
/// As the system says. What was there before is there still.
pub fn write_whole(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    staged(path, bytes, readers)?.persist(path)?;
    settle(path, readers);
    Ok(())
}

/// Writes a file whole where there is none. One that is there stays as it is, whoever made it, and when.
///
/// # Errors
/// As the system says.
pub fn write_new(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    match staged(path, bytes, readers)?.persist_noclobber(path) {
        Err(failed) if failed.error.kind() != io::ErrorKind::AlreadyExists => Err(failed.error),
        _ => {
            settle(path, readers);
            Ok(())
        }
    }
}

/// Has a file's name outlive a power cut too: that is written down in its folder. The file is in its place already,
/// and not every file system can do this, so a failure is none.
fn settle(path: &Path, readers: Readers) {
    if cfg!(unix) && readers == Readers::Owner {
        _ = fs::File::open(folder_of(path)).and_then(|folder| folder.sync_all());
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Takes a file from all but its owner.
///
/// # Errors
/// As the system says.
pub fn tighten(path: &Path) -> io::Result<()> {
    permissions(Readers::Owner).map_or(Ok(()), |permissions| fs::set_permissions(path, permissions))
}

/// A file beside its place.
fn staged(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".saoma-");
    if let Some(permissions) = permissions(readers) {
        builder.permissions(permissions);
    }
    let mut file = builder.tempfile_in(folder_of(path)).map_err(without_path)?;
    file.write_all(bytes)?;
    if readers == Readers::Owner {
        file.as_file().sync_all()?;
    }
    Ok(file)
}

/// The system's own words. The name of the temporary file behind them means nothing to anybody.
fn without_path(error: io::Error) -> io::Error {
    match error.to_string().split_once(" at path ") {
        Some((words, _)) => io::Error::new(error.kind(), words),
        None => error,
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have nothing to set")]
fn permissions(readers: Readers) -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt as _;

    // The umask takes its share of the second.
    Some(Permissions::from_mode(match readers {
        Readers::Owner => 0o600,
        Readers::AsUsual => 0o666,
    }))
}

#[cfg(not(unix))]
fn permissions(_readers: Readers) -> Option<Permissions> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_whole(&path, b"first", Readers::AsUsual).unwrap();
        write_whole(&path, b"2nd", Readers::AsUsual).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"2nd");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_new_file_takes_nobodys_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_new(&path, b"first", Readers::Owner).unwrap();
        write_new(&path, b"2nd", Readers::Owner).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_write_that_fails_leaves_the_old_file_and_no_litter() {
        let folder = tempfile::tempdir().unwrap();
        // A folder that holds something can't be replaced by a file.
        let path = folder.path().join("a");
        std::fs::create_dir_all(path.join("b")).unwrap();
        write_whole(&path, b"x", Readers::Owner).unwrap_err();
        assert!(path.join("b").is_dir());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_error_names_no_file_that_nobody_knows() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_whole(&folder.path().join("none/a"), b"x", Readers::AsUsual).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(!error.to_string().contains(".saoma-"), "{error}");
    }

    #[test]
    fn a_server_is_part_of_a_file_name() {
        let name = |url| server_name(&PublicUrl::parse(url).unwrap());
        assert_eq!(name("https://login.example.com"), "https@login.example.com");
        assert_eq!(name("http://[::1]:8080"), "http@[@@1]@8080");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_enters_a_folder_made_here() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        make_private(&path).unwrap();
        make_private(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_reads_what_is_the_owners() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        // Also in the place of a file that all could read.
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        write_whole(&path, b"secret", Readers::Owner).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
