# SPDX-License-Identifier: Apache-2.0
"""Measure flow estimators side by side: table 3 of the paper.

    python tools/benchmark.py --estimator uftsn_plus tvl1 dis --size 224 224

Parameters, operations, time from 8-bit frames to predictions and that of the
flow within it, CPU time, frames per second and peak memory of each estimator
in each combination of device, size, batch size, clip length and threads.
Rounds go over all estimators in turn, so that what slows the machine down
slows all alike; name the first one twice to see what is noise. Ends with a
table and what its columns mean, also in DIR/benchmark.json. The exit status is
1 if something could not be measured.
"""
from __future__ import annotations

from command_line import COMPARED, command, tool_parser

# isort: split
import argparse
import shlex
import sys
from pathlib import Path

# Those of the estimator, which is not imported here.
PRECISIONS = ('float32', 'bfloat16')
LAYOUTS = ('contiguous', 'channels_last')
CLASSIFIER = (
    Path(__file__).resolve().parents[1] / 'configs/_base_/models/uftsn_r18.py')


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    parser.add_argument(
        '--estimator', nargs='+', default=COMPARED, metavar='SPEC',
        help='estimators: uftsn, uftsn_small, uftsn_plus, uftsn_plus_tiny, '
        'tvl1, tvl1_fast, dis, dis_fast, tvnet, tvnet_opencv, a registered '
        'type, a model of ptlflow, or CONFIG.py; +refined (TV-L1 iterations '
        f'refine the flow) and :CHECKPOINT may follow (default: '
        f'{" ".join(COMPARED)})')
    parser.add_argument(
        '--size', nargs=2, type=int, action='append', metavar=('H', 'W'),
        help='height and width of the frames, may be given several times '
        '(default: 224 224)')
    parser.add_argument(
        '--batch-size', nargs='+', type=int, default=[1], metavar='N',
        help='clips at a time (default: 1)')
    parser.add_argument(
        '--device', nargs='+', default=['cpu'], metavar='D',
        help='cpu, cuda or cuda:N (default: cpu)')
    parser.add_argument(
        '--out', type=Path, default='work_dirs/benchmark', metavar='DIR',
        help='folder of benchmark.json (default: work_dirs/benchmark)')
    parser.add_argument(
        '--repeats', type=int, default=10, help='rounds (default: 10)')
    parser.add_argument(
        '--warmup', type=int, default=2,
        help='rounds before them that do not count (default: 2)')
    parser.add_argument(
        '--clip-len', nargs='+', type=int, default=[10], metavar='N',
        help='frames per clip (default: 10)')
    parser.add_argument(
        '--classifier', default=str(CLASSIFIER), metavar='CONFIG',
        help='config of a motion stream whose backbone and head take the '
        'flow, or none to end at the flow (default: ResNet-18, the one of '
        'the paper)')
    parser.add_argument(
        '--threads', nargs='+', type=int, default=[1], metavar='N',
        help='threads of PyTorch and of OpenCV (default: 1)')
    parser.add_argument(
        '--precision', nargs='+', default=[None], choices=PRECISIONS,
        help='precision of the convolutions; networks of ptlflow run under '
        'autocast, solvers have none (default: what each estimator takes '
        'on the device)')
    parser.add_argument(
        '--layout', nargs='+', default=[None], choices=LAYOUTS,
        help='layout of the convolutions (default: likewise)')
    parser.add_argument(
        '--profile', action='store_true',
        help='tell what each operation takes of the time as well')
    return parser.parse_args()


@command()
def main() -> int:
    args = parse_args()
    # Here, so that --help need not wait for them.
    from uftsn_mmaction.experiments.benchmark.run import run_benchmark
    from uftsn_mmaction.experiments.benchmark.settings import BenchmarkSettings
    settings = BenchmarkSettings(
        estimators=tuple(args.estimator),
        sizes=tuple(map(tuple, args.size or [(224, 224)])),
        batch_sizes=tuple(args.batch_size),
        devices=tuple(args.device),
        clip_lens=tuple(args.clip_len),
        threads=tuple(args.threads),
        precisions=tuple(args.precision),
        layouts=tuple(args.layout),
        classifier=None if args.classifier == 'none' else args.classifier,
        repeats=args.repeats,
        warmup=args.warmup,
        profile=args.profile)
    rows = run_benchmark(settings, args.out, shlex.join(sys.argv))
    print(f'\nrows and settings: {args.out / "benchmark.json"}')
    return int(any(row['failure'] for row in rows))


if __name__ == '__main__':
    main()
