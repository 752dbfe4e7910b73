# SPDX-License-Identifier: Apache-2.0
"""Flow estimators by name, for tools that compare them.

How they are named: see :mod:`.estimator_spec`.
"""
from __future__ import annotations

import copy
import io
import os.path as osp
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

import torch
from mmaction.registry import MODELS
from mmengine.config import Config

from ..fileio.checkpoint import ESTIMATOR_PART, load_weights
from .estimator_spec import short_names, split_spec
from .flow import FlowEstimator, build_flow_estimator
from .other_flows import TVNetFlowEstimator

#: Our names and what they stand for.
ESTIMATORS: Mapping[str, dict[str, Any]] = MappingProxyType({
    'uftsn':
    dict(type='UnsupervisedFlowEstimator', out_indices=(0, )),
    'uftsn_small':
    dict(
        type='UnsupervisedFlowEstimator',
        plan='uftsn_small',
        out_indices=(0, )),
    'tvl1':
    dict(type='TVL1FlowEstimator', preset='opencv'),
    'tvl1_fast':
    dict(type='TVL1FlowEstimator', preset='fast'),
    'dis':
    dict(type='DISFlowEstimator', preset='medium'),
    'dis_fast':
    dict(type='DISFlowEstimator', preset='fast'),
    'tvnet':
    dict(type='TVNetFlowEstimator', learnable=False),
    # At the settings of 'tvl1', for a comparison of the two programs.
    'tvnet_opencv':
    dict(
        type='TVNetFlowEstimator',
        learnable=False,
        num_iterations=60,
        scale_step=0.8,
        median_filtering=5),
    'zero':
    dict(type='ZeroFlowEstimator'),
})

#: What the paper's tables compare, and two successors of PWC-Net; the last
#: three need ptlflow.
COMPARED = ('uftsn', 'tvl1', 'tvl1_fast', 'dis', 'tvnet', 'pwcnet',
            'raft_small', 'neuflow')

_OTHER_MODELS = 'PTLFlowEstimator'


def estimator_config(spec: str) -> dict[str, Any]:
    """Config of an estimator, its weights aside.

    Args:
        spec: Its specification. A checkpoint in it is left to
            :func:`build_estimator`, except for a model of ptlflow, which
            loads its own.

    Returns:
        What ``MODELS.build`` takes.

    Raises:
        FileNotFoundError: There is no such config file.
        ValueError: The name is unknown, or the config has no estimator.
    """
    return _parse(spec)[0]


def build_estimator(spec: str) -> FlowEstimator:
    """Build an estimator and load its weights.

    Args:
        spec: Its specification. The checkpoint is one of the estimator or
            of a recognizer that has it as its ``flow_estimator``; without
            one, what is learned is random.

    Returns:
        The estimator, ready to evaluate.

    Raises:
        FileNotFoundError: There is no such config file or checkpoint.
        ImportError: A library that the estimator needs is missing.
        ValueError: The name is unknown, or the checkpoint cannot be read or
            does not fit.
    """
    cfg, checkpoint = _parse(spec)
    try:
        estimator = build_flow_estimator(cfg, f'the estimator {spec!r}')
    except TypeError as error:
        raise ValueError(
            f'estimator {spec!r} cannot be built ({error}); name a config '
            'file whose model.flow_estimator has all its arguments') from error
    if checkpoint:
        load_weights(
            estimator, checkpoint, repr(spec), part=ESTIMATOR_PART)
    elif cfg.get('init_cfg'):
        # What a runner does before it trains.
        estimator.init_weights()
    return estimator.eval()


def has_random_weights(spec: str, estimator: FlowEstimator) -> bool:
    """True where nobody has trained or named the weights of an estimator.

    Args:
        spec: What it was built from.
        estimator: Result of :func:`build_estimator`.
    """
    cfg, checkpoint = _parse(spec)
    named = checkpoint or cfg.get('checkpoint') or cfg.get('init_cfg')
    # Unlike a network, TV-Net starts as the method that it unrolls.
    is_method = isinstance(estimator, TVNetFlowEstimator)
    has_weights = next(estimator.parameters(), None) is not None
    return has_weights and not named and not is_method


def build_estimators(specs: Sequence[str],
                     device: str | torch.device = 'cpu',
                     seed: int = 0) -> dict[str, FlowEstimator]:
    """Build several estimators, each as if it were alone.

    Args:
        specs: Their specifications, all different.
        device: Where to put them.
        seed: Of random weights.

    Returns:
        The estimators by name, which says where the weights are random.
    """
    estimators = {}
    for name, spec in zip(short_names(specs), specs):
        torch.manual_seed(seed)
        estimator = build_estimator(spec).to(device)
        if has_random_weights(spec, estimator):
            name += ' (random weights)'
        estimators[name] = estimator
    return estimators


def _parse(spec: str) -> tuple[dict[str, Any], str | None]:
    """Config of an estimator, and the checkpoint to load after building."""
    name, checkpoint = split_spec(spec)
    if name.endswith('.py'):
        cfg = _from_file(name)
    elif name in ESTIMATORS:
        cfg = copy.deepcopy(ESTIMATORS[name])
    elif name.islower() and name in _models_of_ptlflow():
        # It knows the names of published weights, and their formats.
        return dict(
            type=_OTHER_MODELS, model=name, checkpoint=checkpoint), None
    else:
        cfg = dict(type=name)
    kind = cfg.get('type')
    if isinstance(kind, str) and MODELS.get(kind) is None:
        raise _unknown(kind)
    return cfg, checkpoint


def _from_file(path: str) -> dict[str, Any]:
    """``model.flow_estimator`` of a config file."""
    if not osp.isfile(path):
        raise FileNotFoundError(
            f'the config {path!r} of an estimator does not exist (absolute '
            f'path {osp.abspath(path)!r}); correct the path')
    cfg = Config.fromfile(path).to_dict().get('model') or {}
    if 'flow_estimator' not in cfg:
        raise ValueError(
            f'the config {path!r} has no model.flow_estimator; name that of '
            'a motion stream, such as configs/uftsn_r18_ucf101.py')
    return cfg['flow_estimator']


def _models_of_ptlflow() -> list[str]:
    """Names of its models, none where it is not installed."""
    if find_spec('ptlflow') is None:
        return []
    # Takes seconds, so only where it is asked for; what it says of optional
    # parts of its own would stand in the way of the answer.
    with redirect_stdout(io.StringIO()):
        return sorted(import_module('ptlflow').get_model_names())


def _unknown(name: str) -> ValueError:
    registered = sorted(
        kind for kind in MODELS.module_dict if 'FlowEstimator' in kind)
    others = ', '.join(_models_of_ptlflow()) or (
        'which is not installed: pip install "uftsn-mmaction[ptlflow]"')
    return ValueError(
        f'the estimator {name!r} is unknown; known are '
        f'{", ".join(ESTIMATORS)}, the types {", ".join(registered)}, any '
        f'config file CONFIG.py, and the models of ptlflow ({others})')
