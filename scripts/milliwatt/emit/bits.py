"""Widths of numbers in bits, and numbers of any width one after the other without gaps."""

from __future__ import annotations

_FLUSH = 2048  # bits; larger integers would make each write slow


class BitWriter:
    """Appends numbers to a stream of bits: the first bit is the lowest of the first byte."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._pending = 0
        self._n_pending = 0

    def write(self, value: int, bits: int) -> None:
        """Append the lowest ``bits`` bits of ``value``, which has no more than these."""
        self._pending |= value << self._n_pending
        self._n_pending += bits
        if self._n_pending >= _FLUSH:
            whole = self._n_pending // 8
            self._bytes += (self._pending & ((1 << 8 * whole) - 1)).to_bytes(whole, "little")
            self._pending >>= 8 * whole
            self._n_pending -= 8 * whole

    def __len__(self) -> int:
        """Bits written so far."""
        return 8 * len(self._bytes) + self._n_pending

    def bytes(self) -> bytes:
        """What was written, the last byte filled up with zeros."""
        return bytes(self._bytes) + self._pending.to_bytes((self._n_pending + 7) // 8, "little")


def width_of(largest: int) -> int:
    """Bits that numbers from 0 to ``largest`` need: none if that is 0."""
    return largest.bit_length()


def c_width(largest: int) -> int:
    """Width of the narrowest unsigned C type that holds numbers from 0 to ``largest``: 8, 16 or 32 bits."""
    return 8 if largest <= 0xFF else 16 if largest <= 0xFFFF else 32
