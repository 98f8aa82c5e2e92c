//! What the terminal is asked at the start, and what comes of its answers.

use super::*;

#[tokio::test]
async fn a_terminal_that_never_answers_gets_its_screen_all_the_same() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let mut terminal = Terminal::start_one_that_answers(&[], &fake, folder.path(), &[]);
    terminal.shows_code(&fake.link(1)).await;
    terminal.press("q");
    terminal.ends_with(6).await;
}

#[tokio::test]
async fn where_blocks_are_wide_there_are_only_full_cells() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let wide: &[u8] = b"\x1b[1;3R\x1b[?1;2c";
    let mut terminal = Terminal::start_one_that_answers(&[NARROW, wide], &fake, folder.path(), &[]);
    terminal.shows("No room here for the QR code").await;
    terminal.resize(120, 42);
    terminal.shows_code(&fake.link(1)).await;
    terminal.until("nothing but ASCII", |screen| screen.contents().is_ascii()).await;
    terminal.press("q");
    terminal.ends_with(6).await;
}

#[tokio::test]
async fn a_terminal_that_takes_bytes_one_by_one_is_spoken_to_in_english() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let bytewise: &[u8] = b"\x1b[1;3R\x1b[?1;2c";
    let args = ["--lang", "zh-CN"];
    let mut terminal = Terminal::start_one_that_answers(&[bytewise, bytewise], &fake, folder.path(), &args);
    terminal.resize(120, 42);
    terminal.shows("Log in with your phone").await;
    terminal.shows_code(&fake.link(1)).await;
    terminal.until("nothing but ASCII", |screen| screen.contents().is_ascii()).await;
    terminal.press("q");
    terminal.ends_with(6).await;
}

#[tokio::test]
async fn where_only_lines_and_blocks_are_wide_chinese_stays() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let wide: &[u8] = b"\x1b[1;3R\x1b[?1;2c";
    let args = ["--lang", "zh-CN"];
    let mut terminal = Terminal::start_one_that_answers(&[NARROW, wide], &fake, folder.path(), &args);
    terminal.resize(120, 42);
    terminal.shows("核对电脑信息，确认登录").await;
    terminal.until("no blocks", |screen| !screen.contents().contains(['▄', '━', '…'])).await;
    terminal.press("q");
    terminal.ends_with(6).await;
}

#[tokio::test]
async fn what_is_typed_before_the_screen_is_there_counts() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let typed: &[u8] = b"?\x1b[1;2R\x1b[?1;2c";
    let mut terminal = Terminal::start_one_that_answers(&[typed, NARROW], &fake, folder.path(), &[]);
    terminal.shows("this help").await;
    terminal.shows_code(&fake.link(1)).await;
    terminal.press("q");
    terminal.ends_with(6).await;
}

#[tokio::test]
async fn a_picture_is_shown_where_the_terminal_has_them_and_goes_with_the_code() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let pictures: &[u8] = b"\x1b[6;16;8t\x1b_Gi=31;OK\x1b\\\x1b[?62c";
    let args = ["--qr-style", "picture"];
    let mut terminal = Terminal::start_one_that_answers(&[NARROW, pictures], &fake, folder.path(), &args);
    let mut written = terminal.written.clone();
    let mut has_written = async |bytes: &'static [u8]| {
        let has = |written: &Vec<u8>| written.windows(bytes.len()).any(|window| window == bytes);
        timeout(PATIENCE, written.wait_for(has)).await.unwrap().unwrap();
    };
    has_written(b"\x1b_Ga=T,f=100").await;
    fake.moves_to(Status::Denied);
    has_written(b"\x1b_Ga=d,d=I").await;
    terminal.shows("Denied on the phone").await;
    terminal.press("q");
    terminal.ends_with(5).await;
}

#[tokio::test]
async fn a_style_that_the_terminal_does_not_have_is_named() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let mut terminal = Terminal::start(&fake, folder.path(), &["--qr-style", "picture"]);
    terminal.shows("no style picture").await;
    terminal.shows_code(&fake.link(1)).await;
    terminal.press("q");
    terminal.ends_with(6).await;
}
