//! Natives of `Config`, and the configuration that a node is opened with.

use crate::guard::{Stop, native, success};
use crate::wire::{Steps, Wire};
use duochain::ffi::config::{
    duo_config, duo_config_create, duo_config_destroy, duo_config_get, duo_config_key, duo_config_key_count,
    duo_config_key_info, duo_config_load_file, duo_config_load_toml, duo_config_set, duo_config_validate,
};
use duochain::ffi::status::duo_status;
use jni_sys::{jboolean, jbyteArray};
use std::ffi::{CString, c_char};
use std::ptr;

/// Longest value that is read into the first buffer.
const VALUE_BYTES: usize = 256;

/// Bound on all that a configuration was told: a host may load several texts.
pub(crate) const STEPS_BYTES_MAX: usize = 16 << 20;

/// A configuration of the C layer for the length of one call.
pub(crate) struct Config(*mut duo_config);

impl Config {
    /// Applies the steps that `Config.java` encodes: kind (0 key, 1 TOML, 2 file), key, value.
    pub(crate) fn from_steps(steps: &[u8]) -> Result<Self, Stop> {
        let mut raw = ptr::null_mut();
        // SAFETY: `raw` is writable.
        success(unsafe { duo_config_create(&mut raw) })?;
        let config = Self(raw);
        let mut steps = Steps(steps);
        while let Some(kind) = steps.u8() {
            let (Some(key), Some(value)) = (steps.blob(), steps.blob()) else {
                return Err(Stop::Refused("the configuration's steps end early".to_owned()));
            };
            config.apply(kind, key, value)?;
        }
        Ok(config)
    }

    pub(crate) const fn raw(&self) -> *mut duo_config {
        self.0
    }

    fn apply(&self, kind: u8, key: &[u8], value: &[u8]) -> Result<(), Stop> {
        let text = value.as_ptr().cast::<c_char>();
        success(match kind {
            0 => {
                let key = terminated(key)?;
                // SAFETY: a live handle, a terminated key and a readable value.
                unsafe { duo_config_set(self.0, key.as_ptr(), text, value.len()) }
            }
            // SAFETY: a live handle and a readable text.
            1 => unsafe { duo_config_load_toml(self.0, text, value.len()) },
            _ => {
                let path = terminated(value)?;
                // SAFETY: a live handle and a terminated path.
                unsafe { duo_config_load_file(self.0, path.as_ptr()) }
            }
        })
    }

    /// Every value, in the order of the table.
    fn values(&self) -> Result<Wire, Stop> {
        let mut wire = Wire::default();
        for index in 0..duo_config_key_count() {
            // SAFETY: integers and raw pointers.
            let mut key: duo_config_key = unsafe { std::mem::zeroed() };
            key.struct_size = size_of::<duo_config_key>() as u32;
            // SAFETY: `key` states its size.
            success(unsafe { duo_config_key_info(index, &mut key) })?;
            wire.blob(&self.value(key.name)?);
        }
        Ok(wire)
    }

    fn value(&self, key: *const c_char) -> Result<Vec<u8>, Stop> {
        let mut buffer = vec![0_u8; VALUE_BYTES];
        loop {
            let mut length = 0;
            let (first, room) = (buffer.as_mut_ptr().cast::<c_char>(), buffer.len());
            // SAFETY: a live handle, a static key, and as much room as stated.
            let status = unsafe { duo_config_get(self.0, key, first, room, &mut length) };
            if status == duo_status::DUO_ERR_TOO_LARGE {
                buffer.resize(length + 1, 0);
                continue;
            }
            success(status)?;
            buffer.truncate(length);
            return Ok(buffer);
        }
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        // SAFETY: created by us; poisoned or not, it is freed here.
        let _ = unsafe { duo_config_destroy(self.0) };
    }
}

pub(crate) fn terminated(text: &[u8]) -> Result<CString, Stop> {
    CString::new(text).map_err(|_| Stop::Refused("a text contains a NUL character".to_owned()))
}

native! {
    /// `byte[] configResolve(byte[] steps, boolean validate)`
    fn Java_io_duochain_Natives_configResolve(env, steps: jbyteArray, validate: jboolean) -> jbyteArray, ptr::null_mut(); {
        let config = Config::from_steps(&env.bytes(steps, STEPS_BYTES_MAX)?)?;
        if validate {
            // SAFETY: a live handle.
            success(unsafe { duo_config_validate(config.raw()) })?;
        }
        Ok(env.byte_array(config.values()?.as_bytes())?)
    }
}
