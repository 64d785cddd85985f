# Every target gets what it needs first: Python 3.11 or newer with venv, and make, are all there has to be.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
COMPOSE := docker compose --env-file deploy/compose/.env --file deploy/compose/compose.yaml
.PHONY: help run up down logs admin backup restore test unit integration check format bench soak prove clean servers

OWN_UV := .cache/uv/bin/uv
UV := $(or $(shell command -v uv 2>/dev/null),$(OWN_UV))
BIN := .venv/bin
SYNCED := .venv/.synced
APP := apps/flutter_dashboard
PROJECTS := pyproject.toml uv.lock $(wildcard libs/*/pyproject.toml services/*/pyproject.toml apps/*/pyproject.toml)
export PATH := $(CURDIR)/.cache/bin:$(PATH)

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

run: $(SYNCED) ## the whole system on this machine; Ctrl-C stops it
	@exec $(BIN)/python -I tools/foreground.py $(BIN)/microgrid run

up: $(SYNCED) ## the whole system in containers, each service alone; SCALE="api=2" takes so many of one
	@$(BIN)/python -m deploy.compose.up $(SCALE:%=--scale %)

down: ## stops what make up started; what is stored stays
	@$(COMPOSE) --profile '*' down

logs: ## what the containers say, on and on
	@$(COMPOSE) --profile '*' logs --follow --tail 100

admin: ## an administrator for what make up started: make admin NAME=amina; asks for a password
	@$(COMPOSE) exec api microgrid-api create-admin $(or $(NAME),$(error NAME=amina is missing))

backup: $(SYNCED) ## all that make up's system keeps, in one file, while it runs: TO=folder or file, or - for a pipe
	@$(BIN)/python -m deploy.compose.backup "$(TO)"

restore: $(SYNCED) ## what make backup made: make restore FROM=file; OVER=yes to replace what is there
	@$(BIN)/python -m deploy.compose.restore_command "$(or $(FROM),$(error FROM=file is missing))" $(OVER)

test: $(SYNCED) servers ## unit tests, integration tests on real servers, the app's tests; one summary
	@$(BIN)/python -m tools.test_run

unit: $(SYNCED) ## the tests that need no server
	@$(BIN)/python -m tools.test_run unit

integration: $(SYNCED) servers ## the tests on real Mosquitto, Redis and InfluxDB servers
	@$(BIN)/python -m tools.test_run integration

check: $(SYNCED) ## everything but the tests: lint, format, types, layers, file size, spelling, lock file, secrets
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python tools/file_size.py
	$(BIN)/codespell
	$(UV) lock --check --quiet
	@tools/secrets.sh

format: $(SYNCED) ## put the source into its one form, and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .

bench: $(SYNCED) servers ## messages a second and CPU time per message on the ingest path
	@tools/telegraf.sh || true # without it, the benchmarks say so and go on
	@$(BIN)/python -m benchmarks

soak: $(SYNCED) servers ## half of what one ingestor can take, for ten minutes: is its memory flat?
	@$(BIN)/python -m benchmarks.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(RATE),--rate $(RATE))

prove: $(SYNCED) ## kill every part of the running system ten times over, and check that nothing is lost
	@tools/servers.sh --all
	@exec $(BIN)/python -m tests.prove

app: ## the operators' app for Linux, with Debian's Flutter packages; as root
	@tools/flutter-debian.sh setup
	@tools/flutter-debian.sh build-linux $(APP) $(APP)/build/linux-bundle

app-test: $(SYNCED) ## the app's format, analysis and tests, in the same way
	@$(BIN)/python -m tools.test_run app

clean: ## remove what was installed, built and cached here; data stays
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

servers:
	@tools/servers.sh

$(SYNCED): $(PROJECTS) | $(filter $(OWN_UV),$(UV))
	@echo "Installing dependencies into .venv" >&2
	@$(UV) sync --locked --quiet
	@touch $@

$(OWN_UV):
	@echo "Installing uv into .cache/uv"
	@python3 -c 'import ensurepip' 2>/dev/null || { echo "python3 has no venv module: install it first, on Debian with: apt-get install python3-venv" >&2; exit 1; }
	@python3 -m venv .cache/uv
	@.cache/uv/bin/pip install --quiet --disable-pip-version-check uv
