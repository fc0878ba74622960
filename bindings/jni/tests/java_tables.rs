//! Java files that are made from the library's tables: `Code` and the exceptions from the statuses,
//! `ConfigKey` from the configuration keys, `EventKind` from the events, `LogNumbers` from the constants of the
//! replicated log in C. The tests fail when a committed file differs from its table; `DUO_UPDATE=1` writes the files
//! instead.

use duochain::dual::EventKind;
use duochain::node::{KEYS, Kind};
use duochain::pool::PoolKind;
use duochain::types::{Class, Status};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

#[path = "tables/log.rs"]
mod log;

/// First line of every file made here.
const MARK: &str =
    "// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.";
/// Longest line of text in a comment.
const LINE_MAX: usize = 100;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../jvm/src/main/java/io/duochain")
}

/// Compares one file with what it should be, or writes it.
fn hold(name: &str, body: &str) {
    let path = folder().join(format!("{name}.java"));
    let wanted = format!("{MARK}\npackage io.duochain;\n\n{body}");
    if std::env::var_os("DUO_UPDATE").is_some() {
        std::fs::write(&path, &wanted).expect("the Java sources are writable");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "{name}.java differs from its table: run this test with DUO_UPDATE=1");
}

/// The Java exception of a status. Names are permanent, like the numbers.
fn exception(status: Status) -> &'static str {
    match status {
        Status::Again => "Full",
        Status::Timeout => "TimedOut",
        Status::NotFound => "NotFound",
        Status::End => "End",
        Status::Partial => "Partial",
        Status::InvalidArgument => "InvalidArgument",
        Status::BadHandle => "BadHandle",
        Status::Closed => "Closed",
        Status::Unsupported => "Unsupported",
        Status::AbiMismatch => "AbiMismatch",
        Status::NoMemory => "NoMemory",
        Status::Io => "InputOutput",
        Status::Corruption => "Corruption",
        Status::Config => "Config",
        Status::TooLarge => "TooLarge",
        Status::Duplicate => "Duplicate",
        Status::InvalidTx => "InvalidTransaction",
        Status::NotLeader => "NotLeader",
        Status::NoQuorum => "NoQuorum",
        Status::Conflict => "Conflict",
        Status::Cancelled => "Cancelled",
        Status::Permission => "Permission",
        Status::Busy => "Busy",
        Status::Reentrant => "Reentrant",
        Status::Forked => "Forked",
        Status::Poisoned => "Poisoned",
        Status::Panic => "Panic",
        Status::Internal => "Internal",
        other => panic!("{other:?} needs a Java exception"),
    }
}

fn class(status: Status) -> &'static str {
    match status.class() {
        Class::Ok => "Ok",
        Class::Retryable => "Retryable",
        Class::Caller => "Caller",
        Class::Fatal => "Fatal",
    }
}

/// What an exception says beside its code.
fn more(status: Status) -> &'static str {
    match status {
        Status::NotLeader => concat!(
            "\n    /** The node that leads; empty when nobody is known to. */\n",
            "    public java.util.OptionalLong leader() {\n        return detail() == 0",
            " ? java.util.OptionalLong.empty() : java.util.OptionalLong.of(detail());\n    }\n",
        ),
        Status::Partial => concat!(
            "\n    /** Of an append to a replicated log that every voter was to have: where it is committed, for ever. */\n",
            "    public java.util.Optional<ReplicatedLog.Receipt> receipt() {\n        return committed();\n    }\n",
        ),
        _ => "",
    }
}

fn failures() -> impl Iterator<Item = Status> {
    Status::ALL.iter().copied().filter(|status| *status != Status::Ok)
}

/// Text as a Java string.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Text of a table as a comment: code in back quotes becomes `{@code}`.
fn comment(text: &str) -> String {
    let mut out = String::new();
    for (index, part) in text.replace('&', "&amp;").replace('<', "&lt;").split('`').enumerate() {
        if index % 2 == 1 {
            let _ = write!(out, "{{@code {part}}}");
        } else {
            out.push_str(part);
        }
    }
    out
}

#[test]
fn codes_are_those_of_the_status_table() {
    let mut body = String::from(
        "/** Why a call did not do what it says. The numbers are permanent. */\npublic enum Code {\n",
    );
    let rows: Vec<String> = Status::ALL
        .iter()
        .map(|status| {
            format!(
                "    /** {} */\n    {}({}, OutcomeClass.{}, {})",
                comment(status.meaning()),
                status.name(),
                status.code(),
                class(*status).to_uppercase(),
                quoted(status.meaning())
            )
        })
        .collect();
    body.push_str(&rows.join(",\n"));
    body.push_str(
        r#";

    private static final java.util.Map<Integer, Code> BY_NUMBER = java.util.Arrays.stream(values())
            .collect(java.util.stream.Collectors.toUnmodifiableMap(Code::number, code -> code));

    private final int number;
    private final OutcomeClass outcomeClass;
    private final String meaning;

    Code(int number, OutcomeClass outcomeClass, String meaning) {
        this.number = number;
        this.outcomeClass = outcomeClass;
        this.meaning = meaning;
    }

    /** Its permanent number. */
    public int number() {
        return number;
    }

    /** The reaction it asks for. */
    public OutcomeClass outcomeClass() {
        return outcomeClass;
    }

    /** What it means, in one sentence. */
    public String meaning() {
        return meaning;
    }

    /** From its number; a number of a newer library is an internal error. */
    static Code of(int number) {
        return BY_NUMBER.getOrDefault(number, INTERNAL);
    }
}
"#,
    );
    hold("Code", &body);
}

