"""Exploration whose moments resemble each other: noise with a coloured spectrum in place of independent draws.

Independent noise hardly ever does for a second what is unlikely in a moment, so what pays only if it is kept up (going
through a gap) is seldom tried. Source: Hollenstein, Martius, Piater, "Colored Noise in PPO: Improved Exploration and
Performance through Correlated Action Sampling", AAAI 2024. Every single action is still distributed as the actor says.
"""

from __future__ import annotations

import torch as th


def coloured_noise(steps: int, shape: tuple[int, ...], colour: float) -> th.Tensor:
    """Return standard normal numbers ``(steps, *shape)`` with the spectrum ``f ** -colour`` along the first axis.

    Twice as many are made: the ends of a whole period of a Fourier series resemble each other. The numbers come from
    torch's own generator, which a checkpoint keeps.
    """
    length = 2 * steps
    white = th.fft.rfft(th.randn(length, *shape), dim=0)
    signal: th.Tensor = th.fft.irfft(white * _amplitudes(length, colour).view(-1, *(1 for _ in shape)), n=length, dim=0)
    return signal[:steps]


def _amplitudes(length: int, colour: float) -> th.Tensor:
    """Return the amplitude ``(length // 2 + 1,)`` of each frequency, such that the variance stays 1."""
    frequencies = th.fft.rfftfreq(length)
    frequencies[0] = frequencies[1]  # the mean of a stretch has as much power as the slowest wave, and not all of it
    powers = frequencies**-colour
    twice = th.full_like(powers, 2.0)  # every frequency but the first and the last stands for its negative too
    twice[0] = twice[-1] = 1.0
    amplitudes: th.Tensor = (powers / ((powers * twice).sum() / length)).sqrt()
    return amplitudes
