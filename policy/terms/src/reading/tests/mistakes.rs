//! One mistake at a time in a small policy without any, and what is said about it: where, what, and what to write.

use super::{SMALL, problems};

/// Replaces some words of the small policy and compares what is said about it.
fn check(from: &str, to: &str, expected: &[&str]) {
    assert_eq!(SMALL.matches(from).count(), 1, "`{from}` once");
    let text = SMALL.replacen(from, to, 1);
    assert_eq!(problems(&text), expected, "{from} -> {to}");
}

#[test]
fn the_front_matter_says_everything_once() {
    check(
        "---\npolicy: small",
        "policy: small",
        &[
            "1:1 no-front-matter: the text has no front matter; start the text with `---`, a line for each key, and `---` <>",
            "13:1 unnumbered: this has no clause number, so nobody could be held to it; start it with a bold number such as `**G4.**`, or name its section under `informative:` <An opening line.>",
        ],
    );
    check(
        "guarantee: published\n---\n",
        "guarantee: published\n",
        &["1:1 no-front-matter: the front matter does not end; end it with a line `---` <--->"],
    );
    check(
        "home: CH\n",
        "",
        &[
            "9:1 missing-key: the front matter does not say `home`; write the two capital letters of the home country (ISO 3166): `home: CY` <--->",
        ],
    );
    check(
        "home: CH",
        "home: Cyprus",
        &[
            "8:7 bad-home: `Cyprus` is not a country; write the two capital letters of the home country (ISO 3166): `home: CY` <Cyprus>",
        ],
    );
    check("home: CH", "hom: CY", &["8:1 unknown-key: unknown key `hom`; did you mean `home`? <hom>"]);
    check(
        "home: CH",
        "home: CH\nhome: DE",
        &["9:1 duplicate-key: `home` is said twice; leave one of the lines out <home> [8:7 first said here <CH>]"],
    );
    check(
        "home: CH",
        "home:",
        &["8:1 empty-key: `home` says nothing; fill it in, or leave the line out if it is optional <home>"],
    );
    check("home: CH", "home CH", &["8:1 bad-front-matter: `home CH` is no `key: value`; write `key: value` <home CH>"]);
    check(
        "2026-12-01T09:30Z",
        "10/02/2018",
        &[
            "5:12 bad-effective: `10/02/2018` is not a minute with its zone; write `effective: 2026-12-01T09:30Z`; version 1 may say `effective: on publication` <10/02/2018>",
        ],
    );
    check(
        "2026-12-01T09:30Z",
        "2026-12-01T09:30",
        &[
            "5:12 bad-effective: `2026-12-01T09:30` is not a minute with its zone; write `effective: 2026-12-01T09:30Z`; version 1 may say `effective: on publication` <2026-12-01T09:30>",
        ],
    );
    check(
        "2026-12-01T09:30Z",
        "2026-12-01",
        &[
            "5:12 bad-effective: `2026-12-01` is not a minute with its zone; write `effective: 2026-12-01T09:30Z`; version 1 may say `effective: on publication` <2026-12-01>",
        ],
    );
    check(
        "version: 1\neffective: 2026-12-01T09:30Z",
        "version: 2\neffective: on publication",
        &[
            "5:12 bad-effective: only version 1 may apply on publication; write the minute and the zone, such as `2026-12-01T09:30Z` <on publication>",
        ],
    );
    check(
        "version: 1",
        "version: 0",
        &[
            "4:10 bad-version: `0` is not a number from 1 on; write `version: 1`, and one more for each version after it <0>",
        ],
    );
    check(
        "policy: small",
        "policy: Small One",
        &[
            "2:9 bad-policy: `Small One` is not a name of small letters, digits and `-`; write a name that stays the same for every version, such as `policy: northgate` <Small One>",
        ],
    );
    check(
        "document: privacy",
        "document: cookies",
        &[
            "3:11 bad-document: `cookies` is not a document the software knows; write `document: privacy` or `document: terms` <cookies>",
        ],
    );
    check(
        "guarantee: published",
        "guarantee: maybe",
        &[
            "9:12 bad-guarantee: `maybe` is not a guarantee; write `guarantee: published`, `guarantee: account` or `guarantee: data` <maybe>",
        ],
    );
    check(
        "home: CH",
        "home: CH\nzone: Mars/Base",
        &[
            "9:7 bad-zone: `Mars/Base` is not a zone of the IANA list; write a zone such as `zone: UTC` or `zone: Europe/Nicosia` <Mars/Base>",
        ],
    );
    check(
        "home: CH",
        "home: CH\ninformative: Moon",
        &["9:14 no-such-section: there is no section `Moon`; name the heading of a section, word for word <Moon>"],
    );
    check(
        "controller: Small",
        "controller: [NAME]",
        &["6:13 placeholder: `[NAME]` is still to be filled in; write what is meant <[NAME]>"],
    );
}

