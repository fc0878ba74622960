//! The natives that Java declares are those that Rust exports, argument for argument.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Text between the parentheses that open at the end of `text`'s first `len` bytes.
fn parenthesised(text: &str) -> &str {
    text.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(inside, _)| inside)
}

/// The Rust type of a Java one.
fn rust_type(java: &str) -> &'static str {
    match java {
        "void" => "()",
        "boolean" => "jboolean",
        "int" => "jint",
        "long" => "jlong",
        "byte[]" => "jbyteArray",
        "int[]" => "jintArray",
        "long[]" => "jlongArray",
        "Object" | "ByteBuffer" => "jobject",
        other => panic!("no Rust type for {other}"),
    }
}

/// Name, then the result's type and the arguments' types.
type Natives = BTreeMap<String, Vec<String>>;

fn declared() -> Natives {
    let text =
        fs::read_to_string(folder("../../jvm/src/main/java/io/duochain/Natives.java")).expect("Natives.java");
    let declaration = |text: &str| {
        let (head, _) = text.split_once('(').expect("a method");
        let (result, name) = head.trim().rsplit_once(' ').expect("result and name");
        let arguments = parenthesised(text).split(',').map(str::trim).filter(|argument| !argument.is_empty());
        let types = arguments.map(|argument| argument.rsplit_once(' ').expect("type and name").0);
        let types = [result].into_iter().chain(types).map(|java| rust_type(java).to_owned());
        (name.to_owned(), types.collect())
    };
    text.split("static native ").skip(1).map(declaration).collect()
}

fn exported() -> Natives {
    let mut natives = Natives::new();
    for entry in fs::read_dir(folder("src")).expect("the sources") {
        let text = fs::read_to_string(entry.expect("readable").path()).expect("UTF-8");
        for part in text.split("fn Java_io_duochain_Natives_").skip(1) {
            let name = part.split('(').next().expect("a name").to_owned();
            let (_, after) = part.split_once(") -> ").expect("a result");
            let result = after.split(", ").next().expect("a type").trim();
            let arguments =
                parenthesised(part).split(',').skip(1).map(str::trim).filter(|text| !text.is_empty());
            let types = arguments.map(|argument| argument.rsplit_once(": ").expect("name and type").1);
            natives.insert(name, [result].into_iter().chain(types).map(str::to_owned).collect());
        }
    }
    natives
}

#[test]
fn java_declares_what_rust_exports() {
    let (declared, exported) = (declared(), exported());
    assert!(declared.len() > 40, "only {} natives were found", declared.len());
    assert_eq!(declared, exported);
}
