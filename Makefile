# make demo: set up .venv, install, run a needle on the shipped potential (about two minutes on two cores)
# make test: set up .venv, install, check style and types, run all tests
# make test-all: the same with the optional programs whose tests make test skips (network and a compiler are needed)
#
# make docs: build the documentation into docs/_build/html; warnings are errors (make linkcheck: test its links)
# make notebooks: run the tutorials and store them as notebooks, with their outputs
#
# torch is pinned for a reproducible environment. On a machine without a GPU the CPU build saves gigabytes:
#   make demo TORCH="torch --index-url https://download.pytorch.org/whl/cpu"

PYTHON ?= python3
TORCH  ?= torch==2.13.0
VENV   ?= .venv

.PHONY: demo test test-all lint docs linkcheck notebooks bench clean

demo: $(VENV)/installed
	rm -rf needle-demo
	$(VENV)/bin/mlffvv run -o needle-demo

test: $(VENV)/installed lint
	OMP_NUM_THREADS=2 MPLBACKEND=Agg $(VENV)/bin/python -m pytest

lint: $(VENV)/installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

docs: $(VENV)/installed
	$(VENV)/bin/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

linkcheck: $(VENV)/installed
	$(VENV)/bin/python -m sphinx -q -W --keep-going -b linkcheck docs docs/_build/linkcheck

notebooks: $(VENV)/installed
	$(VENV)/bin/python docs/notebooks.py

# GPAW and calorine are compiled. On Debian and Ubuntu:
#   apt-get install g++ libxc-dev libopenblas-dev libfftw3-dev libopenmpi-dev openmpi-bin xvfb
test-all: $(VENV)/installed lint
	@command -v g++ > /dev/null || { echo "make test-all needs g++ and the packages that the Makefile lists"; exit 1; }
	CC=g++ $(VENV)/bin/python -m pip install --quiet -e ".[dft]"
	$(VENV)/bin/python -m pip install --quiet -e ".[cluster,cuda,benchmark]"
	$(VENV)/bin/python -m pip install --quiet --no-build-isolation -e ".[scatter]"
	OMP_NUM_THREADS=2 MPLBACKEND=Agg $(VENV)/bin/python -m pytest -rs

bench: $(VENV)/installed
	$(VENV)/bin/python -m pip install --quiet -e ".[benchmark]"
	OMP_NUM_THREADS=1 $(VENV)/bin/python benchmarks/bench_inference.py

$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet $(TORCH)
	$(VENV)/bin/python -m pip install --quiet -e ".[test]"
	touch $@

clean:
	rm -rf $(VENV) needle-demo docs/_build
