# One optimized and testable build is used for programs and tests.
RELEASE = --configuration release -Xswiftc -enable-testing
DPOLICY = .build/release/dpolicy
SOURCES = Package.swift Sources Tests Examples

.DEFAULT_GOAL := help
.PHONY: help dependencies build test demo dist bench lint format doc clean

help: ## List the targets.
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

dependencies: ## Install missing system libraries.
	@Scripts/install-dependencies

build: dependencies ## Build the optimized command line.
	swift build $(RELEASE) --product dpolicy

test: dependencies ## Check format and dependencies, run all tests, some with sanitizers, and build the example.
	@.ci/run

demo: build ## Train a small policy on the shipped demonstrations, evaluate it and record a video.
	$(DPOLICY) train --recipe pusht-demo --data Demonstrations/pusht.zarr --output runs/demo --resume
	$(DPOLICY) evaluate --policy runs/demo/policy --video runs/demo/rollouts.mp4
	@echo "Video: runs/demo/rollouts.mp4    Report: runs/demo/report.html"

dist: dependencies ## Package dpolicy for machines without Swift or a compiler.
	@Scripts/make-dist

bench: build ## Compare with PyTorch, JAX and six runtimes; BENCH="--quick" is a quick check, BENCH="--busy" under load.
	@Benchmarks/run $(BENCH)

lint: dependencies ## Check the format.
	swift format lint --strict --parallel --recursive $(SOURCES)

format: dependencies ## Format the sources.
	swift format --in-place --parallel --recursive $(SOURCES)

doc: dependencies ## Write the reference documentation to .build/documentation.doccarchive.
	@Scripts/build-documentation

clean: dependencies ## Remove build products; keep runs.
	swift package clean
	rm -rf .build-dist dist .build/examples .build/documentation.doccarchive .build/documented .build/benchmarks .build/sanitized-*