#[test]
fn every_status_but_success_has_an_exception() {
    let mut names = BTreeSet::new();
    for status in failures() {
        let (name, parent) = (exception(status), class(status));
        assert!(names.insert(name), "{name} stands for two statuses");
        hold(
            &format!("{name}Exception"),
            &format!(
                "/** {}: {} */\npublic final class {name}Exception extends {parent}Exception {{\n    \
                 private static final long serialVersionUID = 1L;\n\n    \
                 {name}Exception(String message) {{\n        super(Code.{}, message);\n    }}\n{}}}\n",
                status.code(),
                comment(status.meaning()),
                status.name(),
                more(status),
            ),
        );
    }
    let mut body = String::from(
        "/** Which exception stands for which status. */\nfinal class ExceptionTable {\n    private ExceptionTable() {\n    }\n\n    \
         static DuoException of(Code code, String message) {\n        return switch (code) {\n            \
         case OK -> throw new AssertionError(\"success is no failure\");\n",
    );
    for status in failures() {
        let _ = writeln!(
            body,
            "            case {} -> new {}Exception(message);",
            status.name(),
            exception(status)
        );
    }
    body.push_str("        };\n    }\n}\n");
    hold("ExceptionTable", &body);
}

#[test]
fn no_exception_is_left_from_a_former_table() {
    let wanted: BTreeSet<String> =
        failures().map(|status| format!("{}Exception.java", exception(status))).collect();
    for entry in std::fs::read_dir(folder()).expect("the Java sources are there") {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let made = std::fs::read_to_string(&path).is_ok_and(|text| text.starts_with(MARK));
        if made && name.ends_with("Exception.java") {
            assert!(wanted.contains(&name), "{name} stands for no status any more");
        }
    }
}

#[test]
fn event_kinds_are_those_of_the_library() {
    let mut body =
        String::from("/** What happened. The numbers are permanent. */\npublic enum EventKind {\n");
    let rows: Vec<String> = EventKind::ALL
        .iter()
        .map(|kind| {
            format!(
                "    /** {}. */\n    {}({})",
                kind.name().replace('_', " "),
                kind.name().to_uppercase(),
                kind.code()
            )
        })
        .collect();
    body.push_str(&rows.join(",\n"));
    body.push_str(
        r#";

    private static final EventKind[] ALL = values();

    private final int number;

    EventKind(int number) {
        this.number = number;
    }

    /** Its permanent number. */
    public int number() {
        return number;
    }

    static EventKind of(int number) {
        for (EventKind kind : ALL) {
            if (kind.number == number) {
                return kind;
            }
        }
        throw new IllegalStateException("event kind " + number + " is of a newer library");
    }
}
"#,
    );
    hold("EventKind", &body);
}

#[test]
fn pool_kinds_are_those_of_the_library() {
    let mut body = String::from(
        "/** What the buffers of a managed pool are for. The numbers are permanent. */\npublic enum PoolKind {\n",
    );
    let rows: Vec<String> = PoolKind::ALL
        .iter()
        .map(|kind| {
            let name = kind.name();
            format!(
                "    /** {}; {} buffers initially. */\n    {}({})",
                name.replace('_', " "),
                kind.initial_default(),
                name.to_uppercase(),
                kind.code()
            )
        })
        .collect();
    body.push_str(&rows.join(",\n"));
    body.push_str(
        r#";

    private final int number;

    PoolKind(int number) {
        this.number = number;
    }

    /** Its permanent number. */
    public int number() {
        return number;
    }
}
"#,
    );
    hold("PoolKind", &body);
}

/// `queue.lanes` as `QUEUE_LANES`.
fn constant(name: &str) -> String {
    name.replace('.', "_").to_uppercase()
}

#[test]
fn config_keys_are_those_of_the_library() {
    let mut body = String::from("/** Every key of a {@link Config}. */\npublic enum ConfigKey {\n");
    let rows: Vec<String> = KEYS
        .iter()
        .map(|key| {
            let unit = if key.unit.is_empty() { String::new() } else { format!(" of {}", key.unit) };
            let default = if key.default.is_empty() {
                "empty".to_owned()
            } else {
                format!("{{@code {}}}", key.default)
            };
            let mut doc = String::from("    /**\n");
            for line in wrapped(&comment(key.meaning)).into_iter().chain([String::new()]) {
                let _ = writeln!(doc, "     * {line}");
            }
            let facts = format!("<p>{}{unit}: {}. Default: {default}.", kind(key.kind), comment(key.range));
            for line in wrapped(&facts).into_iter().chain(wrapped(&comment(key.consequence))) {
                let _ = writeln!(doc, "     * {line}");
            }
            let doc = doc.replace("* \n", "*\n");
            format!("{doc}     */\n    {}({}, {})", constant(key.name), quoted(key.name), quoted(key.default))
        })
        .collect();
    body.push_str(&rows.join(",\n"));
    body.push_str(
        r#";

    private final String key;
    private final String defaultValue;

    ConfigKey(String key, String defaultValue) {
        this.key = key;
        this.defaultValue = defaultValue;
    }

    /** Its dotted name. */
    public String key() {
        return key;
    }

    /** Value when not set. */
    public String defaultValue() {
        return defaultValue;
    }
}
"#,
    );
    hold("ConfigKey", &body);
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Path => "Path",
        Kind::Word(_) => "Word",
        Kind::Integer { .. } => "Number",
        Kind::PowerOfTwo { .. } => "Power of two",
        Kind::Cores => "Cores",
    }
}

/// Lines that fit, broken at blanks outside of `{@code}`.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("never empty");
        if line.is_empty() {
            line.push_str(word);
        } else if line.len() + word.len() < LINE_MAX {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
