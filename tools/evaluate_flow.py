# SPDX-License-Identifier: Apache-2.0
"""Flow of pairs of frames, and its end-point errors where it is known.

An estimator is NAME, NAME:CHECKPOINT, CONFIG.py or CONFIG.py:CHECKPOINT. Names
are uftsn, uftsn_small, uftsn_plus, uftsn_plus_tiny, tvl1, tvl1_fast, dis,
dis_fast, tvnet, tvnet_opencv (at the settings of tvl1), zero, registered types
and models of ptlflow; a config gives its model.flow_estimator. With +refined
after the name or the config, as in dis+refined or uftsn+refined:CHECKPOINT,
TV-L1 iterations refine the flow. The checkpoint may be that of a whole
recognizer. uftsn_plus and uftsn_plus_tiny have the weights in the box; other
learned estimators without a checkpoint are random, and the table says so.

DIR/flow.json gets a row for each estimator and pair, the means and the
settings, DIR/NUMBER_PAIR.png the flows side by side. Of a pair without a known
flow, DIR/NUMBER_PAIR_ESTIMATOR.flo is the flow itself. A pair that an
estimator cannot process leaves a gap in its row only, and the exit status is
1.
"""
from __future__ import annotations

import end_on_signals  # noqa: F401, before what takes seconds

# isort: split
import argparse
from pathlib import Path

from uftsn_mmaction.datasets.flow_pairs import GeneratedPairs, ListedPairs
from uftsn_mmaction.experiments.environment import available_device
from uftsn_mmaction.experiments.flow_evaluation import evaluate_flow
from uftsn_mmaction.fileio.paths import check_output_folder
from uftsn_mmaction.models.flow_zoo import COMPARED


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--pairs', metavar='LIST',
        help='lines "first second flow", or "first second" without a known '
        'flow, relative to the folder of LIST; the flow is .flo, a .png of '
        'KITTI, or .npy; generated pairs by default')
    parser.add_argument(
        '--estimator', nargs='+', default=COMPARED, metavar='SPEC',
        help=f'estimators to compare (default: {" ".join(COMPARED)})')
    parser.add_argument(
        '--out', default='work_dirs/flow', metavar='DIR',
        help='folder of the results (default: work_dirs/flow)')
    parser.add_argument(
        '--device', default='cpu', help='cpu (default), cuda, cuda:1, ...')
    parser.add_argument(
        '--pictures', type=int, default=16, metavar='N',
        help='draw the first N pairs, 16 by default')
    parser.add_argument(
        '--seed', type=int, default=0,
        help='seed of generated pairs and random weights, 0 by default')
    return parser.parse_args()


def evaluate(args: argparse.Namespace) -> None:
    if args.pictures < 0:
        raise ValueError(f'--pictures is {args.pictures}, expected 0 or more '
                         'pairs')
    check_output_folder(args.out)
    pairs = (
        ListedPairs(args.pairs)
        if args.pairs else GeneratedPairs(seed=args.seed))
    report = evaluate_flow(pairs, args.estimator, Path(args.out),
                           available_device(args.device), args.pictures,
                           args.seed)
    if report.refused:
        raise ValueError(f'{len(report.refused)} of {len(report.rows)} flows '
                         'could not be estimated, see below the table; take '
                         'other pairs or another estimator')


def main() -> None:
    args = parse_args()
    try:
        evaluate(args)
    except (ImportError, OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()
