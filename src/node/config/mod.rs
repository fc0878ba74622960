//! Configuration: what people write (`Config`), the table it is checked against (`KEYS`) and the form
//! that the node sees (`Settings`).
//!
//! # Model
//! ```text
//! TOML, setters in five languages -> Config (key = text) -> build() -> Settings (typed, related)
//!                                        ^ one table: keys.rs
//! ```
//! # Invariants
//! I1 a value that [`Config::set`] accepted parses, so [`Config::build`] fails only on relations between
//! keys and on a missing data directory.

mod key;
mod keys;
mod pools;
mod settings;

pub use key::{Key, Kind};
pub use keys::KEYS;
pub use settings::{Settings, StorageSettings};

use crate::pool::ManagedSettings;
use crate::types::Status;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Longest configuration text that is read, in bytes: far above any real file.
pub const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no such key.
    #[error("unknown key `{key}`; the nearest known key is `{nearest}`")]
    UnknownKey {
        /// The key as written.
        key: String,
        /// The known key with the smallest edit distance.
        nearest: &'static str,
    },
    /// The key exists, the value does not fit it.
    #[error("`{key}` = `{value}`: {fault}; allowed: {range}")]
    BadValue {
        /// The key.
        key: &'static str,
        /// The value as written, shortened.
        value: String,
        /// What is wrong with it.
        fault: String,
        /// What would be right.
        range: &'static str,
    },
    /// Two values do not fit each other.
    #[error("`{key}` and `{other}` do not fit: {rule}")]
    Relation {
        /// The key to change.
        key: &'static str,
        /// The key it conflicts with.
        other: &'static str,
        /// The rule that is broken, with the values.
        rule: String,
    },
    /// The text is not TOML, or holds a value of a kind that no key takes.
    #[error("not a valid configuration: {fault}")]
    Syntax {
        /// Where and what.
        fault: String,
    },
    /// The file could not be read.
    #[error("cannot read {path}: {fault}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: String,
    },
}

impl ConfigError {
    /// Always [`Status::Config`].
    pub const fn status(&self) -> Status {
        Status::Config
    }
}

/// Keys and the values given for them. Keys that are not set have their default.
///
/// ```
/// let mut config = duochain::node::Config::new();
/// config.set("storage.backend", "memory")?;
/// let error = config.set("queue.lane", "4").unwrap_err();
/// assert_eq!(error.to_string(), "unknown key `queue.lane`; the nearest known key is `queue.lanes`");
/// # Ok::<(), duochain::node::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Config {
    values: BTreeMap<&'static str, String>,
}

impl Config {
    /// All defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one key from text.
    ///
    /// # Errors
    /// [`ConfigError::UnknownKey`] and [`ConfigError::BadValue`]; nothing is changed then.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), ConfigError> {
        let key = Key::find(key)?;
        key.check(value)?;
        self.values.insert(key.name, value.to_owned());
        Ok(())
    }

    /// The value of one key: as set, or its default.
    ///
    /// # Errors
    /// [`ConfigError::UnknownKey`].
    pub fn get(&self, key: &str) -> Result<String, ConfigError> {
        let key = Key::find(key)?;
        Ok(self.value(key).to_owned())
    }

    /// Sets every key that a TOML text names. Tables and dotted keys mean the same.
    ///
    /// # Errors
    /// The first fault found; nothing is changed then.
    pub fn load_toml(&mut self, text: &str) -> Result<(), ConfigError> {
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| ConfigError::Syntax { fault: one_line(&error.to_string()) })?;
        let mut next = self.clone();
        next.load_table("", &table)?;
        *self = next;
        Ok(())
    }

    /// As [`Config::load_toml`], from a file of at most [`CONFIG_BYTES_MAX`] bytes.
    ///
    /// # Errors
    /// As [`read_text`] and `load_toml`.
    pub fn load_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        self.load_toml(&read_text(path)?)
    }

    /// Checks what [`Config::build`] would check.
    ///
    /// # Errors
    /// As `build`.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.build().map(drop)
    }

    /// The typed form, with all relations between keys proven.
    ///
    /// # Errors
    /// [`ConfigError::Relation`] naming both keys.
    pub fn build(&self) -> Result<Settings, ConfigError> {
        Settings::from_config(self)
    }

    /// The host's managed pools, for hosts that open no node.
    ///
    /// # Errors
    /// [`ConfigError::Relation`] among the keys of these pools.
    pub fn managed_pools(&self) -> Result<ManagedSettings, ConfigError> {
        pools::managed(&settings::Values(self))
    }

    fn value(&self, key: &'static Key) -> &str {
        self.values.get(key.name).map_or(key.default, String::as_str)
    }

    fn load_table(&mut self, prefix: &str, table: &toml::Table) -> Result<(), ConfigError> {
        for (name, value) in table {
            let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            match value {
                toml::Value::Table(inner) => self.load_table(&key, inner)?,
                toml::Value::String(text) => self.set(&key, text)?,
                toml::Value::Integer(number) => self.set(&key, &number.to_string())?,
                toml::Value::Boolean(flag) => self.set(&key, &flag.to_string())?,
                other => {
                    let known = Key::find(&key)?;
                    return Err(known.bad(other.type_str(), "is not text, a whole number or a flag".into()));
                }
            }
        }
        Ok(())
    }
}

