//! Tabs, trailing blanks, unfinished work, and words that do not belong into the project.

use crate::tree::File;

/// Marks of unfinished work. An open end is an issue or an ADR, not a comment.
const UNFINISHED: &[&str] =
    &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK")];

/// Folders of one machine.
const MACHINE_PATHS: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/tm", "p/")];

/// Hosts of package registries and archives: the clients know where to ask.
const HOSTS: &[&str] = &[
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("repo.maven", ".apache.org"),
    concat!("repo1.maven", ".org"),
    concat!("registry.npmjs", ".org"),
    concat!("proxy.golang", ".org"),
    concat!("deb.debian", ".org"),
];

/// Talk about who or what writes the project.
const TALK: &[&str] =
    &[concat!("A", "I"), concat!("LL", "M"), concat!("this ses", "sion"), concat!("workp", "lace")];

/// Tabs (where they have no meaning) and blanks at the end of a line.
pub(crate) fn check_blanks(file: &File) -> Vec<String> {
    let tabs_matter = file.path.ends_with("Makefile");
    each_line(file, |line| {
        if line.ends_with([' ', '\t', '\r']) {
            Some("blanks at the end of the line".to_owned())
        } else if line.contains('\t') && !tabs_matter {
            Some("a tab; indent with spaces".to_owned())
        } else {
            None
        }
    })
}

/// Marks of unfinished work.
pub(crate) fn check_unfinished(file: &File) -> Vec<String> {
    each_line(file, |line| {
        let mark = UNFINISHED.iter().find(|mark| has_word(line, mark))?;
        Some(format!("`{mark}`: finish it, or file an issue"))
    })
}

/// Machine paths, registry hosts and talk.
pub(crate) fn check_words(file: &File) -> Vec<String> {
    each_line(file, |line| {
        if let Some(path) = MACHINE_PATHS.iter().find(|path| has_machine_path(line, path)) {
            return Some(format!("`{path}` is a folder of one machine"));
        }
        if let Some(host) = HOSTS.iter().find(|host| line.contains(*host)) {
            return Some(format!("`{host}`: the client knows where its registry is"));
        }
        let word = TALK.iter().find(|word| has_word(line, word))?;
        Some(format!("`{word}`: the project speaks of itself alone"))
    })
}

fn each_line(file: &File, rule: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let lines = file.text.split('\n').zip(1..);
    lines.filter_map(|(line, number)| Some(format!("{}:{number}: {}", file.path, rule(line)?))).collect()
}

/// True when `word` stands in `line` on its own.
fn has_word(line: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(part_of_word) && !line[at + word.len()..].starts_with(part_of_word)
    })
}

/// True for an absolute path: `folder` starts it and a name follows.
fn has_machine_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let starts = !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}".contains(c));
        starts && line[at + folder.len()..].starts_with(|c: char| c.is_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(text: &str) -> File {
        File::sample("docs/a.md", text)
    }

    #[test]
    fn tabs_and_trailing_blanks_are_named_by_line() {
        let found = check_blanks(&sample("fine\nbad \n\tbad\nbad\r\n"));
        assert_eq!(found.len(), 3);
        assert!(found[0].starts_with("docs/a.md:2: blanks"), "{found:?}");
        assert!(found[1].starts_with("docs/a.md:3: a tab"), "{found:?}");
        assert!(check_blanks(&File::sample("Makefile", "run:\n\tcargo run\n")).is_empty());
    }

    #[test]
    fn unfinished_work_is_named() {
        for mark in UNFINISHED {
            assert_eq!(check_unfinished(&sample(&format!("// {mark}: later"))).len(), 1, "{mark}");
        }
        assert!(check_unfinished(&sample("a shackle, XXXL")).is_empty());
    }

    #[test]
    fn words_of_one_machine_are_named() {
        for folder in MACHINE_PATHS {
            assert_eq!(check_words(&sample(&format!("cd {folder}data"))).len(), 1, "{folder}");
        }
        for host in HOSTS {
            assert_eq!(check_words(&sample(&format!("https://{host}/x"))).len(), 1, "{host}");
        }
        for word in TALK {
            assert_eq!(check_words(&sample(&format!("as {word} says"))).len(), 1, "{word}");
        }
    }

    #[test]
    fn a_relative_path_and_a_part_of_a_word_pass() {
        let relative = format!("see ..{}data and target{}x", MACHINE_PATHS[0], MACHINE_PATHS[3]);
        assert!(check_words(&sample(&relative)).is_empty());
        assert!(check_words(&sample("FAILED MAIN")).is_empty());
    }
}
