# SPDX-License-Identifier: Apache-2.0
"""The estimators of a comparison with their weights."""
from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ...models.flow_zoo import (
    RANDOM,
    REFINED,
    EstimatorSpec,
    refine,
    short_names,
)

#: Specifications beside those of ``models/flow_zoo.py``: the config's own
#: estimator after stage 1; the same, refined; still training, in stage 3; at
#: its random start.
OURS, OURS_JOINT, UNTRAINED = 'ours', 'ours+joint', 'untrained'
OURS_REFINED = OURS + REFINED


@dataclass(frozen=True, eq=False)
class Entrant:
    """An estimator: name in the table, specification and config."""
    name: str
    spec: str
    estimator: dict[str, Any]
    settings: str = ''
    # None: random, part of the config, or still to be trained.
    weights: Mapping[str, Tensor] | None = None

    @property
    def folder(self) -> str:
        """Name of its files."""
        return re.sub(r'[^\w.+-]+', '_', self.name).strip('_')

    @property
    def weights_name(self) -> str:
        """Name that no other weights have."""
        if self.weights is None:
            return self.folder
        digest = hashlib.sha256()
        for name, value in sorted(self.weights.items()):
            head = f'{name} {tuple(value.shape)} {value.dtype};'
            digest.update(head.encode() + value.numpy().tobytes())
        return f'{self.folder}-{digest.hexdigest()[:16]}'


def read_entrants(specs: Sequence[str],
                  own_estimator: Mapping[str, Any]) -> list[Entrant]:
    """Build each estimator once, so that a bad one is found at once."""
    entrants = [_read(spec, name, dict(own_estimator))
                for spec, name in zip(specs, short_names(specs))]
    folders = [entrant.folder for entrant in entrants]
    for entrant in entrants:
        if folders.count(entrant.folder) > 1:
            raise ValueError(
                f'the folder of {entrant.spec!r} would be that of another '
                'estimator; rename the file, or compare them in two runs')
    return entrants


def _read(spec: str, name: str, own_estimator: dict[str, Any]) -> Entrant:
    if spec in (OURS, OURS_JOINT):
        return Entrant(spec, spec, own_estimator)
    if spec == OURS_REFINED:
        return Entrant(spec, spec, refine(own_estimator))
    if spec == UNTRAINED:
        return Entrant(spec + RANDOM, spec, own_estimator)
    parsed = EstimatorSpec.parse(spec)
    estimator = parsed.build()
    if estimator.has_random_weights:
        name += RANDOM
    # A network of ptlflow loads its weights itself; they are handed over
    # too, so that a file that has changed is noticed.
    return Entrant(name, spec, dict(parsed.config), estimator.extra_repr(),
                   estimator.state_dict() if parsed.checkpoint else None)
