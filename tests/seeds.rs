//! What `avow check` says about a text that takes back in one place what it says in another: both places, and the way out.

use crate::world::World;

#[track_caller]
fn says(policy: &str, expected: &str) {
    let ran = World::new().run(&["check", policy]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let shown = ran.err.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    assert!(shown.contains(expected.trim()), "expected:\n{}\nshown:\n{shown}", expected.trim());
}

#[test]
fn what_is_never_kept_is_shown_beside_the_row_that_keeps_it() {
    says("policy/terms/tests/seeds/cloudvpn.md", "TODO1");
}

#[test]
fn a_list_that_names_its_rows_is_shown_beside_the_row_beyond_it() {
    says("policy/terms/tests/seeds/cloudvpn.md", "TODO2");
}

#[test]
fn an_address_that_is_kept_for_something_else_is_shown_beside_the_notice() {
    says("policy/terms/tests/seeds/cloudvpn.md", "TODO3");
}
