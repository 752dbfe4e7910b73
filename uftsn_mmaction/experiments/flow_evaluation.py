# SPDX-License-Identifier: Apache-2.0
"""Evaluation of flow estimators on pairs of frames."""
from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.fileio import put

from ..apis.source_pairs import SourcePairs
from ..datasets.flow_pairs import FlowPair, GeneratedPairs, ListedPairs
from ..evaluation.estimators import build_estimators
from ..evaluation.explained_flow import explain
from ..fileio.atomic import write_json
from ..fileio.flow_file import is_known
from ..fileio.flow_writer import write_flo
from ..models.flow import FlowEstimator
from ..progress import track
from ..visualization import figure_to_png, flow_panel
from .environment import environment, environment_text
from .flow_report import FlowReport


def evaluate_flow(pairs: ListedPairs | GeneratedPairs | SourcePairs,
                  specs: Sequence[str], out: Path, device: torch.device,
                  pictures: int = 16, seed: int = 0) -> FlowReport:
    """Measure estimators, print their table and write the files.

    The folder ``out`` gets ``flow.json``, pictures of the first pairs, and
    each flow of a listed pair without a true one, as ``.flo``. ``seed`` is
    that of random weights.
    """
    written = number = 0
    if isinstance(pairs, ListedPairs):
        for _ in pairs:  # a broken file is found before hours are spent
            pass
    estimators = build_estimators(specs, device, seed)
    report = FlowReport(list(estimators))
    for number, pair in enumerate(track(pairs, len(pairs), 'pairs'), 1):
        flows = {}
        known = is_known(pair.flow, 0).any()
        for name, estimator in estimators.items():
            try:
                flow = estimator.flow_of_pair(pair.first, pair.second, device)
                errors = {} if known else _errors(
                    pair, flow, estimator, device)
            except ValueError as error:  # the other estimators go on
                report.refuse(name, pair.name, str(error))
                continue
            if known:
                report.add(name, pair.name, flow, pair.flow)
            else:
                report.add_unknown(name, pair.name, flow, errors)
            flows[name] = flow
        start = out / f'{number - 1:03d}_{_file_name(pair.name)}'
        if number <= pictures:
            put(_picture(pair, flows), f'{start}.png')
        if not known and isinstance(pairs, ListedPairs):
            for name, flow in flows.items():
                write_flo(f'{start}_{_file_name(name)}.flo', flow)
                written += 1
    settings = dict(
        command=shlex.join(sys.argv),
        device=str(device),
        threads=torch.get_num_threads(),
        seed=seed,
        environment=environment(),
        estimators=[
            dict(name=name, spec=spec, type=type(estimator).__name__,
                 parameters=sum(p.numel() for p in estimator.parameters()),
                 settings=estimator.extra_repr())
            for spec, (name, estimator) in zip(specs, estimators.items())
        ],
        pairs=pairs.settings())
    write_json(out / 'flow.json', dict(report.to_dict(), settings=settings))
    print(report.to_text())
    for estimator in settings['estimators']:
        if estimator['settings']:
            print(f'{estimator["name"]}: {estimator["settings"]}')
    print(f'device: {device}; threads: {settings["threads"]}; seed: {seed}')
    print(environment_text(settings['environment']))
    flows = f', and {written} flows as .flo' if written else ''
    print(f'{out / "flow.json"}, pictures of {min(pictures, number)} of '
          f'{number} pairs{flows} beside it')
    return report


def _errors(pair: FlowPair, flow: np.ndarray, estimator: FlowEstimator,
            device: torch.device) -> dict[str, float]:
    """Return what the flow leaves unexplained, for want of a true one."""
    back = estimator.flow_of_pair(pair.second, pair.first, device)
    return explain(pair.first, pair.second, flow, back).errors


def _file_name(text: str) -> str:
    return re.sub(r'[^\w.-]+', '_', text)


def _picture(pair: FlowPair, flows: Mapping[str, np.ndarray]) -> bytes:
    """Draw the flows of a pair side by side, as PNG."""
    # Columns are narrow: one line for each part of a name.
    titles = {name.replace(':', '\n').replace(' (', '\n('): flow
              for name, flow in flows.items()}
    known = is_known(pair.flow, 0).any()
    figure = flow_panel([
        dict(frame=pair.first, gt_flow=pair.flow if known else None,
             flows=titles)
    ])
    # Room for the second line of the titles.
    figure.set_figheight(figure.get_figheight() + 0.15)
    return figure_to_png(figure)
