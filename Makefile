# make demo: set up .venv, install, run a needle on the shipped potential (about two minutes on two cores)
# make test: set up .venv, install, run all tests
#
# torch is pinned for a reproducible environment. On a machine without a GPU the CPU build saves gigabytes:
#   make demo TORCH="torch --index-url https://download.pytorch.org/whl/cpu"

PYTHON ?= python3
TORCH  ?= torch==2.13.0
VENV   ?= .venv

.PHONY: demo test lint bench clean

demo: $(VENV)/installed
	rm -rf needle-demo
	$(VENV)/bin/mlffvv run -o needle-demo

test: $(VENV)/installed lint
	OMP_NUM_THREADS=2 MPLBACKEND=Agg $(VENV)/bin/python -m pytest

lint: $(VENV)/installed
	$(VENV)/bin/ruff check .

bench: $(VENV)/installed
	$(VENV)/bin/python -m pip install --quiet -e ".[benchmark]"
	OMP_NUM_THREADS=1 $(VENV)/bin/python benchmarks/bench_inference.py

$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet $(TORCH)
	$(VENV)/bin/python -m pip install --quiet -e ".[test]"
	touch $@

clean:
	rm -rf $(VENV) needle-demo
