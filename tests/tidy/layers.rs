//! The layer table and the rule that holds it: `crate::` paths point downward.

use crate::source::{code_only, line_of};
use crate::tree::File;

/// Modules from the bottom up. A module uses lower layers and, inside its own, those listed before it.
const LAYERS: &[(u32, &[&str])] = &[
    (0, &["codec", "types", "frame", "sync", "env"]),
    (1, &["pool", "queue", "resilience", "crypto"]),
    (2, &["merkle", "storage"]),
    (3, &["net"]),
    (4, &["validator", "raft", "bft"]),
    (5, &["replication", "dedup", "dual"]),
    (6, &["node", "sim"]),
    (7, &["ffi"]),
];

/// Same layer, yet strangers: a protocol that needs the other's answer takes it as a parameter.
const STRANGERS: &[&str] = &["validator", "raft", "bft"];

/// Layer and place in the table.
fn place(module: &str) -> Option<(u32, usize)> {
    LAYERS.iter().find_map(|(layer, modules)| Some((*layer, modules.iter().position(|m| *m == module)?)))
}

fn allowed(from: &str, to: &str) -> bool {
    let Some(target) = place(to) else { return false };
    from == to || (Some(target) < place(from) && !(STRANGERS.contains(&from) && STRANGERS.contains(&to)))
}

/// Top-level module that a library file belongs to; `None` for `lib.rs`, the map.
fn module_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    let module = inside.split('/').next()?.trim_end_matches(".rs");
    (module != "lib").then_some(module)
}

/// Modules that exist and have no place in the table.
pub(crate) fn unlisted<'a>(files: impl Iterator<Item = &'a File>) -> Vec<&'a str> {
    let mut unknown: Vec<&str> =
        files.filter_map(|file| module_of(&file.path)).filter(|module| place(module).is_none()).collect();
    unknown.dedup();
    unknown
}

/// Complaints about one library file.
pub(crate) fn check(file: &File) -> Vec<String> {
    let Some(from) = module_of(&file.path) else { return Vec::new() };
    let code = code_only(&file.text);
    let mut complaints = Vec::new();
    for (at, to) in crate_paths(&code) {
        if !allowed(from, &to) {
            let (low, high) = (describe(from), describe(&to));
            complaints.push(format!("{}:{}: {low} uses {high}", file.path, line_of(&code, at)));
        }
    }
    for at in hidden_paths(&code, &file.path) {
        let line = line_of(&code, at);
        complaints.push(format!(
            "{}:{line}: write `crate::` here, so that the layer test sees the path",
            file.path
        ));
    }
    complaints
}

fn describe(module: &str) -> String {
    match place(module) {
        Some((layer, _)) => format!("{module} ({layer})"),
        None => format!("{module} (not in the layer table)"),
    }
}

/// Where `crate::` stands and the module each path behind it names.
fn crate_paths(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, matched) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let tail = &code[at + matched.len()..];
        for module in first_segments(tail) {
            found.push((at, module));
        }
    }
    found
}

/// `a` of `a::b`, or `a` and `c` of `{a::b, c::{d, e}}`.
fn first_segments(tail: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = tail.strip_prefix('{') else { return vec![word(tail)] };
    let mut segments = vec![word(group)];
    let mut depth = 1;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => segments.push(word(&group[at + 1..])),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    segments.retain(|segment| !segment.is_empty());
    segments
}

/// Chains of `super::` that climb to the crate's top without saying so.
fn hidden_paths(code: &str, path: &str) -> Vec<usize> {
    let inside = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    let file_depth = inside.split('/').count();
    let mut found = Vec::new();
    let mut rest = 0;
    while let Some(at) = code[rest..].find("super::").map(|at| rest + at) {
        let mut end = at;
        while code[end..].starts_with("super::") {
            end += "super::".len();
        }
        let climbs = (end - at) / "super::".len();
        if climbs >= file_depth + inline_modules_around(code, at) {
            found.push(at);
        }
        rest = end;
    }
    found
}

/// Number of `mod name { }` blocks that are open at `at`.
fn inline_modules_around(code: &str, at: usize) -> usize {
    let mut open = Vec::new();
    for (brace, c) in code[..at].char_indices() {
        match c {
            '{' => {
                let mut words = code[..brace].split_whitespace().rev();
                open.push(words.nth(1) == Some("mod"));
            }
            '}' => drop(open.pop()),
            _ => {}
        }
    }
    open.into_iter().filter(|is_module| *is_module).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, text: &str) -> Vec<String> {
        check(&File::sample(path, text))
    }

    #[test]
    fn an_upward_use_is_named_with_both_layers() {
        let found =
            complaints("src/raft/log.rs", "//! Log.\nuse crate::types::Height;\nuse crate::node::Node;\n");
        assert_eq!(found, ["src/raft/log.rs:3: raft (4) uses node (6)"]);
    }

    #[test]
    fn an_upward_path_inside_a_group_or_an_expression_is_found() {
        let grouped = complaints("src/pool/mod.rs", "use crate::{types::{Tick, Status}, queue::TxQueue};");
        assert_eq!(grouped, ["src/pool/mod.rs:1: pool (1) uses queue (1)"]);
        let inline = complaints("src/codec/reader.rs", "fn f() {\n    crate::ffi::call()\n}");
        assert_eq!(inline, ["src/codec/reader.rs:2: codec (0) uses ffi (7)"]);
        let visible = complaints("src/codec/reader.rs", "pub(in crate::codec) fn f() {}");
        assert!(visible.is_empty(), "{visible:?}");
    }

    #[test]
    fn a_downward_use_and_a_mention_in_prose_pass() {
        let text = "//! See `crate::ffi`.\nuse crate::pool::Lease; // not crate::node\npub(crate) fn f() {}";
        assert!(complaints("src/queue/mod.rs", text).is_empty());
        assert!(complaints("src/lib.rs", "pub use crate::ffi::x;").is_empty());
    }

    #[test]
    fn protocols_of_one_layer_stay_strangers() {
        let found = complaints("src/bft/elector.rs", "use crate::validator::Stake;");
        assert_eq!(found, ["src/bft/elector.rs:1: bft (4) uses validator (4)"]);
    }

    #[test]
    fn a_name_outside_the_table_is_refused() {
        let found = complaints("src/node/mod.rs", "use crate::utils::f;");
        assert_eq!(found, ["src/node/mod.rs:1: node (6) uses utils (not in the layer table)"]);
        assert_eq!(unlisted([File::sample("src/helpers/mod.rs", "")].iter()), ["helpers"]);
    }

    #[test]
    fn a_detour_by_super_is_refused() {
        assert_eq!(complaints("src/pool/slab.rs", "use super::super::node::Node;").len(), 1);
        assert_eq!(complaints("src/pool/mod.rs", "use super::node::Node;").len(), 1);
        assert!(complaints("src/pool/mod.rs", "mod tests {\n    use super::*;\n}").is_empty());
        assert_eq!(
            complaints("src/pool/slab.rs", "mod tests {\n    use super::super::super::node::Node;\n}").len(),
            1
        );
        assert!(complaints("src/pool/slab.rs", "use super::Lease;").is_empty());
        assert!(complaints("src/pool/slab.rs", "mod tests {\n    use super::super::Lease;\n}").is_empty());
    }
}
