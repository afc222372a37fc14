# Everything here needs python3 (3.11 to 3.13), make and a package index; the rest is set up in .venv on first use.

PYTHON ?= python3
VENV_PYTHON := .venv/bin/python
# One stamp for each lock, named by its checksum: a lock that was only touched costs nothing.
RUNTIME := .venv/.runtime-$(firstword $(shell cksum requirements.txt))
DEVELOPMENT := .venv/.development-$(firstword $(shell cksum requirements-dev.txt))
CUDA := .venv/.cuda-$(firstword $(shell cksum requirements-gpu.txt))
# What was once asked for with GPU=1 is kept complete and up to date, whether GPU=1 is given again or not.
READY := $(if $(GPU)$(wildcard .venv/.cuda-*),$(CUDA),$(RUNTIME))
# --compile: without bytecode TensorFlow takes three times as long to import, and Python may be told to write none.
# --no-deps: the locks are complete, and pip looks for `package[extra]` beyond what they pin.
# -qq: errors only; with each file pinned there is nothing else to act on.
PIP_INSTALL := $(VENV_PYTHON) -m pip install -qq --compile --no-deps --require-hashes --disable-pip-version-check

# No command here reports to anybody.
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1
export MLFLOW_DISABLE_TELEMETRY := true

# `python -m flows` is to find the packages of this folder, whatever other projects want.
unexport PYTHONSAFEPATH

ifneq ($(GPU),)
  ifneq ($(GPU),1)
    $(error GPU is "$(GPU)"; give GPU=1 to add the libraries for NVIDIA GPUs to .venv, or unset it to leave .venv as it is)
  endif
  ifneq ($(shell uname -sm),Linux x86_64)
    $(error GPU=1 needs Linux on an x86_64 processor, and this is $(shell uname -sm): TensorFlow uses no NVIDIA GPU here)
  endif
endif

export SOAK_KILLS SOAK_SEED SOAK_REQUESTS

# Two test files at a time: many wait for servers and processes most of the time.
SIDE_BY_SIDE := --numprocesses 2 --dist loadfile --no-loadscope-reorder

# TensorFlow's notes about the processor would hide the pipeline's own messages.
TF_CPP_MIN_LOG_LEVEL ?= 2
export TF_CPP_MIN_LOG_LEVEL

# Trained on unless another dataset is named, or a run is gone on with, which has its own.
DIGITS = $(if $(filter --dataset --dataset=% --resume --resume=%,$(ARGS)),,--dataset digits)

.PHONY: help train inspect compare predict mistakes promote serve ui deploy worker test pictures bench profile soak lint format lock clean

help: ## list the targets
	@echo 'make TARGET [ARGS="..."] [PYTHON=python3.12] [GPU=1]'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' Makefile

train: $(READY) ## train one model: make train ARGS="--dataset mnist --optimizer adam"
	$(VENV_PYTHON) -m flows train $(DIGITS) $(ARGS)

inspect: $(READY) ## look at a dataset: make inspect ARGS="folder:PATH"
	$(VENV_PYTHON) -m flows inspect $(ARGS)

compare: $(READY) ## find the best optimizer: make compare ARGS="--optimizers sgd,adam --seeds 5"
	$(VENV_PYTHON) -m flows compare $(DIGITS) $(ARGS)

predict: $(READY) ## ask a stored model: make predict ARGS="RUN images/"
	$(VENV_PYTHON) -m flows predict $(ARGS)

mistakes: $(READY) ## look at what is still wrong: make mistakes ARGS="RUN_OR_STUDY"
	$(VENV_PYTHON) -m flows mistakes $(ARGS)

promote: $(READY) ## let a model be used under a name: make promote ARGS="RUN --name digits-lenet"
	$(VENV_PYTHON) -m flows promote $(ARGS)

serve: $(READY) ## let a model answer to pictures: make serve ARGS="lenet@champion"
	$(VENV_PYTHON) -m flows serve $(ARGS)

ui: $(READY) ## open the user interfaces of Prefect and MLflow
	$(VENV_PYTHON) -m flows ui $(ARGS)

