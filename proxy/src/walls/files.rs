//! The wall around files, by landlock: nothing can be opened but what the system's resolver reads, no port of TCP can be
//! bound, and no process outside can be signalled or reached by an abstract socket.

use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

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

/// The files themselves; and where `resolv.conf` is a link into a directory of its own under `/run`, that directory,
/// since its owner replaces the file when the network changes.
fn readable() -> Vec<PathBuf> {
    let linked = std::fs::canonicalize("/etc/resolv.conf").ok();
    let kept_in = linked.as_deref().and_then(|path| path.parent()).filter(|parent| {
        parent.starts_with("/run") && parent.components().count() > 2 && !parent.starts_with("/run/user")
    });
    RESOLVER.into_iter().map(PathBuf::from).chain(kept_in.map(PathBuf::from)).collect()
}
