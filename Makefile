# `make demo` shows the product, `make test` proves it, `make run` starts the bot.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROMPT ?= water pouring into a glass on a wooden table, slow push in, afternoon sun
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

.PHONY: demo run test fix bench lock clean

demo: $(VENV)/.runtime
	@$(BIN)/python -m bot demo "$(PROMPT)"

run: $(VENV)/.runtime
	@$(BIN)/python -m bot run

test: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/pytest -n 4 --dist worksteal

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks

fix: $(VENV)/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-strip-extras pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-strip-extras --extra test pyproject.toml -o requirements-test.txt

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: install it, or say which one with 'make PYTHON=/path/to/python3 demo'."; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, this is $$($(PYTHON) -V). Say another one with 'make PYTHON=python3.11 demo'."; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "This Python cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv"; exit 2; }

$(VENV)/.runtime: requirements.txt | $(VENV)/bin/python
	@echo "Installing pinned dependencies into $(VENV) (once) ..."
	@$(INSTALL) -r requirements.txt
	@touch $@

$(VENV)/.test: requirements-test.txt | $(VENV)/bin/python
	@echo "Installing pinned test dependencies into $(VENV) (once) ..."
	@$(INSTALL) -r requirements-test.txt
	@touch $@ $(VENV)/.runtime

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis build *.egg-info
