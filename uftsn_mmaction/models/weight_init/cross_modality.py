# SPDX-License-Identifier: Apache-2.0
"""Start of a flow backbone from weights learned on RGB (sec. 3.2)."""
from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import torch
from mmaction.registry import WEIGHT_INITIALIZERS
from mmaction.utils import ConfigType
from mmengine.logging import print_log
from mmengine.model.weight_init import update_init_info
from torch import Tensor, nn

from ...fileio.checkpoint import load_weights, read_checkpoint
from .first_conv import adapt_rgb_kernel, find_first_conv, rgb_shape

#: Prefixes of the backbone's tensors in a checkpoint.
PREFIXES = ('', 'backbone.', 'module.', 'module.backbone.')

#: Changes from tensor names in MMAction2's ResNet to those of torchvision.
TORCHVISION_NAMES = ((r'\bdownsample\.conv\.', 'downsample.0.'),
                     (r'\bdownsample\.bn\.', 'downsample.1.'),
                     (r'\bconv(\d)\.conv\.', r'conv\1.'),
                     (r'\bconv(\d)\.bn\.', r'bn\1.'))


@WEIGHT_INITIALIZERS.register_module()
class CrossModalityPretrained:
    """``init_cfg`` that fills a flow backbone from an RGB checkpoint.

    All layers are loaded as they are except for the first convolution: each
    of its channels gets the mean of the RGB kernel (Wang et al., 2016, sec.
    3.2). The log lists the tensors that were loaded, were missing, or were
    not used. In a list of initialisations it must be the last one.

    Args:
        checkpoint: File or URL (``torchvision://resnet18``) with the weights
            of the backbone, or of a model that contains it.
    """

    def __init__(self, checkpoint: str) -> None:
        self.checkpoint = checkpoint

    def __call__(self, module: nn.Module) -> None:
        """Fill a backbone."""
        name = type(self).__name__
        init_cfg = getattr(module, 'init_cfg', None)
        kinds = ([str(cfg['type']) for cfg in init_cfg]
                 if isinstance(init_cfg, list) else [])
        if any(name in kind for kind in kinds) and name not in kinds[-1]:
            raise ValueError(
                f'init_cfg of {type(module).__name__} has {kinds[-1]} after '
                f'{name}, which would overwrite the loaded weights; put '
                f'{name} last')
        # MMEngine initialises the children after any init_cfg that is not of
        # type Pretrained, which would overwrite what is loaded here. So they
        # are initialised now, and marked in the way that MMEngine checks.
        for child in module.children():
            if (hasattr(child, 'init_weights')
                    and not getattr(child, 'is_init', False)):
                child.init_weights()
                child.is_init = True
        load_rgb_weights(module, self.checkpoint)
        # Some backbones preserve loaded weights only for this type: mmpretrain
        # would set the last normalisation of each residual block to zero.
        module.init_cfg = dict(type='Pretrained', checkpoint=self.checkpoint)
        if hasattr(module, '_params_init_info'):
            update_init_info(
                module, init_info=f'{name}: load from {self.checkpoint}')


def load_rgb_weights(backbone: nn.Module, checkpoint: str) -> None:
    """Load an RGB checkpoint into a backbone with any input channels.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read, belongs to another architecture, or
            has no RGB kernel for the first convolution.
    """
    kind = type(backbone).__name__
    path, conv = find_first_conv(backbone)
    weights, sources = _read(backbone, checkpoint)
    label = f'The checkpoint {checkpoint!r} of the backbone'
    if not sources:
        raise ValueError(
            f'{label} has no weight of {kind}: it holds '
            f'{_listed(list(weights))}, expected names like {path}.weight; '
            'name a checkpoint of this architecture')
    source = sources.get(f'{path}.weight')
    kernel = adapt_rgb_kernel(weights.get(source), conv)
    if kernel is None:
        found = tuple(weights[source].shape) if source else 'none'
        raise ValueError(
            f'{label} needs an RGB kernel of shape {rgb_shape(conv)} for '
            f'{path} of {kind}, got {found}; name a checkpoint trained on RGB '
            'images, or use init_cfg type Pretrained to load weights of equal '
            'shape')
    state = {name: weights[source] for name, source in sources.items()}
    state[f'{path}.weight'] = kernel
    missing = load_weights(
        backbone,
        checkpoint,
        f'the backbone {kind}',
        'name a checkpoint of this architecture',
        weights=state,
        allow_missing=True)
    print_log(
        f'{kind}: {len(state)} tensors loaded from {checkpoint}; each channel '
        f'of {path} {tuple(kernel.shape)} comes from {source} '
        f'{tuple(weights[source].shape)}',
        logger='current')
    if missing:
        print_log(
            f'{kind}: tensors that are not in {checkpoint} keep their initial '
            f'values: {_listed(missing)}',
            logger='current',
            level=logging.WARNING)
    unused = sorted(set(weights) - set(sources.values()))
    if unused:
        print_log(
            f'{kind}: tensors of {checkpoint} that are not used: '
            f'{_listed(unused)}',
            logger='current')


def stock_checkpoints(backbone: ConfigType) -> list[str]:
    """List the checkpoints that a backbone loads by itself.

    These are ``pretrained`` and ``init_cfg`` of type ``Pretrained``, which
    leave the first convolution random where the channels differ.
    """
    init_cfgs = backbone.get('init_cfg') or []
    init_cfgs = [init_cfgs] if isinstance(init_cfgs, dict) else init_cfgs
    checkpoints = [backbone.get('pretrained')]
    checkpoints += [
        cfg.get('checkpoint') for cfg in init_cfgs
        if 'CrossModalityPretrained' not in str(cfg['type'])
    ]
    # pretrained=True is timm's, which adapts the first convolution, too.
    return [name for name in checkpoints if isinstance(name, str)]


def load_rgb_kernel(backbone: nn.Module, checkpoint: str) -> None:
    """Fill only the first convolution from an RGB checkpoint.

    A checkpoint without an RGB kernel is logged and changes nothing.
    """
    path, conv = find_first_conv(backbone)
    weights, sources = _read(backbone, checkpoint)
    source = sources.get(f'{path}.weight')
    kernel = adapt_rgb_kernel(weights.get(source), conv)
    if kernel is None:
        print_log(
            f'{checkpoint} has no RGB kernel of shape {rgb_shape(conv)}: the '
            'first convolution is left as it is',
            logger='current',
            level=logging.WARNING)
        return
    with torch.no_grad():
        conv.weight.copy_(kernel)
    print_log(
        f'Each of the {conv.in_channels} channels of the first convolution '
        f'comes from the RGB kernel {source} of {checkpoint}',
        logger='current')


def _read(backbone: nn.Module,
          checkpoint: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a checkpoint, and find the name there of each tensor here."""
    weights = read_checkpoint(
        checkpoint, 'the backbone',
        'name a file, or a URL such as torchvision://resnet18')
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
    return weights, max(candidates, key=len)


def _listed(names: Sequence[str], most: int = 6) -> str:
    """Format names as ``3 (a, b, c)``, of many only the first ones."""
    shown = [*names[:most], '...'] if len(names) > most else names
    return f'{len(names)} ({", ".join(shown)})'
