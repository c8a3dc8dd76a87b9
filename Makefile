# make demo     run the default study and say where its figures are
# make test     run every test
# make check    style, lint and a dry run of every shipped study
# make bench    print every benchmark, each as a ratio
# make faults   kill the default study 25 times, and count the bytes that are lost
# make pins     write envs/ anew from pyproject.toml; make pins PINS=--upgrade takes the newest versions
# make audit    ask whether a pinned version has a known vulnerability

PYTHON ?= python3
BIN := .venv/bin
CORES ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
# config/studies/expertlens.yaml reads a corpus of the user's own; to check it, any text will do.
export GOLGI_CORPUS ?= $(CURDIR)/README.md
COMPILE := --quiet --universal --generate-hashes --no-annotate --python-version 3.11 --no-emit-package torch \
	--custom-compile-command "make pins" $(PINS)

.PHONY: demo test check bench faults pins audit clean
.DELETE_ON_ERROR:

demo: .venv/ready
	$(BIN)/snakemake --cores $(CORES) --config studies=demo --quiet rules
	@echo
	@echo "Figures:  results/demo/figures/"
	@echo "Tables:   results/demo/tables/"
	@echo "Report:   results/demo/report.html"
	@echo "Atlas:    results/demo/atlas/index.html"

# One process more than cores, for the one that has the cluster waits most of the time; it begins.
test: .venv/ready-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $$(($(CORES) + 1)) --no-loadscope-reorder \
		tests/slurm tests/workflow tests/page tests/unit tests/model

check: .venv/ready-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check --line-length 110 Snakefile workflow/rules
	$(BIN)/snakemake --lint
	$(BIN)/golgi check config/studies/*.yaml
	for study in config/studies/*.yaml; do $(BIN)/snakemake --dry-run --quiet --config studies=$$study || exit; done

bench: .venv/ready-test
	for bench in bench/bench_*.py; do $(BIN)/python $$bench || exit; done

faults: .venv/ready-test
	$(BIN)/python tests/workflow/faults.py --study demo --kills 25 --seed 1

pins: .venv/tools
	.venv/tools/bin/uv pip compile $(COMPILE) --extra slurm --constraint envs/torch.txt pyproject.toml \
		--output-file envs/requirements.txt
	.venv/tools/bin/uv pip compile $(COMPILE) --group test --constraint envs/requirements.txt \
		--output-file envs/requirements-test.txt
	sed '/ pip:$$/q' envs/golgi.yaml > .venv/golgi.yaml
	sed -n 's/ \\$$//; s/^[a-z].*==/      - &/p' envs/requirements.txt envs/torch.txt >> .venv/golgi.yaml
	cp .venv/golgi.yaml envs/golgi.yaml

audit: .venv/tools
	.venv/tools/bin/pip-audit --strict --disable-pip --no-deps $(addprefix --requirement ,$(wildcard envs/*.txt))

# All but what language models replied, which may have been paid for.
clean:
	rm -rf .venv .snakemake results $(filter-out resources/transcripts,$(wildcard resources/*))

.venv/ready: envs/requirements.txt envs/torch.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Golgi needs Python 3.11 or newer, as in: make $(MAKECMDGOALS) PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes --no-deps --requirement envs/requirements.txt
	$(BIN)/pip install --quiet --requirement envs/torch.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/pip check
	touch $@

.venv/ready-test: .venv/ready envs/requirements-test.txt
	$(BIN)/pip install --quiet --require-hashes --no-deps --requirement envs/requirements-test.txt
	$(BIN)/pip check
	touch $@

.venv/tools: Makefile
	$(PYTHON) -m venv $@
	$@/bin/pip install --quiet uv==0.13.9 pip-audit==2.10.1
	touch $@
