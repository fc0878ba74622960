//! A folder in which programs in C and C++ are compiled against the shared library, and run.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Top of the checkout.
pub fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where cargo puts the library and everything it depends on.
pub fn libraries() -> PathBuf {
    std::env::current_exe().expect("path of the test").parent().expect("folder").to_owned()
}

/// Files of a folder whose names end with `ending`, in order.
pub fn sources(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let files = entries.map(|entry| entry.expect("readable").path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    files.sort();
    assert!(!files.is_empty(), "no {ending} in {}", folder.display());
    files
}

pub struct Workshop {
    folder: PathBuf,
}

impl Workshop {
    /// A folder with the library under its soname, which cargo's own file name is not.
    pub fn open(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).expect("temporary folder");
        let library = libraries().join("libduochain.so");
        assert!(library.exists(), "{} was not built", library.display());
        for link in ["libduochain.so", "libduochain.so.0"] {
            let link = folder.join(link);
            let _ = fs::remove_file(&link);
            std::os::unix::fs::symlink(&library, link).expect("a link");
        }
        Self { folder }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes `program` of sources in one language; warnings are errors.
    pub fn compile(&self, program: &str, standard: &str, options: &[&str], sources: &[PathBuf]) -> PathBuf {
        let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let mut build = cc::Build::new();
        build.cpp(standard.contains("++")).opt_level(1).out_dir(&self.folder).target(&host).host(&host);
        build.cargo_metadata(false).debug(true);
        let program = self.folder.join(program);
        let mut command = build.get_compiler().to_command();
        command.arg(format!("-std={standard}")).args(["-Wall", "-Wextra", "-Werror"]).args(options);
        if cfg!(feature = "faults") {
            command.arg("-DDUO_FAULTS");
        }
        command.arg("-I").arg(top().join("include")).args(sources).arg("-o").arg(&program);
        command.arg("-L").arg(&self.folder).args(["-lduochain", "-lpthread"]);
        let output = command.output().expect("the compiler runs");
        assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output.stderr));
        program
    }

    /// A command that finds the library.
    pub fn prepare(&self, command: &mut Command) {
        command.env("LD_LIBRARY_PATH", &self.folder).env("RUST_BACKTRACE", "1").current_dir(&self.folder);
    }

    pub fn run(&self, mut command: Command) -> Output {
        self.prepare(&mut command);
        command.output().expect("the program runs")
    }
}
