//! `avow check --watch`: the verdict again as a file is saved.
//!
//! The files are looked at every few milliseconds instead of waiting for the kernel's word: editors replace, rename and
//! truncate files in ways that lose a watch, a look at the directory entry sees them all, and it works on every file
//! system. One look costs a few microseconds.

use std::{fs, os::unix::fs::MetadataExt, path::Path, sync::Arc, thread, time::Duration};

use avow_terms::vocabulary::Vocabulary;

use super::{Args, Verdict};
use crate::{clock, exit::Exit, report, screen::Screen};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(5);
/// For how many looks a file must have been left alone: an editor may write in several steps.
const SETTLED: u32 = 1;
/// For how many looks a file may be gone, while an editor puts another in its place.
const GONE: u32 = 60;

/// Checks, and checks again whenever a file was saved. It ends when nobody reads it any more; Ctrl-C ends it too.
pub(super) fn run(args: &Args, vocabulary: &Arc<Vocabulary>, screen: Screen) -> Exit {
    let (mut shown, mut before, mut still) = (None, Vec::new(), 0);
    loop {
        let now: Vec<Option<Stamp>> = args.files.iter().map(|file| stamp(file)).collect();
        still = if now == before { still + 1 } else { 0 };
        let wait = if now.contains(&None) { GONE } else { SETTLED };
        if shown.as_ref() != Some(&now) && (still >= wait || shown.is_none()) {
            if !Screen::raw(&verdict(args, vocabulary, screen)) {
                return Exit::Done;
            }
            shown = Some(now.clone());
        }
        before = now;
        thread::sleep(LOOK);
    }
}

/// What changes when a file is saved: its time in nanoseconds, its length, and which file it is.
type Stamp = (i64, i64, u64, u64);

fn stamp(path: &Path) -> Option<Stamp> {
    let file = fs::metadata(path).ok()?;
    Some((file.mtime(), file.mtime_nsec(), file.size(), file.ino()))
}

/// A line with the time, and the verdict.
fn verdict(args: &Args, vocabulary: &Arc<Vocabulary>, screen: Screen) -> String {
    let verdict = Verdict::of(args, vocabulary);
    let problems = verdict.problems();
    let mut text = format!("── {} UTC ──────────────────────────────\n", clock::now().strftime("%H:%M:%S"));
    verdict.failures().for_each(|failure| text.push_str(&failure.render(screen.colour)));
    if !problems.is_empty() {
        text.push_str(&report::problems(&problems, screen.colour));
    }
    text.push_str(&verdict.clean());
    text
}
