"""Recordings in a quarter of the room: IMA ADPCM (IMA Digital Audio Focus Group, 1992), four bits a sample.

``src/adpcm.h`` decodes it on the device, to the same integers. It is lossy: what counts as the recording, for
the PC as for the board, are the decoded samples.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Int16Array = npt.NDArray[np.int16]

STEPS = (
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73,
    80, 88, 97, 107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494,
    544, 598, 658, 724, 796, 876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499,
    2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845, 8630, 9493, 10442,
    11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
)  # fmt: skip
_MOVES = (-1, -1, -1, -1, 2, 4, 6, 8)


def encode(samples: Int16Array) -> tuple[list[int], Int16Array]:
    """Codes, 0 to 15, one a sample; and what they are decoded to."""
    codes, decoded = [], np.empty(len(samples), dtype=np.int16)
    value, index = 0, 0
    for place, wanted in enumerate(samples.tolist()):
        code = _nearest(wanted - value, STEPS[index])
        value, index = _decode(code, value, index)
        codes.append(code)
        decoded[place] = value
    return codes, decoded


def table(codes: list[int], name: str) -> str:
    """C that defines ``name``: eight codes in a word, the first lowest."""
    padded = codes + [0] * (-len(codes) % 8)
    words = [
        sum(code << 4 * place for place, code in enumerate(padded[begin : begin + 8]))
        for begin in range(0, len(padded), 8)
    ]
    lines = [", ".join(f"0x{word:x}" for word in words[row : row + 10]) for row in range(0, len(words), 10)]
    body = ",\n    ".join(lines)
    return f"static const uint32_t {name}[{len(words)}] MW_FLASH = {{\n    {body},\n}};\n"


def _nearest(difference: int, step: int) -> int:
    """The code whose difference, rounded down, comes up to the one wanted."""
    code, left = (8, -difference) if difference < 0 else (0, difference)
    for bit in (4, 2, 1):
        if left >= step:
            code |= bit
            left -= step
        step >>= 1
    return code


def _decode(code: int, value: int, index: int) -> tuple[int, int]:
    step = STEPS[index]
    difference = (step >> 3) + sum(step >> shift for bit, shift in ((4, 0), (2, 1), (1, 2)) if code & bit)
    value = max(-32768, min(32767, value - difference if code & 8 else value + difference))
    return value, max(0, min(len(STEPS) - 1, index + _MOVES[code & 7]))
