# Everything runs in a virtual environment of its own, made on first use.
PYTHON ?= python3
VENV   ?= .venv
SERVER ?= .venv-langgraph
BIN    := $(VENV)/bin
DEMO   := $(VENV)/.demo
READY  := $(VENV)/.ready
TYPES  := $(VENV)/.types

.DEFAULT_GOAL := help
.PHONY: help demo test langgraph check format notebooks bench clean

help: ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 10

# a demo needs little; pyright brings node with it, which only the check of types needs
$(DEMO): EXTRAS := embedded,cli
$(READY): EXTRAS := dev
$(TYPES): EXTRAS := types
$(TYPES): $(READY)
$(DEMO) $(READY) $(TYPES): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'
	touch $(DEMO) $@

demo: $(DEMO) ## Solve an easy, a hard and a hopeless question on the embedded models, offline
	$(BIN)/verifier-agent demo

test: $(READY) ## Run all tests
	$(BIN)/python -m pytest -q -n 2

langgraph: ## Test on LangGraph's development server, in an environment of its own
	test -x $(SERVER)/bin/python || $(PYTHON) -m venv $(SERVER)
	$(SERVER)/bin/python -m pip install --quiet --disable-pip-version-check \
		--editable '.[cli,langgraph-server]' pytest pytest-asyncio pytest-socket hypothesis
	$(SERVER)/bin/python -m pytest -q tests/integrations/test_langgraph_server.py

check: $(TYPES) ## Lint, check types, check the layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --project pyproject.toml --pythonpath $(BIN)/python
	$(BIN)/python -m pytest -q tests/test_layers.py

format: $(READY) ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

notebooks: $(READY) ## Run the cookbook's sources and render them
	$(BIN)/python -m tests.notebooks

bench: $(READY) ## Measure what docs/benchmarks.md reports
	$(BIN)/python -m tests.bench

clean: ## Remove the environment and all caches
	rm -rf $(VENV) $(SERVER) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
