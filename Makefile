# One build serves programs and tests: optimised, and testable.
RELEASE = --configuration release -Xswiftc -enable-testing
DPOLICY = .build/release/dpolicy
SOURCES = Package.swift Sources Tests Examples

.DEFAULT_GOAL := help
.PHONY: help dependencies build test demo dist bench lint format doc clean

help: ## Show what can be made.
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

dependencies: ## Install the system's libraries that are missing.
	@Scripts/install-dependencies

build: dependencies ## Build the command line, optimised.
	swift build $(RELEASE) --product dpolicy

test: dependencies ## Check format and arrows, run every test, some under sanitizers, build the example.
	@.ci/run

demo: build ## Train a small policy on the shipped demonstrations, judge and film it.
	$(DPOLICY) train --recipe pusht-demo --data Demonstrations/pusht.zarr --output runs/demo --resume
	$(DPOLICY) evaluate --policy runs/demo/policy --video runs/demo/rollouts.mp4
	@echo "The rollouts: runs/demo/rollouts.mp4    The report: runs/demo/report.html"

dist: dependencies ## Pack dpolicy for machines that have neither Swift nor a compiler.
	@Scripts/make-dist

bench: build ## Measure against PyTorch, JAX and six runtimes; BENCH="--quick" for a first look, BENCH="--busy" for loads.
	@Benchmarks/run $(BENCH)

lint: dependencies ## Check the format.
	swift format lint --strict --parallel --recursive $(SOURCES)

format: dependencies ## Mend the format.
	swift format --in-place --parallel --recursive $(SOURCES)

doc: dependencies ## Write the reference of every library to .build/documentation.
	@Scripts/build-documentation

clean: dependencies ## Remove what was built; runs stay.
	swift package clean
	rm -rf .build-dist dist .build/examples .build/documentation .build/documented .build/benchmarks .build/sanitized-*
