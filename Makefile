# CrocoClick iCloud Calendar Sync. `make` alone lists what there is.
.DEFAULT_GOAL := help
PY := .venv/bin/python
SHELL := /bin/bash

.PHONY: help setup run demo demo-containers demo-kubernetes test test-containers check bench storm soak proofs screenshots docs sbom format lock schemas clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: ## The set-up alone: .venv, locked packages, the servers' files
	@tools/setup.sh

run: setup ## The whole system on this machine, with a demo user; Ctrl-C stops it
	@exec $(PY) -m local_stack run

demo: setup ## The story, told line by line on a stack of its own; exit code 0 or 1
	@exec $(PY) -m local_stack demo

test: check ## Everything that CI runs
	@tools/test.sh

check: setup ## A minute or two, the first time more (it fetches what it needs): format, lint, types, rooms, contracts, tests without servers
	@tools/check.sh

demo-containers: setup ## The story in containers: three workers, one of each service killed; exit code 0 or 1
	@exec $(PY) -m local_stack.containers_demo

demo-kubernetes: setup ## The story on the cluster of KUBECONFIG, rolled under load (LOAD=COMMAND hands it the images, KEDA=1, KEEP=1)
	@PYTHONPATH=tools/kubernetes_demo/src exec $(PY) -P -m kubernetes_demo $(if $(LOAD),--load '$(LOAD)') $(if $(KEDA),--keda) $(if $(KEEP),--keep)

test-containers: setup ## The tests with servers, on MongoDB and Kafka in containers (testcontainers)
	@CALSYNC_TEST_SERVERS=containers .venv/bin/pytest -q -m "servers and not story"

bench: setup ## The benchmarks, side by side with their baselines in one run
	@# -P: a script's own folder must not shadow the packages of the same names.
	@status=0; for script in benchmarks/*.py; do echo "== $$script"; $(PY) -P $$script || status=1; done; exit $$status

storm: setup ## The long storm: 10,000 changes, 200 kills and more (some twenty minutes)
	@PYTHONPATH=tests/lib exec $(PY) -P -m storm_run

soak: setup ## An hour of life, load and trouble: nothing may grow, all must believe the truth in the end (MINUTES=60)
	@PYTHONPATH=tests/lib exec $(PY) -P -m soak_run --minutes $(or $(MINUTES),60)

proofs: setup ## What make test does in small, in full: 5,000 series against an oracle, long fuzzing (some ten minutes)
	CALSYNC_TEST_SERIES=5000 .venv/bin/pytest -q -s -n0 services/sync-worker/tests/domain/test_against_an_oracle.py
	FUZZ_RUNS=150000 .venv/bin/pytest -q -n0 services/sync-worker/tests/domain/test_fuzz.py

screenshots: setup ## Draw docs/screenshots anew
	@tools/browser.sh
	PYTHONPATH=tests/lib:services/connector/tests/lib $(PY) -m screenshots docs/screenshots

docs: setup ## The documentation as a site, in .local/site; a broken link is an error
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --quiet --strict

sbom: setup ## Bills of materials (CycloneDX) of what the images hold, in .local/sbom
	$(PY) tools/sbom/make_sbom.py .local/sbom

format: setup ## Format and mend what can be mended by itself
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

schemas: setup ## Write shared/schemas anew from the contracts
	$(PY) -m contracts.documents shared/schemas
	$(PY) -m contracts.examples shared/schemas/examples

lock: setup ## Refresh the hashed requirements (UPGRADE=1 takes newer versions)
	PATH="$(CURDIR)/.venv/bin:$$PATH" requirements/lock.sh

clean: ## Remove what set-up and runs left in the checkout
	rm -rf .venv .servers .local .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
