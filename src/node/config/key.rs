//! What a row of the table of keys is, and how it reads a value.

use super::ConfigError;
use super::keys::KEYS;
use crate::storage::Backend;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A path; empty means "not given".
    Path,
    /// One of a list of words.
    Word(&'static [&'static str]),
    /// An integer from `min` to `max`.
    Integer {
        /// Smallest value.
        min: u64,
        /// Largest value.
        max: u64,
    },
    /// An integer that is a power of two.
    PowerOfTwo {
        /// Smallest value.
        min: u64,
        /// Largest value.
        max: u64,
    },
    /// A list of processor cores such as `0,2-3`; empty means "any".
    Cores,
}

impl Kind {
    /// Name of the kind for references and generated code.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Word(_) => "word",
            Self::Integer { .. } => "integer",
            Self::PowerOfTwo { .. } => "power of two",
            Self::Cores => "cores",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Dotted name.
    pub name: &'static str,
    /// What a value is.
    pub kind: Kind,
    /// Unit of a number; empty when there is none.
    pub unit: &'static str,
    /// Value when not set.
    pub default: &'static str,
    /// Allowed values in words.
    pub range: &'static str,
    /// What it does.
    pub meaning: &'static str,
    /// What breaks when it is set badly.
    pub consequence: &'static str,
}

const VALUE_SHOWN_MAX: usize = 64;
const CORE_MAX: usize = 1023;

impl Key {
    /// The row of a name.
    pub(super) fn find(name: &str) -> Result<&'static Self, ConfigError> {
        KEYS.iter().find(|key| key.name == name).ok_or_else(|| {
            // A long stranger is shortened first: the edit distance is quadratic.
            let key: String = name.chars().take(VALUE_SHOWN_MAX).collect();
            let nearest = KEYS.iter().min_by_key(|known| strsim::damerau_levenshtein(&key, known.name));
            let nearest = nearest.expect("the table is not empty").name;
            ConfigError::UnknownKey { key, nearest }
        })
    }

    /// Whether `value` is acceptable.
    pub(super) fn check(&self, value: &str) -> Result<(), ConfigError> {
        match self.kind {
            Kind::Path if value.contains('\0') => Err(self.bad(value, "contains a NUL byte".into())),
            Kind::Path => Ok(()),
            Kind::Word(words) if words.contains(&value) => Ok(()),
            Kind::Word(_) => Err(self.bad(value, "is not one of the words".into())),
            Kind::Integer { .. } | Kind::PowerOfTwo { .. } => self.parse_integer(value).map(drop),
            Kind::Cores => self.parse_cores(value).map(drop),
        }
    }

    pub(super) fn parse_integer(&self, value: &str) -> Result<u64, ConfigError> {
        let number: u64 =
            value.parse().map_err(|_| self.bad(value, "is not a whole number of 64 bits".into()))?;
        let (Kind::Integer { min, max } | Kind::PowerOfTwo { min, max }) = self.kind else {
            unreachable!("{} is not a number", self.name)
        };
        if !(min..=max).contains(&number) {
            return Err(self.bad(value, "is out of range".into()));
        }
        if matches!(self.kind, Kind::PowerOfTwo { .. }) && !number.is_power_of_two() {
            return Err(self.bad(value, "is not a power of two".into()));
        }
        Ok(number)
    }

    pub(super) fn parse_cores(&self, value: &str) -> Result<Vec<usize>, ConfigError> {
        let core = |text: &str| match text.trim().parse::<usize>() {
            Ok(core) if core <= CORE_MAX => Ok(core),
            _ => Err(self.bad(value, format!("`{text}` is not a core number"))),
        };
        let mut cores = Vec::new();
        for part in value.split(',').filter(|_| !value.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            cores.extend(core(first)?..=core(last)?);
        }
        cores.sort_unstable();
        cores.dedup();
        Ok(cores)
    }

    pub(super) fn parse_backend(value: &str) -> Backend {
        match value {
            "memory" => Backend::Memory,
            "rocksdb" => Backend::RocksDb,
            _ => Backend::Fjall,
        }
    }

    /// The error for a value that does not fit.
    pub(super) fn bad(&self, value: &str, fault: String) -> ConfigError {
        let value = value.chars().take(VALUE_SHOWN_MAX).collect();
        ConfigError::BadValue { key: self.name, value, fault, range: self.range }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_lists_are_read_as_people_write_them() {
        let key = Key::find("alpha.cores").expect("known");
        assert_eq!(key.parse_cores(""), Ok(vec![]));
        assert_eq!(key.parse_cores("3,0-1"), Ok(vec![0, 1, 3]));
        for bad in [",", "a", "1-", "4096", "-1", "1,,2"] {
            assert!(key.parse_cores(bad).is_err(), "accepted {bad:?}");
        }
    }
}
