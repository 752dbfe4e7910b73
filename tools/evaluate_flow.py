# SPDX-License-Identifier: Apache-2.0
"""End-point errors of flow estimators on pairs of frames with known flow.

An estimator is NAME, NAME:CHECKPOINT, CONFIG.py or CONFIG.py:CHECKPOINT. Names
are uftsn, uftsn_small, tvl1, tvl1_fast, dis, dis_fast, tvnet, tvnet_opencv (at
the settings of tvl1), zero, registered types and models of ptlflow; of a
config, model.flow_estimator is taken. The checkpoint may be one of a whole
recognizer. Without a checkpoint the weights of a learned estimator are random,
and the table says so.

DIR/flow.json gets a row for each estimator and pair, the means and the
settings, DIR/NUMBER_PAIR.png the flows side by side. A pair that an estimator
cannot take is a gap of that estimator alone; the exit status is 1 then.
"""
from __future__ import annotations

import argparse
import os.path as osp
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from mmengine.fileio import put
from mmengine.utils import ProgressBar

from uftsn_mmaction.datasets.flow_pairs import (
    FlowPair,
    GeneratedPairs,
    ListedPairs,
)
from uftsn_mmaction.experiments.environment import available_device
from uftsn_mmaction.experiments.flow_report import FlowReport
from uftsn_mmaction.experiments.flow_settings import (
    flow_settings,
    settings_text,
)
from uftsn_mmaction.fileio.atomic import write_json
from uftsn_mmaction.fileio.output_path import check_output_folder
from uftsn_mmaction.models.flow_zoo import COMPARED, build_estimators
from uftsn_mmaction.visualization import figure_to_png, flow_panel


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--pairs',
        metavar='LIST',
        help='lines "first second flow", relative to the folder of LIST; the '
        'flow is .flo, a .png of KITTI, or .npy; generated pairs by default')
    parser.add_argument(
        '--estimator',
        nargs='+',
        default=COMPARED,
        metavar='SPEC',
        help=f'estimators to compare (default: {" ".join(COMPARED)})')
    parser.add_argument(
        '--out',
        default='work_dirs/flow',
        metavar='DIR',
        help='folder of the results (default: work_dirs/flow)')
    parser.add_argument(
        '--device', default='cpu', help='cpu (default), cuda, cuda:1, ...')
    parser.add_argument(
        '--pictures',
        type=int,
        default=16,
        metavar='N',
        help='draw the first N pairs, 16 by default')
    parser.add_argument(
        '--seed',
        type=int,
        default=0,
        help='of generated pairs and random weights, 0 by default')
    return parser.parse_args()


def draw(pair: FlowPair, flows: Mapping[str, np.ndarray], number: int,
         out: str) -> None:
    """Write the flows of a pair side by side."""
    # Narrow columns: a line for each part of a name.
    titles = {
        name.replace(':', '\n').replace(' (', '\n('): flow
        for name, flow in flows.items()
    }
    figure = flow_panel(
        [dict(frame=pair.first, gt_flow=pair.flow, flows=titles)])
    # Room for the second line of the titles.
    figure.set_figheight(figure.get_figheight() + 0.15)
    name = re.sub(r'[^\w.-]+', '_', pair.name)
    put(figure_to_png(figure), osp.join(out, f'{number:03d}_{name}.png'))


def evaluate(args: argparse.Namespace) -> None:
    """Measure, print the table, write the files."""
    if args.pictures < 0:
        raise ValueError(f'--pictures is {args.pictures}, expected a number '
                         'of pairs from 0 up.')
    check_output_folder(args.out)
    pairs = (
        ListedPairs(args.pairs)
        if args.pairs else GeneratedPairs(seed=args.seed))
    device = available_device(args.device)
    estimators = build_estimators(args.estimator, device, args.seed)
    report = FlowReport(list(estimators))
    progress = ProgressBar(len(pairs), file=sys.stderr)
    for number, pair in enumerate(pairs):
        flows = {}
        for name, estimator in estimators.items():
            try:
                flow = estimator.flow_of_pair(pair.first, pair.second, device)
            except ValueError as error:  # the others go on
                report.refuse(name, pair.name, str(error))
                continue
            report.add(name, pair.name, flow, pair.flow)
            flows[name] = flow
        if number < args.pictures:
            draw(pair, flows, number, args.out)
        progress.update()
    print(file=sys.stderr)
    settings = flow_settings(args.estimator, estimators, device, args.seed)
    path = Path(args.out, 'flow.json')
    write_json(
        path,
        dict(
            **report.to_dict(),
            settings=dict(**settings, pairs=pairs.settings())))
    print(report.to_text())
    print(settings_text(settings))
    print(f'{path}, pictures of {min(args.pictures, len(pairs))} of '
          f'{len(pairs)} pairs beside it')
    if report.refused:
        raise ValueError(f'{len(report.refused)} of {len(report.rows)} flows '
                         'could not be estimated, see below the table; take '
                         'other pairs or another estimator.')


def main() -> None:
    args = parse_args()
    try:
        evaluate(args)
    except (ImportError, OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()
