"""A short run of ``fuzz_model.c``: a long one is for a night."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from milliwatt import sdk

HERE = Path(__file__).resolve().parent
RUNS = 20_000
FLAGS = ("-g", "-O1", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program; skips where clang or its libFuzzer is missing."""
    if shutil.which("clang") is None:
        pytest.skip("clang is not installed")
    directory = tmp_path_factory.mktemp("fuzz")
    probe = directory / "probe.c"
    probe.write_text(
        "#include <stddef.h>\n#include <stdint.h>\n"
        "int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)\n"
        "{\n    (void) data;\n    (void) size;\n    return 0;\n}\n"
    )
    command = ["clang", *FLAGS, str(probe), "-o", str(directory / "probe")]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("clang has no libFuzzer")
    program = directory / "fuzz_model"
    sources = [str(path) for path in sdk.sources() if path.name.startswith("model")]
    include = f"-I{sdk.include_dir()}"
    subprocess.run(
        ["clang", *FLAGS, include, str(HERE / "fuzz_model.c"), *sources, "-o", str(program)], check=True
    )
    return program


def test_no_input_does_harm(fuzzer: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    subprocess.run([sys.executable, str(HERE / "model_corpus.py"), str(corpus)], check=True)
    seeds = len(list(corpus.iterdir()))
    assert seeds > 30
    command = [str(fuzzer), f"-runs={RUNS}", "-seed=1", "-max_len=4096", "-timeout=20", str(corpus)]
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env, check=False)
    assert result.returncode == 0, result.stderr[-4000:]
    assert f"Done {RUNS} runs" in result.stderr
    # Mutants that reach new code are added: the checks behind the CRC are reached.
    assert len(list(corpus.iterdir())) > seeds + 20
