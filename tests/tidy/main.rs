//! House rules as a test: what a reviewer would otherwise have to look for in every change.
//!
//! # Model
//! [`tree`] lists the project's own files. Each rule is a pure function from a file's name and text to
//! complaints, so that each has a test of its own with a bad sample; the tests here apply the rules to
//! the real tree and print every complaint as `path:line: what is wrong`.
//!
//! | rule | where |
//! |---|---|
//! | layers: `crate::` points downward | [`layers`] |
//! | head docs, length of files, the top-level list | [`shape`] |
//! | promises name tests that exist | [`proofs`] |
//! | every behaviour of the replicated log has a test in each language | [`behaviours`] |
//! | tabs, trailing blanks, unfinished work, words that do not belong here | [`text`] |
//! | tests of the Raft paper: which sentence each proves, and that none is missing | [`papers`] |

mod behaviours;
mod layers;
mod papers;
mod proofs;
mod shape;
mod source;
mod text;
mod tree;

use tree::File;

/// Applies `rule` to every file that `wanted` picks and fails with all complaints at once.
fn hold(wanted: impl Fn(&File) -> bool, rule: impl Fn(&File) -> Vec<String>) {
    let files: Vec<File> = tree::files().into_iter().filter(|file| wanted(file)).collect();
    assert!(!files.is_empty(), "the rule looked at no file, so it proves nothing");
    let complaints: Vec<String> = files.iter().flat_map(rule).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn modules_use_only_the_layers_below() {
    hold(|file| file.is_library(), layers::check);
}

#[test]
fn every_module_directory_is_in_the_layer_table() {
    let files = tree::files();
    let unknown = layers::unlisted(files.iter().filter(|file| file.is_library()));
    assert!(unknown.is_empty(), "add to the layer table: {unknown:?}");
}

#[test]
fn every_library_file_says_what_it_is() {
    hold(|file| file.is_library() || file.is_binding(), shape::check_head);
}

#[test]
fn files_fit_a_readers_head() {
    hold(File::is_code, shape::check_length);
}

#[test]
fn the_list_of_long_files_is_current() {
    let stale = shape::stale_exceptions(&tree::files());
    assert!(stale.is_empty(), "no longer long, or gone; remove from the list: {stale:?}");
}

#[test]
fn the_top_level_holds_the_agreed_entries_only() {
    let files = tree::files();
    let extra = shape::top_level_strangers(&files);
    assert!(extra.is_empty(), "not in the agreed top-level list: {extra:?}");
}

#[test]
fn pages_name_tests_that_exist() {
    let files = tree::files();
    let pages: Vec<&File> = files.iter().filter(|file| proofs::PAGES.contains(&file.path.as_str())).collect();
    assert_eq!(pages.len(), proofs::PAGES.len(), "a page is gone");
    let complaints: Vec<String> = pages.into_iter().flat_map(|page| proofs::check(page, &files)).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn text_is_clean() {
    hold(File::is_text, text::check_blanks);
}

#[test]
fn nothing_is_left_unfinished() {
    hold(File::is_text, text::check_unfinished);
}

#[test]
fn the_project_speaks_of_itself_alone() {
    hold(File::is_text, text::check_words);
}

#[test]
fn every_behaviour_has_a_test_in_each_language() {
    let files = tree::files();
    let list = files.iter().find(|file| file.path == behaviours::LIST).expect("the list is there");
    assert!(list.text.lines().filter(|line| line.starts_with("    ")).count() > 60, "it is not empty");
    let complaints = behaviours::check(&list.text, &files);
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_test_of_the_raft_paper_says_which_sentence_it_proves() {
    hold(papers::is_paper_test, papers::check_sources);
}

#[test]
fn every_rule_of_the_raft_paper_names_tests_that_are_there() {
    let missing = papers::check_sentences(&tree::files());
    assert!(missing.is_empty(), "\n{}\n", missing.join("\n"));
}
