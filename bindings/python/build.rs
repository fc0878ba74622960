//! Link arguments of an extension module, so that plain cargo builds it too.

fn main() {
    pyo3_build_config::use_pyo3_cfgs();
    pyo3_build_config::add_extension_module_link_args();
}
