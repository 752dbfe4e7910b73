# SPDX-License-Identifier: Apache-2.0
"""Flow estimators by name, as command lines give them."""
from __future__ import annotations

import io
import os.path as osp
import re
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from inspect import isabstract
from types import MappingProxyType
from typing import Any

from mmaction.registry import MODELS
from mmengine.config import Config

from ..fileio.checkpoint import ESTIMATOR_PART, load_weights
from ..fileio.paths import check_input_file
from .flow import FlowEstimator, build_flow_estimator

#: Configs of the estimators that have a name here.
ESTIMATORS: Mapping[str, dict[str, Any]] = MappingProxyType({
    'uftsn': dict(type='UnsupervisedFlowEstimator', out_indices=(0, )),
    'uftsn_small': dict(
        type='UnsupervisedFlowEstimator',
        plan='uftsn_small',
        out_indices=(0, )),
    # With the weights in the box.
    'uftsn_plus': dict(
        type='UnsupervisedFlowEstimator',
        pretrained='uftsn_plus',
        out_indices=(0, )),
    'uftsn_plus_tiny': dict(
        type='UnsupervisedFlowEstimator',
        pretrained='uftsn_plus_tiny',
        out_indices=(0, )),
    'tvl1': dict(type='TVL1FlowEstimator', preset='opencv'),
    'tvl1_fast': dict(type='TVL1FlowEstimator', preset='fast'),
    'dis': dict(type='DISFlowEstimator', preset='medium'),
    'dis_fast': dict(type='DISFlowEstimator', preset='fast'),
    'tvnet': dict(type='TVNetFlowEstimator', learnable=False),
    # With the settings of 'tvl1', to compare the two implementations.
    'tvnet_opencv': dict(
        type='TVNetFlowEstimator',
        learnable=False,
        num_iterations=60,
        scale_step=0.8,
        median_filtering=5),
    'zero': dict(type='ZeroFlowEstimator'),
})

#: Suffix of an estimator's name where nobody trained its weights.
RANDOM = ' (random weights)'


#: End of the name of an estimator that ``RefinedFlowEstimator`` wraps.
REFINED = '+refined'

# Both paths may hold colons.
_SPEC = re.compile(r'(?!\+refined)(?P<name>.+?\.py|[^:]+?)'
                   r'(?P<refined>\+refined)?(?::(?P<checkpoint>.+))?')


@dataclass(frozen=True)
class EstimatorSpec:
    """A flow estimator as a command line names it.

    The text is ``NAME``, ``NAME:CHECKPOINT``, ``CONFIG.py`` or
    ``CONFIG.py:CHECKPOINT``; after the name or the config, ``+refined`` asks
    for :class:`RefinedFlowEstimator` around it. A name is one of
    :data:`ESTIMATORS`, a registered type or a model of ptlflow; a config file
    gives its ``model.flow_estimator``. The checkpoint is that of an estimator
    or of a recognizer, or published weights of ptlflow by name.

    Examples:
        >>> spec = EstimatorSpec.parse('uftsn_small:work_dirs/a.pth')
        >>> spec.config['plan'], spec.checkpoint
        ('uftsn_small', 'work_dirs/a.pth')
        >>> EstimatorSpec.parse('dis+refined').config['type']
        'RefinedFlowEstimator'
    """
    text: str
    config: Mapping[str, Any]
    checkpoint: str | None = None

    @classmethod
    def parse(cls, text: str) -> EstimatorSpec:
        """Parse a specification.

        Raises:
            FileNotFoundError: If there is no such config file.
            ValueError: If the name is unknown or the text incomplete, or the
                config has no estimator.
        """
        name, refined, checkpoint = _split(text)
        if name.endswith('.py'):
            config = _from_file(name)
        elif name in ESTIMATORS:
            config = dict(ESTIMATORS[name])
        elif name.islower() and name in _models_of_ptlflow():
            config = dict(
                type='PTLFlowEstimator', model=name, checkpoint=checkpoint)
        else:
            config = dict(type=name)
        kind = config.get('type')
        # A registry would import the scope before a dot, whatever it is.
        if isinstance(kind, str) and (
                not all(part.isidentifier() for part in kind.split('.'))
                or MODELS.get(kind) is None):
            raise _unknown(kind)
        return cls(text, refine(config) if refined else config, checkpoint)

    def build(self) -> FlowEstimator:
        """Build the estimator, load its weights and set evaluation mode.

        Raises:
            FileNotFoundError: If there is no such checkpoint.
            ImportError: If a library is missing.
            ValueError: If the type is not an estimator or needs arguments, or
                the checkpoint cannot be read or does not fit.
        """
        try:
            estimator = build_flow_estimator(self.config,
                                             f'the estimator {self.text!r}')
        except TypeError as error:
            raise ValueError(
                f'estimator {self.text!r} cannot be built ({error}); name a '
                'config file whose model.flow_estimator has all its '
                'arguments') from error
        # What refines a flow has neither weights nor an initialisation.
        config = self.config
        while 'flow_estimator' in config:
            config = config['flow_estimator']
        # An estimator of ptlflow has loaded the checkpoint of its config.
        if self.checkpoint not in (None, config.get('checkpoint')):
            owner = repr(self.text)
            load_weights(
                estimator, self.checkpoint, owner, part=ESTIMATOR_PART)
        elif config.get('init_cfg'):
            # As the runner does before it trains.
            estimator.init_weights()
        return estimator.eval()