#[test]
fn every_block_has_a_number_and_keeps_it() {
    check(
        "- **G1.** The sky is blue.",
        "\nThe sky is blue.",
        &[
            "48:1 unnumbered: this has no clause number, so nobody could be held to it; start it with a bold number such as `**G4.**`, or name its section under `informative:` <The sky is blue.>",
        ],
    );
    check(
        "- **G1.** The sky is blue.",
        "- The sky is blue.",
        &[
            "47:3 unnumbered: this has no clause number, so nobody could be held to it; start it with a bold number such as `**G4.**`, or name its section under `informative:` <The sky is blue.>",
        ],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **G1.** The sky is blue.\n\n      code\n",
        &[
            "49:7 unnumbered: this has no clause number, so nobody could be held to it; start it with a bold number such as `**G4.**`, or name its section under `informative:` <code>",
        ],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **G1.** The sky is blue.\n\n> Quoted words.",
        &[
            "49:3 unnumbered: this has no clause number, so nobody could be held to it; start it with a bold number such as `**G4.**`, or name its section under `informative:` <Quoted words.>",
        ],
    );
    check(
        "- **G1.** The sky is blue.",
        "- G1. The sky is blue.",
        &["47:3 plain-number: the number G1 is not in bold; write `**G1.**` <G1>"],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **X1.** The sky is blue.",
        &[
            "47:5 bad-clause-number: `X1` is not a clause number; a number is one of the letters N S R L U T C G, a number, and at most one small letter: `**S2.**` <X1>",
        ],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **G1a2.** The sky is blue.",
        &[
            "47:5 bad-clause-number: `G1a2` is not a clause number; a number is one of the letters N S R L U T C G, a number, and at most one small letter: `**S2.**` <G1a2>",
        ],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **C1.** The sky is blue.",
        &[
            "47:5 duplicate-number: clause C1 is already used; a number belongs to one subject: take the next free one <C1> [46:5 first used here <C1>]",
        ],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **G1.** The sky is blue (see G9).",
        &["47:32 no-such-clause: there is no clause G9; did you mean G1? <G9>"],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **G1.** The sky is blue, by S1 to S7.",
        &["47:37 no-such-clause: there is no clause S7; did you mean S0? <S7>"],
    );
    check(
        "An opening line.",
        "An opening line.\n\nA second line.",
        &[
            "16:1 unnumbered: this has no clause number, so nobody could be held to it; start it with a bold number such as `**G4.**`, or name its section under `informative:` <A second line.>",
        ],
    );
    check(
        "An opening line.",
        "We keep your secrets.",
        &[
            "14:4 promise-without-number: `keep` makes a promise in text that promises nothing; say it in a numbered clause, and point at that here: `(see S2)` <keep>",
        ],
    );
    check(
        "An opening line.",
        "We see you for 90 days.",
        &[
            "14:19 promise-without-number: `days` makes a promise in text that promises nothing; say it in a numbered clause, and point at that here: `(see S2)` <days>",
        ],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **G1.** We log the sky.",
        &[
            "47:14 promise-in-general?: `log` sounds like a promise, and G1 promises nothing; give the clause the letter of what it promises, or point at the clause that does: `(see S2)` <log>",
        ],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **G1.** The sky is `account.email`.",
        &[
            "47:23 code-without-effect?: a code has no effect in a G clause; give the clause the letter of what it promises, or take the code out <account.email>",
        ],
    );
    check(
        "# Small\n\nAn opening line.\n\n## Never",
        "Small\n\n**G4.** Never",
        &[
            "12:1 unnumbered: this has no clause number, so nobody could be held to it; start it with a bold number such as `**G4.**`, or name its section under `informative:` <Small>",
        ],
    );
    check(
        "**R1.** Nobody else (`no-disclosure`).",
        "**R1.** Nobody else.",
        &[
            "32:3 no-term: R1 promises nothing that can be checked; name a measure in backticks, such as `(`no-disclosure`)`; or give the clause the letter G <R1>",
        ],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **G1.**",
        &["47:5 empty-clause: G1 says nothing; say something, or withdraw it: `*Withdrawn in version 2.*` <G1>"],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **G1.** *Withdrawn in version 2.*",
        &[
            "47:5 withdrawn-when: G1 cannot be withdrawn in version 2 of 1; name the version that withdrew it: this one, or one before it <G1>",
        ],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **G1.** The sky is blue.\n  **G2.** The sea is green.",
        &[
            "48:5 no-such-clause: there is no clause G2; did you mean R2? <G2>",
            "48:5 number-inside: G2 begins inside G1; leave a blank line before it; where it only points at the clause, take the bold off <G2.>",
        ],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **G1.** The sky is blue, by S1 to S0.",
        &["47:37 backward-range: S0 comes before S1; name the lower number first <S0>"],
    );
    check(
        "## Rights",
        "## **U4.** Rights",
        &[
            "38:6 number-in-heading: U4 is a heading, which promises nothing; put the clause in a paragraph under the heading <U4>",
        ],
    );
    check(
        "We never keep, in any form:\n",
        "You will find:\n",
        &[
            "18:1 unnumbered: this has no clause number, so nobody could be held to it; start it with a bold number such as `**G4.**`, or name its section under `informative:` <You will find:>",
            "20:5 letter-and-words?: N1 denies nothing, as its letter would have it; say what is never done, or take the letter of what the clause promises <N1>",
        ],
    );
    check(
        "**S0.** The",
        "**L1.** Abroad (`store-nothing-abroad`).\n\n**S0.** The",
        &[
            "24:3 letter-and-words?: L1 denies nothing, as its letter would have it; say what is never done, or take the letter of what the clause promises <L1>",
        ],
    );
    check(
        "**S0.** The",
        "**L1.** Abroad.\n\n**S0.** The",
        &[
            "24:3 letter-and-words?: L1 denies nothing, as its letter would have it; say what is never done, or take the letter of what the clause promises <L1>",
            "24:3 no-term: L1 promises nothing that can be checked; name a measure in backticks, such as `(`no-disclosure`)`; or give the clause the letter G <L1>",
        ],
    );
    check(
        "All of S1",
        "All of S0",
        &[
            "36:22 no-code: this says nothing that can be checked; name the data in backticks, `(`account.email`)`, or point at the clauses that do, `S1 to S8` <All of S0>",
        ],
    );
    check(
        "E-mail (`acc",
        "We never keep it (`acc",
        &[
            "28:15 letter-and-words?: S1 denies something, and its letter says that it is kept; say what is kept; what is not is an N clause <never>",
        ],
    );
    check(
        "**R1.** Nobody else",
        "**R1.** Nobody else, unless they ask",
        &[
            "32:22 loose-exception?: `unless` excepts nothing; only an N clause has exceptions; everything else is enforced without them <unless>",
        ],
    );
    check(
        "- **G1.** The sky is blue.",
        "\n[//]: # (a hidden promise)",
        &[
            "48:1 unseen: no viewer shows this line; say it where everybody can read it, or take it out <[//]: # (a hidden promise)>",
        ],
    );
    check(
        "- **N1.** who",
        "- **R9.** It is encrypted (`tls`)\n- **N1.** who",
        &[
            "20:5 wrong-lead-in: R9 stands under a line that turns its meaning round; only N clauses stand here; move R9 to a place of its own <R9>",
        ],
    );
    check(
        "- **N1.** who you are (`identity`, except `account.email`);\n",
        "",
        &[
            "18:1 lead-in-alone: nothing follows this line; put the list or the table right after it <We never keep, in any form:>",
        ],
    );
    check(
        "**S0.** The table is complete (`complete`).\n",
        "",
        &[
            "27:21 not-complete?: nothing says that the table is complete; add `**S0.** The table below is complete: what is not in it is not stored (`complete`).` <account.email>",
        ],
    );
}

