use super::*;

const OURS: &str = include_str!("../../../../policy-docs/vocabulary.md");

fn code(text: &str) -> Code {
    Code::new(text).unwrap()
}

fn ours() -> Vocabulary {
    let (vocabulary, problems) = Vocabulary::read(Source::new("vocabulary.md", OURS));
    assert!(problems.is_empty(), "{:?}", problems.iter().map(|problem| &problem.message).collect::<Vec<_>>());
    vocabulary
}

#[test]
fn our_vocabulary_has_no_problem() {
    let vocabulary = ours();
    assert!(vocabulary.is_data(&code("usage.month_total")));
    assert!(vocabulary.is_purpose(&code("service.limit")));
    assert!(vocabulary.is_measure(&code("no-disclosure")));
    assert!(vocabulary.is_right(&code("delete")));
    assert!(!vocabulary.is_data(&code("delete")));
    assert!(vocabulary.is_system(&code("system.schema")));
}

#[test]
fn a_code_is_covered_by_its_whole_line() {
    let vocabulary = ours();
    for (ancestor, code_, covered) in [
        ("ip_address", "visitor.ip", true),
        ("ip_address", "session.client_ip", true),
        ("visitor", "session.client_ip", false),
        ("traffic", "traffic.destination.port", true),
        ("traffic.destination", "traffic.dns", true),
        ("traffic", "session.bytes", true),
        ("traffic", "usage.month_total", false),
        ("traffic", "account.device_count", false),
        ("traffic", "traffic", true),
        ("identity", "account.email", true),
        ("account.password", "account.password_digest", false),
        ("account.email", "identity", false),
    ] {
        assert_eq!(vocabulary.covers(&code(ancestor), &code(code_)), covered, "{ancestor} {code_}");
    }
}

#[test]
fn what_the_policies_store_is_a_leaf() {
    let vocabulary = ours();
    let leaves: BTreeSet<&Code> = vocabulary.leaves().collect();
    for stored in ["account.email", "account.username", "account.username_digest", "session.client_ip", "payment.date"]
    {
        assert!(leaves.contains(&code(stored)), "{stored}");
    }
    let payment = code("payment.details");
    assert_eq!(
        vocabulary.leaves_under(&payment).map(Code::as_str).collect::<Vec<_>>(),
        ["payment.bank", "payment.card"]
    );
}

#[test]
fn the_digest_is_of_the_exact_text() {
    let (one, _) = Vocabulary::read(Source::new("a", OURS));
    let (other, _) = Vocabulary::read(Source::new("b", format!("{OURS}\n")));
    assert_eq!(one.digest(), ours().digest());
    assert_ne!(one.digest(), other.digest());
}

#[test]
fn what_is_wrong_with_a_vocabulary_is_said() {
    let text = "\
| Data | Parents | Meaning |
| --- | --- | --- |
| `a` | `b` | One |
| `b` | `a` | Two |
| `c` | `d` | Three |
| `c` | | Again |
| `No` | | Bad |
| `e` | a | Loose |
| `f` | | |
| `g` | | Short

| Purpose | Meaning |
| --- | --- |
| `p` | Why | no |

| Measure | Meaning |
| --- | --- |
| `m` | What |
";
    let (_, problems) = Vocabulary::read(Source::new("v", text));
    let said: Vec<String> = problems
        .iter()
        .map(|problem| format!("{} {}: {}", problem.place.location(), problem.code, problem.message))
        .collect();
    assert_eq!(
        said,
        [
            "v:1:1 no-table: no table of codes whose first column is `Purpose`",
            "v:1:1 no-table: no table of codes whose first column is `Right`",
            "v:3:1 circular-parents: `a` descends from itself",
            "v:4:1 circular-parents: `b` descends from itself",
            "v:5:1 unknown-parent: no data code `d`",
            "v:6:1 duplicate-code: `c` is already defined",
            "v:7:4 bad-code: `No` is not a code",
            "v:8:9 loose-words: words that are not in backticks",
            "v:9:1 no-meaning: `f` has no meaning",
            "v:14:1 row-length: the row has 3 cells, the table has 2",
        ]
    );
}
