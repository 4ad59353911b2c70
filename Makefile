# The only commands a newcomer needs. Each installs what it misses and says so.

.DEFAULT_GOAL := help
.PHONY: help run test bench check fmt browser

# Where rustup puts what .ci/setup installs.
export PATH := $(HOME)/.cargo/bin:$(PATH)

DATA ?= .data
BINARY := target/release/fermata

help: ## Show this list
	@sed -n 's/^\([a-z]*\): .*## /  make \1|/p' $(MAKEFILE_LIST) | column -t -s '|'

run: ## Serve http://127.0.0.1:8080 with the demo week, data in .data
	@.ci/setup run
	@$(MAKE) --no-print-directory browser
	@cargo build --release --package server
	@exec $(BINARY) serve --demo --data-dir $(DATA)

test: ## Run everything: rules, storage on both databases, HTTP, and whole journeys in Chromium
	@.ci/setup test
	@$(MAKE) --no-print-directory browser
	@.ci/test

bench: ## Measure the page against nginx
	@.ci/setup bench
	@$(MAKE) --no-print-directory browser
	@cargo build --release --package server
	@.ci/bench

check: ## Look for what must not be: formatting, lints, arrows between crates, what the browser would load
	@.ci/setup check
	@.ci/check

fmt: ## Format all Rust code
	@cargo fmt --all

# The browser side: everything the module is made of, so that a second `make run` builds nothing.
BROWSER_SOURCES := $(shell find app server/domain \( -name '*.rs' -o -name Cargo.toml \)) Cargo.toml Cargo.lock app/frontend/build

browser: dist/fermata_bg.wasm

dist/fermata_bg.wasm: $(BROWSER_SOURCES)
	@app/frontend/build
