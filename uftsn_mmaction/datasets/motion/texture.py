# SPDX-License-Identifier: Apache-2.0
"""Band-limited periodic noise, the surface of everything that is rendered.

Every wavelength of the band is present in every direction, so that flow is
observable at every pixel. None is shorter than the sampling theorem allows,
so that a shift by a fraction of a pixel causes no aliasing.
"""
from __future__ import annotations

import numpy as np
import scipy.fft


def band_limited_noise(rng: np.random.Generator, period: int,
                       min_wavelength: float, texels_per_pixel: int,
                       channels: int) -> np.ndarray:
    """Draw periodic noise with equal energy in every octave of the band.

    The band reaches from ``min_wavelength`` up to the period, both in image
    pixels. Three texels per pixel or more keep the error of a bicubic look-up
    below one grey level.

    Returns:
        float32 ``(period * texels_per_pixel, period * texels_per_pixel,
        channels)``, every channel with mean 0 and standard deviation 1.

    Raises:
        ValueError: If the band is empty or the samples cannot carry it.
    """
    if not 2 <= min_wavelength * texels_per_pixel:
        raise ValueError(
            f'min_wavelength {min_wavelength} px at {texels_per_pixel} texels '
            'per pixel is below the sampling limit of two texels per '
            'wavelength; raise either of them')
    if period < min_wavelength:
        raise ValueError(
            f'min_wavelength {min_wavelength} px is longer than the period '
            f'{period} px, which leaves no wave; shorten the wavelength or '
            'enlarge the period')
    samples = period * texels_per_pixel
    highest = int(period / min_wavelength)
    waves_y = np.arange(-highest, highest + 1)[:, None]
    waves_x = np.arange(highest + 1)[None, :]
    waves = np.hypot(waves_y, waves_x)
    in_band = (waves >= 1) & (waves <= highest)
    # A power of 1 / f**2 in the plane gives every octave the same energy.
    amplitude = np.where(in_band, 1 / np.maximum(waves, 1), 0)

    shape = (channels, *amplitude.shape)
    coefficients = amplitude * (
        rng.standard_normal(shape) + 1j * rng.standard_normal(shape))
    spectrum = np.zeros((channels, samples, samples // 2 + 1), np.complex64)
    # Negative rows wrap around, as the discrete transform expects.
    spectrum[:, waves_y[:, 0], :highest + 1] = coefficients
    noise = scipy.fft.irfft2(spectrum, s=(samples, samples))
    noise /= noise.std(axis=(1, 2), keepdims=True)
    return np.ascontiguousarray(noise.transpose(1, 2, 0), dtype=np.float32)
