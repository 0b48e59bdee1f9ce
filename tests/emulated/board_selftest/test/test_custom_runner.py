import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[4] / "boards" / "virtual"))
from pio_test_runner import CustomTestRunner  # noqa: F401
