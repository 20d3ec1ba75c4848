//! The relay as the kernel shows it to others: `/proc/PID`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use avow_proxy::{Raised, Wall};
use serde::Serialize;

use crate::{data_dir::DataDir, failure::Failure, report};

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Look {
    /// The wall that it belongs to.
    pub wall: Wall,
    /// What.
    pub what: &'static str,
    /// Whether it is as it must be; `None` when this user may not look.
    pub holds: Option<bool>,
    /// What was found.
    pub found: String,
}

/// Looks at a process. `proc` is its directory below `/proc`.
pub(super) fn look(proc: &Path, data: &DataDir, raised: &Raised) -> Result<Vec<Look>, Failure> {
    let gone = |_| Failure::could_not("the relay ended while it was looked at").help("try again");
    let threads = threads(proc).map_err(gone)?;
    let limits = fs::read_to_string(proc.join("limits")).map_err(gone)?;
    Ok(vec![
        calls(&threads),
        privileges(&threads),
        capabilities(&threads),
        limit("core dumps", &limits, "Max core file size"),
        limit("bytes written to files", &limits, "Max file size"),
        files(raised),
        descriptors(proc, data),
    ])
}

/// The fields of `status` of every thread.
fn threads(proc: &Path) -> io::Result<Vec<BTreeMap<String, String>>> {
    let mut threads = Vec::new();
    for task in fs::read_dir(proc.join("task"))? {
        // A thread that has ended in between needs no walls.
        if let Ok(status) = fs::read_to_string(task?.path().join("status")) {
            threads.push(fields(&status));
        }
    }
    if threads.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(threads) }
}

fn fields(status: &str) -> BTreeMap<String, String> {
    let field = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    status.lines().filter_map(field).collect()
}

/// Whether every thread has this value, and what they have.
fn all_have(threads: &[BTreeMap<String, String>], name: &str, good: impl Fn(&str) -> bool) -> (bool, String) {
    let values: BTreeSet<&str> = threads.iter().map(|thread| thread.get(name).map_or("?", String::as_str)).collect();
    (values.iter().all(|value| good(value)), values.into_iter().collect::<Vec<_>>().join(" or "))
}

fn calls(threads: &[BTreeMap<String, String>]) -> Look {
    let (filtered, mode) = all_have(threads, "Seccomp", |mode| mode == "2");
    // A kernel before 5.9 does not show the number.
    let (_, filters) = all_have(threads, "Seccomp_filters", |_| true);
    let found = format!("mode {mode}, {filters} filters, {}", report::count(threads.len(), "thread"));
    Look { wall: Wall::Calls, what: "seccomp", holds: Some(filtered), found }
}

fn privileges(threads: &[BTreeMap<String, String>]) -> Look {
    let (holds, found) = all_have(threads, "NoNewPrivs", |set| set == "1");
    Look { wall: Wall::Privileges, what: "no new privileges", holds: Some(holds), found }
}

fn capabilities(threads: &[BTreeMap<String, String>]) -> Look {
    let sets = ["CapInh", "CapPrm", "CapEff", "CapAmb"];
    let none = |set: &str| set.chars().all(|digit| digit == '0');
    let held: Vec<&str> = sets.into_iter().filter(|set| !all_have(threads, set, none).0).collect();
    let (bounded, _) = all_have(threads, "CapBnd", none);
    let found = match (held.is_empty(), bounded) {
        (true, true) => "none, and none to gain".into(),
        (true, false) => "none; some could be gained, if new privileges could".into(),
        (false, _) => format!("some: {}", held.join(", ")),
    };
    Look { wall: Wall::Privileges, what: "capabilities", holds: Some(held.is_empty()), found }
}

fn limit(what: &'static str, limits: &str, name: &str) -> Look {
    let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let values: Vec<&str> = line.split_whitespace().take(2).collect();
    Look {
        wall: Wall::Privileges,
        what,
        holds: Some(values == ["0", "0"]),
        found: format!("at most {}", values.join(", never more than ")),
    }
}

fn files(raised: &Raised) -> Look {
    let gaps: Vec<&str> = raised.gaps().collect();
    let found = match (raised.walls.contains(&Wall::Files), gaps.as_slice()) {
        (false, _) => "not there".into(),
        (true, []) => format!("version {}, by the relay's own word", raised.landlock),
        (true, gaps) => format!(
            "version {}, by the relay's own word; it does not know {} yet, which seccomp keeps",
            raised.landlock,
            gaps.join(", ")
        ),
    };
    Look { wall: Wall::Files, what: "landlock", holds: Some(raised.walls.contains(&Wall::Files)), found }
}

