# SPDX-License-Identifier: Apache-2.0
"""Networks of the library ptlflow (table 2: PWC-Net).

https://github.com/hmorimitsu/ptlflow, "PyTorch Lightning Optical Flow".
"""
from __future__ import annotations

import importlib
import logging
import os.path as osp
from argparse import ArgumentError, Namespace
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.logging import print_log
from torch import Tensor, nn

from ...fileio.checkpoint import load_weights, read_content, tensors_of
from ..flow.warp import resize_flow
from .pairwise import PairwiseFlowEstimator


@MODELS.register_module()
class PTLFlowEstimator(PairwiseFlowEstimator):
    """Model of ptlflow with fixed weights, always in evaluation mode.

    Its models and published weights have licences of their own, most of them
    for research only.

    Args:
        model: Name of a model that takes two frames, such as ``'pwcnet'``.
        checkpoint: Name of weights that ptlflow publishes for the model, such
            as ``'things'``, which are downloaded once; or a checkpoint of
            ptlflow or ``state_dict`` of the model. None leaves the weights
            random for a checkpoint of the recognizer to fill, and warns.
        min_size: Frames whose shorter side has fewer pixels are enlarged to
            this size, and their flow is resized back. Below 128 the flow of
            RAFT and its relatives is NaN, since their coarsest level is a
            single pixel; PWC-Net and its relatives fail below 64.
        out_indices: See :class:`PairwiseFlowEstimator`.
        model_args: Arguments of the model that differ from ptlflow's, such
            as ``iters=12`` of ``raft_small``.

    Raises:
        FileNotFoundError: If ``checkpoint`` is neither a file nor a name.
        ImportError: If ptlflow or a library that it needs is not installed.
        ValueError: If the model, an argument or the checkpoint does not fit.
    """

    def __init__(self,
                 model: str = 'raft_small',
                 checkpoint: str | None = None,
                 min_size: int = 128,
                 out_indices: Sequence[int] = (0, ),
                 **model_args: Any) -> None:
        super().__init__(out_indices)
        if not isinstance(min_size, int) or min_size < 1:
            raise ValueError('min_size of PTLFlowEstimator must be a number '
                             f'of pixels, 1 or more, got {min_size!r}')
        self.model = model
        self.min_size = min_size
        self.network = _build(model, model_args)
        self.starts_random = checkpoint is None
        if checkpoint is None:
            print_log(
                f'PTLFlowEstimator has random weights in {model!r}, since '
                'its checkpoint is None; name one, or load a checkpoint of '
                'the whole recognizer',
                logger='current',
                level=logging.WARNING)
        else:
            _load(self.network, checkpoint, model)
        self.network.requires_grad_(False)
        self.network.eval()

    def init_weights(self) -> None:
        """Keep the weights, which methods of this name would overwrite."""
        self._is_init = True

    def train(self, mode: bool = True) -> PTLFlowEstimator:
        """Switch the mode, but leave the network in evaluation mode."""
        super().train(mode)
        self.network.eval()
        return self

    def estimate(self, first: Tensor, second: Tensor) -> Tensor:
        """Run the network, and refuse all but a finite flow for each pair."""
        size = tuple(first.shape[-2:])
        enlarge = max(1., self.min_size / min(size))
        enlarged = tuple(round(side * enlarge) for side in size)
        if enlarged != size:
            first, second = (
                F.interpolate(frames, enlarged, mode='bilinear')
                for frames in (first, second))
        # Some models ask Lightning for their device, which does not notice
        # that a parent module was moved.
        self.network.to(first.device)
        # ptlflow takes P x 2 x 3 x H x W in [0, 1], blue first; each model
        # normalises and pads (or scales) on its own.
        images = torch.stack((first, second), dim=1).flip(2).float()
        flow = self.network(dict(images=images))['flows']
        expected = (len(first), 1, 2, *enlarged)
        if flow.shape != expected:
            raise ValueError(
                f'The model {self.model!r} of PTLFlowEstimator gives '
                f'{tuple(flow.shape)} for {len(first)} pairs of frames, '
                f'expected {expected}; choose a model that takes two frames')
        # P x 1 x 2 x H x W -> P x 2 x H x W
        flow = flow[:, 0].float()
        if not flow.isfinite().all():
            raise ValueError(
                f'The flow of {self.model!r} of PTLFlowEstimator is not '
                f'finite on frames of {enlarged[0]}x{enlarged[1]}; raise '
                'min_size, or check the checkpoint')
        return resize_flow(flow, size)

    def extra_repr(self) -> str:
        """Name the settings that the network does not show."""
        return (f'model={self.model!r}, min_size={self.min_size}, ptlflow '
                f'{_import().__version__}')


def _import() -> ModuleType:
    """Import the optional library, which takes seconds."""
    try:
        return importlib.import_module('ptlflow')
    except ImportError as error:
        reason = (f'the module {error.name!r}, which is not installed' if
                  isinstance(error, ModuleNotFoundError) else
                  f'ptlflow, whose import fails ({error})')
        raise ImportError(
            f'PTLFlowEstimator needs {reason}: run `pip install '
            '"uftsn-mmaction[ptlflow]"`') from error


def _build(model: str, model_args: dict[str, Any]) -> nn.Module:
    """Build a model of ptlflow with random weights."""
    ptlflow = _import()
    names = ptlflow.get_model_names()
    if model not in names:
        raise ValueError(
            f'ptlflow {ptlflow.__version__} has no model {model!r}, the model '
            f'of PTLFlowEstimator; its models are {", ".join(names)}')
    # The parser of ptlflow converts the arguments to the model's types.
    try:
        return ptlflow.get_model(model, args=Namespace(model=model_args))
    except (ArgumentError, TypeError, ValueError) as error:
        reason = str(error).strip().split('\n')[-1].strip()
        raise ValueError(
            f'The model {model!r} of PTLFlowEstimator cannot be built with '
            f'the arguments {model_args} ({reason}); see its constructor in '
            'ptlflow') from error


def _load(network: nn.Module, checkpoint: str, model: str) -> None:
    """Load published weights by their name, or those of a file."""
    published = getattr(network, 'pretrained_checkpoints', None) or {}
    url = published.get(checkpoint)
    if url is None and not osp.isfile(checkpoint):
        raise FileNotFoundError(
            f'The checkpoint {checkpoint!r} of PTLFlowEstimator is neither a '
            f'file (absolute path {osp.abspath(checkpoint)!r}) nor the name '
            f'of weights that ptlflow publishes for {model!r} '
            f'({", ".join(published) or "none"}); correct it')
    owner, source = f'the model {model!r} of ptlflow', url or checkpoint
    cure = (f'download {url} by hand and name the file' if url else
            'name weights of this model, such as a file that holds its '
            'state_dict alone')
    content = read_content(source, owner, cure, check_hash=bool(url))
    weights = tensors_of(content, source, owner, cure)
    load_weights(network, source, owner, cure, weights=weights)
    # Constants beside the weights; VCN has some.
    settings = content.get('hyper_parameters')
    extra = settings.get('extra_params') if isinstance(settings, dict) else {}
    for name, value in (extra or {}).items():
        network.add_extra_param(name, value)
