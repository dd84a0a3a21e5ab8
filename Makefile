# Every target makes the environment it needs first; see tools/misc/bootstrap.py.
#   make test                      environment in .venv, made with python3
#   make test PYTHON=python3.10    another Python (3.10 to 3.13)
#   make test VENV=/path/to/env    an environment of yours
#   make test VENV=                the environment that is active now
#   make test CONSTRAINTS=constraints-new.txt VENV=.venv-new   the newest versions
#   make demo DEMO_ARGS='--method internet'
PYTHON ?= python3
VENV ?= .venv
PY := $(if $(strip $(VENV)),$(VENV)/bin/python,$(PYTHON))
WORKERS ?= 2
# Versions: constraints.txt (NumPy 1) or constraints-new.txt (NumPy 2), in requirements/.
CONSTRAINTS ?= constraints.txt
FUZZ_MINUTES ?= 10
DEMO_OUT ?= work_dirs/demo

.PHONY: help env demo test lint format docs bench fuzz

help:
	@sed -n 's/^#   //p' Makefile
	@echo 'targets: demo test lint format docs bench fuzz env'

env:
	@$(PYTHON) tools/misc/bootstrap.py --venv "$(VENV)" --constraints "$(CONSTRAINTS)"

demo: env
	$(PY) demo/run_demo.py --out-dir $(DEMO_OUT) $(DEMO_ARGS)

test: env
	$(PY) -m pytest -n $(WORKERS) --cov --cov-report=term:skip-covered $(ARGS)

lint: env
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

format: env
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

docs: env
	$(PY) docs/site/build.py --out-dir build/docs

bench: env
	$(PY) tools/benchmark/run_all.py

# Spoils files of every kind for ten minutes; each case in a process of its own, at most 1 GB more.
fuzz: env
	$(PY) tests/fuzz/fuzz_run.py --minutes $(FUZZ_MINUTES)
