# Two commands do all set-up: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PACKAGE ?=
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test crash fuzz lint bench static clean

demo: $(STAMP)  ## the main job on this machine: SQLite, no servers
	@$(BIN)/engage demo $(if $(PACKAGE),--package $(PACKAGE))

test: $(STAMP)  ## what it needs, then every test
	@sh .ci/services
	@if command -v npm >/dev/null; then cd static && { test -d node_modules || npm ci --silent --no-audit --no-fund; }; \
	else echo "No npm: the front end's unit tests and the test of its bundle are skipped."; fi
	$(BIN)/pytest -n 2 --dist loadgroup -m "not bench and not crash"

crash: $(STAMP)  ## consumers killed a hundred times; half an hour
	@sh .ci/services
	$(BIN)/pytest -m crash -s tests/crash

fuzz: $(STAMP)  ## ten million mutations of real lines, on two cores; some minutes
	nice -n 10 $(BIN)/python -m tests.fuzz.fuzz

lint: $(STAMP)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)  ## figures, each beside its baseline
	$(BIN)/pytest -m bench -s tests/benchmarks

static:  ## bundle the front end into engage_xblock/public (needs node)
	cd static && npm ci --no-audit --no-fund && npm run build

# The stamp makes a second call start at once; it is older than setup.py or the pins only when they changed.
$(STAMP): setup.py constraints.txt
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "Installing what Engage needs into $(VENV) (once; some minutes) ..."
	@$(BIN)/pip install --quiet --constraint constraints.txt "setuptools<82" wheel
	@$(BIN)/pip install --quiet --constraint constraints.txt --no-build-isolation --editable ".[test,lint]"
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info var