/// Every descriptor is of a kind that a relay has; how many of each.
fn descriptors(proc: &Path, data: &DataDir) -> Look {
    let what = "descriptors";
    let Ok(entries) = fs::read_dir(proc.join("fd")) else {
        return Look { wall: Wall::Files, what, holds: None, found: "only root may look".into() };
    };
    let (sockets, data) = (Sockets::read(proc), fs::canonicalize(data.path()).unwrap_or_default());
    let mut kinds = BTreeMap::<&'static str, usize>::new();
    for entry in entries.flatten() {
        // A connection that has closed in between.
        let Ok(target) = fs::read_link(entry.path()) else { continue };
        *kinds.entry(kind(&target, &sockets, &data)).or_default() += 1;
    }
    let found = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect::<Vec<_>>().join(", ");
    Look { wall: Wall::Files, what, holds: Some(!kinds.contains_key(STRANGE)), found }
}

/// What a relay has no business with.
const STRANGE: &str = "of another kind";

fn kind(target: &Path, sockets: &Sockets, data: &Path) -> &'static str {
    let text = target.to_string_lossy();
    let shared = |name: &str| name.starts_with("counters-") || name.starts_with("replays-");
    match text.as_ref() {
        "/dev/null" => "to nowhere",
        "anon_inode:[eventpoll]" | "anon_inode:[eventfd]" => "of its runtime",
        _ if text.starts_with("socket:[") => {
            let inode = text.trim_start_matches("socket:[").trim_end_matches(']');
            sockets.kind(inode)
        }
        _ if target == data => "lock of the data directory",
        _ if target.file_name().and_then(|name| name.to_str()).is_some_and(shared) => "shared pages",
        _ => STRANGE,
    }
}

/// The sockets of the machine by number and kind. Nothing else of them is kept: these tables show addresses too.
struct Sockets(BTreeMap<String, &'static str>);

impl Sockets {
    fn read(proc: &Path) -> Self {
        let mut kinds = BTreeMap::new();
        for (table, kind) in [("tcp", "connections"), ("tcp6", "connections"), ("udp", "UDP"), ("udp6", "UDP")] {
            let text = fs::read_to_string(proc.join("net").join(table)).unwrap_or_default();
            for line in text.lines().skip(1) {
                let columns: Vec<&str> = line.split_whitespace().collect();
                let (Some(state), Some(inode)) = (columns.get(3), columns.get(9)) else { continue };
                let kind = if *state == "0A" { "listeners" } else { kind };
                kinds.insert((*inode).to_owned(), kind);
            }
        }
        let text = fs::read_to_string(proc.join("net/unix")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let columns: Vec<&str> = line.split_whitespace().collect();
            // A socket with a name could be reached by others; the relay's have none.
            if let (Some(inode), None) = (columns.get(6), columns.get(7)) {
                kinds.insert((*inode).to_owned(), "to its parent and itself");
            }
        }
        Self(kinds)
    }

    fn kind(&self, inode: &str) -> &'static str {
        // One that is in no table is being opened or closed: it has no peer.
        self.0.get(inode).copied().unwrap_or("sockets on their way")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threads_of(statuses: &[&str]) -> Vec<BTreeMap<String, String>> {
        statuses.iter().map(|status| fields(status)).collect()
    }

    #[test]
    fn one_thread_outside_the_walls_is_seen() {
        let (inside, outside) = ("Seccomp:\t2\nSeccomp_filters:\t3\nNoNewPrivs:\t1\n", "Seccomp:\t0\nNoNewPrivs:\t0\n");
        assert_eq!(calls(&threads_of(&[inside, inside])).holds, Some(true));
        assert_eq!(calls(&threads_of(&[inside, outside])).holds, Some(false));
        assert_eq!(privileges(&threads_of(&[inside, outside])).found, "0 or 1");
    }

    #[test]
    fn a_capability_in_any_set_is_seen() {
        let none = "CapInh: 0\nCapPrm: 0\nCapEff: 0\nCapBnd: 0\nCapAmb: 0\n";
        assert_eq!(capabilities(&threads_of(&[none])).holds, Some(true));
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            let one = none.replace(&format!("{set}: 0"), &format!("{set}: 0000000000200000"));
            assert_eq!(capabilities(&threads_of(&[none, &one])).holds, Some(false), "{set}");
        }
    }

    #[test]
    fn a_limit_that_is_not_zero_is_seen() {
        let line = |values| format!("Max core file size        {values}  bytes\n");
        assert_eq!(limit("x", &line("0                    0"), "Max core file size").holds, Some(true));
        assert_eq!(limit("x", &line("0                    unlimited"), "Max core file size").holds, Some(false));
        assert_eq!(limit("x", "", "Max core file size").holds, Some(false));
    }

    #[test]
    fn a_descriptor_of_another_kind_is_seen() {
        let sockets = Sockets(BTreeMap::from([("7".to_owned(), "listeners")]));
        let kind = |target: &str| kind(Path::new(target), &sockets, Path::new("/data"));
        assert_eq!(kind("socket:[7]"), "listeners");
        assert_eq!(kind("/data"), "lock of the data directory");
        assert_eq!(kind("/dev/shm/avow-0/counters-1-2"), "shared pages");
        for strange in ["/data/avow.db", "/etc/passwd", "anon_inode:[io_uring]", "/memfd:x (deleted)", "pipe:[3]"] {
            assert_eq!(kind(strange), STRANGE, "{strange}");
        }
    }
}
