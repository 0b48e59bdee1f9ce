"""`pio test` on the virtual boards: PlatformIO's Unity runner, with the firmware run in the emulator.

Use it with ``test_framework = custom`` in platformio.ini, as ``test/test_custom_runner.py``: a copy of
this file, or the two lines

    import sys; sys.path.append("path/to/boards/virtual")
    from pio_test_runner import CustomTestRunner  # noqa

A test program prints Unity's lines (``file:line:test:PASS`` or ``:FAIL: why``) and its summary (``2 Tests
0 Failures 0 Ignored``), and should exit with a status other than 0 if a test failed. Unity itself does
that, but any way of printing the lines will do: nothing is downloaded. A program that ends without
the summary, or with a bad status though no test failed, is an error.
"""

import subprocess
import sys
from pathlib import Path

from platformio.test.exception import UnitTestError
from platformio.test.result import TestStatus
from platformio.test.runners.unity import UnityTestRunner

TIMEOUT_S = 300


class CustomTestRunner(UnityTestRunner):  # type: ignore[misc]
    """The name PlatformIO looks for."""

    EXTRA_LIB_DEPS = None  # Unity's own runner would download Unity

    def configure_build_env(self, env: object) -> object:
        return env

    def stage_testing(self) -> None:
        if self.options.without_testing:
            return
        print("Testing...", flush=True)
        program = subprocess.Popen(
            self.testing_command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        with program:
            assert program.stdout is not None
            for line in program.stdout:
                self.on_testing_data_output(line)
        self.judge(program.returncode)

    def testing_command(self) -> list[str]:
        section = f"env:{self.test_suite.env_name}"
        own = self.project_config.get(section, "test_testing_command")
        if own:
            return list(own)
        board = self.platform.board_config(self.project_config.get(section, "board"))
        build_dir = self.project_config.get("platformio", "build_dir")
        return [
            sys.executable,
            str(Path(self.platform.get_dir(), "run.py")),
            *("--board", board.manifest_path, "--timeout", str(TIMEOUT_S)),
            str(Path(build_dir, self.test_suite.env_name, "firmware.elf")),
        ]

    def judge(self, status: int) -> None:
        """What the lines alone do not tell."""
        failed = any(case.status == TestStatus.FAILED for case in self.test_suite.cases)
        if status and not failed:
            raise UnitTestError(f"no test failed, but the program ended with exit status {status}")
        if not self.test_suite.is_finished():
            raise UnitTestError("the program ended without its line 'N Tests N Failures N Ignored'")
