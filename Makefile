# make demo    train, convert, build, run on every virtual board, compare: a table at the end
# make test    everything that CI checks
#
# Both set the machine up first: on a bare Debian 12 as root they install the packages they need,
# otherwise they print the command to type. All they make is in build/.

PYTHON ?= python3
BUILD := $(CURDIR)/build
PY := $(BUILD)/venv/bin/python

# PlatformIO keeps its packages in build/ and leaves the user's own alone.
export PLATFORMIO_CORE_DIR := $(BUILD)/platformio
export PLATFORMIO_SETTING_ENABLE_TELEMETRY := No
export PLATFORMIO_DISABLE_UPGRADE_CHECK := true
export MILLIWATT_CACHE := $(BUILD)/cache

.PHONY: help demo test lint unit bench sklearn-versions setup clean

help:
	@sed -n '1,5s/^# \{0,1\}//p' Makefile

setup:
	@$(PYTHON) scripts/bootstrap.py --venv $(BUILD)/venv --core-dir $(PLATFORMIO_CORE_DIR)

demo: setup
	@$(PY) samples/activity/demo.py --out $(BUILD)/demo

lint: setup
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

test: setup lint
	@$(PY) -m pytest -n 2 --dist loadfile tests

bench: setup
	@$(PY) -m tests.benchmarks.trees

# The frontends against the current scikit-learn and the two minor releases before it.
sklearn-versions: setup
	@$(PY) tests/sklearn_versions.py --out $(BUILD)/sklearn

clean:
	rm -rf $(BUILD)
