"""SIMULATED vibration of a machine with a ball bearing: no machine was measured.

What an accelerometer on the bearing's housing would deliver, in counts, after the usual model of the
literature (McFadden and Smith, "Model for the vibration produced by a single point defect in a rolling
element bearing", Journal of Sound and Vibration 96, 1984; Antoni and Randall's review of 2011 for the slip):

- the shaft's unbalance and misalignment: sines of once, twice and three times its rate, which drifts;
- a fan with seven blades: a sine of seven times the rate;
- noise: white noise through the housing's resonance, and white noise of the sensor;
- a defect of the outer race: each ball that rolls over it strikes the housing, which rings at its resonance.
  Balls pass ``BALL_PASSES`` times a revolution, and slip, so that the moment is uncertain by a hundredth.

Machines differ, as those of one series do: resonance, unbalance, noise, speed and load are drawn for each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

RATE_HZ = 3200  # the fastest of many cheap accelerometers
COUNTS_PER_G = 256  # of ±16 g in 13 bits: an ADXL345, for one

# A bearing 6205: nine balls of 7.94 mm on a pitch circle of 39.04 mm, contact angle 0:
# 9 / 2 * (1 - 7.94 / 39.04) balls pass a point of the outer race in a revolution.
BALL_PASSES = 9 / 2 * (1 - 7.94 / 39.04)

Int16Array = npt.NDArray[np.int16]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Machine:
    """One of a series.

    Attributes:
        resonance_hz: at which the housing rings.
        damping: of it, relative.
        harmonics: amplitudes in g of once, twice, three and seven times the shaft's rate.
        noise_g: of the rolling, through the resonance.
        sensor_g: white noise of the sensor.
    """

    resonance_hz: float
    damping: float
    harmonics: tuple[float, float, float, float]
    noise_g: float
    sensor_g: float


def machine(number: int) -> Machine:
    """The one with this number; the same number gives the same machine."""
    draw = np.random.default_rng([number, 0])
    once, twice, thrice, blades = draw.uniform([0.1, 0.04, 0.02, 0.03], [0.4, 0.16, 0.08, 0.12])
    return Machine(
        resonance_hz=float(draw.uniform(950, 1150)),
        damping=float(draw.uniform(0.04, 0.07)),
        harmonics=(float(once), float(twice), float(thrice), float(blades)),
        noise_g=float(draw.uniform(0.04, 0.08)),
        sensor_g=float(draw.uniform(0.008, 0.015)),
    )


def recording(number: int, seconds: float, defect_g: float = 0.0) -> Int16Array:
    """What machine ``number`` vibrates like, in counts.

    Args:
        number: of the machine.
        seconds: how long.
        defect_g: of the ringing at each strike, on average; 0: a healthy bearing.
    """
    draw = np.random.default_rng([number, 1])
    one = machine(number)
    n = round(seconds * RATE_HZ)
    turns = _turns(n, float(draw.uniform(24.0, 30.0)), draw)
    load = float(draw.uniform(0.7, 1.3))
    shaken = sum(
        amplitude * load * np.sin(2 * np.pi * (order * turns + draw.uniform()))
        for amplitude, order in zip(one.harmonics, (1, 2, 3, 7), strict=True)
    )
    rolling = _ring(one, draw.standard_normal(n))
    rolling *= one.noise_g * load / rolling.std()
    g = shaken + rolling + one.sensor_g * draw.standard_normal(n)
    if defect_g > 0:
        g = g + defect_g * load * _ring(one, _strikes(turns, draw))
    counts: Int16Array = np.clip(np.rint(g * COUNTS_PER_G), -4096, 4095).astype(np.int16)
    return counts


def _turns(n: int, rate_hz: float, draw: np.random.Generator) -> FloatArray:
    """How often the shaft has turned; its rate drifts by half a percent."""
    drift = np.cumsum(draw.standard_normal(n))
    drift *= 0.005 / max(float(np.abs(drift).max()), 1e-9)
    turns: FloatArray = np.cumsum(rate_hz * (1 + drift)) / RATE_HZ
    return turns


def _strikes(turns: FloatArray, draw: np.random.Generator) -> FloatArray:
    """An impulse at each pass of a ball, not all alike."""
    passes = int(turns[-1] * BALL_PASSES)
    moments = (np.arange(passes) + draw.uniform() + 0.01 * draw.standard_normal(passes)) / BALL_PASSES
    places = np.searchsorted(turns, np.sort(moments))
    impulses = np.zeros(len(turns))
    inside = places < len(turns)
    np.add.at(impulses, places[inside], draw.uniform(0.6, 1.4, int(inside.sum())))
    return impulses


def _ring(one: Machine, force: FloatArray) -> FloatArray:
    """The housing's answer to a force; to an impulse of 1 it rings with an amplitude of about 1."""
    angle = 2 * np.pi * one.resonance_hz / RATE_HZ
    radius = np.exp(-one.damping * angle)
    answer: FloatArray = lfilter([np.sin(angle)], [1, -2 * radius * np.cos(angle), radius**2], force)
    return answer
