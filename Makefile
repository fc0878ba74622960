# Two commands matter: `make run` and `make test`. The work is done by the scripts in deploy/.
.DEFAULT_GOAL := help
.PHONY: help setup run run-log inspect run-c run-cpp run-java run-python sim test check check-benches sanitize bench dist coverage clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  make run takes, as do its variants:"
	@echo "    INPUT=path     transactions from a file (- for standard input); without it, generated ones"
	@echo "    REAL_TIME=1    blocks every 15 s and 3 s; without it, a hundred times faster"
	@echo "    COUNT=n        transactions to generate       SEED=n   of the generator"
	@echo "    PRODUCERS=n    threads that submit            DIR=path data directory, kept"
	@echo "    BACKEND=name   fjall or memory"
	@echo "  make test-rust, test-sim, test-agreement, test-models, test-package, test-java17, test-java25 and test-python"
	@echo "  run one suite"

setup: ## Install what any target needs and the machine lacks
	@deploy/setup all

run: ## Open both chains, finalise transactions, prove none was lost
	@deploy/setup run
	@deploy/run rust

run-log: ## Three processes replicate a log; k and Enter kill the leader; TIME=seconds, KILL=seconds between kills
	@deploy/setup run
	@deploy/run log

inspect: ## What is in the directory of a node of the replicated log, DIR=path; FRAMES=1 lists each frame
	@deploy/setup run
	@deploy/run inspect

run-c run-cpp run-java run-python: run-%:
	@deploy/setup run-$*
	@deploy/run $*

sim: ## The replicated log in a world that breaks; SEED=n with a trace, SEEDS=a..b on all cores
	@deploy/setup run
	@deploy/sim

test: ## Every suite: Rust, C, C++, simulation, packages, Java, Python
	@deploy/setup test
	@deploy/test

test-%:
	@deploy/setup test
	@deploy/test $*

check: ## Format, lints, documentation, tidy
	@deploy/setup check
	@deploy/check

check-benches: ## Lints and tests of the benchmark harness
	@deploy/setup check
	@deploy/check benches

sanitize: ## Queue and pools under Miri and sanitizers, all plays of fuzz/ under libFuzzer: what is here; S=miri|thread|address|fuzz
	@deploy/sanitize $(S)

bench: ## Benchmarks; B=name for one suite, DOCS=1 to update docs/benchmarks.md, QUICK=1 for a try, ROCKSDB=1 to build RocksDB for it
	@deploy/setup bench
	@deploy/bench $(B)

dist: ## Libraries, headers, pkg-config, CMake, jars, wheel into dist/
	@deploy/setup dist
	@deploy/dist

coverage: ## Lines of src that the Rust tests reach
	@deploy/setup coverage
	@deploy/coverage

clean: ## Remove what was built in this checkout
	@rm -rf target dist .venv jvm/target python/duochain/_native*.so
