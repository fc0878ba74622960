//! Gives the shared library its soname, and models their cfg. The header is not generated here: a test does that, so that
//! nobody who only uses the crate compiles a C parser.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // One name for "a checker drives the atomics", whichever it is (src/sync.rs).
    println!("cargo:rustc-check-cfg=cfg(modelled)");
    if ["CARGO_CFG_LOOM", "CARGO_CFG_SHUTTLE"].iter().any(|name| std::env::var_os(name).is_some()) {
        println!("cargo:rustc-cfg=modelled");
    }
    // cargo-c sets its own, from the same version.
    if std::env::var_os("CARGO_CFG_TARGET_OS").is_some_and(|os| os == "linux")
        && std::env::var_os("CARGO_C_VERSION").is_none()
    {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libduochain.so.0");
    }
}
