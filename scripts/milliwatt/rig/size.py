"""Flash and static RAM of a firmware image, from the sections of its ELF file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from milliwatt.errors import ToolMissingError
from milliwatt.rig.line import RigError

_ALLOCATED, _WRITABLE = 0x2, 0x1  # SHF_ALLOC, SHF_WRITE
_AVR = 83  # EM_AVR
_AVR_EEPROM = 0x81_0000  # from here on avr-gcc keeps EEPROM, fuses, lock bits and signature


@dataclass(frozen=True)
class Size:
    """Bytes of flash (code, constants and the initial values of variables) and of static RAM."""

    flash: int
    ram: int

    def __sub__(self, other: Size) -> Size:
        return Size(self.flash - other.flash, self.ram - other.ram)


def image_size(path: Path) -> Size:
    """What an image takes; heap and stack are not part of it."""
    try:
        from elftools.common.exceptions import ELFError
        from elftools.elf.elffile import ELFFile
    except ImportError:
        raise ToolMissingError("sizes need pyelftools", cure="type: pip install 'milliwatt[rig]'") from None
    flash = ram = 0
    try:
        with open(path, "rb") as file:
            elf = ELFFile(file)
            is_avr = elf["e_machine"] in ("EM_AVR", _AVR)
            for section in elf.iter_sections():
                flags, size = section["sh_flags"], section["sh_size"]
                if not flags & _ALLOCATED or (is_avr and section["sh_addr"] >= _AVR_EEPROM):
                    continue
                if section["sh_type"] != "SHT_NOBITS":
                    flash += size
                if flags & _WRITABLE:
                    ram += size
    except (OSError, ELFError) as error:
        raise RigError(f"not a readable ELF file: {error}", file=path) from None
    return Size(flash, ram)
