//! Command line.

use crate::suites::{self, Plan, Suite};

const USAGE: &str = "usage: duobench [SUITE]... [--quick] | --list | --docs";

/// What the user typed.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    names: Vec<&'static Suite>,
    quick: bool,
    list: bool,
    docs: bool,
}

/// What is to be done.
pub(crate) enum Order {
    /// Name the suites.
    List,
    /// Write the outcomes that are there into the documentation.
    Docs,
    /// Measure.
    Run {
        /// In this order.
        suites: Vec<&'static Suite>,
        /// How thoroughly.
        plan: Plan,
    },
}

impl Arguments {
    /// Reads the arguments after the program's name.
    pub(crate) fn parse(given: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self::default();
        for word in given {
            match word.as_str() {
                "--quick" => arguments.quick = true,
                "--list" => arguments.list = true,
                "--docs" => arguments.docs = true,
                flag if flag.starts_with('-') => return Err(format!("no option '{flag}'\n{USAGE}")),
                name => arguments.names.push(suites::find(name)?),
            }
        }
        Ok(arguments)
    }

    /// All suites when none is named.
    pub(crate) fn order(self) -> Order {
        if self.list {
            return Order::List;
        }
        if self.docs {
            return Order::Docs;
        }
        let suites = if self.names.is_empty() { suites::ALL.iter().collect() } else { self.names };
        Order::Run { suites, plan: Plan { quick: self.quick } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, String> {
        Arguments::parse(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn an_unknown_suite_is_answered_with_the_known_ones() {
        let text = parse(&["nosuch"]).expect_err("there is none");
        assert!(text.contains("'nosuch'"), "{text}");
        for suite in suites::ALL {
            assert!(text.contains(suite.name), "{text}");
        }
    }

    #[test]
    fn no_name_means_all_of_them() {
        let Order::Run { suites, plan } = parse(&["--quick"]).expect("fine").order() else { panic!("a run") };
        assert_eq!(suites.len(), suites::ALL.len());
        assert!(plan.quick);
    }

    #[test]
    fn an_unknown_option_is_refused() {
        assert!(parse(&["--fast"]).expect_err("there is none").contains("--quick"));
    }
}
