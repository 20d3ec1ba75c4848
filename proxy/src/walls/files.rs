//! The wall around files, by landlock: nothing can be opened but what the system's resolver reads, no port of TCP can be
//! bound, and no process outside can be signalled or reached by an abstract socket.

use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};

/// The newest version that this was tested with; an older kernel is asked for what it has.
const TESTED: ABI = ABI::V7;

/// What glibc and musl read to look up a name. The modules that a distribution may add (`mdns`, `resolve`) are not loaded
/// behind the wall of calls; the system's resolver then goes on to `dns`.
const RESOLVER: [&str; 5] = ["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/host.conf"];

/// Shuts the files of the system to this thread and to all that it starts: the version of landlock, 0 without one.
pub(super) fn shut() -> u32 {
    match restrict() {
        Ok(RestrictionStatus { ruleset: RulesetStatus::NotEnforced, .. }) | Err(_) => 0,
        Ok(RestrictionStatus { landlock: LandlockStatus::Available { effective_abi, .. }, .. }) => effective_abi as u32,
        Ok(_) => 0,
    }
}

fn restrict() -> Result<RestrictionStatus, RulesetError> {
    Ruleset::default()
        .handle_access(AccessFs::from_all(TESTED))?
        .handle_access(AccessNet::BindTcp)?
        .scope(Scope::from_all(TESTED))?
        .create()?
        // A path that is not there is left out.
        .add_rules(path_beneath_rules(readable(), AccessFs::ReadFile))?
        .restrict_self()
}

/// What tells a file from every other: device, number, and when it was made, since the number of a file that is gone is
/// given out again.
type Identity = (u32, u32, u64, i64, u32);

/// Which files the resolver's are at a moment. The wall opens files and not names: one that takes the place of another
/// stays shut to a relay that is behind it already, and is read by the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolverFiles(Vec<Option<Identity>>);

impl ResolverFiles {
    /// Those that are there now.
    #[must_use]
    pub fn look() -> Self {
        let kept_in = kept_in();
        // Where its directory is open to the relay, a `resolv.conf` may be replaced in it.
        let files =
            RESOLVER.into_iter().map(PathBuf::from).filter(|file| kept_in.is_none() || !file.ends_with("resolv.conf"));
        let found = files.chain(kept_in.clone()).map(|path| {
            let found = statx(CWD, path, AtFlags::empty(), StatxFlags::INO | StatxFlags::BTIME).ok()?;
            let made = found.stx_btime;
            Some((found.stx_dev_major, found.stx_dev_minor, found.stx_ino, made.tv_sec, made.tv_nsec))
        });
        Self(found.collect())
    }
}

/// The files themselves; and where `resolv.conf` is a link into a directory of its own under `/run`, that directory,
/// since its owner replaces the file when the network changes.
fn readable() -> Vec<PathBuf> {
    RESOLVER.into_iter().map(PathBuf::from).chain(kept_in()).collect()
}

/// The directory under `/run` that `resolv.conf` is a link into.
fn kept_in() -> Option<PathBuf> {
    let linked = std::fs::canonicalize("/etc/resolv.conf").ok()?;
    let parent = linked.parent().filter(|parent| {
        parent.starts_with("/run") && parent.components().count() > 2 && !parent.starts_with("/run/user")
    });
    parent.map(PathBuf::from)
}
