# Each target sets up .venv by itself; the stamp is remade when pyproject.toml changes.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
.PHONY: demo test check docs golden benchmark mini clean

demo: $(STAMP)  ## set up, and run the main job: index, search, evaluate, train
	$(BIN)/hark demo --out runs/demo

test: $(STAMP)  ## set up, and pass the tests
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --ignore tests/golden
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 tests/golden # apart: they want other Fourier transforms (tests/golden/conftest.py)

check: $(STAMP)  ## style, types, floors of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(STAMP)  ## write the pages that are made from the code, and check that they are up to date
	$(BIN)/python docs/make.py

golden: $(STAMP)  ## compare with numbers made by the original implementations (HARK_GOLDEN names their folder)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m golden tests

benchmark: $(STAMP)  ## speed of indexing, loading and training, beside plain loops; sizes and speed of every tower
	$(BIN)/python -m benchmarks.index
	$(BIN)/python -m benchmarks.data
	$(BIN)/python -m benchmarks.train
	$(BIN)/python -m benchmarks.towers

mini: $(STAMP)  ## train the model that comes with hark (HARK_DATA names the folder of sounds and captions)
	$(BIN)/hark train mini --data "$(HARK_DATA)" --out runs/mini

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("hark needs Python 3.11 or newer; set PYTHON") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "torch>=2.6,<2.14"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

clean:
	rm -rf .venv runs build dist .mypy_cache .ruff_cache .pytest_cache
