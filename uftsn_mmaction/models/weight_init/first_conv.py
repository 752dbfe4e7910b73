# SPDX-License-Identifier: Apache-2.0
"""The convolution through which a 2D backbone takes the flow stack."""
from __future__ import annotations

import torch
from torch import Tensor, nn


def find_first_conv(backbone: nn.Module) -> tuple[str, nn.Conv2d]:
    """First 2D convolution of a backbone, after its dotted name there.

    Raises:
        ValueError: The backbone has no 2D convolution.
    """
    for path, module in backbone.named_modules():
        if isinstance(module, nn.Conv2d):
            return path, module
    raise ValueError(
        f'The backbone {type(backbone).__name__} has no 2D convolution that '
        'could take a stack of flows; choose a 2D image backbone')


def average_input_channels(weight: Tensor, in_channels: int) -> Tensor:
    """Kernel for another modality: the mean over the old input channels.

    The cross-modality initialisation of TSN (Wang et al., 2016, sec. 3.2).

    Args:
        weight: Kernel ``(O, C, kH, kW)``.
        in_channels: Input channels of the result.

    Returns:
        Kernel ``(O, in_channels, kH, kW)``.
    """
    mean = weight.mean(dim=1, keepdim=True)
    return mean.expand(-1, in_channels, -1, -1).clone()


def rgb_shape(conv: nn.Conv2d) -> tuple[int, ...]:
    """Shape ``(O, 3, kH, kW)`` of a kernel that would take RGB images."""
    return (conv.out_channels, 3, *conv.kernel_size)


def adapt_rgb_kernel(weight: Tensor | None, conv: nn.Conv2d) -> Tensor | None:
    """RGB kernel for the channels of a convolution.

    Returns:
        The kernel itself if the convolution takes three channels, else its
        mean in each channel; None if this is no RGB kernel of that size.
    """
    if weight is None or tuple(weight.shape) != rgb_shape(conv):
        return None
    if conv.in_channels == 3:
        return weight
    return average_input_channels(weight, conv.in_channels)


def replace_first_conv(backbone: nn.Module, in_channels: int) -> None:
    """Give a backbone without an ``in_channels`` setting another one.

    torchvision's models always take three channels.
    """
    path, old = find_first_conv(backbone)
    new = nn.Conv2d(
        in_channels,
        old.out_channels,
        old.kernel_size,
        stride=old.stride,
        padding=old.padding,
        dilation=old.dilation,
        bias=old.bias is not None,
        padding_mode=old.padding_mode)
    with torch.no_grad():
        new.weight.copy_(average_input_channels(old.weight, in_channels))
        if old.bias is not None:
            new.bias.copy_(old.bias)
    parent, _, name = path.rpartition('.')
    setattr(backbone.get_submodule(parent), name, new)


def require_input_channels(backbone: nn.Module, clip_len: int) -> None:
    """Make sure that a backbone takes the flows of a clip.

    Raises:
        ValueError: It takes another number of channels.
    """
    expected = 2 * (clip_len - 1)
    found = find_first_conv(backbone)[1].in_channels
    if found != expected:
        raise ValueError(
            f'backbone.in_channels is {found}, but clip_len={clip_len} gives '
            f'2 * (clip_len - 1) = {expected} flow channels; set in_channels='
            f'{expected} (in_chans for timm) or another clip_len, in the '
            'model and in SampleFrames')
