# SPDX-License-Identifier: Apache-2.0
# Everything runs in .venv, which `make setup` makes once. Variables:
#   PYTHON    the interpreter to make .venv with (3.11 or later)
#   PIP_ARGS  more options for pip, e.g. an index with CPU builds of torch

PYTHON ?= python3
PIP_ARGS ?=
VENV := .venv
STAMP := $(VENV)/.stamp
PIP := $(VENV)/bin/python -m pip install $(PIP_ARGS)

# Small tensors gain nothing from threads, and several test processes with many
# threads each get in one another's way.
export OMP_NUM_THREADS ?= 1

HAS_CONTRIB := import cv2; cv2.optflow.DualTVL1OpticalFlow_create()

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint docs clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "%-8s %s\n", $$1, $$2}' Makefile

setup: $(STAMP)  ## Make .venv with the pinned set and this package

$(STAMP): requirements/pinned.txt requirements/ptlflow.txt setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo 'The pinned set needs Python 3.11 or later, but $(PYTHON) is' \
	"$$($(PYTHON) -V 2>&1): set PYTHON=python3.11, or install the ranges" \
	'with pip as in docs/installation.md.' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) -r requirements/pinned.txt
	$(PIP) --no-deps -r requirements/ptlflow.txt
	$(PIP) --no-build-isolation --no-deps -e .
# Of the two OpenCV distributions the one unpacked last owns the folder cv2.
# pip takes the right order on a new .venv, but not on every upgrade.
	@$(VENV)/bin/python -c '$(HAS_CONTRIB)' 2>/dev/null || \
	$(PIP) --no-deps --force-reinstall \
	"$$(grep '^opencv-contrib-python==' requirements/pinned.txt)"
	@$(VENV)/bin/python -c '$(HAS_CONTRIB)' || \
	{ echo 'OpenCV has no module optflow (TV-L1 needs it): remove $(VENV)' \
	'and run make setup again.' >&2; exit 1; }
	@touch $@

demo: setup  ## Train the three stages on generated videos
	$(VENV)/bin/python tools/quickstart.py

test: setup  ## Run the test suite
	$(VENV)/bin/python -m pytest -n logical --maxprocesses 4 --dist worksteal

lint: setup  ## Check the style of the code
	$(VENV)/bin/ruff check .

docs: setup  ## Build the site of the documentation: docs/_build/html/index.html
	$(VENV)/bin/python -m sphinx -W --keep-going -q docs docs/_build/html

clean:  ## Remove what was built here (not .venv, not work_dirs)
	rm -rf build dist docs/_build *.egg-info .hypothesis .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune \
	-exec rm -rf {} +
