# SPDX-License-Identifier: Apache-2.0
"""Eq. 2 and 3 in plain loops, for the bodies of the operator."""
import math

import torch


def inputs(batch, channels, height, width, dtype=torch.float64, reach=3.):
    """Features, and a flow that leaves the frame here and there."""
    first, second = torch.randn(2, batch, channels, height, width, dtype=dtype)
    return first, second, reach * torch.randn(
        batch, 2, height, width, dtype=dtype)


def pixel(feature, y, x):
    if 0 <= y < feature.shape[1] and 0 <= x < feature.shape[2]:
        return feature[:, y, x]
    return torch.zeros_like(feature[:, 0, 0])


def by_hand(first, second, flow, radius):
    """Four neighbours for eq. 2, then a product for each shift (eq. 3)."""
    batch, channels, height, width = first.shape
    side = 2 * radius + 1
    volume = first.new_zeros(batch, side, side, height, width)
    warped = torch.zeros_like(second)
    for n in range(batch):
        for y in range(height):
            for x in range(width):
                u, v = flow[n, :, y, x].tolist()
                left, top = math.floor(x + u), math.floor(y + v)
                right, low = x + u - left, y + v - top
                warped[n, :, y, x] = (
                    (1 - low) * (1 - right) * pixel(second[n], top, left) +
                    (1 - low) * right * pixel(second[n], top, left + 1) +
                    low * (1 - right) * pixel(second[n], top + 1, left) +
                    low * right * pixel(second[n], top + 1, left + 1))
        for y in range(height):
            for x in range(width):
                for dy in range(side):
                    for dx in range(side):
                        other = pixel(warped[n], y + dy - radius,
                                      x + dx - radius)
                        volume[n, dy, dx, y, x] = (
                            first[n, :, y, x] @ other / channels)
    return volume.flatten(1, 2)
