//! `duo_config`: keys and values for a node.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(non_camel_case_types, reason = "named as C sees them")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, out};
use super::boundary::{destroy, library, on};
use super::failure::Failure;
use super::handle::{self, Kind, Object};
use super::record::{self, Record};
use super::status::duo_status;
use crate::node::{Config, ConfigError, KEYS, Key, Settings, read_text};
use crate::types::Status;
use parking_lot::RwLock;
use std::ffi::{CString, c_char};
use std::path::Path;
use std::sync::LazyLock;

/// A configuration.
pub struct duo_config {
    _private: [u8; 0],
}

pub(super) struct ConfigObject(RwLock<Config>);

impl Object for ConfigObject {
    const KIND: Kind = Kind::Config;
    type Opaque = duo_config;
}

impl ConfigObject {
    /// A copy as it is now.
    pub(super) fn current(&self) -> Config {
        self.0.read().clone()
    }

    pub(super) fn build(&self) -> Result<Settings, Failure> {
        Ok(self.0.read().build()?)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::of(error.status(), &error)
    }
}

/// One key of the configuration table. All texts are static and never freed.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_config_key {
    /// `sizeof(duo_config_key)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// Dotted name.
    pub name: *const c_char,
    /// What a value is: "path", "word", "integer", "power of two" or "cores".
    pub kind: *const c_char,
    /// Unit of a number; empty when there is none.
    pub unit: *const c_char,
    /// Value when not set.
    pub default_value: *const c_char,
    /// Allowed values in words.
    pub range: *const c_char,
    /// What it does.
    pub meaning: *const c_char,
    /// What breaks when it is set badly.
    pub consequence: *const c_char,
}

// SAFETY: integers and raw pointers, struct_size and flags first.
unsafe impl Record for duo_config_key {
    const NAME: &'static str = "duo_config_key";
}

/// The table's texts as C strings, in its order.
static KEY_TEXTS: LazyLock<Vec<[CString; 7]>> = LazyLock::new(|| {
    let texts = |key: &Key| {
        [key.name, key.kind.name(), key.unit, key.default, key.range, key.meaning, key.consequence]
            .map(|text| CString::new(text).unwrap_or_default())
    };
    KEYS.iter().map(texts).collect()
});

/// Makes a configuration with all defaults.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_config_create(config: *mut *mut duo_config) -> duo_status {
    library(Some(Kind::Config), || {
        let config = out(config, "config")?;
        config.put(handle::insert(ConfigObject(RwLock::new(Config::new())))?);
        Ok(Status::Ok)
    })
}

/// Frees a configuration. Nodes that were opened with it are not affected. NULL is accepted.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_config_destroy(config: *mut duo_config) -> duo_status {
    destroy::<ConfigObject>(config)
}

/// Sets one key from a text of `len` bytes. `DUO_ERR_CONFIG` names the key and what would be right;
/// nothing is changed then.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_config_set(
    config: *mut duo_config,
    key: *const c_char,
    value: *const c_char,
    len: usize,
) -> duo_status {
    on(config, |config: &ConfigObject| {
        // SAFETY: the header's contract.
        let (key, value) =
            unsafe { (argument::text(key, "key")?, argument::sized_text(value, len, "value")?) };
        config.0.write().set(key, value)?;
        Ok(Status::Ok)
    })
}

/// The value of one key, as set or its default: a text with a NUL that `len` does not count.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_config_get(
    config: *const duo_config,
    key: *const c_char,
    buf: *mut c_char,
    cap: usize,
    len: *mut usize,
) -> duo_status {
    on(config, |config: &ConfigObject| {
        // SAFETY: the header's contract.
        let key = unsafe { argument::text(key, "key") }?;
        let value = config.0.read().get(key)?;
        argument::put_text(&value, buf, cap, len)
    })
}

/// Sets every key that a TOML file names. Nothing is changed when anything in it is wrong.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_config_load_file(config: *mut duo_config, path: *const c_char) -> duo_status {
    on(config, |config: &ConfigObject| {
        // SAFETY: the header's contract.
        let path = unsafe { argument::text(path, "path") }?;
        // Read first: a slow disk keeps nobody from the configuration.
        let text = read_text(Path::new(path))?;
        config.0.write().load_toml(&text)?;
        Ok(Status::Ok)
    })
}

/// As `duo_config_load_file`, from a text of `len` bytes.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_config_load_toml(
    config: *mut duo_config,
    text: *const c_char,
    len: usize,
) -> duo_status {
    on(config, |config: &ConfigObject| {
        // SAFETY: the header's contract.
        let text = unsafe { argument::sized_text(text, len, "text") }?;
        config.0.write().load_toml(text)?;
        Ok(Status::Ok)
    })
}

/// Checks the relations between keys, as opening a node does. `DUO_ERR_CONFIG` names both keys.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_config_validate(config: *const duo_config) -> duo_status {
    on(config, |config: &ConfigObject| {
        config.0.read().validate()?;
        Ok(Status::Ok)
    })
}

/// Number of keys in the table.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub extern "C" fn duo_config_key_count() -> usize {
    KEYS.len()
}

/// Row `index` of the table of keys. `DUO_NOT_FOUND` beyond the last.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_config_key_info(index: usize, key: *mut duo_config_key) -> duo_status {
    library(None, || {
        // SAFETY: the header's contract.
        let target = unsafe { record::out(key) }?;
        let Some(texts) = KEY_TEXTS.get(index) else {
            return Ok(Status::NotFound);
        };
        let [name, kind, unit, default_value, range, meaning, consequence] =
            texts.each_ref().map(|text| text.as_ptr());
        target.put(duo_config_key {
            struct_size: 0,
            flags: 0,
            name,
            kind,
            unit,
            default_value,
            range,
            meaning,
            consequence,
        });
        Ok(Status::Ok)
    })
}
