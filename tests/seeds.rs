//! What `avow check` says of a text that takes back in one place what it says in another: both places, and the way out.

use crate::world::World;

const CLOUDVPN: &str = "policy/terms/tests/seeds/cloudvpn.md";
const CARGO_VPN: &str = "policy/terms/tests/seeds/cargo-vpn.md";

#[track_caller]
fn says(policy: &str, expected: &str) {
    let ran = World::new().run(&["check", policy]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let shown = ran.err.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    assert!(shown.contains(expected.trim()), "expected:\n{}\nshown:\n{shown}", expected.trim());
}

#[test]
fn what_is_never_kept_is_shown_beside_the_row_that_keeps_it() {
    let expected = r"
error[never-and-stored]: S1 keeps `account.email`, and N3 promises never to keep `identity`
  --> policy/terms/tests/seeds/cloudvpn.md:46:29
   |
46 | | **S1** | E-mail address (`account.email`) | To send you the code by which you identify yourself (`service.auth`) | You give it | |
   |                             ^^^^^^^^^^^^^
   |
note: N3 promises never to
  --> policy/terms/tests/seeds/cloudvpn.md:21:48
   |
21 | - **N3.** data by which a user is identified (`identity`);
   |                                                --------
help: take `account.email` out of S1, or write `(`identity`, except `account.email`)` in N3
";
    says(CLOUDVPN, expected);
}

#[test]
fn an_address_that_is_kept_for_something_else_is_shown_beside_the_notice() {
    let expected = r"
error[undeclared-purpose]: C4 writes to the `account.email` of S1, which is not kept for that
  --> policy/terms/tests/seeds/cloudvpn.md:78:82
   |
78 | - **C4.** Of every change we tell you by e-mail (see S1), at least 1 day ahead (`notice`).
   |                                                                                  ^^^^^^
   |
note: S1 says what it is kept for
  --> policy/terms/tests/seeds/cloudvpn.md:46:47
   |
46 | | **S1** | E-mail address (`account.email`) | To send you the code by which you identify yourself (`service.auth`) | You give it | |
   |                                               --------------------------------------------------------------------
help: add the purpose `notices` to S1, or write to something that is kept for it
";
    says(CLOUDVPN, expected);
}

#[test]
fn a_digest_that_is_called_encrypted_is_shown_beside_the_words_that_call_it_so() {
    let expected = r"
error[digest-and-encrypted]: T2 keeps `account.password` only as a digest, and T1 keeps `account.password` encrypted
  --> policy/terms/tests/seeds/cargo-vpn.md:43:109
   |
43 | **T2.** You alone know the password: our staff cannot see it and has no method to decrypt it (`hash-only`: `account.password`).
   |                                                                                                             ^^^^^^^^^^^^^^^^
   |
note: T1 says that it can be decrypted
  --> policy/terms/tests/seeds/cargo-vpn.md:39:135
   |
39 | ...an get at them (`encrypt-at-rest`: `account.username`, `account.password`).
   |                                                            ----------------
help: what can be decrypted is no digest: leave one of the two, or let T1 name the digest instead
";
    says(CARGO_VPN, expected);
}
