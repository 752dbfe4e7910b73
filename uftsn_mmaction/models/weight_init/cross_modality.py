# SPDX-License-Identifier: Apache-2.0
"""Weights learnt on RGB images for a backbone that takes flow."""
from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import torch
from mmaction.registry import WEIGHT_INITIALIZERS
from mmengine.logging import print_log
from mmengine.model.weight_init import update_init_info
from torch import Tensor, nn

from ...fileio.checkpoint import load_weights, read_checkpoint
from .first_conv import adapt_rgb_kernel, find_first_conv, rgb_shape

_CURE = 'name a file, or a URL such as torchvision://resnet18'

#: Where a checkpoint may keep the backbone.
PREFIXES = ('', 'backbone.', 'module.', 'module.backbone.')

#: From the names in a ResNet of MMAction2 to those of torchvision.
TORCHVISION_NAMES = ((r'\bdownsample\.conv\.', 'downsample.0.'),
                     (r'\bdownsample\.bn\.', 'downsample.1.'),
                     (r'\bconv(\d)\.conv\.', r'conv\1.'),
                     (r'\bconv(\d)\.bn\.', r'bn\1.'))


@WEIGHT_INITIALIZERS.register_module()
class CrossModalityPretrained:
    """``init_cfg`` that fills a flow backbone from an RGB checkpoint.

    All layers are loaded as they are, but for the first convolution: each of
    its channels gets the mean of the RGB kernels (Wang et al., 2016, sec.
    3.2). The log names what was loaded, what kept its start, and what was
    left over. In a list of initialisations it has to be the last one.

    Args:
        checkpoint: File or URL (``torchvision://resnet18``) of the weights
            of the backbone or of a recognizer or classifier around it.
    """

    def __init__(self, checkpoint: str) -> None:
        self.checkpoint = checkpoint

    def __call__(self, module: nn.Module) -> None:
        """Fill a backbone; see :func:`load_rgb_weights` for the errors."""
        self._check_order(module)
        # BaseModule initialises the children after any init_cfg but
        # 'Pretrained', and mmcv's ConvModule starts its layers afresh there,
        # loaded or not. So they come first here, and never again.
        for child in module.children():
            if (hasattr(child, 'init_weights')
                    and not getattr(child, 'is_init', False)):
                child.init_weights()
                child.is_init = True
        load_rgb_weights(module, self.checkpoint)
        if hasattr(module, 'init_cfg'):
            # Backbones leave loaded weights alone by this name only: the
            # ResNet of mmpretrain would set the last normalisation of each
            # block to zero.
            module.init_cfg = dict(
                type='Pretrained', checkpoint=self.checkpoint)
        if hasattr(module, '_params_init_info'):
            update_init_info(
                module,
                init_info=f'{type(self).__name__}: load from '
                f'{self.checkpoint}')

    def _check_order(self, module: nn.Module) -> None:
        init_cfg = getattr(module, 'init_cfg', None)
        if not isinstance(init_cfg, (list, tuple)):
            return
        name = type(self).__name__
        is_self = [name in str(cfg['type']) for cfg in init_cfg]
        if any(is_self) and not is_self[-1]:
            raise ValueError(
                f'init_cfg of {type(module).__name__} has '
                f'{init_cfg[-1]["type"]} after {name}, which would overwrite '
                f'the loaded weights; put {name} last')


