//! Reads declarations back out of the header.

use std::fs;
use std::path::Path;

/// A header's text.
pub(crate) struct Header(String);

/// One declaration.
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) doc: String,
    pub(crate) parameters: String,
}

impl Header {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// Every function with the comment before it.
    pub(crate) fn functions(&self) -> impl Iterator<Item = Function> {
        // Comments end with "*/"; a declaration follows and ends with ");".
        self.0.split("/**").skip(1).filter_map(|piece| {
            let (doc, rest) = piece.split_once("*/")?;
            let declaration = rest.split_once(");")?.0;
            let (before, parameters) = declaration.split_once('(')?;
            let name = before.split(|c: char| !c.is_alphanumeric() && c != '_').next_back()?;
            (name.starts_with("duo_") && !before.contains(['{', ';', '#']) && !before.contains("typedef"))
                .then(|| Function {
                    name: name.to_owned(),
                    doc: doc.to_owned(),
                    parameters: parameters.to_owned(),
                })
        })
    }
}

/// All C tests in one text.
pub(crate) fn c_tests(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("tests/cabi exists");
    let paths = entries.map(|entry| entry.expect("readable").path());
    let sources = paths.filter(|path| path.extension().is_some_and(|end| end == "c"));
    sources.map(|path| fs::read_to_string(path).expect("UTF-8")).collect()
}

#[test]
fn functions_are_found_and_other_declarations_are_not() {
    let text = "/** Opening ( ); */\n/** A type. */\ntypedef void (*duo_fn)(int a);\n\
                /** Says. [any-thread] Since: 0.1 */\nduo_status duo_a(const void *p,\n  size_t n);\n\
                #if defined(X)\n/** B */\nconst char *duo_b(void);\n#endif\n/** N */\n#define DUO_N (1)\n";
    let names: Vec<_> = Header::new(text.to_owned()).functions().map(|function| function.name).collect();
    assert_eq!(names, ["duo_a", "duo_b"]);
}
