# `make demo` and `make test` each need nothing but Python 3.11 or newer: they make $(VENV) first.
PYTHON ?= python3
VENV ?= .venv
OUT ?= runs/first
STEPS ?=

.PHONY: demo test lint

demo: $(VENV)/installed
	$(VENV)/bin/effspine train --preset m0 --data shapes --out $(OUT) $(if $(STEPS),--steps $(STEPS))

test: $(VENV)/installed
	$(VENV)/bin/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

# Editable, so that what runs is what stands here. The file is the mark of a finished installation.
$(VENV)/installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@