#[test]
fn a_table_has_the_columns_and_cells_it_needs() {
    check(
        "| --- | --- | --- | --- |\n| **U1**",
        "| --- | --- | --- |\n| **U1**",
        &[
            "41:1 broken-table: no table: this line has 3 cells, the header above it 4; give both lines the same number of cells, and leave a blank line above the header <| --- | --- | --- |>",
        ],
    );
    check(
        "| By mail | 1 day |",
        "| By mail | 1 day | and more |",
        &[
            "42:1 row-length: the row has 5 cells, the table has 4; take a `|` out, or write it as `\\|`: viewers drop what stands in the last cells <| **U1** | Delete (`delete`) | By mail | 1 day | and more |>",
        ],
    );
    check(
        "| By mail | 1 day |",
        "| 1 day |",
        &[
            "42:1 row-length: the row has 3 cells, the table has 4; end every cell with `|`; leave a blank line after the table <| **U1** | Delete (`delete`) | 1 day |>",
        ],
    );
    check(
        "| By mail | 1 day |",
        "| By mail | 1 day |\nA line too close",
        &[
            "43:1 row-length: the row has 1 cell, the table has 4; end every cell with `|`; leave a blank line after the table <A line too close>",
        ],
    );
    check(
        "Where it comes from",
        "Where it came from",
        &[
            "26:30 unknown-column: unknown column `Where it came from`; did you mean `Where it comes from`? <Where it came from>",
        ],
    );
    check(
        "| Ref | Who |",
        "| Ref | Banana |",
        &[
            "34:1 missing-column: no column `Who`; the columns are: Ref · Who · What they see · Why · When <| Ref | Banana | What they see | Why | When |>",
            "34:9 unknown-column: unknown column `Banana`; the columns are: Ref · Who · What they see · Why · When; and, if you like, Legal basis, Transfer <Banana>",
        ],
    );
    check(
        "| How | Answered",
        "| You may | Answered",
        &[
            "40:1 missing-column: no column `How`; the columns are: Ref · You may · How · Answered within <| Ref | You may | You may | Answered within |>",
            "40:19 duplicate-column: a second column `You may`; leave one of them out <You may>",
        ],
    );
    check(
        "| Ref | You may | How | Answered within |",
        "| Ref | A | B | C |",
        &[
            "40:1 unknown-table: a table of no known kind; the tables of a policy have the columns: Ref · What we keep · Why · Where it comes from · How long; or: Ref · Who · What they see · Why · When; or: Ref · You may · How · Answered within <| Ref | A | B | C |>",
        ],
    );
    check(
        "| **U1** | Delete (`delete`) | By mail | 1 day |\n",
        "",
        &[
            "40:1 empty-table: a table without a row; add a row, or take the table out <| Ref | You may | How | Answered within |\n| --- | --- | --- | --- |>",
        ],
    );
    check("| **U1** |", "| U1 |", &["42:3 plain-number: the number U1 is not in bold; write `**U1**` <U1>"]);
    check(
        "| **U1** |",
        "| **U1** also |",
        &["42:10 words-in-ref: words beside the number; the first cell holds the number alone <also>"],
    );
    check(
        "| **U1** |",
        "| |",
        &[
            "42:1 unnumbered: a row without a clause number; start it with a bold number such as `**U4**` <| | Delete (`delete`) | By mail | 1 day |>",
        ],
    );
    check(
        "| **U1** |",
        "| **T1** |",
        &["42:5 wrong-table: T1 does not belong in this table; the rows of this table have the letter U <T1>"],
    );
    check("| By mail |", "| |", &["42:5 empty-cell: the cell `How` is empty; fill it in <U1>"]);
    check(
        "| You give it |",
        "| You gave it |",
        &["28:69 unknown-origin: unknown origin `You gave it`; did you mean `You give it`? <You gave it>"],
    );
    check(
        "| You give it |",
        "| The moon |",
        &[
            "28:69 unknown-origin: unknown origin `The moon`; write one of: You give it, Collected automatically, Payment processor, Derived <The moon>",
        ],
    );
    check(
        "| You give it |",
        "| You give it (`account.email`) |",
        &["28:83 code-without-effect: a code has no effect here; take it out of this cell <account.email>"],
    );
    check(
        "E-mail (`account.email`)",
        "E-mail",
        &[
            "28:12 no-code: this says nothing that can be checked; add a data code in backticks, `(`account.email`)` <E-mail>",
        ],
    );
    check(
        "(`service.auth`, `notices`)",
        "(`account.email`)",
        &[
            "28:41 wrong-kind: `account.email` is a data code; the column `Why` takes a purpose, such as `service.auth` <account.email>",
        ],
    );
    check(
        "All of S1",
        "Everything",
        &[
            "36:22 no-code: this says nothing that can be checked; name the data in backticks, `(`account.email`)`, or point at the clauses that do, `S1 to S8` <Everything>",
        ],
    );
    check(
        "(`delete`)",
        "(`tls`)",
        &["42:21 wrong-kind: `tls` is a measure; the column `You may` takes a right, such as `delete` <tls>"],
    );
}

