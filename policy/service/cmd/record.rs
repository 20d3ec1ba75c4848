//! `avow record`: what an account gave and chose, its payments and complaints. Values are read from standard input, so that
//! they stand in no list of processes and in no history of a shell.

use std::io::{self, Read};

use avow_terms::account::AccountId;
use clap::{Subcommand, ValueEnum};

use crate::{
    cli::Data,
    control,
    desk::{Ask, Done, Given, Records, Request},
    exit::Exit,
    failure::Failure,
    report::{self, Table},
    screen::Screen,
};

/// The longest value that is read.
const LONGEST: u64 = 64 << 10;

/// Arguments of `avow record`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The number of the account.
    account: AccountId,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Clone, Subcommand)]
enum Action {
    /// Keep its e-mail address, read from standard input.
    Email,
    /// Keep its user name, read from standard input. No command shows it again.
    Username,
    /// Keep a digest of its password, read from standard input.
    Password,
    /// Say whether the text on standard input is its password.
    CheckPassword,
    /// Make an activation code and print it, to be sent; only its digest is kept.
    Code,
    /// Say whether the text on standard input is its code. A code works once.
    UseCode,
    /// Follow what it chose.
    Choose {
        /// Messages that are not about the account.
        #[arg(long)]
        messages: Option<Switch>,
        /// Diagnostics; switching them off erases what was collected.
        #[arg(long)]
        diagnostics: Option<Switch>,
    },
    /// Keep an attempt to connect, if the account agreed to it.
    Attempt {
        /// The type of connection: tcp.
        connection: String,
        /// The type of encryption: aes-256-gcm.
        encryption: String,
        /// The type of device: phone.
        device: String,
    },
    /// Keep the day and the transaction number of what a payment processor answered, read from standard input as JSON.
    Payment,
    /// Add a step to the complaints about it: reported, warned, blocked, unblocked or closed.
    Case {
        /// The decision.
        decision: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

/// Runs `avow record`.
///
/// # Errors
/// Whatever stands against it.
pub fn run(args: &Args, data: &Data, screen: Screen) -> Result<Exit, Failure> {
    let ask = ask(args.action.as_ref())?;
    let done = control::ask(data, Request::Record { account: args.account, ask })?;
    screen.document(&done);
    Ok(match done {
        Done::Checked { right } => {
            screen.say(if right { "yes" } else { "no" });
            if right { Exit::Done } else { Exit::No }
        }
        Done::Code { code: Given(code) } => {
            screen.say(code);
            Exit::Done
        }
        Done::Records(records) => {
            screen.say(page(&records));
            Exit::Done
        }
        _ => Exit::Done,
    })
}

fn ask(action: Option<&Action>) -> Result<Ask, Failure> {
    let on = |switch: &Option<Switch>| switch.map(|switch| switch == Switch::On);
    Ok(match action {
        None => Ask::Show,
        Some(Action::Email) => Ask::Email { value: line()? },
        Some(Action::Username) => Ask::Username { value: line()? },
        Some(Action::Password) => Ask::Password { value: line()? },
        Some(Action::CheckPassword) => Ask::CheckPassword { value: line()? },
        Some(Action::Code) => Ask::GiveCode,
        Some(Action::UseCode) => Ask::UseCode { value: line()? },
        Some(Action::Choose { messages, diagnostics }) => {
            Ask::Choose { messages: on(messages), diagnostics: on(diagnostics) }
        }
        Some(Action::Attempt { connection, encryption, device }) => {
            Ask::Attempt { connection: connection.clone(), encryption: encryption.clone(), device: device.clone() }
        }
        Some(Action::Payment) => Ask::Payment { answer: Given(input()?) },
        Some(Action::Case { decision }) => Ask::Case { decision: decision.clone() },
    })
}

/// The one line on standard input, without its end.
fn line() -> Result<Given, Failure> {
    let text = input()?;
    let line = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if line.is_empty() || line.contains('\n') {
        return Err(Failure::could_not("one line is read from standard input, and it is not there")
            .help("for example: `read -rs X; printf '%s' \"$X\" | avow record NUMBER password`"));
    }
    Ok(Given(line.to_owned()))
}

fn input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = io::stdin().lock().take(LONGEST).read_to_string(&mut text);
    read.map_err(|_| Failure::could_not("standard input cannot be read, or is no UTF-8 text"))?;
    Ok(text)
}

fn page(records: &Records) -> String {
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    let mut text = format!(
        "e-mail      {}\nblocked     {}\nmessages    {}\ndiagnostics {} ({})\n",
        if records.email { "kept" } else { "none" },
        yes(records.blocked),
        yes(records.messages),
        yes(records.diagnostics),
        report::count(records.attempts, "attempt"),
    );
    if let Some(devices) = records.devices {
        text.push_str(&format!("devices     {devices}\n"));
    }
    let mut table = Table::new(["day", "what", ""]);
    for (day, bytes) in &records.sessions {
        table.row([day.clone(), "session".into(), format!("{} bytes", report::thousands(*bytes))]);
    }
    for (day, number) in &records.payments {
        table.row([day.clone(), "payment".into(), number.clone()]);
    }
    for (day, decision) in &records.steps {
        table.row([day.clone(), "complaint".into(), decision.clone()]);
    }
    if !(records.sessions.is_empty() && records.payments.is_empty() && records.steps.is_empty()) {
        text.push_str(&format!("\n{table}"));
    }
    text
}
