//! `avow reload`: have the running service read its configuration again.

use crate::{
    cli::Data,
    control,
    desk::{Done, Request},
    exit::Exit,
    failure::Failure,
    screen::Screen,
};

/// Runs `avow reload`.
///
/// # Errors
/// The problems of the configuration, each where it stands; then the service goes on as before.
pub fn run(data: &Data, screen: Screen) -> Result<Exit, Failure> {
    let done = control::ask(data, Request::Reload)?;
    screen.document(&done);
    if let Done::Reloaded { restart } = &done {
        screen.say("the service has its new configuration; no stream was touched");
        if !restart.is_empty() {
            screen.say(format!("from the next start on only: {}", restart.join(", ")));
        }
    }
    Ok(Exit::Done)
}
