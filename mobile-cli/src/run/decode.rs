//! `decode`, and the pictures of `scan`.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::Path;

use mobile_cli::decode::{self, MAX_FILE_BYTES, READ_WITHIN, Unreadable};
use serde_json::json;
use shared::exit::Exit;
use shared::name::escaped;
use shared::words::Text;
use shared::{say, to_say};

use super::Context;
use crate::failure::Failure;
use crate::output::{Output, print};

/// Prints the text of each code.
pub(super) fn decode(image: &Path, output: Output) -> Result<(), Failure> {
    let texts = texts_in(file(image)?, |_| true).map_err(unreadable)?;
    if output.is_json() {
        return output.answer(&json!({"texts": texts}), |_| String::new());
    }
    let is_terminal = io::stdout().is_terminal();
    let shown = |text: String| if is_terminal { escaped(&text) } else { text };
    print(&texts.into_iter().map(shown).collect::<Vec<_>>().join("\n"))
}

/// The bytes of a picture, which is a file's or, for `-`, standard input's.
pub(super) fn file(image: &Path) -> Result<Vec<u8>, Failure> {
    let file = if image == Path::new("-") { read(io::stdin()) } else { File::open(image).and_then(read) };
    file.map_err(|error| {
        if image == Path::new("-") {
            return Failure::io(Text::of_io(&error).map(|lang, why| say!(lang, stdin_no_picture(why))));
        }
        let name = escaped(&image.to_string_lossy());
        Failure::io(Text::of_io(&error).map(|lang, why| say!(lang, no_picture(&name, why))))
    })
}

/// The texts in a picture. See [`decode::texts_in`].
pub(super) fn texts_in(
    file: Vec<u8>,
    enough: impl Fn(&str) -> bool + Send + 'static,
) -> Result<Vec<String>, Unreadable> {
    decode::texts_in(file, READ_WITHIN, enough)
}

/// The failure for a picture that gives no text.
pub(super) fn unreadable(why: Unreadable) -> Failure {
    no_text(why, to_say!(unreadable(why)))
}

/// The same for one of a PC's screen: there is always another way to scan that.
pub(super) fn no_scan(why: Unreadable, context: &Context<'_>) -> Failure {
    let typed = context.line("scan --code XXXX-XXXX");
    let said = to_say!(unreadable(why));
    no_text(
        why,
        match why {
            // What is wrong is with the picture's file.
            Unreadable::NotAPicture | Unreadable::Damaged | Unreadable::TooLarge => said,
            // The picture may be as good as can be, and the terminal have drawn gaps into the code.
            Unreadable::NoCode | Unreadable::Unclear => {
                said.map(|lang, why| say!(lang, draw_or_type(why, &typed)))
            }
            Unreadable::Blurred | Unreadable::TooSmall | Unreadable::CutOff | Unreadable::OutOfTime => {
                said.map(|lang, why| say!(lang, or_type(why, &typed)))
            }
        },
    )
}

fn no_text(why: Unreadable, said: Text) -> Failure {
    let (exit, code) = match why {
        Unreadable::NotAPicture | Unreadable::Damaged => (Exit::Failed, "not_a_picture"),
        Unreadable::TooLarge => (Exit::Failed, "picture_too_large"),
        Unreadable::NoCode
        | Unreadable::Blurred
        | Unreadable::TooSmall
        | Unreadable::CutOff
        | Unreadable::Unclear
        | Unreadable::OutOfTime => (Exit::NoQrCode, "no_qr_code"),
    };
    Failure::new(exit, code, said)
}

/// One byte more than is allowed is enough to tell that it is too much.
fn read(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
