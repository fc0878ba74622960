//! Command line.

use crate::generator::Generator;
use crate::input::{Records, reason};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// A file, `-` for standard input; generated when `None`.
    pub input: Option<String>,
    /// Transactions to generate.
    pub count: u64,
    /// Seed of the generator.
    pub seed: u64,
    /// Threads that submit.
    pub producers: usize,
    /// How many times faster than real time.
    pub scale: u64,
    /// Where to keep data; a fresh directory, removed afterwards, when `None`.
    pub data_dir: Option<PathBuf>,
    /// The state store.
    pub backend: String,
}

/// Most producer threads: far more than any machine needs here.
const PRODUCERS_MAX: usize = 1_024;

const USAGE: &str = "usage: run [--input PATH|-] [--count N] [--seed S] [--producers P] [--scale N] [--data-dir DIR] \
                     [--backend fjall|rocksdb|memory]";

impl Options {
    /// Reads the arguments after the program's name.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            input: None,
            count: 20_000,
            seed: 1,
            producers: 4,
            scale: 100,
            data_dir: None,
            backend: "fjall".into(),
        };
        while let Some(flag) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{flag} needs a value\n{USAGE}"))?;
            let number = |max: u64| match value.parse::<u64>() {
                Ok(number) if (1..=max).contains(&number) => Ok(number),
                _ => Err(format!("{flag} {value}: a number from 1 to {max} is needed")),
            };
            match flag.as_str() {
                "--input" => options.input = Some(value),
                "--count" => options.count = number(100_000_000)?,
                "--seed" => options.seed = number(u64::MAX)?,
                "--producers" => options.producers = number(PRODUCERS_MAX as u64)? as usize,
                "--scale" => options.scale = number(10_000)?,
                "--data-dir" => options.data_dir = Some(value.into()),
                "--backend" => options.backend = value,
                _ => return Err(format!("unknown option {flag}\n{USAGE}")),
            }
        }
        Ok(options)
    }

    /// The transactions to send.
    pub fn records(&self) -> Result<Records, String> {
        match self.input.as_deref() {
            None => Ok(Records::generated(Generator::new(self.seed), self.count)),
            Some("-") => Ok(Records::read("standard input", Box::new(std::io::stdin()))),
            Some(path) => {
                let file =
                    std::fs::File::open(path).map_err(|error| format!("INPUT {path}: {}", reason(&error)))?;
                Ok(Records::read(path, Box::new(file)))
            }
        }
    }

    /// The data directory.
    pub fn directory(&self) -> Result<Directory, String> {
        if let Some(path) = &self.data_dir {
            return Ok(Directory { path: path.clone(), remove: false });
        }
        let mut attempt = 0;
        loop {
            let path = std::env::temp_dir().join(format!("duochain-run-{}-{attempt}", std::process::id()));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Directory { path, remove: true }),
                // Of a process that had this number and was killed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => attempt += 1,
                Err(error) => return Err(format!("cannot create {}: {}", path.display(), reason(&error))),
            }
        }
    }
}

/// A data directory, removed at the end when it was made for this run.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    remove: bool,
}

impl Directory {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.remove {
            // Left-overs in the temporary directory are all that a failure here means.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
