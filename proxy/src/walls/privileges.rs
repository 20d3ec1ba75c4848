//! The wall of privileges: no capability and none to gain, no core dump, no byte written to a file.

use std::io;

use rustix::{
    process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit},
    thread::{
        CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set, remove_capability_from_bounding_set,
        set_capabilities, set_no_new_privs,
    },
};

const NOTHING: Rlimit = Rlimit { current: Some(0), maximum: Some(0) };

/// Gives up every privilege, for good; false when one is left.
pub(super) fn drop_all() -> bool {
    give_up().is_ok() && nothing_left()
}

fn give_up() -> io::Result<()> {
    set_no_new_privs(true)?;
    // The pages that are counted in are written through memory, which this does not limit.
    setrlimit(Resource::Fsize, NOTHING)?;
    setrlimit(Resource::Core, NOTHING)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    // A kernel without ambient capabilities has none to clear.
    let _ = clear_ambient_capability_set();
    for capability in CapabilitySet::all().iter() {
        // Whoever may not shrink the set has no capability to shrink it with; without new privileges it gives nothing.
        let _ = remove_capability_from_bounding_set(capability);
    }
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    Ok(())
}

fn nothing_left() -> bool {
    let none = CapabilitySet::empty();
    capabilities(None).is_ok_and(|left| left.effective == none && left.permitted == none && left.inheritable == none)
        && getrlimit(Resource::Core) == NOTHING
        && getrlimit(Resource::Fsize) == NOTHING
        && rustix::process::dumpable_behavior().is_ok_and(|now| now == DumpableBehavior::NotDumpable)
        && rustix::thread::no_new_privs().is_ok_and(|set| set)
}
