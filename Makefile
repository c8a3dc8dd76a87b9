# make demo     run the default study and say where its figures are
# make test     run every test
# make check    style, lint and a dry run of every shipped study
# make bench    print every benchmark, each as a ratio

PYTHON ?= python3
BIN := .venv/bin
CORES ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
# config/studies/expertlens.yaml reads a corpus of the user's own; to check it, any text will do.
export GOLGI_CORPUS ?= $(CURDIR)/README.md

.PHONY: demo test check bench clean
.DELETE_ON_ERROR:

demo: .venv/ready
	$(BIN)/snakemake --cores $(CORES) --config studies=demo --quiet rules
	@echo
	@echo "Figures:  results/demo/figures/"
	@echo "Tables:   results/demo/tables/"
	@echo "Report:   results/demo/report.html"

test: .venv/ready-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(CORES) tests/unit tests/model
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/workflow

check: .venv/ready-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check --line-length 110 Snakefile workflow/rules
	$(BIN)/snakemake --lint
	$(BIN)/golgi check config/studies/*.yaml
	for study in config/studies/*.yaml; do $(BIN)/snakemake --dry-run --quiet --config studies=$$study || exit; done

bench: .venv/ready-test
	for bench in bench/bench_*.py; do $(BIN)/python $$bench || exit; done

clean:
	rm -rf .venv .snakemake results resources

.venv/ready: envs/requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Golgi needs Python 3.11 or newer, as in: make $(MAKECMDGOALS) PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --requirement envs/requirements.txt
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@

.venv/ready-test: .venv/ready envs/requirements-test.txt
	$(BIN)/pip install --quiet --requirement envs/requirements-test.txt
	touch $@
