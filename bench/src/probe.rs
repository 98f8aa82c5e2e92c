//! How fast the disk is, before and after: what a sync takes is what durable logins are made of.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Duration;

/// How many syncs are timed.
const SYNCS: usize = 200;
/// A median above this says that something else was using the disk.
pub(crate) const DISTURBED_ABOVE: Duration = Duration::from_millis(1);

/// The median of what it takes to write 4 KiB and have them on the disk, in a directory.
pub(crate) fn sync(dir: &Path) -> std::io::Result<Duration> {
    let mut file = File::create(dir.join("probe"))?;
    let mut took = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&[7; 4096])?;
        let began = crate::now();
        file.sync_data()?;
        took.push(began.elapsed());
    }
    took.sort_unstable();
    Ok(took[SYNCS / 2])
}
