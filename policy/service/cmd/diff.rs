//! `avow diff`: what changed between two versions, clause by clause.

use std::{path::Path, sync::Arc};

use avow_terms::{
    conflict,
    diff::{self, Change, Class},
    policy::Policy,
    redline::Piece,
    vocabulary::Vocabulary,
};
use serde_json::json;

use crate::{
    cli::Data, clock, data_dir::DataDir, exit::Exit, failure::Failure, report, screen::Screen, standing::Standing,
    texts,
};

/// Arguments of `avow diff`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The earlier and the later text, each a file or a published version (`v1`). One alone is compared with the version
    /// in force; none at all compares the last two versions.
    #[arg(value_name = "FILE|vN", num_args = 0..=2)]
    pub texts: Vec<String>,
}

/// One side of a comparison.
type Side = (Arc<Policy>, Arc<Vocabulary>);

/// Runs `avow diff`. It ends with 1 if the later text contradicts a published version.
///
/// # Errors
/// If a text cannot be read or has problems.
pub fn run(args: &Args, data: &Data, screen: Screen) -> Result<Exit, Failure> {
    let directory = DataDir::of(data)?;
    let (old, new) = match args.texts.as_slice() {
        [old, new] => (side(old, &directory)?, side(new, &directory)?),
        [new] => (in_force(&directory)?, side(new, &directory)?),
        _ => last_two(&directory)?,
    };
    let changes = diff::diff(&old.0, &old.1, &new.0, &new.1);
    let contradictions = contradictions(&directory, &new)?;
    screen.document(&json!({
        "from": old.0.source.name.as_ref(),
        "to": new.0.source.name.as_ref(),
        "class": format!("{:?}", changes.class()).to_lowercase(),
        "changes": changes.changes.iter().map(change_json).collect::<Vec<_>>(),
        "contradictions": report::problems_json(&contradictions),
    }));
    for change in changes.changes.iter().filter(|change| change.class != Class::Same) {
        screen.say(change_text(change, screen.colour));
    }
    screen.say(match changes.class() {
        Class::Same => format!("{} and {} say the same", old.0.source.name, new.0.source.name),
        class => format!("from {} to {}: {}", old.0.source.name, new.0.source.name, meaning(class)),
    });
    if contradictions.is_empty() {
        return Ok(Exit::Done);
    }
    screen.say(report::problems(&contradictions, screen.colour));
    Ok(Exit::No)
}

fn side(name: &str, directory: &DataDir) -> Result<Side, Failure> {
    let version = name.strip_prefix('v').and_then(|number| number.parse::<u32>().ok());
    match version.filter(|_| !Path::new(name).exists()) {
        Some(version) => {
            let standing = Standing::read(directory)?;
            let rules = standing.version(version).ok_or_else(|| {
                Failure::could_not(format!("there is no version {version}")).help("`avow history` lists the versions")
            })?;
            Ok((rules.policy().clone(), rules.vocabulary().clone()))
        }
        None => {
            let vocabulary = texts::vocabulary()?;
            let (policy, _) = texts::policy(texts::file(Path::new(name))?, &vocabulary)?;
            Ok((policy, vocabulary))
        }
    }
}

fn in_force(directory: &DataDir) -> Result<Side, Failure> {
    let standing = Standing::read(directory)?;
    let rules = standing.in_force(clock::now()).ok_or_else(|| Failure::could_not("no policy is in force"))?;
    Ok((rules.policy().clone(), rules.vocabulary().clone()))
}

fn last_two(directory: &DataDir) -> Result<(Side, Side), Failure> {
    match Standing::read(directory)?.published(directory).as_slice() {
        [.., old, new] => {
            Ok(((old.policy.clone(), old.vocabulary.clone()), (new.policy.clone(), new.vocabulary.clone())))
        }
        _ => {
            Err(Failure::could_not("there are not two published versions to compare")
                .help("name a file: `avow diff FILE`"))
        }
    }
}

/// What the later text contradicts: every version published before it. Without a store there is none.
fn contradictions(directory: &DataDir, new: &Side) -> Result<Vec<avow_terms::problem::Problem>, Failure> {
    if !directory.has_store() {
        return Ok(Vec::new());
    }
    let mut earlier = Standing::read(directory)?.published(directory);
    earlier.retain(|published| published.policy.header.version < new.0.header.version);
    Ok(conflict::contradictions(&new.0, &new.1, &earlier))
}

fn meaning(class: Class) -> &'static str {
    match class {
        Class::Same => "nothing changes",
        Class::Editorial => "editorial: other words, the same promises",
        Class::Neutral => "neutral: nothing that binds changes",
        Class::Narrows => "narrows: the operator may do less, or owes more",
        Class::Widens => "widens: the operator may do more, or owes less",
    }
}

fn change_text(change: &Change, colour: bool) -> String {
    let place = change.after.as_ref().or(change.before.as_ref()).map(|place| place.location()).unwrap_or_default();
    let class = format!("{:?}", change.class).to_lowercase();
    let mut text = format!("{:<5} {class:<9} {}  ({place})\n", clause(change), change.what);
    text.push_str(&format!("      {}\n", redline(&change.redline, colour)));
    if !change.hedges.is_empty() {
        text.push_str(&format!("      words to look at again: {}\n", change.hedges.join(", ")));
    }
    text
}

fn redline(pieces: &[Piece], colour: bool) -> String {
    let piece = |piece: &Piece| match (piece, colour) {
        (Piece::Same(words), _) => words.clone(),
        (Piece::Removed(words), false) => format!("[-{words}-]"),
        (Piece::Added(words), false) => format!("{{+{words}+}}"),
        (Piece::Removed(words), true) => format!("\u{1b}[31;9m{words}\u{1b}[0m"),
        (Piece::Added(words), true) => format!("\u{1b}[32;4m{words}\u{1b}[0m"),
    };
    pieces.iter().map(piece).collect()
}

fn change_json(change: &Change) -> serde_json::Value {
    json!({
        "clause": change.clause,
        "class": format!("{:?}", change.class).to_lowercase(),
        "what": change.what,
        "before": change.before.as_ref().map(|place| place.location()),
        "after": change.after.as_ref().map(|place| place.location()),
        "redline": redline(&change.redline, false),
        "hedges": change.hedges,
    })
}

fn clause(change: &Change) -> String {
    change.clause.map_or_else(|| "-".into(), |clause| clause.to_string())
}