def build_estimator(text: str) -> FlowEstimator:
    """Build an estimator by its specification, see :class:`EstimatorSpec`.

    Examples:
        >>> build_estimator('uftsn_small').has_random_weights
        True
        >>> build_estimator('tvl1').has_random_weights
        False
    """
    return EstimatorSpec.parse(text).build()


def refine(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config of the estimator that refines another one's flow."""
    return dict(type='RefinedFlowEstimator', flow_estimator=config)


def short_names(texts: Sequence[str]) -> list[str]:
    """Return names for tables, without folders where that is unambiguous.

    Raises:
        ValueError: If a specification is given twice or is incomplete.

    Examples:
        >>> short_names(['zero', 'uftsn:x/a.pth', 'd/c.py+refined:y/b.pth'])
        ['zero', 'uftsn:a.pth', 'c.py+refined:b.pth']
    """
    for text in texts:
        if texts.count(text) > 1:
            raise ValueError(f'the estimator {text!r} is named more than '
                             'once; name each once')
    shorts = []
    for text in texts:
        name, refined, checkpoint = _split(text)
        short = osp.basename(name) + refined
        if checkpoint:
            short += f':{osp.basename(checkpoint)}'
        shorts.append(short)
    return [
        short if shorts.count(short) == 1 else text
        for short, text in zip(shorts, texts)
    ]


def _split(text: str) -> tuple[str, str, str | None]:
    """Split a specification into name, ``+refined`` or '', checkpoint."""
    match = _SPEC.fullmatch(text)
    if match is None:
        raise ValueError(
            f'the estimator {text!r} is incomplete, expected NAME, '
            'NAME:CHECKPOINT, CONFIG.py or CONFIG.py:CHECKPOINT, each with '
            f'or without {REFINED} before the colon')
    return match['name'], match['refined'] or '', match['checkpoint']


def _from_file(path: str) -> dict[str, Any]:
    """Return ``model.flow_estimator`` of a config file."""
    check_input_file(path, f'the config {path!r} of an estimator')
    cfg = Config.fromfile(path).to_dict().get('model') or {}
    if 'flow_estimator' not in cfg:
        raise ValueError(
            f'the config {path!r} has no model.flow_estimator; name that of '
            'a motion stream, such as configs/uftsn_r18_ucf101.py')
    return cfg['flow_estimator']


def _models_of_ptlflow() -> list[str]:
    """Return the names of its models, none where it is not installed."""
    if find_spec('ptlflow') is None:
        return []
    # The import takes seconds and prints hints about optional parts.
    with redirect_stdout(io.StringIO()):
        return sorted(import_module('ptlflow').get_model_names())


def _unknown(name: str) -> ValueError:
    registered = sorted(
        kind for kind, value in MODELS.module_dict.items()
        if kind.endswith('FlowEstimator') and not isabstract(value))
    others = ', '.join(_models_of_ptlflow()) or (
        'which is not installed: pip install "uftsn-mmaction[ptlflow]"')
    return ValueError(
        f'the estimator {name!r} is unknown; known are '
        f'{", ".join(ESTIMATORS)}, the types {", ".join(registered)}, any '
        f'config file CONFIG.py, and the models of ptlflow ({others}); '
        f'{REFINED} may follow each')
