//! Pages that name the test behind a promise name one that exists.

use crate::tree::File;

/// Pages whose tables end with the name of a test.
pub(crate) const PAGES: &[&str] = &["docs/durability.md"];

/// Names of tests that the tables of `page` end with, each with its line.
fn named(page: &File) -> impl Iterator<Item = (usize, &str)> {
    page.text.lines().enumerate().filter_map(|(n, line)| {
        let cell = line.strip_suffix(" |")?.rsplit("| ").next()?;
        let name = cell.strip_prefix('`')?.strip_suffix('`')?;
        let is_name = name.contains('_')
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        is_name.then_some((n + 1, name))
    })
}

/// Names that no test of `files` has, and pages that name none.
pub(crate) fn check(page: &File, files: &[File]) -> Vec<String> {
    let names: Vec<_> = named(page).collect();
    if names.is_empty() {
        return vec![format!("{}: names no test", page.path)];
    }
    let is_there = |name: &str| {
        let test = format!("#[test]\nfn {name}()");
        files.iter().any(|file| file.path.ends_with(".rs") && file.text.contains(&test))
    };
    let unknown = names.into_iter().filter(|(_, name)| !is_there(name));
    unknown.map(|(line, name)| format!("{}:{line}: there is no test `{name}`", page.path)).collect()
}

#[test]
fn a_test_that_is_gone_is_missed() {
    let page = |text| File::sample("docs/page.md", text);
    let tests = [File::sample("tests/a.rs", "#[test]\nfn a_log_is_kept() {}\n\nfn no_test() {}\n")];
    let row = "| what breaks | is there | `a_log_is_kept` |\n| more | is there | `no_test` |\n";
    assert_eq!(check(&page(row), &tests), ["docs/page.md:2: there is no test `no_test`"]);
    assert_eq!(check(&page("| `AnswerOk` | x |\n"), &tests), ["docs/page.md: names no test"]);
}
