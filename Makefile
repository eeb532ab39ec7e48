# One line per target after `##` is its help.
SHELL := /bin/sh
.DEFAULT_GOAL := help
BIN := .venv/bin
DEV_EXTRAS := server,ldap,dev
PIP_OPTIONS := --disable-pip-version-check --no-input -qq -c constraints.txt

.PHONY: help setup demo test test-faults chaos schema bench lint types audit fmt migrate seed screenshots clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: .venv/.installed-server ## Create .venv and install the server into it

demo: setup ## Run the trial server with a sample deployment (ONCE=1: end after it)
	@ONCE=$(ONCE) $(BIN)/python -m octopus_site.demo

test: .venv/.installed-dev ## Run every check and test (T=path: only these tests, at once)
ifdef T
	@$(BIN)/python -m pytest $(T)
else
	@$(BIN)/python tests/tools/run.py $(JOBS)
endif

test-faults: .venv/.installed-dev ## Make every fault of docs/faults.md (ROUNDS=20 of the random ones)
	@OCTOPUS_TEST_FAULT_ROUNDS=$${ROUNDS:-20} OCTOPUS_TEST_FAULT_SEED=$(SEED) \
	  $(BIN)/python tests/tools/faults.py

chaos: .venv/.installed-dev ## Random faults while deployments run (MINUTES=20 SEED=n)
	@OCTOPUS_TEST_FAULT_ROUNDS=1 OCTOPUS_TEST_CHAOS_MINUTES=$${MINUTES:-20} \
	  OCTOPUS_TEST_FAULT_SEED=$(SEED) $(BIN)/python -m pytest tests/faults/test_chaos.py -q -s

schema: .venv/.installed-dev ## Ask every operation of the OpenAPI document (EXAMPLES=100 of each)
	@OCTOPUS_TEST_SCHEMA_EXAMPLES=$${EXAMPLES:-100} \
	  $(BIN)/python -m pytest tests/octopus_site/test_openapi.py -q -s

bench: .venv/.installed-dev ## Measure, and write the tables of docs/benchmarks.md (ONLY="fanout logs")
	@$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY))

lint: .venv/.installed-dev ## ruff, djlint, codespell, layer contracts, migrations
	@$(BIN)/python tests/tools/run.py lint contracts migrations

types: .venv/.installed-dev ## mypy --strict
	@$(BIN)/mypy

audit: .venv/.installed-dev ## Known weaknesses of what constraints.txt names
	@$(BIN)/python tests/tools/audit.py

fmt: .venv/.installed-dev ## Format the code and fix what ruff can fix
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

migrate: setup ## Bring the database of the data folder up to date
	@$(BIN)/octopus-server migrate

seed: setup ## Fill the data folder with the sample project and deploy it once
	@ONCE=1 $(BIN)/python -m octopus_site.demo

screenshots: .venv/.installed-dev ## Photograph every page in both themes
	@$(BIN)/python -m tests.browser.screenshots

clean: ## Remove caches; keeps .venv, .tools and data
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	@find . -name __pycache__ -not -path './.venv/*' -not -path './.tools/*' -prune -exec rm -rf {} +

# The first of these that is new enough makes the environment; PYTHON=... overrides.
.venv/bin/python:
	@for python in $(PYTHON) python3 python3.11 python3.12; do \
	  if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null; \
	  then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "make: Python 3.11 or 3.12 is needed; python3 is $$(python3 -V 2>&1)." >&2; exit 1; \
	fi; \
	rm -rf .venv; \
	if "$$found" -m pip --version >/dev/null 2>&1; then "$$found" -m venv --without-pip .venv; \
	else "$$found" -m venv .venv; fi || { \
	  echo "make: no pip for $$found. Install it (Debian: apt install python3-pip)." >&2; exit 1; \
	}

# pip of the environment where there is one, else the pip that made it.
define install
	@if $(BIN)/python -m pip --version >/dev/null 2>&1; then pip="$(BIN)/python -m pip"; \
	else pip="$$(sed -n 's/^executable = //p' .venv/pyvenv.cfg) -m pip --python $(BIN)/python"; fi; \
	echo "Installing $(1) ..."; $$pip install $(PIP_OPTIONS) -e '.[$(1)]' && touch $@
endef

.venv/.installed-server: pyproject.toml constraints.txt | .venv/bin/python
	$(call install,server)

.venv/.installed-dev: pyproject.toml constraints.txt | .venv/bin/python
	$(call install,$(DEV_EXTRAS))
	@touch .venv/.installed-server
