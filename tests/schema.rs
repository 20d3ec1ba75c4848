//! What a program reads: the JSON of `avow terms` and `avow rules` is what the schemas in `docs/schema/` say, and SARIF is
//! what the schema of OASIS says, of which `tests/sarif-schema-2.1.0.json` is a copy.

use boon::{Compiler, Schemas};
use serde_json::{Value, json};

use crate::world::{World, repository};

const POLICIES: [&str; 2] = ["policy-docs/northgate/privacy.md", "policy-docs/lantern/privacy.md"];

/// What one of our schemas has against a document; none if it fits.
fn against(schema: &str, document: &Value) -> Option<String> {
    against_file(&format!("docs/schema/{schema}.schema.json"), document)
}

fn against_file(schema: &str, document: &Value) -> Option<String> {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.enable_format_assertions();
    let text = repository(schema);
    compiler.add_resource("schema.json", serde_json::from_str(&text).unwrap()).unwrap();
    let schema = compiler.compile("schema.json", &mut schemas).unwrap();
    schemas.validate(document, schema).err().map(|error| error.to_string())
}

/// The document with one value replaced, or taken out.
fn planted(document: &Value, at: &str, value: Option<Value>) -> Value {
    let mut planted = document.clone();
    let (parent, key) = at.rsplit_once('/').unwrap();
    let object = planted.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => object.insert(key.to_owned(), value),
        None => Some(object.remove(key).unwrap()),
    };
    planted
}

#[test]
fn terms_are_what_their_schema_says() {
    for policy in POLICIES {
        let document = World::new().json(&["terms", policy]);
        assert_eq!(against("terms", &document), None, "{policy}");
        assert!(document["stored"].as_array().unwrap().len() > 5, "{document}");
    }
}

#[test]
fn rules_are_what_their_schema_says() {
    for policy in POLICIES {
        let document = World::new().json(&["rules", policy]);
        assert_eq!(against("rules", &document), None, "{policy}");
        let statements = document["statements"].as_array().unwrap();
        assert!(statements.len() > 20, "{document}");
        let text = document["policies"].as_str().unwrap();
        assert!(statements.iter().all(|statement| text.contains(statement["cedar"].as_str().unwrap())), "{document}");
    }
}

#[test]
fn a_document_of_another_shape_does_not_fit() {
    let terms = World::new().json(&["terms", POLICIES[0]]);
    for (at, value) in [
        ("/version", None),
        ("/version", Some(json!(0))),
        ("/more", Some(json!(1))),
        ("/stored/0/origin", Some(json!("elsewhere"))),
        ("/stored/0/seen_by", None),
        ("/terms/0/promise/kind", Some(json!("hope"))),
        ("/terms/0/clause", Some(json!("X1"))),
        ("/terms/0/said_at/end", Some(json!(-1))),
    ] {
        assert!(against("terms", &planted(&terms, at, value)).is_some(), "{at}");
    }
    let rules = World::new().json(&["rules", POLICIES[0]]);
    for (at, value) in [
        ("/schema", None),
        ("/statements/0/effect", Some(json!("maybe"))),
        ("/statements/0/cedar", None),
        ("/statements/9/data", Some(json!("Not A Code"))),
        ("/statements/9/place", Some(json!("somewhere"))),
    ] {
        assert!(against("rules", &planted(&rules, at, value)).is_some(), "{at}");
    }
}

#[test]
fn sarif_is_what_its_official_schema_says() {
    const SCHEMA: &str = "tests/sarif-schema-2.1.0.json";
    let world = World::new();
    let northgate = repository(POLICIES[0]);
    let edits = [
        ("clean.md", northgate.clone()),
        ("wrong ä.md", northgate.replace("90 days after the session ends", "90 days")),
        ("clash.md", northgate.replace("`identity`, except `account.email`", "`identity`")),
        ("prose.md", "We keep nothing.\n".to_owned()),
    ];
    for (name, text) in edits {
        let file = world.file(name, &text);
        let said = world.run(&["check", file.to_str().unwrap(), "nowhere.md", "--format", "sarif"]).out;
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(against_file(SCHEMA, &said), None, "{name}: {said}");
        for (at, value) in [
            ("/version", Some(json!("2.0.0"))),
            ("/runs/0/tool", None),
            ("/runs/0/columnKind", Some(json!("bytes"))),
            ("/runs/0/invocations/0/toolExecutionNotifications/0/message", None),
        ] {
            assert!(against_file(SCHEMA, &planted(&said, at, value)).is_some(), "{at}");
        }
    }
}

#[test]
fn terms_say_what_why_from_where_how_long_and_seen_by_whom() {
    let world = World::new();
    let terms = world.run(&["terms", POLICIES[0]]).out;
    let row = terms.lines().find(|line| line.contains("account.email") && line.contains("notices")).unwrap();
    let cells: Vec<&str> = row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    assert_eq!(
        cells,
        [
            "S1",
            "account.email",
            "notices",
            "you",
            "until the account is deleted",
            "A court or authority of our home country (R4); The mail service that carries our messages (R5)",
        ]
    );
}
