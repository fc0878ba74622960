//! Natives about the library itself, and those that need no object.

use crate::env::SMALL_BYTES_MAX;
use crate::guard::{Stop, native, outcome, success, unsigned};
use duochain::ffi::block::{duo_block_header, duo_block_header_t, duo_proof_verify};
use duochain::ffi::library::{duo_abi_version, duo_build_info, duo_features, duo_tx_id};
use duochain::ffi::status::duo_status;
use duochain::types::{Header, TRANSACTION_BYTES_CEILING};
use jni_sys::{jboolean, jbyteArray, jint, jlong, jobject};
use std::ffi::CStr;
use std::ptr;

/// Longest encoded block: its header, and as much as the configuration lets one hold.
const BLOCK_BYTES_MAX: usize = Header::BYTES + (1 << 29);

fn empty_header() -> duo_block_header_t {
    // SAFETY: integers and arrays of them.
    let mut header: duo_block_header_t = unsafe { std::mem::zeroed() };
    header.struct_size = size_of::<duo_block_header_t>() as u32;
    header
}

native! {
    /// `int abiVersion()`
    fn Java_io_duochain_Natives_abiVersion(_env) -> jint, 0; {
        Ok(duo_abi_version().cast_signed())
    }

    /// `byte[] buildInfo()`
    fn Java_io_duochain_Natives_buildInfo(env) -> jbyteArray, ptr::null_mut(); {
        // SAFETY: a static NUL-terminated text.
        let info = unsafe { CStr::from_ptr(duo_build_info()) };
        Ok(env.byte_array(info.to_bytes())?)
    }

    /// `long features()`
    fn Java_io_duochain_Natives_features(_env) -> jlong, 0; {
        let mut bits = 0;
        // SAFETY: `bits` is writable.
        success(unsafe { duo_features(&mut bits) })?;
        Ok(bits.cast_signed())
    }

    /// `byte[] txId(int chain, byte[] transaction)`
    fn Java_io_duochain_Natives_txId(env, chain: jint, transaction: jbyteArray) -> jbyteArray, ptr::null_mut(); {
        let bytes = env.bytes(transaction, TRANSACTION_BYTES_CEILING)?;
        let mut id = [0_u8; 32];
        // SAFETY: the bytes are readable, and `id` has room for a hash.
        success(unsafe { duo_tx_id(unsigned(chain), bytes.as_ptr().cast(), bytes.len(), id.as_mut_ptr()) })?;
        Ok(env.byte_array(&id)?)
    }

    /// `byte[] proofVerify(byte[] proof, byte[] transaction)`: the block's hash, NULL when it proves something else
    fn Java_io_duochain_Natives_proofVerify(env, proof: jbyteArray, transaction: jbyteArray) -> jbyteArray, ptr::null_mut(); {
        let proof = env.bytes(proof, SMALL_BYTES_MAX)?;
        let bytes = env.bytes(transaction, TRANSACTION_BYTES_CEILING)?;
        let mut header = empty_header();
        // SAFETY: both texts are readable, `header` states its size.
        let status = unsafe {
            duo_proof_verify(proof.as_ptr().cast(), proof.len(), bytes.as_ptr().cast(), bytes.len(), &mut header)
        };
        if status == duo_status::DUO_ERR_CONFLICT {
            return Ok(ptr::null_mut());
        }
        outcome(status)?;
        Ok(env.byte_array(&header.hash)?)
    }

    /// `byte[] blockHash(byte[] block)`
    fn Java_io_duochain_Natives_blockHash(env, block: jbyteArray) -> jbyteArray, ptr::null_mut(); {
        let bytes = env.bytes(block, BLOCK_BYTES_MAX)?;
        let mut header = empty_header();
        // SAFETY: the bytes are readable, `header` states its size.
        success(unsafe { duo_block_header(bytes.as_ptr().cast(), bytes.len(), &mut header) })?;
        Ok(env.byte_array(&header.hash)?)
    }

    /// `long address(ByteBuffer direct)`
    fn Java_io_duochain_Natives_address(env, buffer: jobject) -> jlong, 0; {
        let address = env.direct_address(buffer);
        if address.is_null() {
            return Err(Stop::Refused("the buffer has no address".to_owned()));
        }
        Ok(address.expose_provenance() as jlong)
    }

    /// `ByteBuffer buffer(long address, int bytes)`
    fn Java_io_duochain_Natives_buffer(env, address: jlong, bytes: jint) -> jobject, ptr::null_mut(); {
        Ok(env.direct_buffer(address, bytes)?)
    }

    /// `boolean testPanicNext(int kind)`: false in builds without faults; kind 0 panics here and now
    fn Java_io_duochain_Natives_testPanicNext(_env, kind: jint) -> jboolean, false; {
        #[cfg(feature = "faults")]
        {
            assert!(kind != 0, "injected into the binding");
            success(duochain::ffi::faults::duo_test_panic_next(unsigned(kind)))?;
            Ok(true)
        }
        #[cfg(not(feature = "faults"))]
        {
            let _ = kind;
            Ok(false)
        }
    }
}
