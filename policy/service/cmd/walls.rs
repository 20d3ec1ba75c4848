//! `avow walls`: what the kernel keeps from the relay, shown from outside and tried from inside.

use avow_proxy::{Outcome, Wall};

use crate::{
    cli::Data,
    exit::Exit,
    failure::Failure,
    report::Table,
    screen::Screen,
    walls::{self, Found, Look, Relay, Trial},
};

/// What no wall of this kind can give.
const NOT_GIVEN: &str = "\
What walls cannot give: a relay that turned hostile could still dial out, and knows who is connected while they are.
The walls see to it that it keeps nothing, learns nothing else, and reaches nothing on this machine.";

/// Runs `avow walls`.
///
/// # Errors
/// If no attempt can be made here.
pub fn run(data: &Data, screen: Screen) -> Result<Exit, Failure> {
    screen.progress("trying what must not succeed ...");
    let found = walls::look(data)?;
    screen.document(&serde_json::json!({ "hold": found.hold(), "found": found, "not_given": NOT_GIVEN }));
    screen.say(page(&found));
    Ok(if found.hold() { Exit::Done } else { Exit::No })
}

/// The process that makes one attempt.
///
/// # Errors
/// If it was started by hand.
pub fn attempt() -> Result<Exit, Failure> {
    walls::attempt()
}

fn page(found: &Found) -> String {
    let mut text = match &found.relay {
        Some(relay) => seen(relay),
        None => "No service runs here, so no relay was looked at.\n".into(),
    };
    let count = crate::report::count(found.trials.len(), "thing");
    text.push_str(&format!("\nA process behind the same walls tried {count}:\n\n"));
    let mut table = Table::new(["tried", "outcome", "held by", "without walls"]);
    found.trials.iter().for_each(|trial| table.row(row(trial)));
    text.push_str(&table.to_string());
    for wall in &found.missing {
        text.push_str(&format!("\nNOT THERE: {}\n", missing(*wall)));
    }
    text.push_str(&format!("\n{NOT_GIVEN}\n\n{}\n", verdict(found)));
    text
}

fn seen(relay: &Relay) -> String {
    let mut text = format!("The relay, process {}, from outside:\n\n", relay.pid);
    let mut table = Table::new(["", "what", "found"]);
    for Look { what, holds, found, .. } in &relay.looks {
        let word = match holds {
            Some(true) => "holds",
            Some(false) => "DOES NOT HOLD",
            None => "not seen",
        };
        table.row([word.into(), (*what).into(), found.clone()]);
    }
    text.push_str(&table.to_string());
    text
}

fn row(trial: &Trial) -> [String; 4] {
    let outcome = if trial.held() { "refused" } else { "SUCCEEDED" };
    let by: Vec<String> = trial.alone.iter().filter_map(|(wall, outcome)| held_by(*wall, outcome)).collect();
    let by =
        if by.is_empty() && trial.held() { format!("all together ({})", word(&trial.outcome)) } else { by.join(", ") };
    let without = match &trial.without {
        Some(Outcome::Done) => "succeeds".into(),
        Some(refused) => format!("refused too ({}): shows nothing here", word(refused)),
        None => "not tried: it would leave something behind".into(),
    };
    [trial.attempt.what().into(), outcome.into(), by, without]
}

fn held_by(wall: Wall, outcome: &Outcome) -> Option<String> {
    outcome.held().then(|| format!("{} ({})", wall.name(), word(outcome)))
}

fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done => "done".into(),
        Outcome::Refused { reason } => reason.clone(),
        Outcome::Ended { .. } => "ended".into(),
        Outcome::NoWall => "no wall".into(),
    }
}

fn missing(wall: Wall) -> String {
    let why = match wall {
        Wall::Calls => "this kernel, or the container it lends, takes no filter of system calls",
        Wall::Files => "this kernel has no landlock, or it is not turned on (`lsm=landlock,...` at boot)",
        Wall::Privileges => "this process cannot give up what it was given",
    };
    format!("{}: {why}", wall.name())
}

fn verdict(found: &Found) -> &'static str {
    match (found.hold(), &found.relay) {
        (true, Some(_)) => "every wall holds",
        (true, None) => "every wall can be raised here and holds",
        (false, _) => "a wall does not hold",
    }
}
