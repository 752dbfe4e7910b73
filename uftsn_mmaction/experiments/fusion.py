# SPDX-License-Identifier: Apache-2.0
"""The config of both streams' fusion, with what was trained in it."""
from __future__ import annotations

import copy
from collections.abc import Mapping

from mmengine.config import Config

from .experiment import Experiment

#: Names of the streams of sec. 3.1.
STREAMS = ('spatial', 'temporal')


def check_streams(fusion: Config) -> None:
    """Raise a ValueError if a fusion is not of both :data:`STREAMS`."""
    found = fusion.model.get('streams', {})
    if set(found) != set(STREAMS):
        raise ValueError(
            f'model.streams of {fusion.filename} are {sorted(found)}, '
            f'expected {list(STREAMS)}; name them so')


def fusion_config(fusion: Config, streams: Mapping[str, Experiment]) -> Config:
    """Return a fusion of what ``streams`` train, with its own frames."""
    fusion = copy.deepcopy(fusion)
    for name, experiment in streams.items():
        # An update() would merge two models.
        fusion.model.streams[name].model = copy.deepcopy(experiment.cfg.model)
        fusion.model.streams[name].checkpoint = str(experiment.checkpoint)
    return fusion