def load_rgb_weights(backbone: nn.Module, checkpoint: str) -> None:
    """Load an RGB checkpoint into a backbone with any input channels.

    Args:
        backbone: Module to fill.
        checkpoint: File or URL.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It cannot be read, belongs to another architecture, or
            has no RGB kernel for the first convolution.
    """
    kind = type(backbone).__name__
    path, conv = find_first_conv(backbone)
    weights = read_checkpoint(checkpoint, 'the backbone', _CURE)
    sources = _match_names(backbone, weights)
    if not sources:
        raise ValueError(
            f'The checkpoint {checkpoint!r} of the backbone has no weight of '
            f'{kind}: it holds {_listed(list(weights))}, expected names like '
            f'{path}.weight; name a checkpoint of this architecture')
    source = sources.get(f'{path}.weight')
    kernel = adapt_rgb_kernel(weights.get(source), conv)
    if kernel is None:
        found = tuple(weights[source].shape) if source else 'none'
        raise ValueError(
            f'The checkpoint {checkpoint!r} of the backbone needs an RGB '
            f'kernel of shape {rgb_shape(conv)} for {path} of {kind}, got '
            f'{found}; name a checkpoint trained on RGB images, or use '
            'init_cfg type Pretrained to load weights of equal shape')
    state = {name: weights[source] for name, source in sources.items()}
    state[f'{path}.weight'] = kernel
    missing = load_weights(
        backbone,
        checkpoint,
        f'the backbone {kind}',
        'name a checkpoint of this architecture',
        weights=state,
        allow_missing=True)
    change = ('the RGB kernel' if conv.in_channels == 3 else
              'in each channel the mean of the RGB kernel')
    print_log(
        f'{kind}: {len(state)} tensors loaded from {checkpoint}; the kernel '
        f'{tuple(kernel.shape)} of {path} is {change} {source} '
        f'{tuple(weights[source].shape)}',
        logger='current')
    if missing:
        print_log(
            f'{kind}: tensors that {checkpoint} lacks, and that keep their '
            f'start: {_listed(missing)}',
            logger='current',
            level=logging.WARNING)
    unused = sorted(set(weights) - set(sources.values()))
    if unused:
        print_log(
            f'{kind}: tensors of {checkpoint} that it does not take: '
            f'{_listed(unused)}',
            logger='current')


def stock_checkpoints(backbone: nn.Module) -> list[str]:
    """RGB checkpoints that a backbone loads by stock means.

    Those are ``pretrained`` and ``init_cfg`` of type ``Pretrained``; they
    leave the first convolution random where its channels differ.
    """
    init_cfgs = getattr(backbone, 'init_cfg', None) or []
    init_cfgs = [init_cfgs] if isinstance(init_cfgs, dict) else init_cfgs
    checkpoints = [getattr(backbone, 'pretrained', None)]
    checkpoints += [
        cfg.get('checkpoint') for cfg in init_cfgs
        if 'CrossModalityPretrained' not in str(cfg['type'])
    ]
    return [checkpoint for checkpoint in checkpoints if checkpoint]


def load_rgb_kernel(backbone: nn.Module, checkpoint: str) -> None:
    """Fill only the first convolution, from an RGB checkpoint.

    Args:
        backbone: Backbone whose other weights come from the checkpoint.
        checkpoint: File or URL, as for ``pretrained`` of the backbone.
    """
    path, conv = find_first_conv(backbone)
    weights = read_checkpoint(checkpoint, 'the backbone', _CURE)
    source = _match_names(backbone, weights).get(f'{path}.weight')
    kernel = adapt_rgb_kernel(weights.get(source), conv)
    if kernel is None:
        print_log(
            f'{checkpoint} has no RGB kernel of shape {rgb_shape(conv)}: the '
            'first convolution stays as it is',
            logger='current',
            level=logging.WARNING)
        return
    with torch.no_grad():
        conv.weight.copy_(kernel)
    print_log(
        f'The first convolution takes {conv.in_channels} channels: each one '
        f'has the mean of the RGB kernels of {source!r} in {checkpoint}',
        logger='current')


def _match_names(backbone: nn.Module,
                 weights: dict[str, Tensor]) -> dict[str, str]:
    """Name in the checkpoint for each name in the backbone that has one."""
    names = list(backbone.state_dict())
    torchvision_names = names
    for pattern, replacement in TORCHVISION_NAMES:
        torchvision_names = [
            re.sub(pattern, replacement, name) for name in torchvision_names
        ]
    candidates = [{
        name: prefix + source
        for name, source in zip(names, sources) if prefix + source in weights
    } for prefix in PREFIXES for sources in (names, torchvision_names)]
    return max(candidates, key=len)


def _listed(names: Sequence[str], most: int = 6) -> str:
    """``3 (a, b, c)``; of many names the first ones."""
    shown = [*names[:most], '...'] if len(names) > most else names
    return f'{len(names)} ({", ".join(shown)})'
