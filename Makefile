# Two commands do all set-up: `make demo` and `make test`. Each installs what it needs and no more, once, into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --constraint constraints.txt
# PyPI's torch for Linux brings gigabytes for GPUs; the 200 MB build for CPUs is only here.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
PACKAGE ?=
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test crash foreign fuzz lint bench static clean

demo: $(VENV)/.demo  ## the main job on this machine: SQLite, no servers
	@$(BIN)/engage demo $(if $(PACKAGE),--package $(PACKAGE))

test: $(VENV)/.test  ## what it needs, then every test
	@sh .ci/services
	@if command -v npm >/dev/null; then cd static && { test -d node_modules || npm ci --silent --no-audit --no-fund; }; \
	else echo "No npm: the front end's unit tests and the test of its bundle are skipped."; fi
	$(BIN)/pytest -n 2 --dist loadgroup -m "not bench and not crash and not foreign"

crash: $(VENV)/.test  ## consumers killed a hundred times; half an hour
	@sh .ci/services
	$(BIN)/pytest -m crash -s tests/crash

foreign: $(VENV)/.test  ## the model that ships on 120 generated courses; some minutes
	$(BIN)/pytest -m foreign -n 0 tests/engagement

fuzz: $(VENV)/.test  ## ten million mutations of real lines, on two cores; some minutes
	nice -n 10 $(BIN)/python -m tests.fuzz.fuzz

lint: $(VENV)/.lint
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.test  ## figures, each beside its baseline
	$(BIN)/pytest -m bench -s tests/benchmarks

static:  ## bundle the front end into engage_xblock/public (needs node)
	cd static && npm ci --no-audit --no-fund && npm run build

# A stamp for each part makes a second call start at once; it is older than setup.py or the pins only when they changed.
$(VENV)/.lint: $(VENV)/.torch
$(VENV)/.demo $(VENV)/.lint: $(VENV)/.python
	@echo "Installing what \`make $(@F:.%=%)\` needs into $(VENV) (once; a minute or two) ..."
	@$(PIP) --editable ".[$(@F:.%=%)]"
	@touch $@

$(VENV)/.test: $(VENV)/.demo $(VENV)/.torch
	@echo "Installing what \`make test\` needs into $(VENV) (once; a minute or two) ..."
	@$(PIP) --editable ".[test]"
	@touch $@

$(VENV)/.python: setup.py constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Engage needs Python 3.11 or later: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@touch $@

# What trains an LSTM, and tests it. On Linux the CPU build of torch: a wheel that pip's find-links know, or the one of TORCH_INDEX.
$(VENV)/.torch: $(VENV)/.python
	@test "$$(uname -s)" != Linux || $(PIP) --no-deps --no-index torch 2>/dev/null \
	|| $(PIP) --no-deps --index-url $(TORCH_INDEX) torch
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info var
