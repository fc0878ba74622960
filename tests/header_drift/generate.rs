//! Makes the header from `src/ffi`, in memory.

use crate::root;
use cbindgen::{Builder, Config, DocumentationStyle, EnumConfig, Language, Style};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Order of the header. A new file has its place here, or a test fails.
const ORDER: &[&str] = &[
    "status",
    "library",
    "log",
    "argument",
    "config",
    "pool_options",
    "pool",
    "upkeep",
    "queue",
    "dequeue",
    "stage",
    "lane",
    "lane_producer",
    "node",
    "view",
    "sub",
    "block",
    "replog",
    "replog_append",
    "replog_pending",
    "replog_read",
    "replog_snapshot",
    "replog_pieces",
    "replog_tls",
    "replog_view",
    "breaker",
    "limiter",
    "bulkhead",
    "retry",
    "stack",
    "registry",
    "faults",
];

/// The files that make the header, in its order.
pub(crate) fn sources() -> Vec<PathBuf> {
    ORDER.iter().map(|name| root().join(format!("src/ffi/{name}.rs"))).collect()
}

/// True when the file exports functions.
pub(crate) fn exports(source: &Path) -> bool {
    fs::read_to_string(source).expect("readable").contains("#[unsafe(no_mangle)]")
}

/// The header's text.
pub(crate) fn header() -> String {
    for entry in fs::read_dir(root().join("src/ffi")).expect("readable") {
        let path = entry.expect("readable").path();
        let listed = sources().contains(&path);
        assert!(
            listed || path.extension().is_none_or(|end| end != "rs") || !exports(&path),
            "{path:?} is not in ORDER"
        );
    }
    let mut builder = Builder::new().with_config(config());
    for source in sources() {
        builder = builder.with_src(source);
    }
    let mut bytes = Vec::new();
    builder.generate().expect("src/ffi parses").write(&mut bytes);
    finish(&String::from_utf8(bytes).expect("UTF-8"))
}

fn config() -> Config {
    let opening = fs::read_to_string(root().join("src/ffi/opening.h")).expect("readable");
    let mut config = Config {
        language: Language::C,
        style: Style::Both,
        cpp_compat: true,
        header: Some(opening.trim_end().to_owned()),
        include_guard: Some("DUOCHAIN_H".to_owned()),
        sys_includes: vec!["stddef.h".to_owned(), "stdint.h".to_owned()],
        no_includes: true,
        line_length: 110,
        tab_width: 4,
        usize_is_size_t: true,
        documentation_style: DocumentationStyle::Doxy,
        enumeration: EnumConfig::default(),
        ..Config::default()
    };
    config.defines.insert("feature = faults".to_owned(), "DUO_FAULTS".to_owned());
    config
}

/// Short comments on one line, parentheses around negative constants, and an initialiser for each struct
/// with a size.
fn finish(header: &str) -> String {
    let header = collapse(header);
    let mut text = String::with_capacity(header.len() + 4096);
    let mut fields: Option<Vec<&str>> = None;
    for line in header.lines() {
        let line = line.trim_end();
        match negative_constant(line) {
            Some(fixed) => text.push_str(&fixed),
            None => text.push_str(line),
        }
        text.push('\n');
        if line.starts_with("typedef struct ") && line.ends_with('{') {
            fields = Some(Vec::new());
        } else if let Some(name) = line.strip_prefix("} ").and_then(|rest| rest.strip_suffix(';')) {
            if let Some(fields) =
                fields.take().filter(|fields| fields.first() == Some(&"uint32_t struct_size;"))
            {
                text.push_str(&initialiser(name, &fields));
            }
        } else if let Some(fields) = &mut fields
            && line.ends_with(';')
        {
            fields.push(line.trim());
        }
    }
    text
}

/// Comments of one line, without two lines around it.
fn collapse(header: &str) -> String {
    let lines: Vec<&str> = header.lines().collect();
    let mut text = String::with_capacity(header.len());
    let mut at = 0;
    while at < lines.len() {
        let short = (lines[at].trim() == "/**" && lines.get(at + 2).is_some_and(|end| end.trim() == "*/"))
            .then(|| lines[at + 1].trim().strip_prefix("* "))
            .flatten();
        match short {
            Some(comment) => {
                let indent = lines[at].len() - lines[at].trim_start().len();
                writeln!(text, "{:indent$}/** {comment} */", "").expect("a string takes text");
                at += 3;
            }
            None => {
                text.push_str(lines[at]);
                text.push('\n');
                at += 1;
            }
        }
    }
    text
}

fn negative_constant(line: &str) -> Option<String> {
    let (name, value) = line.strip_prefix("#define ")?.split_once(" -")?;
    Some(format!("#define {name} (-{value})"))
}

fn initialiser(name: &str, fields: &[&str]) -> String {
    let mut text = format!("/** Initial value of a `{name}`. */\n");
    let upper = name.strip_suffix("_t").unwrap_or(name).to_uppercase();
    let zeros = fields[1..].iter().map(|field| match field {
        field if field.contains('[') => "{0}",
        field if field.contains('*') => "NULL",
        _ => "0",
    });
    let zeros: Vec<&str> = zeros.collect();
    writeln!(text, "#define {upper}_INIT {{ sizeof({name}), {} }}", zeros.join(", "))
        .expect("a string takes text");
    text
}
