# The words of this repository. Each works on a fresh Debian or Ubuntu machine with Python 3.11+.
.DEFAULT_GOAL := help
.PHONY: help run test test-quick browser check bench ui fuzz soak golden lock clean

PY := .venv/bin/python
WORKERS ?= 2
FUZZ_S ?= 6
# Modules stay whole (one product each). More processes than cores make deadlines of the product tests miss.
TEST_WORKERS ?= 2
TEST_IN = -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder

help:            ## Show these words
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

run: .venv/runtime.stamp ui   ## Install what is missing, start the whole product, print its address
	@.venv/bin/civiscope up --simulate

test: .venv/dev.stamp ui      ## Units, properties, flows of the real product (under 8 minutes on 2 cores)
	@scripts/system-packages test
	$(PY) -m pytest $(TEST_IN) -m "not fuzz and not soak and not browser" -q

browser: .venv/dev.stamp ui   ## The pages in Debian's Chromium, against the real server
	@scripts/system-packages test
	$(PY) -m pytest -m browser -q

test-quick: .venv/dev.stamp   ## Tests without the browser and the slow ones
	$(PY) -m pytest $(TEST_IN) -m "not fuzz and not soak and not browser and not slow" -q

check: .venv/dev.stamp ui     ## Format, lint, types, import contracts, lock files, UI lint and types
	.venv/bin/ruff format --check src tests bench training
	.venv/bin/ruff check src tests bench training
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache
	scripts/check-locks
	scripts/ui lint

bench: .venv/dev.stamp ui     ## Measure; writes bench/results.json and docs/scoreboard.md
	@scripts/system-packages bench
	$(PY) -m bench

ui:                           ## Build the browser page when its sources changed
	@scripts/ui build

fuzz: .venv/dev.stamp         ## Bytes nobody should send, fixed seeds; FUZZ_S seconds for each parser (6)
	FUZZ_S=$(FUZZ_S) FUZZ_COUNT=20000 CIVISCOPE_HYPOTHESIS=fuzz $(PY) -m pytest -n $(WORKERS) -m fuzz -q --timeout 100 tests/fuzz

soak: .venv/dev.stamp ui      ## Kill processes at random while cameras run; SOAK_S sets the seconds (120)
	@scripts/system-packages test
	$(PY) -m pytest -m soak -q -s

golden: .venv/dev.stamp       ## Renew the golden files under tests/corpus; read the diff
	CIVISCOPE_GOLDEN=write $(PY) -m pytest -m "not browser and not fuzz and not soak" -q

lock: .venv/dev.stamp         ## Resolve the lock files anew (hashes, no addresses)
	scripts/lock

.venv/runtime.stamp: requirements.lock requirements-tools.lock pyproject.toml
	@scripts/bootstrap runtime

.venv/dev.stamp: requirements-dev.lock requirements-tools.lock pyproject.toml
	@scripts/bootstrap dev

clean:                        ## Remove what was built (never recordings)
	rm -rf .venv build dist ui/node_modules ui/dist src/civiscope/api/static artefacts
