# Every target prepares .venv by itself on a fresh machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DOCS_READY := $(VENV)/.ready-docs
PEERS := .venv-peers
PEERS_READY := $(PEERS)/.ready
JOBS ?= 2
export OMP_NUM_THREADS := 1
export MKL_NUM_THREADS := 1

.PHONY: verify test test-peers survey docs lint bench clean

verify: $(READY)
	$(BIN)/lpfl verify --profile quick

# Hundreds of tests start a process: it shall find the modules compiled, whatever the environment.
test: lint
	$(BIN)/python -m compileall -q lpfl theory
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

test-peers: $(PEERS_READY)
	$(PEERS)/bin/python -m pytest -n $(JOBS) --dist worksteal -m peers

survey: $(PEERS_READY)
	$(PEERS)/bin/lpfl survey --quick --out reports/optimizers --jobs $(JOBS)

# Every warning is an error; the examples in the pages are tests of `make test`.
docs: $(DOCS_READY)
	$(BIN)/python -m sphinx --builder html --fail-on-warning --keep-going --quiet docs docs/_build/html
	@echo "docs/_build/html/index.html"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

# torch goes first, alone: nothing else may pull another build of it.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

$(DOCS_READY): $(READY)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev,docs]'
	touch $(DOCS_READY)

# Other people's optimizers: pinned, and apart from the environment of the project.
$(PEERS_READY): pyproject.toml constraints-peers.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --constraint constraints-peers.txt torch
	$(PEERS)/bin/pip install --quiet --constraint constraints-peers.txt --editable '.[dev,peers]'
	touch $(PEERS_READY)

clean:
	rm -rf $(VENV) $(PEERS) reports/latest .hypothesis .mypy_cache .pytest_cache .ruff_cache docs/_build docs/generated
