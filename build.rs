//! Gives the shared library its soname. The header is not generated here: a test does that, so that
//! nobody who only uses the crate compiles a C parser.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // cargo-c sets its own, from the same version.
    if std::env::var_os("CARGO_CFG_TARGET_OS").is_some_and(|os| os == "linux")
        && std::env::var_os("CARGO_C_VERSION").is_none()
    {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libduochain.so.0");
    }
}