#[test]
fn codes_are_known_and_stand_where_they_mean_something() {
    check(
        "(`account.email`) |",
        "(`acount.email`) |",
        &["28:21 unknown-code: unknown code `acount.email`; did you mean `account.email`? <acount.email>"],
    );
    check(
        "(`account.email`) |",
        "(`banana`) |",
        &[
            "28:21 unknown-code: unknown code `banana`; take a code of vocabulary.md, or add this one there first <banana>",
        ],
    );
    check(
        "(`account.email`) |",
        "(`account.email` or `account.number`) |",
        &[
            "28:36 words-among-codes: `or` among codes means nothing; between codes there are only commas, `except` before exceptions, and `:` between a measure and its data <or>",
        ],
    );
    check(
        "(`identity`, except `account.email`)",
        "(`identity`), except `account.email`",
        &[
            "20:37 loose-exception: `except` outside the brackets excepts nothing; write an exception as `(`identity`, except `account.email`)`, and in no other way <except>",
            "28:21 never-and-stored: S1 keeps `account.email`, and N1 promises never to keep `identity`; take `account.email` out of S1, or write `(`identity`, except `account.email`)` in N1 <account.email> [20:25 N1 promises never to <identity>]",
            "28:21 never-and-stored: S1 keeps `account.email`, and N1 promises never to keep `account.email`; take `account.email` out of S1 or out of N1 <account.email> [20:45 N1 promises never to <account.email>]",
        ],
    );
    check(
        "(`identity`, except `account.email`)",
        "(`identity`, except `usage.month_total`)",
        &[
            "20:44 idle-exception: `usage.month_total` is not part of what is never kept; an exception descends from the code before it: take it out, or look at the vocabulary <usage.month_total>",
            "28:21 never-and-stored: S1 keeps `account.email`, and N1 promises never to keep `identity`; take `account.email` out of S1, or write `(`identity`, except `account.email`)` in N1 <account.email> [20:25 N1 promises never to <identity>]",
        ],
    );
    check(
        "who you are (",
        "who you are, unless you tell us (",
        &[
            "20:24 loose-exception: `unless` outside the brackets excepts nothing; write an exception as `(`identity`, except `account.email`)`, and in no other way <unless>",
        ],
    );
    check(
        "(`identity`, except",
        "(`identity`, `tls`, except",
        &["20:37 wrong-kind: `tls` is a measure; name data here, such as `account.email` <tls>"],
    );
    check(
        "(`no-disclosure`)",
        "(`no-disclosure`, except `account.email`)",
        &["32:47 idle-exception: an exception from what?; only an N clause has exceptions <account.email>"],
    );
    check(
        "(`no-disclosure`)",
        "(`consent`)",
        &["32:23 consent-to-what: consent to what?; name it: `(`consent`: `diagnostics.attempt`)` <consent>"],
    );
    check(
        "(`no-disclosure`)",
        "(`consent`: `payment`)",
        &[
            "32:9 consent-to-what?: nothing keeps `payment`; name what a row of the table keeps <Nobody else (`consent`: `payment`).>",
        ],
    );
    check(
        "(`identity`, except `account.email`)",
        "(`payment`: `account.email`)",
        &[
            "20:36 words-among-codes: an N clause knows no `:` among its codes; list the codes with commas between them <account.email>",
        ],
    );
    check(
        "(`no-disclosure`)",
        "(`complete`)",
        &["32:23 not-s0: only S0 says that the table is complete; move it to `**S0.**` <complete>"],
    );
    check(
        "(`no-disclosure`)",
        "(`account.email`)",
        &[
            "32:23 wrong-kind: `account.email` is a data code, which promises nothing here; say what is done with it: `(`encrypt-at-rest`: `account.email`)` <account.email>",
        ],
    );
    check(
        "(`no-disclosure`)",
        "(`delete`)",
        &[
            "32:23 wrong-kind: `delete` is a right, which promises nothing here; a right is a row of the table of rights, with the time in which it is answered <delete>",
        ],
    );
    check(
        "(`no-disclosure`)",
        "(`billing`)",
        &[
            "32:23 wrong-kind: `billing` is a purpose, which promises nothing here; a purpose stands in the column `Why` of a table <billing>",
        ],
    );
    check(
        "(`complete`)",
        "(`complete`, `account.number`)",
        &[
            "24:45 wrong-kind: `account.number` is a data code, which promises nothing here; what is kept is a row of the table Ref · What we keep · Why · Where it comes from · How long <account.number>",
        ],
    );
    check("at least 1 day ahead", "soon", &["46:27 no-lead: how long ahead?; write `at least 1 day ahead` <notice>"]);
    check(
        "at least 1 day ahead",
        "at least 1 dayz ahead",
        &["46:31 unknown-unit: no unit `dayz`; did you mean `day`? <dayz>"],
    );
}

