//! `duo_registry`: stacks by name, for reports and saved state.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(non_camel_case_types, reason = "named as C sees them")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, out};
use super::boundary::{destroy, library, on};
use super::breaker::clock;
use super::failure::Failure;
use super::handle::{self, Kind, Object};
use super::stack::{StackObject, duo_stack};
use super::status::duo_status;
use crate::env::{Clock, SystemClock};
use crate::resilience::{NAME_BYTES_MAX, Registry, SAVED_BYTES, STACKS_MAX};
use crate::types::{Status, UnixNanos};
use std::ffi::{c_char, c_void};

/// Stacks by name.
pub struct duo_registry {
    _private: [u8; 0],
}

pub(super) struct RegistryObject {
    registry: Registry,
    clock: SystemClock,
}

impl Object for RegistryObject {
    const KIND: Kind = Kind::Registry;
    type Opaque = duo_registry;
}

/// A version, a count, and for each stack two lengths, a name and a breaker; and one more.
const SAVED_BYTES_MAX: usize = 6 + STACKS_MAX * (8 + NAME_BYTES_MAX + SAVED_BYTES);

/// Makes an empty registry.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_registry_create(registry: *mut *mut duo_registry) -> duo_status {
    library(Some(Kind::Registry), || {
        let target = out(registry, "registry")?;
        target.put(handle::insert(RegistryObject { registry: Registry::new(), clock: clock() })?);
        Ok(Status::Ok)
    })
}

/// Registers a stack: up to 1,024, names of 1 to 64 bytes of `A-Z a-z 0-9 _ - . : /`. `DUO_ERR_CONFLICT`
/// when the name is taken.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_registry_add(
    registry: *const duo_registry,
    name: *const c_char,
    stack: *const duo_stack,
) -> duo_status {
    on(registry, |object: &RegistryObject| {
        // SAFETY: the header's contract.
        let name = unsafe { argument::text(name, "name") }?;
        let stack = handle::with(stack.addr() as u64, |object: &StackObject| object.stack.as_ref().clone())?;
        object.registry.register(name, stack)?;
        Ok(Status::Ok)
    })
}

/// Forgets a name. `DUO_NOT_FOUND` when it is not registered.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_registry_remove(
    registry: *const duo_registry,
    name: *const c_char,
) -> duo_status {
    on(registry, |object: &RegistryObject| {
        // SAFETY: the header's contract.
        let name = unsafe { argument::text(name, "name") }?;
        Ok(if object.registry.remove(name).is_some() { Status::Ok } else { Status::NotFound })
    })
}

/// The stack of that name as a handle of its own, to be destroyed as others are. Look it up once and keep it.
/// `DUO_NOT_FOUND` when it is not registered.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_registry_find(
    registry: *const duo_registry,
    name: *const c_char,
    stack: *mut *mut duo_stack,
) -> duo_status {
    on(registry, |object: &RegistryObject| {
        // SAFETY: the header's contract.
        let name = unsafe { argument::text(name, "name") }?;
        let target = out(stack, "stack")?;
        let Some(stack) = object.registry.get(name) else { return Ok(Status::NotFound) };
        target.put(handle::insert(StackObject::of(stack))?);
        Ok(Status::Ok)
    })
}

/// The figures of all stacks as a JSON object. `len` gets the length without the NUL; a `capacity` of 0 asks
/// for it only.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_registry_json(
    registry: *const duo_registry,
    buf: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> duo_status {
    on(registry, |object: &RegistryObject| {
        argument::put_text(&object.registry.json(object.clock.now()), buf, capacity, len)
    })
}

/// The figures of all stacks in Prometheus's text format. Otherwise as `duo_registry_json`.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_registry_prometheus(
    registry: *const duo_registry,
    buf: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> duo_status {
    on(registry, |object: &RegistryObject| {
        argument::put_text(&object.registry.prometheus(object.clock.now()), buf, capacity, len)
    })
}

/// The state of all breakers by name. Otherwise as `duo_breaker_save`.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_registry_save(
    registry: *const duo_registry,
    unix_ns: u64,
    buf: *mut c_void,
    capacity: usize,
    len: *mut usize,
) -> duo_status {
    on(registry, |object: &RegistryObject| {
        let bytes = object.registry.save(object.clock.now(), UnixNanos::new(unix_ns));
        argument::put_bytes(&bytes, buf, capacity, len)
    })
}

/// Restores what `duo_registry_save` wrote; `restored` gets the number of breakers that were found by name.
/// `DUO_ERR_CORRUPTION` for other bytes; nothing has changed then.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_registry_restore(
    registry: *const duo_registry,
    unix_ns: u64,
    bytes: *const c_void,
    len: usize,
    restored: *mut usize,
) -> duo_status {
    on(registry, |object: &RegistryObject| -> Result<Status, Failure> {
        let target = out(restored, "restored")?;
        // SAFETY: the header's contract.
        let bytes = unsafe { argument::bytes(bytes, len, SAVED_BYTES_MAX, "bytes") }?;
        let done = object.registry.restore(object.clock.now(), UnixNanos::new(unix_ns), bytes)?;
        target.put(done.restored);
        Ok(Status::Ok)
    })
}

/// Frees the registry; its stacks live on where they are used. NULL is accepted.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_registry_destroy(registry: *mut duo_registry) -> duo_status {
    destroy::<RegistryObject>(registry)
}
