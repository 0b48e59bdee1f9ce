"""Category sets as bytes: the layout that ``mw_in_set`` of ``include/milliwatt/trees.h`` reads."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.ir import TreeEnsemble


@dataclass(frozen=True)
class CategoryBytes:
    """All sets of a model, one after the other.

    A set is the number of its bits in 8s (16 bits, low byte first), with the highest bit set when it is
    inverted, and then the bits, lowest category first.

    Attributes:
        data: the bytes.
        offsets: where each of the model's sets begins.
    """

    data: bytes
    offsets: tuple[int, ...]


def category_bytes(model: TreeEnsemble) -> CategoryBytes:
    """The sets of a model; equal ones are kept once."""
    data = bytearray()
    known: dict[bytes, int] = {}
    offsets = []
    for found in model.category_sets:
        n_bytes = found.members[-1] // 8 + 1 if found.members else 0
        bits = bytearray(n_bytes)
        for member in found.members:
            bits[member // 8] |= 1 << member % 8
        head = n_bytes | (0x8000 if found.inverted else 0)
        encoded = head.to_bytes(2, "little") + bytes(bits)
        if encoded not in known:
            known[encoded] = len(data)
            data += encoded
        offsets.append(known[encoded])
    return CategoryBytes(bytes(data), tuple(offsets))
