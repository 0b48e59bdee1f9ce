"""What the transforms of ``<milliwatt/fft.h>`` in fixed point have to give, bit for bit, in numpy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Pair = tuple[Numbers, Numbers]  # real and imaginary parts
Turns = Callable[[Pair, int, int, int], Pair]  # numbers, numerators of a turn, its parts, shift


def order(n: int) -> NDArray[np.intp]:
    """The places whose bits are turned round."""
    width = n.bit_length() - 1
    return np.array([int(f"{i:0{width}b}"[::-1], 2) for i in range(n)], np.intp)


def _cosines(k: Numbers, n: int, unit: int, most: int) -> tuple[Numbers, Numbers]:
    """Cosine and sine of k of n parts of a turn, rounded; of those between axes at most ``most``."""
    angle = 2 * np.pi * k / n
    found = []
    for exact in (np.cos(angle), np.sin(angle)):
        rounded = np.floor(np.abs(exact) * unit + 0.5).astype(np.int64)
        axis = 4 * k % n == 0
        rounded = np.where(axis, rounded, np.minimum(rounded, most))
        found.append(np.where(exact < 0, -rounded, rounded))
    return found[0], found[1]


def _join(blocks: Pair, turned: list[Pair], first: Pair) -> Pair:
    b, c, d = turned
    even = first[0] + b[0], first[1] + b[1]
    less = first[0] - b[0], first[1] - b[1]
    odd = c[0] + d[0], c[1] + d[1]
    odd_less = c[0] - d[0], c[1] - d[1]
    re = np.stack([even[0] + odd[0], less[0] + odd_less[1], even[0] - odd[0], less[0] - odd_less[1]], 1)
    im = np.stack([even[1] + odd[1], less[1] - odd_less[0], even[1] - odd[1], less[1] + odd_less[0]], 1)
    return re.reshape(-1), im.reshape(-1)


def _blocks(x: Pair, m: int) -> list[Pair]:
    re, im = x[0].reshape(-1, 4, m), x[1].reshape(-1, 4, m)
    return [(re[:, i], im[:, i]) for i in range(4)]


def _pairs(x: Pair) -> Pair:
    found = []
    for part in x:
        a, b = part[0::2], part[1::2]
        found.append(np.stack([a + b, a - b], 1).reshape(-1))
    return found[0], found[1]


def _fits(x: Pair, bits: int) -> Pair:
    limit = 1 << (bits - 1)
    for part in x:
        assert part.min() >= -limit, "overflow"
        assert part.max() < limit, "overflow"
    return x


# -- 32 bits ----------------------------------------------------------------------------------------


def _turn_i32(x: Pair, k: Numbers, n: int, shift: int) -> Pair:
    cosine, sine = _cosines(k, n, 65536, 65535)
    return (x[0] * cosine + x[1] * sine) >> shift, (x[1] * cosine - x[0] * sine) >> shift


def run_i32(x: Pair, down: int = 3) -> Pair:
    n = x[0].size
    x = x[0][order(n)], x[1][order(n)]
    shift, m = 2 + down, 1
    if n.bit_length() % 2 == 0:
        x = _pairs((x[0] >> (1 + down), x[1] >> (1 + down)))
        shift, m = 2, 2
    while m < n:
        blocks = _blocks(x, m)
        k = np.arange(m)
        turned = []
        for block, times in zip(blocks[1:], (2, 1, 3), strict=True):
            whole = _turn_i32(block, times * k, 4 * m, 18)
            for part, plain in zip(whole, block, strict=True):
                part[:, 0] = plain[:, 0] >> shift
            turned.append(whole)
        x = _fits(_join(x, turned, (blocks[0][0] >> shift, blocks[0][1] >> shift)), 32)
        shift, m = 2, 4 * m
    return x


def _mirror(x: Pair) -> tuple[Pair, Pair]:
    """Numbers 1 to half-1, and those opposite."""
    m = x[0].size
    low, high = np.arange(1, m // 2), m - np.arange(1, m // 2)
    return (x[0][low], x[1][low]), (x[0][high], x[1][high])


def _rounded(x: Pair) -> Pair:
    return tuple(np.concatenate([part[:1], part[:0:-1]]) for part in x)  # type: ignore[return-value]


def fft_i32(x: Pair) -> Pair:
    return run_i32(x)


def ifft_i32(x: Pair) -> Pair:
    return _rounded(run_i32(x))


def _assembled(first: int, last: int, low: Pair, middle: tuple[int, int], high: Pair) -> Pair:
    re = np.concatenate([[first], low[0], [middle[0]], high[0][::-1], [last]])
    im = np.concatenate([[0], low[1], [middle[1]], high[1][::-1], [0]])
    return re, im


def rfft_i32(x: Numbers) -> Pair:
    n = x.size
    z = run_i32((x[0::2], x[1::2]))
    (xr, xi), (yr, yi) = _mirror(z)
    even = (xr + yr) >> 1, (xi - yi) >> 1
    odd = _turn_i32(((xi + yi) >> 1, (yr - xr) >> 1), np.arange(1, n // 4), n, 16)
    middle = int(z[0][n // 4]), -int(z[1][n // 4])
    low = even[0] + odd[0], even[1] + odd[1]
    high = even[0] - odd[0], odd[1] - even[1]
    first, last = int(z[0][0] + z[1][0]), int(z[0][0] - z[1][0])
    return _fits(_assembled(first, last, low, middle, high), 32)


def irfft_i32(x: Pair) -> Numbers:
    n = 2 * (x[0].size - 1)
    first, last = x[0][0] >> 4, x[0][-1] >> 4
    bins = x[0][:-1], x[1][:-1]
    (xr, xi), (yr, yi) = _mirror(bins)
    even = (xr >> 4) + (yr >> 4), (xi >> 4) - (yi >> 4)
    odd_in = ((xr >> 3) - (yr >> 3)) >> 1, ((xi >> 3) + (yi >> 3)) >> 1
    cosine, sine = _cosines(np.arange(1, n // 4), n, 65536, 65535)
    odd = (odd_in[0] * cosine - odd_in[1] * sine) >> 16, (odd_in[1] * cosine + odd_in[0] * sine) >> 16
    re = np.concatenate([[first + last], even[0] + odd[1], [bins[0][n // 4] >> 3], (even[0] - odd[1])[::-1]])
    im = np.concatenate(
        [[first - last], odd[0] - even[1], [-(bins[1][n // 4] >> 3)], (even[1] + odd[0])[::-1]]
    )
    z = run_i32(_fits((re, im), 32), 1)
    return np.stack(z, 1).reshape(-1)


# -- 16 bits, one exponent --------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """Numbers and their exponent; whether one is long."""

    x: Pair
    exponent: int
    is_long: bool = False


def _powers(x: Pair, more: int) -> int:
    return int(np.bitwise_or.reduce(x[0] ** 2 + x[1] ** 2 + more))


def normalize_q15(x: Pair) -> Block:
    margin = 1 << 22
    power = _powers(x, margin)
    if power >= 2 * margin:
        bits = power.bit_length()
        up = -((bits - 25) // 2) if bits > 26 else (26 - bits) // 2
    else:
        power = _powers(x, 0)
        up = 0 if power == 0 else (25 - power.bit_length()) // 2
    if up >= 0:
        return Block((x[0] << up, x[1] << up), -up)
    half = 1 << (-up - 1)
    return Block(((x[0] + half) >> -up, (x[1] + half) >> -up), -up)


def _minus_q15(k: Numbers, n: int, less: int) -> tuple[Numbers, Numbers]:
    cosine, sine = _cosines(k, n, 32768, 32767)
    return -cosine >> less, -sine >> less


def _turn_q15(x: Pair, k: Numbers, n: int, shift: int) -> Pair:
    """Turned and divided; rounded with the other sign, as kernels have it."""
    cosine, sine = _minus_q15(k, n, shift - 1)
    re = (x[0] * cosine + x[1] * sine + 0x8000) >> 16
    im = (x[1] * cosine - x[0] * sine + 0x8000) >> 16
    return -re, -im


def run_q15(x: Pair) -> Block:
    n = x[0].size
    made = normalize_q15(x)
    x, exponent = made.x, made.exponent
    x = x[0][order(n)], x[1][order(n)]
    shift, m, is_long = 0, 1, False
    if n.bit_length() % 2 == 0:
        x = _pairs(x)
        shift, m = 1, 2
    while m < n:
        blocks = _blocks(x, m)
        k = np.arange(m)
        half = (1 << shift) >> 1
        turned = []
        for block, times in zip(blocks[1:], (2, 1, 3), strict=True):
            plain = (block[0] + half) >> shift, (block[1] + half) >> shift
            whole = _turn_q15(block, times * k, 4 * m, shift) if m > 1 else plain
            for part, first in zip(whole, plain, strict=True):
                part[:, 0] = first[:, 0]
            turned.append(whole)
        x = _fits(_join(x, turned, ((blocks[0][0] + half) >> shift, (blocks[0][1] + half) >> shift)), 16)
        exponent += shift
        is_long = bool((x[0] ** 2 + x[1] ** 2 + (1 << 23) >= 1 << 28).any())
        shift, m = 1 + int(is_long), 4 * m
    return Block(x, exponent, is_long)


def fft_q15(x: Pair) -> Block:
    return run_q15(x)


def ifft_q15(x: Pair) -> Block:
    made = run_q15(x)
    return Block(_rounded(made.x), made.exponent - (x[0].size.bit_length() - 1))


def _put_q15(even: Pair, odd: Pair, k: Numbers, n: int, sign: int) -> tuple[Pair, Pair]:
    cosine, sine = _minus_q15(k, n, 0)
    sine = sign * sine
    half = 0x8000
    re = odd[0] * cosine + odd[1] * sine
    im = odd[1] * cosine - odd[0] * sine
    for part in (re, im):
        assert np.abs(part).max(initial=0) < 1 << 31
    low = (even[0] * 32768 + half - re) >> 16, (even[1] * 32768 + half - im) >> 16
    high = (even[0] * 32768 + half + re) >> 16, (half - even[1] * 32768 - im) >> 16
    return low, high


def rfft_q15(x: Numbers) -> Block:
    n = x.size
    made = run_q15((x[0::2], x[1::2]))
    z, exponent = made.x, made.exponent
    if made.is_long:
        z, exponent = ((z[0] + 1) >> 1, (z[1] + 1) >> 1), exponent + 1
    (xr, xi), (yr, yi) = _mirror(z)
    low, high = _put_q15((xr + yr, xi - yi), (xi + yi, yr - xr), np.arange(1, n // 4), n, 1)
    middle = int(z[0][n // 4]), -int(z[1][n // 4])
    first, last = int(z[0][0] + z[1][0]), int(z[0][0] - z[1][0])
    return Block(_fits(_assembled(first, last, low, middle, high), 16), exponent)


def irfft_q15(x: Pair) -> tuple[Numbers, int]:
    n = 2 * (x[0].size - 1)
    im = x[1].copy()
    im[[0, -1]] = 0
    made = normalize_q15((x[0], im))
    re, im = made.x
    first, last = re[0], re[-1]
    z = re[:-1].copy(), im[:-1].copy()
    (xr, xi), (yr, yi) = _mirror(z)
    high, low = _put_q15((xr + yr, xi - yi), (-(xi + yi), xr - yr), np.arange(1, n // 4), n, -1)
    z[0][0], z[1][0] = (first + last + 1) >> 1, (first - last + 1) >> 1
    k = np.arange(1, n // 4)
    for part, below, above in zip(z, low, high, strict=True):
        part[k], part[n // 2 - k] = below, above
    z[1][n // 4] = -z[1][n // 4]
    back = run_q15(_fits(z, 16))
    return np.stack(back.x, 1).reshape(-1), made.exponent + back.exponent - (n.bit_length() - 2)