#[test]
fn how_long_is_a_phrase_that_can_be_enforced() {
    check(
        "Until the account is deleted",
        "Until it was recorded",
        &["28:89 unknown-event: until it was recorded is never; write `not stored` <it was recorded>"],
    );
    check(
        "Until the account is deleted",
        "In memory only, mostly",
        &[
            "28:97 unknown-phrase: `, mostly` says nothing here; write `in memory only for at most 5 minutes` <, mostly>",
        ],
    );
    check(
        "Until the account is deleted",
        "P3M5D after the payment",
        &["28:83 bad-period: `P3M5D` is not a period; write it in words, such as `90 days` <P3M5D>"],
    );
    check(
        "Until the account is deleted",
        "0 days after the payment",
        &[
            "28:83 bad-period: `0 days` is no length of time that can be kept to; the number is at least 1, and the whole at most a thousand years <0 days>",
        ],
    );
    check(
        "Until the account is deleted",
        "Forever and a day",
        &[
            "28:83 no-limit: `Forever and a day` sets no limit; write a phrase such as `90 days after the session ends` or `until the account is deleted` <Forever and a day>",
        ],
    );
    check(
        "Until the account is deleted",
        "90 days",
        &[
            "28:83 from-when: `90 days`: counted from when?; say from when, such as `90 days after the session ends` <90 days>",
        ],
    );
    check(
        "Until the account is deleted",
        "90 dayz after the session ends",
        &["28:86 unknown-unit: no unit `dayz`; did you mean `day`? <dayz>"],
    );
    check(
        "Until the account is deleted",
        "90 days after the sesion ends",
        &["28:97 unknown-event: no event `the sesion ends`; did you mean `the session ends`? <the sesion ends>"],
    );
    check(
        "Until the account is deleted",
        "As long as necessary",
        &[
            "28:83 no-limit: `As long as necessary` sets no limit; write a phrase such as `90 days after the session ends` or `until the account is deleted` <As long as necessary>",
        ],
    );
    check(
        "Until the account is deleted",
        "Indefinitely",
        &[
            "28:83 no-limit: `Indefinitely` sets no limit; write a phrase such as `90 days after the session ends` or `until the account is deleted` <Indefinitely>",
        ],
    );
    check(
        "Until the account is deleted",
        "A reasonable time",
        &[
            "28:83 no-limit: `A reasonable time` sets no limit; write a phrase such as `90 days after the session ends` or `until the account is deleted` <A reasonable time>",
        ],
    );
    check(
        "Until the account is deleted",
        "During the current month",
        &[
            "28:83 whose-clock: `During the current month`: by whose clock?; write `until the end of the calendar month (UTC)` <During the current month>",
        ],
    );
    check(
        "Until the account is deleted",
        "Until the end of the calendar month",
        &[
            "28:83 whose-clock: the end of the month by whose clock?; name the zone: `until the end of the calendar month (UTC)` <Until the end of the calendar month>",
        ],
    );
    check(
        "Until the account is deleted",
        "Until the end of the calendar month (Moon)",
        &[
            "28:119 unknown-zone: no time zone `Moon`; write a zone of the IANA list, such as `UTC` or `Europe/Nicosia` <(Moon)>",
        ],
    );
    check(
        "Until the account is deleted",
        "1 day after the payment or until the account is deleted",
        &[
            "28:83 which-period: two periods, and no word on which of them counts; end the phrase with `, whichever is earlier` <1 day after the payment or until the account is deleted>",
        ],
    );
    check("Until the account is deleted", "", &["28:5 empty-cell: the cell `How long` is empty; fill it in <S1>"]);
    check(
        "Until the account is deleted",
        "Kept `account.email`",
        &["28:89 code-without-effect: a code has no effect here; take it out of this cell <account.email>"],
    );
    check(
        "| 1 day |",
        "| soon |",
        &["42:42 bad-period: `soon` is not a period; write a number and a unit, such as `90 days` <soon>"],
    );
}

