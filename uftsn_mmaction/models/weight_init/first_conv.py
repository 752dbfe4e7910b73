# SPDX-License-Identifier: Apache-2.0
"""First convolution of a 2D backbone, which takes the stack of flows."""
from __future__ import annotations

import inspect
from contextlib import suppress

from mmaction.registry import MODELS
from mmaction.utils import ConfigType
from torch import Tensor, nn


def find_first_conv(backbone: nn.Module) -> tuple[str, nn.Conv2d]:
    """Return the dotted name and the first 2D convolution of a backbone."""
    for path, module in backbone.named_modules():
        if isinstance(module, nn.Conv2d):
            return path, module
    raise ValueError(
        f'The backbone {type(backbone).__name__} has no 2D convolution that '
        'could take a stack of flows; choose a 2D image backbone')


def average_input_channels(weight: Tensor, in_channels: int) -> Tensor:
    """Average a kernel over its input channels and repeat the mean.

    The cross-modality initialisation of TSN (Wang et al., 2016, sec. 3.2).

    Example:
        >>> import torch
        >>> average_input_channels(torch.ones(64, 3, 7, 7), 18).shape
        torch.Size([64, 18, 7, 7])
    """
    mean = weight.mean(dim=1, keepdim=True)
    return mean.expand(-1, in_channels, -1, -1).clone()


def rgb_shape(conv: nn.Conv2d) -> tuple[int, ...]:
    """Return the shape ``(O, 3, kH, kW)`` of the same kernel for RGB."""
    return (conv.out_channels, 3, *conv.kernel_size)


def adapt_rgb_kernel(weight: Tensor | None, conv: nn.Conv2d) -> Tensor | None:
    """Adapt an RGB kernel to the input channels of a convolution.

    Returns:
        The kernel itself if the convolution takes three channels, otherwise
        its mean in each channel; None if it is not an RGB kernel of that size.
    """
    if weight is None or tuple(weight.shape) != rgb_shape(conv):
        return None
    if conv.in_channels == 3:
        return weight
    return average_input_channels(weight, conv.in_channels)


def set_input_channels(backbone: ConfigType, in_channels: int) -> ConfigType:
    """Set the input channels in a backbone config that leaves them out.

    Args:
        backbone: Config of a backbone of any library.
        in_channels: Value of ``in_channels`` (``in_chans`` for timm).

    Returns:
        A copy with the setting; the config itself where the channels are
        given or the backbone has no such setting.
    """
    kind = backbone['type']
    library = kind.partition('.')[0] if isinstance(kind, str) else ''
    setting = 'in_chans' if library == 'timm' else 'in_channels'
    if setting in backbone or library == 'torchvision':
        return backbone
    if library != 'timm' and not _has_setting(kind, setting):
        return backbone
    return {**backbone, setting: in_channels}


def _has_setting(kind: str | type, setting: str) -> bool:
    """Return whether a registered class takes a keyword argument."""
    if isinstance(kind, str):
        if kind.startswith('mmpretrain.'):
            # Importing it registers its backbones.
            with suppress(ImportError):
                import mmpretrain.models  # noqa: F401
        kind = MODELS.get(kind)
    for base in inspect.getmro(kind) if inspect.isclass(kind) else ():
        spec = inspect.getfullargspec(base.__init__)
        if setting in (*spec.args, *spec.kwonlyargs):
            return True
        if spec.varkw is None:
            # Nothing is passed on to the parent.
            return False
    return False


def replace_first_conv(backbone: nn.Module, in_channels: int) -> None:
    """Average the first kernel over its channels for a new number of them."""
    conv = find_first_conv(backbone)[1]
    kernel = average_input_channels(conv.weight.detach(), in_channels)
    conv.in_channels = in_channels
    conv.weight = nn.Parameter(kernel)


def fit_first_conv(backbone: nn.Module, clip_len: int, replace: bool) -> None:
    """Make sure that a backbone takes the stacked flow of a clip.

    Args:
        backbone: Backbone as built.
        clip_len: Frames per clip.
        replace: Whether to replace the first kernel, for backbones without
            a setting of the input channels.

    Raises:
        ValueError: If the backbone takes another number of channels.
    """
    expected = 2 * (clip_len - 1)
    if replace:
        replace_first_conv(backbone, expected)
    found = find_first_conv(backbone)[1].in_channels
    if found != expected:
        raise ValueError(
            f'backbone.in_channels is {found}, but clip_len={clip_len} gives '
            f'2 * (clip_len - 1) = {expected} flow channels; leave '
            'in_channels out (in_chans for timm) to have it set, or correct '
            'clip_len in the model and in SampleFrames')
