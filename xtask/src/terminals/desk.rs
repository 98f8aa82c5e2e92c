//! A screen in memory (Xvfb), and what is on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use image::{Rgb, RgbImage, imageops};

use crate::answers;
use crate::demo::running::Running;

/// Room for 120 x 42 cells of the largest font.
const SCREEN: &str = "1400x1040x24";
/// How often the screen is looked at, and how many looks are enough.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const LOOKS: usize = 500;

/// Whether there can be one.
pub(super) fn is_installed() -> bool {
    answers("sh", &["-c", "command -v Xvfb"])
}

/// The screen. It goes with this.
pub(super) struct Desk {
    _server: Running,
    /// Its name, as `DISPLAY` has it.
    pub(super) display: String,
    file: PathBuf,
}

impl Desk {
    /// Starts a screen that keeps what is on it in a folder.
    pub(super) fn start(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut command = Command::new("Xvfb");
        // `-noreset`: it stays as it is when the last window goes.
        command.args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            SCREEN,
            "-nolisten",
            "tcp",
            "-noreset",
            "-nocursor",
            "-br",
            "-fbdir",
        ]);
        let server = Running::start("Xvfb", command.arg(folder).stderr(Stdio::null()), None)?;
        let number = server.line()?.context("Xvfb names no display")?;
        Ok(Self { _server: server, display: format!(":{number}"), file: folder.join("Xvfb_screen0") })
    }

    /// What is on it now.
    pub(super) fn picture(&self) -> anyhow::Result<Picture> {
        Picture::of_xwd(&fs::read(&self.file)?)
    }

    /// Waits until no window is left.
    pub(super) fn until_empty(&self) -> anyhow::Result<()> {
        for _ in 0..LOOKS {
            if self.picture()?.is_empty() {
                return Ok(());
            }
            sleep(LOOK_EVERY);
        }
        bail!("a window stays on the screen")
    }
}

/// A picture of the whole screen.
pub(super) struct Picture(RgbImage);

impl Picture {
    /// One that was saved.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        Ok(Self(image::open(path)?.into_rgb8()))
    }

    /// Reads the format of the X window dump: numbers of four bytes, the first of which is the header's length;
    /// then the colours of a palette, and the rows.
    fn of_xwd(bytes: &[u8]) -> anyhow::Result<Self> {
        let number = |at: usize| {
            let bytes = bytes.get(4 * at..4 * at + 4).context("the dump has no whole header")?;
            Ok::<_, anyhow::Error>(u32::from_be_bytes(bytes.try_into()?))
        };
        let (header, width, height) = (number(0)?, number(4)?, number(5)?);
        let (byte_order, bits, row_bytes, colours) = (number(7)?, number(11)?, number(12)?, number(19)?);
        ensure!(byte_order == 0 && bits == 32, "the dump has {bits} bits a pixel, in order {byte_order}");
        let start = (header + 12 * colours) as usize;
        let rows =
            bytes.get(start..start + (row_bytes * height) as usize).context("the dump is too short")?;
        let pixel = |x: u32, y: u32| {
            let at = (y * row_bytes + 4 * x) as usize;
            Rgb([rows[at + 2], rows[at + 1], rows[at]])
        };
        Ok(Self(RgbImage::from_fn(width, height, pixel)))
    }

    fn is_empty(&self) -> bool {
        self.0.as_raw().iter().all(|shade| *shade == 0)
    }

    /// Where there is anything but the black of the empty screen: left, top, width, height.
    fn window(&self) -> Option<(u32, u32, u32, u32)> {
        let painted = self.0.enumerate_pixels().filter(|(_, _, pixel)| pixel.0 != [0, 0, 0]);
        let around = painted.fold(None, |around: Option<(u32, u32, u32, u32)>, (x, y, _)| {
            let (left, top, right, bottom) = around.unwrap_or((x, y, x, y));
            Some((left.min(x), top.min(y), right.max(x), bottom.max(y)))
        });
        around.map(|(left, top, right, bottom)| (left, top, right - left + 1, bottom - top + 1))
    }

    /// Writes it as a file, in the format that the name says.
    pub(super) fn save(&self, path: &Path) -> anyhow::Result<()> {
        Ok(self.0.save(path)?)
    }

    /// The same, without the empty screen around.
    pub(super) fn save_cropped(&self, path: &Path) -> anyhow::Result<()> {
        let (left, top, width, height) = self.window().context("nothing is on the screen")?;
        Ok(imageops::crop_imm(&self.0, left, top, width, height).to_image().save(path)?)
    }
}
