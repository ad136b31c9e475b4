# Everything a developer does; each target sets up what it needs. `make` alone prints help.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3.11
PACKAGES := requirements.txt requirements-dev.txt
PINS := $(shell cat $(PACKAGES) | sha256sum | cut -c1-16)
STAMP := $(VENV)/.pins-$(PINS)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
UV := VIRTUAL_ENV=$(VENV) $(BIN)/uv pip
COMPILE := compile --universal --python-version 3.11 --generate-hashes --no-header
DEMO ?= --demo
N ?= 3# two cores: while one worker waits for a server or a browser, another works

.DEFAULT_GOAL := help
.PHONY: help setup run test check cover lint format pins migrate docs words assets bench

help: ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## virtual environment with the pinned packages

$(STAMP): $(PACKAGES)
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: install it, or name one with PYTHON=..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# uv takes a tenth of pip's time; where it finds no packages (an index that pip alone knows), pip does;
	@# then what a start imports is compiled
	{ $(PIP) -r requirements-setup.txt && $(UV) install --quiet --require-hashes $(PACKAGES:%=-r %); } || \
	  $(PIP) $(PACKAGES:%=-r %)
	$(BIN)/python -m compileall -q -j 0 -x '/(tests|plotly|pip|setuptools)/' $(VENV)/lib
	rm -f $(VENV)/.pins-*
	touch $@

run: $(STAMP) ## start Tallydesk with the demo agency (DEMO= for none); Ctrl-C stops it
	exec $(BIN)/python run.py $(DEMO)

test: $(STAMP) ## the tests; T=path or T="-k words" picks some
	$(BIN)/python -m pytest -n $(N) --dist worksteal $(T)

cover: $(STAMP) ## the engine's own tests reach every line and branch of it
	$(BIN)/python -m coverage run -m pytest -q tests/unit/billing --ignore tests/unit/billing/test_mutants.py
	$(BIN)/python -m coverage report

check: lint cover ## lint, types, import rules, migrations up and down, docs are fresh and lead somewhere
	$(BIN)/python -m pytest -q tests/test_migrations.py tests/test_docs.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PATH="$(CURDIR)/$(BIN):$$PATH" lint-imports
	$(BIN)/mypy
	$(BIN)/djlint --lint --quiet app
	$(BIN)/deptry .

format: $(STAMP) ## write the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP) ## write docs/admin/settings.md from config.py
	$(BIN)/python -m docs.settings

words: $(STAMP) ## put new texts for clients into the catalogues of app/translations
	$(BIN)/python -m app.translations.keeping

pins: $(STAMP) ## compile requirements*.in into requirements*.txt with hashes
	$(PIP) -r requirements-setup.txt
	$(UV) $(COMPILE) requirements-setup.in -o requirements-setup.txt
	$(UV) $(COMPILE) requirements.in -o requirements.txt
	$(UV) $(COMPILE) -c requirements.txt requirements-dev.in -o requirements-dev.txt

migrate: $(STAMP) ## write a migration from the models: make migrate M="What it does"
	$(BIN)/flask --app run revision "$(M)"

assets: $(STAMP) ## a smaller plotly bundle from npm, when it can be reached
	version=$$($(BIN)/python -c 'from plotly.offline import get_plotlyjs_version as v; print(v())') && \
	scratch=$$(mktemp -d) && cd $$scratch && \
	npm pack --silent plotly.js-cartesian-dist-min@$$version && tar xzf ./*.tgz && \
	install -D -m 644 package/plotly-cartesian.min.js "$(CURDIR)/app/static/vendor/plotly-cartesian.min.js" && \
	rm -r $$scratch

bench: $(STAMP) ## the figures, beside the SQL they are measured against
	$(BIN)/python -m bench $(B)