deploy: $(READY) ## make the work pool and the deployments of prefect.yaml
	$(VENV_PYTHON) -m flows deploy

worker: $(READY) ## run what is asked of the deployments, one at a time
	$(VENV_PYTHON) -m flows worker $(ARGS)

test: $(DEVELOPMENT) ## run the tests: make test ARGS="tests/models -k lenet"
	$(VENV_PYTHON) -m pytest $(SIDE_BY_SIDE) $(ARGS)

pictures: $(DEVELOPMENT) ## take the pictures of the README again, in a browser
	$(VENV_PYTHON) -m pytest tests/end_to_end/test_browser.py tests/end_to_end/test_use.py -m slow --pictures docs/images

bench: $(READY) ## measure, with targets: make bench ARGS="step overhead --rounds 5"
	$(VENV_PYTHON) -m benchmarks $(ARGS)

profile: $(DEVELOPMENT) ## write a TensorFlow trace and a flame graph of a short training into profiles/
	$(VENV_PYTHON) -m benchmarks.profile $(ARGS)

soak: $(DEVELOPMENT) ## kill trainings at random times, and ask a served model: make soak SOAK_KILLS=20 SOAK_SEED=1
	$(VENV_PYTHON) -m pytest -s -m soak tests/end_to_end/test_soak.py tests/end_to_end/test_serve_soak.py $(ARGS)

lint: $(DEVELOPMENT) ## check style and types
	$(VENV_PYTHON) -m ruff check
	$(VENV_PYTHON) -m ruff format --check
	$(VENV_PYTHON) -m mypy

format: $(DEVELOPMENT) ## format the code and mend what ruff can mend
	$(VENV_PYTHON) -m ruff check --fix
	$(VENV_PYTHON) -m ruff format

lock: $(DEVELOPMENT) ## bring all locks up to date with the .in files; ARGS=--upgrade takes the newest releases
	$(VENV_PYTHON) -m uv pip compile --quiet $(ARGS) requirements.in --output-file requirements.txt
	$(VENV_PYTHON) -m uv pip compile --quiet $(ARGS) requirements-dev.in --output-file requirements-dev.txt
	$(VENV_PYTHON) -m uv pip compile --quiet $(ARGS) requirements-gpu.in --output-file requirements-gpu.txt

clean: ## remove .venv and caches; data, runs and the tracking database stay
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . \( -path ./.git -o -path ./data -o -path ./runs \) -prune -o -name __pycache__ -exec rm -rf {} +

# The stamps are written last, so that a set-up which was interrupted starts again. A changed runtime lock makes a new
# .venv: what it no longer names must be gone.
$(RUNTIME):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || { \
	    echo 'Python 3.11, 3.12 or 3.13 is needed, and $(PYTHON) is: '"$$($(PYTHON) --version 2>&1)"'.' \
	         'Name another one, for example: make PYTHON=python3.12 $(MAKECMDGOALS)' >&2; exit 1; }
	@echo 'Setting up .venv, once; this takes a few minutes.'
	@rm -rf .venv
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then $(PYTHON) -m venv .venv; \
	    else $(PYTHON) -m venv --without-pip .venv && $(VENV_PYTHON) .ci/install_pip.py; fi
	@$(PIP_INSTALL) --requirement requirements.txt
	@$(VENV_PYTHON) -m flows.servers.empty_databases
	@touch $@

$(CUDA): $(RUNTIME)
	@echo "Adding TensorFlow's CUDA libraries to .venv: gigabytes. They stay, with GPU=1 or without; make clean removes .venv."
	@rm -f .venv/.cuda-*
	@touch .venv/.cuda-begun
	@$(PIP_INSTALL) --requirement requirements-gpu.txt
	@touch $@

# Order only: adding CUDA's libraries says nothing about the development tools.
$(DEVELOPMENT): $(RUNTIME) | $(READY)
	@echo 'Adding the development tools to .venv.'
	@rm -f .venv/.development-*
	@$(PIP_INSTALL) --requirement requirements-dev.txt
	@touch $@
