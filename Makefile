# Every recipe uses paths relative to this file: make cannot hold a path with spaces in a variable or a target.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON := .venv/bin/python
SOURCES := bench cli clients infra policies sandbox lambda_src trebuche_testing tests __main__.py
COMPILE := $(PYTHON) -m piptools compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header

.PHONY: help run test proof bench check setup lock clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

run: setup ## Start a local AWS, deploy the application on it, redeploy on every change
	@exec .venv/bin/trebuche dev

# Two processes, a file at a time: tests wait for functions and deployments more than they compute.
test: setup ## All tests in random order; ARGS goes to pytest: make test ARGS="-k envelopes"
	@$(PYTHON) -m pytest -n 2 --dist loadfile $(ARGS)

# The schedules take about ten minutes on two cores: some hundred a second on each; their histories take five, read as anybody's.
proof: setup ## What takes longer than the tests: 100,000 schedules, every mutant, each rule off, each permission away, soak and contention, the loop ten times
	@mkdir -p .trebuche
	@$(PYTHON) -m trebuche_testing --schedules 100000 --jobs 2 --history .trebuche/history.jsonl.gz
	@$(PYTHON) -m trebuche_testing --check .trebuche/history.jsonl.gz
	@$(PYTHON) -m trebuche_testing --mutants
	@$(PYTHON) -m tests.proof.runtime_mutants
	@$(PYTHON) -m tests.mutants
	@$(PYTHON) -m tests.proof.least_privilege
	@$(PYTHON) -m tests.soak
	@$(PYTHON) -m bench.contention
	@$(PYTHON) -m tests.proof.third_party
	@$(PYTHON) -m tests.proof.loop_under_load

bench: setup ## Every benchmark in one run, ours against what it would be measured by, as one table; FULL=1 takes an hour
	@$(PYTHON) -m bench $(if $(FULL),--full) $(ARGS)

check: setup ## Formatting, style, types, the import rule
	@echo 'ruff format'; $(PYTHON) -m ruff format --check --quiet .
	@echo 'ruff check'; $(PYTHON) -m ruff check --quiet .
	@echo 'mypy --strict'; $(PYTHON) -m mypy $(SOURCES)
	@echo 'import rule'; .venv/bin/lint-imports --no-cache

setup: ## Virtual environments, locked packages, the Pulumi CLI; run and test do it themselves
	@for python in python3 python3.13 python3.12 python3.11; do \
		if "$$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			exec "$$python" -I sandbox/setup.py; \
		fi; \
	done; \
	echo 'Python 3.11 or later is needed, and is not on PATH: install it, for example python3.12.' >&2; exit 1

lock: ## Write the locks anew from pyproject.toml and sandbox/emulator/requirements.in (needs .venv)
	@$(COMPILE) --all-extras --output-file requirements.lock pyproject.toml
	@$(COMPILE) --constraint requirements.lock --output-file requirements.txt pyproject.toml
	@$(COMPILE) --output-file sandbox/emulator/requirements.txt sandbox/emulator/requirements.in
	@$(COMPILE) --output-file bench/fan_out/public/requirements.txt bench/fan_out/public/requirements.in

clean: ## Remove what the other targets made in this checkout; the Pulumi CLI stays in the cache
	@rm -rf .venv .venv-emulator .trebuche .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis clients/javascript/node_modules
	@find . -name __pycache__ -prune -exec rm -rf {} +
	@rm -rf ./*.egg-info lambda_src/*.egg-info clients/python/*.egg-info clients/python/build
