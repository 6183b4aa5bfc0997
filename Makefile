# Every verb of the project. `make help` lists them; each sets up what it needs.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.set-up
DECLARED := $(wildcard requirements/dev.txt libs/*/pyproject.toml services/*/pyproject.toml cli/pyproject.toml clients/*/pyproject.toml)
ARGS ?=

.PHONY: help
help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# One stamp for the environment, so that a second `make setup` does nothing.
$(STAMP): $(DECLARED) tools/setup.sh
	@VENV=$(VENV) PYTHON=$(PYTHON) tools/setup.sh
	@touch $@

.PHONY: setup
setup: $(STAMP) ## make .venv with everything in it, and the pages of the API
	@VENV=$(VENV) tools/dashboard.sh

.PHONY: up
up: setup ## run the whole system here: broker, source, ingest, parsers, API (ARGS="--rate 500")
	@exec $(VENV)/bin/pw up $(ARGS)

# Tests start hundreds of processes: what Python compiles once is kept, whatever the shell says.
test coverage: export PYTHONDONTWRITEBYTECODE =

.PHONY: test
test: setup ## every test, those under load alone on the machine (ARGS="-k swap": these in one process)
	@if [ -n "$(ARGS)" ]; then exec $(PY) -m pytest $(ARGS); fi; \
	$(PY) -m pytest -n 4 --dist loadfile --no-loadscope-reorder --ignore tests/chaos; main=$$?; \
	$(PY) -m pytest -n 2 tests/chaos && exit $$main

.PHONY: coverage
coverage: setup ## branch coverage of the tests beside the code; fails below the floor in pyproject.toml
	@$(PY) -m pytest -q -n 2 libs services cli clients --cov --cov-report=json --cov-report=term:skip-covered $(ARGS)

.PHONY: test-browser
test-browser: setup ## a real browser: the pages, and that no other site's reads or changes (needs chromium, node)
	@$(PY) -m pytest tests/browser $(ARGS)

.PHONY: dashboard
dashboard: $(STAMP) ## build the pages of the API, or say why not (needs node, or takes it as a package)
	@VENV=$(VENV) tools/dashboard.sh --must

.PHONY: screenshots
screenshots: setup ## write docs/pictures: pages of a running demo (needs chromium, node)
	@PYTHONPATH=tests $(PY) tools/screenshots.py

.PHONY: icons
icons: setup ## draw the icons of the installed pages from their SVG (needs chromium, node)
	@PYTHONPATH=tests $(PY) tools/icons.py

.PHONY: check
check: setup format-check lint types pages imports drift guards ## format, lint, types, imports, drift of generated files, hosts, sizes, dead code, spelling

.PHONY: format-check lint types pages imports drift guards
format-check: setup
	@$(PY) -m ruff format --check .
lint: setup
	@$(PY) -m ruff check .
TYPED ?= libs services cli clients tests tools benchmark conftest.py
types: setup
	@$(PY) -m mypy $(TYPED)
	@VENV=$(VENV) tools/dashboard.sh --types
# `setup` goes on without pages, so that the system runs; what is checked may not.
pages: setup
	@VENV=$(VENV) tools/dashboard.sh --must
imports: setup
	@$(VENV)/bin/lint-imports
# One generator, or one guard, is a verb of its own: `make drift-gen_env`, `make guard-check_dead`.
GENERATORS = gen_proto gen_services gen_schemas gen_env gen_detection_docs gen_api_types
GUARDS = check_hosts check_size check_dead check_dependencies
drift: $(GENERATORS:%=drift-%)
drift-%: setup
	@$(PY) tools/$*.py --check
guards: $(GUARDS:%=guard-%) spelling
guard-%: setup
	@$(PY) tools/$*.py
.PHONY: spelling
spelling: setup
	@$(VENV)/bin/codespell

.PHONY: shape
shape: setup ## the house in numbers: packages, who imports whom, rooms, functions (ARGS=--json)
	@$(PY) tools/shape.py $(ARGS)

.PHONY: format
format: setup ## format and fix what can be fixed
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

.PHONY: isolated
isolated: setup ## install each service alone and run its own tests there (ARGS="parser")
	@$(PY) tools/isolated.py $(ARGS)

.PHONY: lock
lock: ## rewrite requirements/*.txt (needs uv; ARGS="--upgrade-package NAME")
	@$(PY) tools/lock.py $(ARGS)

.PHONY: proto
proto: setup ## generate pw_geyser from proto/
	@$(PY) tools/gen_proto.py

.PHONY: schemas
schemas: setup ## generate schemas/ from the messages, and .env.example from the settings
	@$(PY) tools/gen_schemas.py
	@$(PY) tools/gen_env.py
	@$(PY) tools/gen_detection_docs.py
	@$(PY) tools/gen_api_types.py

.PHONY: services
services: setup ## write what follows from services.toml: broker's users, scraping, image tags
	@$(PY) tools/gen_services.py

.PHONY: accuracy
accuracy: setup ## write docs/accuracy.md from the real transactions in PW_CORPUS_DIR
	@$(PY) tools/gen_accuracy.py

.PHONY: benchmark
benchmark: setup ## score a reader of transactions against the open list (ARGS='--decoder "node mine.mjs"')
	@PYTHONPATH=benchmark:tools $(PY) -m pw_benchmark $(ARGS)

.PHONY: bench
bench: setup ## measure (slow)
	@for one in bench/bench_*.py; do echo "== $$one"; $(PY) $$one $(ARGS) || exit 1; done

.PHONY: chaos
chaos: setup ## the whole system under faults: nothing lost, nothing doubled (ARGS="--faults 200")
	@PYTHONPATH=tests $(PY) -m chaos $(ARGS)

.PHONY: images
images: ## build the images (needs an engine)
	@tools/images.sh

.PHONY: e2e-docker
e2e-docker: setup images ## the containers: built, up, fed, scaled, crashed, compared
	@PW_DOCKER=1 $(PY) -m pytest tests/docker $(ARGS)

.PHONY: compose-up
compose-up: ## the same demo in containers (docker compose)
	@VENV=$(VENV) tools/dashboard.sh
	@if docker compose version >/dev/null 2>&1; then exec docker compose up --build $(ARGS); \
	else exec docker-compose up --build $(ARGS); fi

.PHONY: k8s-render
k8s-render: setup ## print the Kubernetes manifests, checked
	@$(PY) tools/k8s_render.py

.PHONY: k8s-check
k8s-check: setup ## render every overlay and refuse what a cluster would refuse (needs kubectl)
	@$(PY) tools/k8s_check.py

.PHONY: clean
clean: ## remove the environment, the caches and the demo's data
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .pw-data build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
