"""Structs of generated code as data: their C, and their size on a 32-bit CPU."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

# Bytes and alignment where pointers, size_t and uint32_t have four bytes.
_SIZES = {
    "uint8_t": (1, 1),
    "int8_t": (1, 1),
    "int16_t": (2, 2),
    "uint16_t": (2, 2),
    "int32_t": (4, 4),
    "uint32_t": (4, 4),
    "float": (4, 4),
    "mw_ring": (16, 4),
    "mw_slide": (16, 4),
    "mw_iir_state_q15": (12, 4),
    "mw_fir_state_q15": (16, 4),
    "mw_fir_state_f32": (16, 4),
    "mw_goertzel_q15": (16, 4),
    "mw_goertzel_f32": (16, 4),
}


@dataclass(frozen=True)
class Member:
    """A member of a struct.

    Attributes:
        count: numbers in an array; 0: no array.
        comment: one line.
    """

    name: str
    type: str
    count: int = 0
    comment: str = ""


@dataclass(frozen=True)
class Group:
    """A struct or a union within a struct."""

    name: str
    members: tuple[Item, ...]
    is_union: bool = False
    comment: str = ""


Item: TypeAlias = Member | Group


def union(name: str, items: Iterable[Item], comment: str = "") -> tuple[Item, ...]:
    """What lives at different times in one place, without what is empty; nothing if all is."""
    kept = tuple(item for item in items if isinstance(item, Member) or item.members)
    return (Group(name, kept, is_union=True, comment=comment),) if kept else ()


def size_of(item: Item) -> int:
    """Bytes on a 32-bit CPU."""
    return _measured(item)[0]


def _measured(item: Item) -> tuple[int, int]:
    if isinstance(item, Member):
        size, alignment = _SIZES[item.type]
        return size * max(item.count, 1), alignment
    size, alignment = 0, 1
    for member in item.members:
        own, step = _measured(member)
        alignment = max(alignment, step)
        size = max(size, own) if item.is_union else -(-size // step) * step + own
    return -(-size // alignment) * alignment, alignment


def declaration(item: Item, indent: str = "    ") -> str:
    """The C of a member."""
    comment = f"{indent}/* {item.comment} */\n" if item.comment else ""
    if isinstance(item, Member):
        count = f"[{item.count}]" if item.count else ""
        return f"{comment}{indent}{item.type} {item.name}{count};\n"
    inner = "".join(declaration(member, indent + "    ") for member in item.members)
    kind = "union" if item.is_union else "struct"
    return f"{comment}{indent}{kind} {{\n{inner}{indent}}} {item.name};\n"


def typedef(name: str, members: Iterable[Item]) -> str:
    """A struct type."""
    return f"typedef struct {{\n{''.join(map(declaration, members))}}} {name};\n"
