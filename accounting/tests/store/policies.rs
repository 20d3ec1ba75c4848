//! The texts of the policy, kept as they were given.

use avow_accounting::TrialText;

use crate::world::{World, at};

fn world() -> World {
    World::keeping_totals("Until the end of the calendar month (UTC)")
}

#[test]
fn a_text_on_trial_is_kept_to_the_letter_and_replaced_as_a_whole() {
    let mut world = world();
    assert_eq!(world.store.trial(), Ok(None));
    let now = at("2026-11-22T12:00:00Z");
    world.store.set_trial("# One\r\n\u{feff}", "words", now).unwrap();
    let mut world = world.reopen();
    let kept = TrialText { text: "# One\r\n\u{feff}".into(), vocabulary: "words".into(), since: now };
    assert_eq!(world.store.trial(), Ok(Some(kept)));
    let later = at("2026-11-23T12:00:00Z");
    world.store.set_trial("# Two", "more words", later).unwrap();
    let kept = TrialText { text: "# Two".into(), vocabulary: "more words".into(), since: later };
    assert_eq!(world.store.trial(), Ok(Some(kept)));
}
