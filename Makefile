# make demo: set up .venv, install, run a needle on the shipped potential (about two minutes on two cores)
# make test: set up .venv, install, check style and types, run all tests
# make test-all: all tests with the optional programs that make test skips (network, a compiler and hours are needed)
#
# make docs: build the documentation into docs/_build/html; warnings are errors (make linkcheck: test its links)
# make notebooks: run the tutorials and store them as notebooks, with their outputs
#
# torch is pinned for a reproducible environment. On a machine without a GPU the CPU build saves gigabytes:
#   make demo TORCH="torch --index-url https://download.pytorch.org/whl/cpu"

PYTHON ?= python3
TORCH  ?= torch==2.13.0
VENV   ?= .venv
ALL    ?= .venv-all
DEBIAN  = g++ libxc-dev libopenblas-dev libfftw3-dev libopenmpi-dev openmpi-bin xvfb libvulkan1 \
          mesa-vulkan-drivers chromium

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

# Tests of GPAW, LAMMPS, NEP, Dask, torch-scatter and the compilation for GPUs, in an environment of their own; a test
# that is skipped because something is not installed fails. GPAW's tests take an hour or more.
test-all: $(ALL)/installed
	OMP_NUM_THREADS=2 MPLBACKEND=Agg MLFFVV_ALL=1 $(ALL)/bin/python -m pytest -rs --durations=20

# GPAW, calorine and torch-scatter are compiled (with Python of Debian, they also need python3-dev)
$(ALL)/installed: setup.cfg pyproject.toml
	@if command -v dpkg > /dev/null; then \
	    missing=$$(for p in $(DEBIAN); do dpkg -s $$p > /dev/null 2>&1 || echo $$p; done); \
	    [ -z "$$missing" ] || { echo "make test-all needs: apt-get install" $$missing; exit 1; }; \
	else echo "make test-all needs what Debian calls: $(DEBIAN)"; fi
	$(PYTHON) -m venv $(ALL)
	$(ALL)/bin/python -m pip install --quiet $(TORCH) "setuptools>=77" wheel
	CC=g++ $(ALL)/bin/python -m pip install --quiet -e ".[test,dft]"
	$(ALL)/bin/python -m pip install --quiet -e ".[cluster,cuda,benchmark]"
	$(ALL)/bin/python -m pip install --quiet --no-build-isolation -e ".[scatter]"
	touch $@

bench: $(VENV)/installed
	$(VENV)/bin/python -m pip install --quiet -e ".[benchmark]"
	OMP_NUM_THREADS=1 $(VENV)/bin/python benchmarks/bench_inference.py

$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet $(TORCH)
	$(VENV)/bin/python -m pip install --quiet -e ".[test]"
	touch $@

clean:
	rm -rf $(VENV) $(ALL) needle-demo docs/_build
