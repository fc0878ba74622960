//! The list of behaviours that each language shows by a test of its own.

use crate::tree::File;

/// The list.
pub(crate) const LIST: &str = "tests/behaviours.txt";
/// Where the tests of each language are.
const LANGUAGES: [(&str, &str); 3] =
    [("c", "tests/cabi"), ("java", "jvm/src/test/java/io/duochain"), ("python", "python/tests")];

/// Each behaviour of `list` has a test in every language, in their order, and that is there among `files`.
pub(crate) fn check(list: &str, files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    let lines = list.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.is_empty());
    // Those of the languages that the behaviour before lacks.
    let mut missing: Vec<&str> = Vec::new();
    let mut behaviour = "";
    let say_missing = |behaviour: &str, missing: &[&str], complaints: &mut Vec<String>| {
        let say = |language: &&str| format!("{LIST}: `{behaviour}` has no test in {language}");
        complaints.extend(missing.iter().map(say));
    };
    for (at, line) in lines {
        let Some(test) = line.strip_prefix("    ") else {
            say_missing(behaviour, &missing, &mut complaints);
            behaviour = line;
            missing = LANGUAGES.iter().map(|(language, _)| *language).collect();
            continue;
        };
        let words: Vec<&str> = test.split_whitespace().collect();
        let place = |language| LANGUAGES.iter().find(|(known, _)| *known == language);
        let found = match words[..] {
            [language, file, name] => {
                place(language).map(|(_, folder)| (language, format!("{folder}/{file}"), name))
            }
            _ => None,
        };
        let Some((language, path, name)) = found else {
            complaints.push(format!("{LIST}:{}: a language, a file and a test", at + 1));
            continue;
        };
        missing.retain(|known| *known != language);
        let is_there = |file: &&File| file.path == path && file.text.contains(&format!(" {name}("));
        if !files.iter().any(|file| is_there(&file)) {
            complaints.push(format!("{LIST}:{}: {path} has no test `{name}`", at + 1));
        }
    }
    say_missing(behaviour, &missing, &mut complaints);
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "# about\n\nit works\n    c       a.c         it_works\n    java    ATest.java  it_works\n    python  test_a.py   test_it_works\n";

    fn files() -> Vec<File> {
        let sample = |(_, folder): &(&str, &str), name: &str, text: &str| {
            File::sample(&format!("{folder}/{name}"), text)
        };
        vec![
            sample(&LANGUAGES[0], "a.c", "static void it_works(void) {}\n"),
            sample(&LANGUAGES[1], "ATest.java", "    void it_works() {}\n"),
            sample(&LANGUAGES[2], "test_a.py", "def test_it_works() -> None:\n"),
        ]
    }

    #[test]
    fn a_behaviour_with_a_test_in_each_language_is_fine() {
        assert_eq!(check(WHOLE, &files()), Vec::<String>::new());
    }

    #[test]
    fn a_language_without_a_test_and_a_test_that_is_gone_are_named() {
        let without: String = WHOLE
            .lines()
            .filter(|line| !line.contains("java"))
            .fold(String::new(), |all, line| all + line + "\n");
        assert!(check(&without, &files())[0].ends_with("`it works` has no test in java"));
        let gone = WHOLE.replace("test_it_works", "test_it_worked");
        assert!(check(&gone, &files())[0].contains("test_a.py has no test `test_it_worked`"));
        assert!(check("it works\n    c a.c\n", &files())[0].contains(":2: a language"));
    }
}
