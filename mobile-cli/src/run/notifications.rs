//! `notifications`, once or as they come.

use std::pin::pin;

use shared::api::{Notification, Notifications};
use shared::{say, to_say};

use super::Phone;
use crate::failure::Failure;
use crate::show;

/// The command that ends what a notification tells of, but for its number.
const END: &str = "sessions end";

/// Lists what happened, the oldest first.
pub(super) async fn list(phone: &Phone<'_>) -> Result<(), Failure> {
    let mut all = Notifications { notifications: Vec::new() };
    loop {
        let after = all.notifications.last().map_or(0, |last| last.id);
        let mut page = phone.take(phone.client.notifications(after, None).await)?.notifications;
        // A page that does not lead on would be asked for without end.
        page.retain(|notice| notice.id > after);
        if page.is_empty() {
            break;
        }
        all.notifications.append(&mut page);
    }
    let output = phone.context.output;
    let (zone, end) = (&phone.context.clock.zone, phone.context.line(END));
    output.answer(&all, |paint| match all.notifications.as_slice() {
        [] => say!(paint.lang(), nothing_happened()),
        some => {
            some.iter().map(|notice| show::notice(notice, &end, zone, paint)).collect::<Vec<_>>().join("\n")
        }
    })
}

/// Lists what happened, then what happens, until Ctrl-C.
pub(super) async fn follow(phone: &Phone<'_>) -> Result<(), Failure> {
    // A server that is not there, or knows this phone no more, is said at once; one that goes later may come back.
    phone.take(phone.client.me().await)?;
    let mut ctrl_c = pin!(tokio::signal::ctrl_c());
    let mut feed = phone.client.follow_notifications(0);
    let mut in_trouble = false;
    loop {
        // Ctrl-C first, so that it is listened to before anything is printed.
        let news = tokio::select! {
            biased;
            pressed = &mut ctrl_c => {
                return pressed.map_err(|error| Failure::io(to_say!(no_ctrl_c(&error))));
            }
            news = feed.next() => news,
        };
        match news {
            Ok(notice) => {
                in_trouble = false;
                print(phone, &notice)?;
            }
            Err(error) if feed.is_over() => return phone.take(Err(error)),
            Err(error) => {
                // The feed tries again by itself; once is enough to be told.
                if !in_trouble {
                    let failure = Failure::from(error);
                    let lang = phone.context.lang();
                    phone.context.output.tell(|_| say!(lang, trying_on(failure.line(lang))))?;
                }
                in_trouble = true;
            }
        }
    }
}

fn print(phone: &Phone<'_>, notice: &Notification) -> Result<(), Failure> {
    let (zone, end) = (&phone.context.clock.zone, phone.context.line(END));
    phone.context.output.answer(notice, |paint| show::notice(notice, &end, zone, paint))
}
