//! Natives of `ResilienceRegistry`.

use crate::env::SMALL_BYTES_MAX;
use crate::guard::{Stop, handle, native, outcome, success, whole, word};
use duochain::ffi::registry::{
    duo_registry, duo_registry_add, duo_registry_create, duo_registry_destroy, duo_registry_json,
    duo_registry_prometheus, duo_registry_remove, duo_registry_restore, duo_registry_save,
};
use duochain::ffi::stack::{duo_stack, duo_stack_create, duo_stack_destroy};
use duochain::ffi::status::duo_status;
use jni_sys::{jboolean, jbyteArray, jint, jlong, jobject};
use std::ffi::CString;
use std::ptr;

fn terminated(name: Vec<u8>) -> Result<CString, Stop> {
    CString::new(name).map_err(|_| Stop::Refused("the name holds a zero byte".to_owned()))
}

native! {
    /// `long registryCreate()`
    fn Java_io_duochain_Natives_registryCreate(_env) -> jlong, 0; {
        let mut registry = ptr::null_mut();
        // SAFETY: the place is writable.
        success(unsafe { duo_registry_create(&mut registry) })?;
        Ok(word(registry))
    }

    /// `void registryDestroy(long registry)`
    fn Java_io_duochain_Natives_registryDestroy(_env, registry: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_registry_destroy(handle(registry)) })
    }

    /// `void registryAdd(Object owner, long registry, byte[] name, long breaker, long limiter, long bulkhead,
    /// long retry)`: 0 for a part that is not there
    fn Java_io_duochain_Natives_registryAdd(
        env, _owner: jobject, registry: jlong, name: jbyteArray, breaker: jlong, limiter: jlong,
        bulkhead: jlong, retry: jlong
    ) -> (), (); {
        let name = terminated(env.bytes(name, SMALL_BYTES_MAX)?)?;
        let mut stack: *mut duo_stack = ptr::null_mut();
        // SAFETY: any numbers are accepted, the name ends with a NUL.
        unsafe {
            let (breaker, limiter) = (handle(breaker), handle(limiter));
            success(duo_stack_create(breaker, limiter, handle(bulkhead), handle(retry), &mut stack))?;
            let added = success(duo_registry_add(handle(registry), name.as_ptr(), stack));
            success(duo_stack_destroy(stack))?;
            added
        }
    }

    /// `boolean registryRemove(Object owner, long registry, byte[] name)`
    fn Java_io_duochain_Natives_registryRemove(
        env, _owner: jobject, registry: jlong, name: jbyteArray
    ) -> jboolean, false; {
        let name = terminated(env.bytes(name, SMALL_BYTES_MAX)?)?;
        // SAFETY: any number is accepted, the name ends with a NUL.
        Ok(outcome(unsafe { duo_registry_remove(handle(registry), name.as_ptr()) })? == duo_status::DUO_OK)
    }

    /// `byte[] registryJson(Object owner, long registry)`
    fn Java_io_duochain_Natives_registryJson(
        env, _owner: jobject, registry: jlong
    ) -> jbyteArray, ptr::null_mut(); {
        let registry: *mut duo_registry = handle(registry);
        // SAFETY: any number is accepted; there is as much room as is said.
        let text = whole(|to, room, len| unsafe { duo_registry_json(registry, to.cast(), room, len) })?;
        Ok(env.byte_array(&text)?)
    }

    /// `byte[] registryPrometheus(Object owner, long registry)`
    fn Java_io_duochain_Natives_registryPrometheus(
        env, _owner: jobject, registry: jlong
    ) -> jbyteArray, ptr::null_mut(); {
        let registry: *mut duo_registry = handle(registry);
        // SAFETY: any number is accepted; there is as much room as is said.
        let text = whole(|to, room, len| unsafe { duo_registry_prometheus(registry, to.cast(), room, len) })?;
        Ok(env.byte_array(&text)?)
    }

    /// `byte[] registrySave(Object owner, long registry, long unixNanos)`
    fn Java_io_duochain_Natives_registrySave(
        env, _owner: jobject, registry: jlong, unix: jlong
    ) -> jbyteArray, ptr::null_mut(); {
        let (registry, unix): (*mut duo_registry, _) = (handle(registry), unix.cast_unsigned());
        // SAFETY: any number is accepted; there is as much room as is said.
        let saved = whole(|to, room, len| unsafe { duo_registry_save(registry, unix, to.cast(), room, len) })?;
        Ok(env.byte_array(&saved)?)
    }

    /// `int registryRestore(Object owner, long registry, long unixNanos, byte[] saved)`
    fn Java_io_duochain_Natives_registryRestore(
        env, _owner: jobject, registry: jlong, unix: jlong, saved: jbyteArray
    ) -> jint, 0; {
        let (bytes, mut restored) = (env.bytes(saved, 1 << 20)?, 0);
        // SAFETY: any number is accepted; the bytes are readable.
        success(unsafe {
            let first = bytes.as_ptr().cast();
            duo_registry_restore(handle(registry), unix.cast_unsigned(), first, bytes.len(), &mut restored)
        })?;
        Ok(jint::try_from(restored).unwrap_or(jint::MAX))
    }
}