#[test]
fn what_markdown_loses_is_refused() {
    check(
        "- **G1.** The sky is blue.",
        "- **G1.** The sky is blue.\n\n<!-- a hidden promise -->",
        &[
            "49:1 raw-html: HTML has no place in a policy; write plain Markdown: viewers show, hide or drop HTML as they like <<!-- a hidden promise -->>",
        ],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **G1.** The sky is <b>blue</b>.",
        &[
            "47:22 raw-html: HTML has no place in a policy; write plain Markdown: viewers show, hide or drop HTML as they like <<b>>",
            "47:29 raw-html: HTML has no place in a policy; write plain Markdown: viewers show, hide or drop HTML as they like <</b>>",
        ],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **G1.** The sky is blue.[^1]",
        &[
            "47:27 footnote: a footnote has no place in a policy; say it in a clause: a footnote is shown far from its words, or not at all <[^1]>",
        ],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **G1.** The sky is blue.[^1]\n\n[^1]: Not at night.",
        &[
            "47:27 footnote: a footnote has no place in a policy; say it in a clause: a footnote is shown far from its words, or not at all <[^1]>",
            "49:7 unnumbered: this has no clause number, so nobody could be held to it; start it with a bold number such as `**G4.**`, or name its section under `informative:` <Not at night.>",
        ],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **G1.** The sky is [COLOUR].",
        &["47:22 placeholder: `[COLOUR]` is still to be filled in; write what is meant <[COLOUR]>"],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **G1.** The sky is TBD.",
        &["47:22 placeholder: `TBD` is still to be filled in; write what is meant <TBD>"],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **G1.** The sky is ![blue](sky.png).",
        &["47:22 picture: a picture has no place in a policy; say it in words <![blue](sky.png)>"],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **G1.** The sky is\u{200b} blue&#8238;.",
        &[
            "47:21 invisible: an invisible character, U+200B; take it out: it can make the words look other than they are <\u{200b}>",
            "47:27 invisible: an invisible character, U+202E; take it out: it can make the words look other than they are <&#8238;>",
        ],
    );
    check(
        "- **G1.** The sky is blue.",
        "- **G1.** The sky is ~~blue~~ red.",
        &[
            "47:22 struck-out: some viewers strike these words out, others do not; take the words out, or withdraw the clause <~~blue~~>",
        ],
    );
    check("- **G1.** The sky is blue.", "- **G1.** The sky is <https://example.org>.", &[]);
}

#[test]
fn a_text_does_not_contradict_itself() {
    check(
        ", except `account.email`",
        "",
        &[
            "28:21 never-and-stored: S1 keeps `account.email`, and N1 promises never to keep `identity`; take `account.email` out of S1, or write `(`identity`, except `account.email`)` in N1 <account.email> [20:25 N1 promises never to <identity>]",
        ],
    );
    check(
        "| **S1** | E-mail (`account.email`) | (`service.auth`, `notices`) | You give it | Until the account is deleted |",
        "| **S1** | E-mail (`account.email`) | (`service.auth`, `notices`) | You give it | Until the account is deleted |\n| **S2** | Again (`account.email`) | To sign in (`service.auth`) | You give it | 1 day after the payment |",
        &[
            "29:82 two-retentions: S2 keeps `account.email` 1 day after the payment, S1 keeps it until the account is deleted; one thing is kept for one time: leave one of the rows, or give both the same phrase <1 day after the payment> [28:83 S1 says otherwise <Until the account is deleted>]",
        ],
    );
}
