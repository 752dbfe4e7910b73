# SPDX-License-Identifier: Apache-2.0
"""Measure flow estimators: with a known flow or without, on any videos.

    python tools/evaluate_flow.py --estimator uftsn_plus dis
    python tools/evaluate_flow.py my_videos --estimator uftsn_plus dis
    python tools/evaluate_flow.py --pairs data/flow/pairs_with_gt.txt

Where the flow is known, the table has end-point errors. Of videos, and of
pairs in LIST without a flow, it has the photometric error (what is left
between a frame and the next one warped back to it, in grey levels), the same
of zero flow, and the forward-backward error (how far from its start a pixel
comes that goes along the flow and back).

An estimator is NAME, NAME:CHECKPOINT, CONFIG.py or CONFIG.py:CHECKPOINT. Names
are uftsn, uftsn_small, uftsn_plus, uftsn_plus_tiny, tvl1, tvl1_fast, dis,
dis_fast, tvnet, tvnet_opencv (at the settings of tvl1), zero, registered types
and models of ptlflow; a config gives its model.flow_estimator. With +refined
after the name or the config, as in dis+refined or uftsn+refined:CHECKPOINT,
TV-L1 iterations refine the flow. The checkpoint may be that of a whole
recognizer. uftsn_plus and uftsn_plus_tiny have the weights in the box; other
learned estimators without a checkpoint are random, and the table says so.

DIR/flow.json gets a row for each estimator and pair, the means and the
settings, DIR/NUMBER_PAIR.png the flows side by side. Of a pair in LIST without
a known flow, DIR/NUMBER_PAIR_ESTIMATOR.flo is the flow itself. A pair that an
estimator cannot process leaves a gap in its row only, and the exit status is
1.
"""
from __future__ import annotations

from command_line import COMPARED, add_device, command, tool_parser

# isort: split
import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uftsn_mmaction.apis.source_pairs import SourcePairs
    from uftsn_mmaction.datasets.flow_pairs import GeneratedPairs, ListedPairs

_OF_VIDEOS = ['uftsn_plus', 'uftsn_plus+refined', 'dis']


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    parser.add_argument(
        'inputs', nargs='*', metavar='INPUT',
        help='videos, folders, patterns and .txt lists of them, or the '
        'pictures of one clip')
    parser.add_argument(
        '--pairs', metavar='LIST',
        help='lines "first second flow", or "first second" without a known '
        'flow, relative to the folder of LIST; the flow is .flo, a .png of '
        'KITTI, or .npy; without INPUT, generated pairs by default')
    parser.add_argument(
        '--estimator', nargs='+', metavar='SPEC',
        help='estimators to compare (default: those of the paper\'s tables, '
        f'{" ".join(COMPARED)}; of INPUT {" ".join(_OF_VIDEOS)})')
    parser.add_argument(
        '--number', type=int, metavar='N',
        help='pairs of each INPUT, spread over it, 10 by default')
    parser.add_argument(
        '--stride', type=int, metavar='N',
        help='frames from the first to the second one of a pair of INPUT, 1 '
        'by default')
    parser.add_argument(
        '--size', type=int, metavar='S',
        help='shorter side of the frames of INPUT in pixels (default: their '
        'own)')
    parser.add_argument(
        '--out', default='work_dirs/flow', metavar='DIR',
        help='folder of the results (default: work_dirs/flow)')
    add_device(parser, 'cpu')
    parser.add_argument(
        '--pictures', type=int, default=16, metavar='N',
        help='draw the first N pairs, 16 by default')
    parser.add_argument(
        '--seed', type=int, default=0,
        help='seed of generated pairs and random weights, 0 by default')
    return parser.parse_args()


def choose_pairs(args: argparse.Namespace
                 ) -> GeneratedPairs | ListedPairs | SourcePairs:
    from uftsn_mmaction.apis.check_sources import find_sound_sources
    from uftsn_mmaction.apis.source_pairs import SourcePairs
    from uftsn_mmaction.datasets.flow_pairs import GeneratedPairs, ListedPairs

    if args.inputs and args.pairs:
        raise ValueError('INPUT and --pairs name different pairs; give one '
                         'of the two')
    if args.pairs:
        return ListedPairs(args.pairs)
    if args.inputs:
        return SourcePairs(find_sound_sources(args.inputs), args.number or 10,
                           args.stride or 1, args.size)
    return GeneratedPairs(seed=args.seed)


def evaluate(args: argparse.Namespace) -> None:
    # Here, so that --help need not wait for them.
    from uftsn_mmaction.experiments.environment import available_device
    from uftsn_mmaction.experiments.flow_evaluation import evaluate_flow
    from uftsn_mmaction.fileio.paths import check_output_folder

    for option, least in (('pictures', 0), ('number', 1), ('stride', 1),
                          ('size', 1)):
        value = vars(args)[option]
        if value is not None and value < least:
            raise ValueError(f'--{option} is {value}, expected {least} or '
                             'more')
    of_input = [f'--{name}' for name in ('number', 'stride', 'size')
                if vars(args)[name] is not None]
    if of_input and not args.inputs:
        raise ValueError(f'{" and ".join(of_input)} would change nothing '
                         'without INPUT; name videos, or leave it out')
    check_output_folder(args.out)
    specs = args.estimator or (_OF_VIDEOS if args.inputs else COMPARED)
    report = evaluate_flow(choose_pairs(args), specs, Path(args.out),
                           available_device(args.device), args.pictures,
                           args.seed)
    if report.refused:
        raise ValueError(f'{len(report.refused)} of {len(report.rows)} flows '
                         'could not be estimated, see below the table; take '
                         'other pairs or another estimator')


@command()
def main() -> None:
    evaluate(parse_args())


if __name__ == '__main__':
    main()
