# SPDX-License-Identifier: Apache-2.0
"""Body of ``warp_correlate`` for GPUs, in Triton.

Eq. 2 is PyTorch's ``grid_sample``; eq. 3 and its derivatives are a kernel
each instead of a loop over (2r+1)**2 shifts. The kernels use no atomic
operations, and add up in float32 at least. They were checked in Triton's
interpreter on a CPU (``TRITON_INTERPRET=1``), never on a GPU.

PyTorch's builds for NVIDIA GPUs on Linux bring Triton along, which compiles
with the machine's ``gcc`` or ``clang``. This module needs it to be imported.
"""
from __future__ import annotations

from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from .warp import backward_warp, backward_warp_gradients

# Pixels of a program, and channels of one that computes derivatives.
_PIXELS = 128
_CHANNELS = 8


@triton.jit
def _products(first, second, volume, channels, height, width, sample_step,
              shift_step, pixel_step, RADIUS: tl.constexpr,
              SHIFTS: tl.constexpr, SUM: tl.constexpr, PIXELS: tl.constexpr):
    """Compare some pixels with a row of their search square."""
    side: tl.constexpr = 2 * RADIUS + 1
    size = height * width
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    row = tl.program_id(1)
    sample = tl.program_id(2).to(tl.int64)
    column = tl.arange(0, SHIFTS)[:, None]
    y = (pixel // width + row - RADIUS)[None, :]
    x = (pixel % width)[None, :] + column - RADIUS
    here = pixel < size
    kept = here[None, :] & (column < side)
    inside = kept & (y >= 0) & (y < height) & (x >= 0) & (x < width)
    first += sample * channels * size
    second += sample * channels * size
    # A volume may have more elements than 32 bits count.
    volume += sample * sample_step + row.to(tl.int64) * side * shift_step
    total = tl.full((SHIFTS, PIXELS), 0, SUM)
    for _ in range(channels):
        one = tl.load(first + pixel, here, 0).to(SUM)
        other = tl.load(second + y * width + x, inside, 0).to(SUM)
        total += one[None, :] * other
        first += size
        second += size
    place = pixel.to(tl.int64)[None, :] * pixel_step
    tl.store(volume + column * shift_step + place, total / channels, kept)


@triton.jit
def _derivative(grad, feature, result, channels, height, width,
                SIGN: tl.constexpr, RADIUS: tl.constexpr, SUM: tl.constexpr,
                PIXELS: tl.constexpr, CHANNELS: tl.constexpr):
    """Add up what each shift adds to the derivative by one feature.

    By the first feature (``SIGN`` 1), a pixel and its shift have met the
    second feature at pixel + shift. By the second one (-1), a pixel was met
    by pixel - shift, where the derivative by the volume stands as well.
    """
    side: tl.constexpr = 2 * RADIUS + 1
    size = height * width
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    channel = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)[:, None]
    sample = tl.program_id(2).to(tl.int64)
    here = pixel < size
    kept = here[None, :] & (channel < channels)
    feature += sample * channels * size
    result += sample * channels * size
    grad += sample * side * side * size
    total = tl.full((CHANNELS, PIXELS), 0, SUM)
    for shift in range(side * side):
        y = pixel // width + SIGN * (shift // side - RADIUS)
        x = pixel % width + SIGN * (shift % side - RADIUS)
        other = y * width + x
        inside = here & (y >= 0) & (y < height) & (x >= 0) & (x < width)
        at = pixel if SIGN == 1 else other
        weight = tl.load(grad + at, inside, 0).to(SUM)
        value = tl.load(feature + channel * size + other[None, :],
                        inside[None, :] & (channel < channels), 0).to(SUM)
        total += weight[None, :] * value
        grad += size
    tl.store(result + channel * size + pixel[None, :], total / channels, kept)


def forward(first: Tensor, second: Tensor, flow: Tensor | None, radius: int,
            volume: Tensor) -> None:
    """Write the cost volume of a feature and the warped second one."""
    first, second = first.contiguous(), _warp(second, flow)
    batch, channels, height, width = first.shape
    side = 2 * radius + 1
    sample_step, shift_step, _, pixel_step = volume.stride()
    grid = (triton.cdiv(height * width, _PIXELS), side, batch)
    with torch.cuda.device_of(first):
        _products[grid](first, second, volume, channels, height, width,
                        sample_step, shift_step, pixel_step,
                        RADIUS=radius, SHIFTS=triton.next_power_of_2(side),
                        SUM=_sum_of(first), PIXELS=_PIXELS)


def backward(grad: Tensor, first: Tensor, second: Tensor, flow: Tensor | None,
             radius: int, needed: Sequence[bool]) -> tuple[Tensor | None, ...]:
    """Return the needed ones of the derivatives by both features and flow."""
    grad = grad.contiguous()
    by_first = by_warped = None
    if needed[0]:
        by_first = _derive(grad, _warp(second, flow), 1, radius)
    if any(needed[1:]):
        by_warped = _derive(grad, first.contiguous(), -1, radius)
    if flow is None or by_warped is None:
        return by_first, by_warped, None
    return by_first, *backward_warp_gradients(by_warped, second, flow,
                                              needed[1:])


def _derive(grad: Tensor, feature: Tensor, sign: int, radius: int) -> Tensor:
    batch, channels, height, width = feature.shape
    result = torch.empty_like(feature)
    grid = (triton.cdiv(height * width, _PIXELS),
            triton.cdiv(channels, _CHANNELS), batch)
    with torch.cuda.device_of(feature):
        _derivative[grid](grad, feature, result, channels, height, width,
                          SIGN=sign, RADIUS=radius, SUM=_sum_of(feature),
                          PIXELS=_PIXELS, CHANNELS=_CHANNELS)
    return result


def _warp(second: Tensor, flow: Tensor | None) -> Tensor:
    warped = second if flow is None else backward_warp(second, flow)
    return warped.contiguous()


def _sum_of(feature: Tensor) -> tl.dtype:
    """Return the type of a sum of products."""
    return tl.float64 if feature.dtype == torch.float64 else tl.float32