/// The text of a configuration file, for [`Config::load_toml`].
///
/// # Errors
/// [`ConfigError::Unreadable`] when it is missing, longer than [`CONFIG_BYTES_MAX`], not UTF-8, or no
/// regular file: a pipe may never end, and a device need not.
pub fn read_text(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |fault: String| ConfigError::Unreadable { path: path.to_owned(), fault };
    let failed = |error: std::io::Error| unreadable(error.to_string());
    // Without O_NONBLOCK, opening a pipe waits for somebody to write.
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(unreadable("not a regular file".into()));
    }
    // The length that a file states is not believed: those under /proc say 0.
    let mut bytes = Vec::new();
    file.take(CONFIG_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > CONFIG_BYTES_MAX {
        return Err(unreadable(format!("longer than the {CONFIG_BYTES_MAX} bytes that are read")));
    }
    String::from_utf8(bytes)
        .map_err(|error| unreadable(format!("not UTF-8 at offset {}", error.utf8_error().valid_up_to())))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_key_names_the_nearest_known_one() {
        let error = Config::new().set("quue.cells", "8").unwrap_err();
        assert_eq!(error, ConfigError::UnknownKey { key: "quue.cells".into(), nearest: "queue.cells" });
    }

    #[test]
    fn a_wrong_value_names_itself_and_the_range_and_changes_nothing() {
        let mut config = Config::new();
        config.set("queue.lanes", "2").expect("in range");
        let error = config.set("queue.lanes", "17").unwrap_err();
        assert_eq!(error.to_string(), "`queue.lanes` = `17`: is out of range; allowed: 1 to 16");
        assert_eq!(config.get("queue.lanes").as_deref(), Ok("2"));
        for value in ["", "-1", "1.5", "many", "99999999999999999999"] {
            assert!(config.set("queue.lanes", value).is_err(), "accepted {value:?}");
        }
        assert!(config.set("queue.cells", "1000").unwrap_err().to_string().contains("power of two"));
    }

    #[test]
    fn toml_tables_and_dotted_keys_mean_the_same() {
        let mut tables = Config::new();
        tables.load_toml("data_dir = \"/d\"\n[queue]\nlanes = 3\n").expect("valid");
        let mut dotted = Config::new();
        dotted.load_toml("data_dir = '/d'\nqueue.lanes = 3\n").expect("valid");
        assert_eq!(tables.values, dotted.values);
    }

    #[test]
    fn a_fault_in_a_text_leaves_the_configuration_as_it_was() {
        let mut config = Config::new();
        for text in
            ["queue.lanes = 3\nqueue.nope = 1", "queue.lanes = [1]", "queue.lanes = = 3", "queue.lanes = 1.5"]
        {
            assert!(config.load_toml(text).is_err(), "accepted {text:?}");
            assert!(config.values.is_empty());
        }
    }

    #[test]
    fn a_file_that_is_missing_or_not_utf8_is_named() {
        let dir = std::env::temp_dir().join(format!("duochain-config-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("temporary directory");
        let path = dir.join("bad.toml");
        std::fs::write(&path, b"data_dir = \"\xff\"").expect("write");
        let error = Config::new().load_file(&path).unwrap_err().to_string();
        assert!(error.contains("bad.toml") && error.contains("not UTF-8 at offset 12"), "{error}");
        let error = Config::new().load_file(&dir.join("none.toml")).unwrap_err().to_string();
        assert!(error.contains("none.toml"), "{error}");
        std::fs::remove_dir_all(&dir).expect("clean up");
    }

    #[test]
    fn what_has_no_end_is_refused_at_once() {
        let dir = std::env::temp_dir().join(format!("duochain-endless-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("temporary directory");
        let pipe = dir.join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
        assert!(made.success());
        for path in [Path::new("/dev/zero"), &pipe, &dir] {
            let error = Config::new().load_file(path).unwrap_err().to_string();
            assert!(error.contains("not a regular file"), "{error}");
        }
        let long = dir.join("long.toml");
        std::fs::write(&long, vec![b'#'; 1 + (1 << 20)]).expect("write");
        let error = Config::new().load_file(&long).unwrap_err().to_string();
        assert!(error.contains("longer than the 1048576 bytes"), "{error}");
        std::fs::remove_dir_all(&dir).expect("clean up");
        // States a length of 0 and has one.
        assert!(read_text(Path::new("/proc/self/status")).is_ok_and(|text| text.contains("Pid:")));
    }
}
