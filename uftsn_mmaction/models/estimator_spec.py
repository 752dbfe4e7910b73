# SPDX-License-Identifier: Apache-2.0
"""How a command line names a flow estimator.

A specification is one of::

    NAME                   uftsn, tvl1, dis, ..., a registered type, or a
                           model of ptlflow
    NAME:CHECKPOINT
    CONFIG.py              model.flow_estimator of a recognizer's config
    CONFIG.py:CHECKPOINT
"""
from __future__ import annotations

import os.path as osp
from collections import Counter
from collections.abc import Sequence


def split_spec(spec: str) -> tuple[str, str | None]:
    """Name or config file of a specification, and its checkpoint if any.

    Both paths may hold colons: a config file ends with ``.py``, and a name
    has no colon.

    Raises:
        ValueError: There is nothing on one side of the colon.
    """
    if spec.endswith('.py'):
        return spec, None
    name, found, checkpoint = spec.partition('.py:')
    if found:
        name += '.py'
    else:
        name, found, checkpoint = spec.partition(':')
    if not name or found and not checkpoint:
        raise ValueError(f'the estimator {spec!r} is incomplete, expected '
                         'NAME, NAME:CHECKPOINT, CONFIG.py or '
                         'CONFIG.py:CHECKPOINT')
    return name, checkpoint or None


def short_names(specs: Sequence[str]) -> list[str]:
    """Names for tables: without folders, where that leaves no doubt.

    Args:
        specs: Specifications.

    Returns:
        A name for each, all different.

    Raises:
        ValueError: One is given twice, or incomplete.
    """
    twice = [spec for spec, times in Counter(specs).items() if times > 1]
    if twice:
        raise ValueError(f'the estimator {twice[0]!r} is named more than '
                         'once; name each once')
    shorts = [
        ':'.join(osp.basename(part) for part in split_spec(spec) if part)
        for spec in specs
    ]
    times = Counter(shorts)
    return [
        short if times[short] == 1 else spec
        for short, spec in zip(shorts, specs)
    ]
