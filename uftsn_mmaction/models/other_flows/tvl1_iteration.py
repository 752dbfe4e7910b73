# SPDX-License-Identifier: Apache-2.0
"""Differentiable steps of TV-L1 on batches of pairs.

Zach, Pock and Bischof, "A duality based approach for realtime TV-L1 optical
flow", 2007: two copies of the flow, one close to the data and one smooth, are
pulled together. The kernels of all differences can be learned, as in TV-Net
(Fan et al., CVPR 2018).
"""
from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..flow.warp import sampling_grid, valid_mask

#: Squared image gradient, in grey values per pixel, that counts as flat.
_FLAT = 1e-6
#: Makes the length of a zero vector differentiable.
_TINY = 1e-12


class Weights(NamedTuple):
    """Weights of TV-L1, scalar tensors."""
    #: Time step of the dual variable.
    tau: Tensor
    #: Weight of the data term, for grey values in 0..255.
    lambda_: Tensor
    #: Tightness of the link between the two copies of the flow.
    theta: Tensor


class Differences(nn.Module):
    """Derivatives in x and y by small kernels, which may be learnable.

    The kernels start as central differences of the image, forward differences
    of the flow and backward differences of the dual variable.
    """

    def __init__(self, learnable: bool = False) -> None:
        super().__init__()
        for name, taps in (('image_kernels', (-0.5, 0., 0.5)),
                           ('flow_kernels', (-1., 1.)),
                           ('dual_kernels', (-1., 1.))):
            kernels = nn.Parameter(torch.tensor((taps, taps)))
            self.register_parameter(name, kernels if learnable else None)

    def of_image(self, image: Tensor) -> Tensor:
        """Return gradients ``(P, 2, H, W)`` of images ``(P, 1, H, W)``."""
        padded = F.pad(image, (1, 1, 1, 1), mode='replicate')
        rows, columns = padded[..., 1:-1, :], padded[..., 1:-1]
        x = (rows[..., :-2], image, rows[..., 2:])
        y = (columns[..., :-2, :], image, columns[..., 2:, :])
        if self.image_kernels is None:
            return 0.5 * torch.cat((x[2] - x[0], y[2] - y[0]), 1)
        return torch.cat([
            sum(tap * pixel for tap, pixel in zip(kernel, pixels))
            for kernel, pixels in zip(self.image_kernels, (x, y))
        ], 1)

    def of_flow(self, flow: Tensor) -> tuple[Tensor, Tensor]:
        """Differentiate both channels in x and in y, 0 at the far edge."""
        padded = F.pad(flow, (0, 1, 0, 1), mode='replicate')
        return (self._step(flow, padded[..., :-1, 1:], self.flow_kernels, 0),
                self._step(flow, padded[..., 1:, :-1], self.flow_kernels, 1))

    def divergence(self, dual_x: Tensor, dual_y: Tensor) -> Tensor:
        """Return the divergence of the dual variable of both channels."""
        if self.dual_kernels is None:
            out = dual_x + dual_y
            # The dual variable is 0 outside the frame.
            out[..., 1:] -= dual_x[..., :-1]
            out[..., 1:, :] -= dual_y[..., :-1, :]
            return out
        x, y = F.pad(dual_x, (1, 0)), F.pad(dual_y, (0, 0, 1, 0))
        return (self._step(x[..., :-1], dual_x, self.dual_kernels, 0) +
                self._step(y[..., :-1, :], dual_y, self.dual_kernels, 1))

    @staticmethod
    def _step(before: Tensor, after: Tensor, kernels: nn.Parameter | None,
              axis: int) -> Tensor:
        if kernels is None:
            return after - before
        return kernels[axis, 0] * before + kernels[axis, 1] * after


class DataTerm(NamedTuple):
    """Brightness constancy, linearised around a flow.

    The residual at flow u is ``slope . u + offset`` grey values.
    """
    #: Gradient of the warped second frame ``(P, 2, H, W)``.
    slope: Tensor
    #: Slope over its squared length; 0 where it is flat.
    direction: Tensor
    #: Offset over the slope's squared length ``(P, 1, H, W)``.
    distance: Tensor


def linearize(first: Tensor, target: Tensor, flow: Tensor) -> DataTerm:
    """Warp the target and compare it with the first frame.

    Args:
        first: First frames ``(P, 1, H, W)``.
        target: Second frames and their gradients ``(P, 3, H, W)``.
        flow: Flow to linearise around ``(P, 2, H, W)``.
    """
    # The border is replicated: a step to 0 there would amplify the rounding
    # of coordinates with each warp.
    warped = F.grid_sample(
        target,
        sampling_grid(flow),
        mode='bicubic',
        padding_mode='border',
        align_corners=False)
    # Pixels that have left the frame get no data term.
    image, slope = warped[:, :1], warped[:, 1:] * valid_mask(flow)
    squared = slope.square().sum(1, keepdim=True).clamp(min=_FLAT)
    offset = image - first - (slope * flow).sum(1, keepdim=True)
    return DataTerm(slope, slope / squared, offset / squared)


class State(NamedTuple):
    """Flow in pixels and its dual variable in x and y, all ``(P, 2, H, W)``.

    Theta times the divergence of the dual variable is the distance between
    the two copies of the flow.
    """
    flow: Tensor
    dual_x: Tensor
    dual_y: Tensor


def iterate(state: State, term: DataTerm, weights: Weights,
            differences: Differences) -> State:
    """Take one step of the flow and one of its dual variable."""
    flow, dual_x, dual_y = state
    # Thresholding: step along the slope until the residual vanishes, or by
    # lambda * theta times the slope, whichever is shorter.
    u, v = flow.split(1, 1)
    x, y = term.direction.split(1, 1)
    residual = torch.addcmul(torch.addcmul(term.distance, x, u), y, v)
    bound = weights.lambda_ * weights.theta
    residual = residual.clamp(-bound, bound)
    auxiliary = torch.addcmul(flow, residual, term.slope, value=-1)
    flow = auxiliary + differences.divergence(dual_x, dual_y)
    # Gradient step of the dual variable, pulled back into the unit disc.
    x, y = differences.of_flow(flow)
    tiny = flow.new_tensor(_TINY)
    one = torch.ones_like(tiny)
    length = torch.addcmul(torch.addcmul(tiny, x, x), y, y).sqrt()
    shrink = torch.addcmul(one, weights.tau / weights.theta, length)
    return State(flow, torch.addcmul(dual_x, weights.tau, x) / shrink,
                 torch.addcmul(dual_y, weights.tau, y) / shrink)
