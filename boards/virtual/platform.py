"""PlatformIO development platform: boards that exist only in QEMU, in simavr or on this PC."""

from platformio.public import PlatformBase


class MilliwattvirtualPlatform(PlatformBase):  # type: ignore[misc]
    """Nothing to install, and not "embedded" in PlatformIO's sense: tests run as programs do."""

    def is_embedded(self) -> bool:
        return False
