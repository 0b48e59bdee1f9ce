"""The model as data, ``*.mw.bin``: what ``mw_model_open`` of ``include/milliwatt/model.h`` reads.

The format is described in ``docs/blob.md``. The tables are those of ``method='loadable'``, described in
``include/milliwatt/trees_walk.h``.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

from milliwatt import c_text as text
from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.emit.bits import c_width
from milliwatt.emit.c_loadable import Tables, loadable_tables
from milliwatt.emit.leaves import LeafTable, cut_sum, leaf_table
from milliwatt.emit.packing import PackedTrees
from milliwatt.errors import UnsupportedModelError
from milliwatt.ir import AnyModel, Network, TreeEnsemble
from milliwatt.ir.model import LINKS, MEAN, MEDIAN

MAGIC = b"MWMB"
VERSION = 1
HEADER_BYTES = 80
CRC_FROM = 16  # the first byte that the CRC covers
MOST = 0x7FFF  # of features, classes and outputs: an int of 16 bits
MOST_TREES = 0xFFFF

TYPES = ("float", "int8", "uint8", "int16", "int32")
JOINED, CODED, BESIDE = 1, 2, 3
_CODES = {8: "B", 16: "H", 32: "I"}


def emit_blob(model: AnyModel) -> bytes:
    """The model as a blob: a multiple of 4 bytes, to be put at a multiple of 4.

    Raises:
        UnsupportedModelError: this version of the format has no place for something in the model.
    """
    if isinstance(model, Network):
        raise _cannot_hold("a neural network")
    if not isinstance(model, TreeEnsemble):
        raise _cannot_hold("a committee, which is several models that vote or are averaged")
    beyond = _inexpressible(model)
    if beyond:
        raise _cannot_hold(beyond)
    table = leaf_table(model)
    tables = loadable_tables(model, table, smallest=True)
    sections = _sections(model, tables)
    body = _header_rest(model, tables, len(sections[-1])) + b"".join(map(_padded, sections))
    head = struct.pack("<4sHHI", MAGIC, VERSION, HEADER_BYTES, CRC_FROM + len(body))
    return head + struct.pack("<I", zlib.crc32(body)) + body


def _cannot_hold(what: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"a *.mw.bin cannot hold {what}", option="format", cure="use format='json' or 'c'"
    )


def with_crc(blob: bytes) -> bytes:
    """The blob with the CRC that belongs to it, whatever it says: for tests and tools that change blobs."""
    return blob[:12] + struct.pack("<I", zlib.crc32(blob[CRC_FROM:])) + blob[CRC_FROM:]


def _inexpressible(model: TreeEnsemble) -> str:
    """What of a model the format has no place for, if there is such a thing."""
    most = max(model.n_features, len(model.classes), model.n_outputs)
    found = {
        "what makes features of raw samples": model.signals is not None,
        "feature scales": bool(model.scale),
        "medians": model.aggregate == MEDIAN,
        f"more than {MOST} features, classes or outputs": most > MOST,
        f"more than {MOST_TREES} trees": len(model.trees) > MOST_TREES,
        "class names with a zero byte": any("\0" in str(label) for label in model.classes),
    }
    return next((what for what, is_so in found.items() if is_so), "")


def _header_rest(model: TreeEnsemble, tables: Tables, names_bytes: int) -> bytes:
    """The header from where the CRC covers it."""
    packed, table = tables.packed, tables.table
    layout = packed.layout
    if tables.n_trees > MOST_TREES:
        raise UnsupportedModelError(
            f"a *.mw.bin cannot hold more than {MOST_TREES} trees ({tables.n_trees} here, empty ones for"
            " outputs with fewer trees included)",
            option="format",
            cure="use format='json' or 'c'",
        )
    checks_nan = model.check_nan and not model.handles_missing and model.dtype == "float"
    flags = (
        model.is_classifier,
        checks_nan,
        table.implied,
        layout.missing,
        layout.categories,
        layout.far,
        layout.folded,
    )
    head = struct.pack(
        "<6H 10B 2x",
        model.n_features,
        len(model.classes),
        model.n_outputs,
        table.width,
        tables.n_trees,
        len(model.trees) if model.aggregate == MEAN else 1,
        TYPES.index(model.dtype),
        LINKS.index(model.link),
        sum(1 << bit for bit, is_so in enumerate(flags) if is_so),
        layout.word_bits,
        layout.link_bits,
        layout.feature_shift,
        JOINED if tables.joined else CODED if packed.codes else BESIDE,
        tables.leaf_bits,
        0 if table.kind == "votes" else table.bits,
        c_width(max(packed.sizes)),
    )
    cut = cut_sum(model, table) if model.is_binary else 0
    return head + struct.pack(
        "<8I i 4x",
        len(packed.meta),
        0 if tables.joined else len(packed.thresholds),
        len(tables.leaves),
        len(table.rows) if table.kind == "votes" else len(tables.rows),
        len(packed.sets.data),
        names_bytes,
        packed.first,
        table.one,
        cut,
    )


def _sections(model: TreeEnsemble, tables: Tables) -> list[bytes]:
    """The tables, in the order of the file."""
    packed = tables.packed
    split_bits = _split_bits(packed) if packed.layout.far else b""
    return [
        *_split_sections(model, tables),
        split_bits,
        _numbers(c_width(max(packed.sizes)), packed.sizes),
        packed.sets.data,
        _numbers(tables.leaf_bits or 8, tables.leaves),
        _numbers(tables.table.bits, (value for row in tables.rows for value in row)),
        *_score_sections(tables.table),
        "".join(f"{label}\0" for label in model.classes).encode("utf-8", "replace"),
    ]


def _split_sections(model: TreeEnsemble, tables: Tables) -> list[bytes]:
    """Meta words, thresholds and codes."""
    packed = tables.packed
    kind = FEATURE_TYPES[model.dtype]
    code = "B" if model.dtype == "uint8" else {1: "b", 2: "h", 4: "i"}[kind.size]
    try:
        thresholds = struct.pack(f"<{len(packed.thresholds)}{code}", *packed.thresholds)
    except struct.error:
        raise UnsupportedModelError(
            f"too many category sets for {model.dtype} features: their places do not fit thresholds",
            option="dtype",
            cure="use dtype='int32'",
        ) from None
    if not tables.joined:
        return [_numbers(packed.layout.word_bits, packed.meta), thresholds, bytes(packed.codes)]
    words = zip(packed.meta, packed.thresholds, strict=True)
    return [_numbers(32, ((threshold & 0xFFFF) << 16 | meta for meta, threshold in words)), b"", b""]


def _score_sections(table: LeafTable) -> list[bytes]:
    """What scores are made from sums with; nothing for votes and proportions."""
    n = len(table.shift)
    return [
        struct.pack(f"<{n}b", *table.shift),
        struct.pack(f"<{n}i", *table.zero),
        struct.pack(f"<{n}i", *table.start),
        struct.pack(f"<{n}f", *(_as_in_c(base) for base in table.base[:n])),
    ]


def _as_in_c(value: float) -> float:
    """The constant that generated C has for a number: blobs give the same bits."""
    return float(text.float_literal(value).removesuffix("f"))


def _split_bits(packed: PackedTrees) -> bytes:
    """One bit a slot, lowest first: 1 where a split is, 0 where a far link stands."""
    layout = packed.layout
    bits = bytearray(len(packed.meta) // 8 + 1)
    stack = _roots(packed)
    while stack:
        slot = stack.pop()
        bits[slot >> 3] |= 1 << (slot & 7)
        word = packed.meta[slot]
        left_leaf, right_leaf = bool(word & layout.left_leaf), bool(word & layout.right_leaf)
        link = word & ((1 << layout.link_bits) - 1)
        if layout.folded and left_leaf:
            link = 0
        elif link >= layout.first_far:
            link = packed.meta[slot - 1 - (link - layout.first_far)]
        if not left_leaf:
            stack.append(slot + 1)
        if not right_leaf:
            stack.append(slot + 1 + link)
    return bytes(bits)


def _roots(packed: PackedTrees) -> list[int]:
    roots = [packed.first]
    for size in packed.sizes[:-1]:
        roots.append(roots[-1] + size)
    return roots


def _numbers(bits: int, values: Iterable[int]) -> bytes:
    listed = list(values)
    return struct.pack(f"<{len(listed)}{_CODES[bits]}", *listed)


def _padded(section: bytes) -> bytes:
    return section + bytes(-len(section) % 4)
