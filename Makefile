# Each target needs nothing but Python 3.11 or newer: it makes $(VENV) first.
PYTHON ?= python3
VENV ?= .venv
OUT ?= runs/first
STEPS ?=
PYTEST = $(VENV)/bin/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-fast coverage docs lint matrix dist

demo: $(VENV)/installed
	$(VENV)/bin/effspine train --preset m0 --data shapes --out $(OUT) $(if $(STEPS),--steps $(STEPS))

test: $(VENV)/installed
	$(PYTEST)

# Without what starts processes or traces a real preset: the daily round.
test-fast: $(VENV)/installed
	$(PYTEST) -m "not slow and not integration"

# Lines that no test of `make test` reaches, processes that tests start included.
coverage: $(VENV)/installed
	$(PYTEST) --cov=keras_effspine --cov-report=term-missing:skip-covered --cov-report=html:build/coverage

# A site of all pages and docstrings. They are copied together, so that links hold as in a checkout.
PAGES = build/pages
docs: $(VENV)/installed
	rm -rf $(PAGES) build/site
	mkdir -p $(PAGES)
	cp -r README.md CONTRIBUTING.md CHANGELOG.md docs benchmarks examples $(PAGES)
	find $(PAGES) -name '*.py' -delete
	$(VENV)/bin/zensical build --clean --strict

# The daily round on each version of Python that the package is for; each must be on the PATH.
PYTHONS ?= 3.11 3.12 3.13
matrix:
	for version in $(PYTHONS); do \
	    $(MAKE) test-fast PYTHON=python$$version VENV=.venv-$$version || exit 1; \
	done

# What is uploaded: a source archive and a wheel, checked.
dist: $(VENV)/installed
	rm -rf dist
	$(VENV)/bin/python -m build --outdir dist
	$(VENV)/bin/twine check --strict dist/*

lint: $(VENV)/installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# Editable, so that what runs is what stands here. The file is the mark of a finished installation.
$(VENV)/installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@
