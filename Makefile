# make demo and make test set everything up first; nothing else is needed. Another interpreter: make PYTHON=python3.12 test
PYTHON ?= python3
VENV ?= .venv
TORCH ?= torch>=2.8,<2.14
# Test files are independent and most are short: two workers fill two cores.
WORKERS ?= 2

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# One thread per process: with more, torch and numpy fight over a small machine's cores.
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help install demo test guides check lint types bench solvable fuzz fuzz-server fuzz-logs fuzz-drives fuzz-planners chaos gates gates-server box clean

help:
	@echo "make demo    set up, then train, evaluate and replay a hinted planner (minutes)"
	@echo "make test    set up, then run the tests"
	@echo "make check   ruff, mypy, tests"
	@echo "make guides  every command of the guides, each in a process of its own (ARGS=\"own_llm growing\")"
	@echo "make bench   the measured numbers (tests/benchmarks)"
	@echo "make solvable  the privileged driver over all seeds of every cell (20 minutes; make test drives the first 24)"
	@echo "make fuzz    mutated maps against the reader and compiler (ARGS=\"--files 100000 --seed 1\")"
	@echo "make fuzz-server  mutated calls and bytes against the CARLA-compatible server (ARGS=\"--calls 100000 --seed 1\")"
	@echo "make fuzz-logs  mutated recordings of CARLA against their import (ARGS=\"--files 100000 --seed 1\")"
	@echo "make fuzz-drives  mutated drives and journals against their readers (ARGS=\"--files 100000 --seed 1\")"
	@echo "make fuzz-planners  mutated planner files against what opens them (ARGS=\"--files 100000 --seed 1\")"
	@echo "make chaos   CARLA-compatible servers killed and stopped while a planner trains on them (ARGS=\"--blows 50\")"
	@echo "make gates   the traffic alone over simulated hours (ARGS=--help)"
	@echo "make gates-server  the CARLA-compatible server over many ticks and loads, with the real client (ARGS=--help)"
	@echo "make box     a trained run becomes the planner in the box, with its card (ARGS=runs/everything; minutes)"

install: $(STAMP)

# torch first and bounded: a build that is already on the machine, or a CPU wheel that pip is told of, then serves.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' || \
		{ echo "Python 3.10 to 3.12 is needed, $(PYTHON) is $$($(PYTHON) --version 2>&1): make PYTHON=python3.11 ..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@

demo: $(STAMP)
	$(BIN)/hcrmp demo

test: $(STAMP)
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal

guides: $(STAMP)
	$(BIN)/python -m tests.guides $(ARGS)

check: lint types test

lint: $(STAMP)
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python -m pip install --quiet --editable ".[dev,bench]"
	@for file in tests/benchmarks/bench_*.py; do \
		echo "== $$file"; $(BIN)/python -m tests.benchmarks.$$(basename $$file .py) || exit 1; \
	done

solvable: $(STAMP)
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal --all-seeds tests/envs/scenarios/test_solvable.py

fuzz: $(STAMP)
	$(BIN)/python -m tests.fuzz.fuzz_opendrive $(ARGS)

fuzz-server: $(STAMP)
	$(BIN)/python -m tests.fuzz.fuzz_carla_server $(ARGS)

fuzz-logs: $(STAMP)
	$(BIN)/python -m tests.fuzz.fuzz_logs $(ARGS)

fuzz-drives: $(STAMP)
	$(BIN)/python -m tests.fuzz.fuzz_drives $(ARGS)

fuzz-planners: $(STAMP)
	$(BIN)/python -m tests.fuzz.fuzz_planners $(ARGS)

chaos: $(STAMP)
	$(BIN)/python -m tests.chaos.kill_servers $(ARGS)

gates: $(STAMP)
	$(BIN)/python -m tests.gates $(ARGS)

gates-server: $(STAMP)
	$(BIN)/python -m tests.gates.server $(ARGS)

box: $(STAMP)
	$(BIN)/python -m tests.benchmarks.make_bundled_planner $(ARGS)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
