# SPDX-License-Identifier: Apache-2.0
"""Measure the speed and the disk use of extract_flow.py.

    python tools/benchmark_extraction.py clips --out work_dirs/speed
    python tools/benchmark_extraction.py my.mp4 --estimator dis tvl1 \\
        --to rawframes flo --out work_dirs/speed

Each estimator extracts the same videos to each format. A few short videos are
enough. Prints a table of pairs a second, with decoding and writing, core time
a pair, and megabytes per 1000 pairs; DIR/extraction.json has the same numbers.
"""
from __future__ import annotations

from command_line import (
    ESTIMATOR,
    FLOW_FORMATS,
    add_device,
    add_estimator,
    check_above_zero,
    command,
    tool_parser,
)

# isort: split
import argparse
import shlex
import sys
from pathlib import Path


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    add = parser.add_argument
    add('videos', nargs='+', metavar='VIDEO',
        help='videos, as extract_flow.py takes them')
    add_estimator(parser, (ESTIMATOR, 'uftsn_plus', 'tvl1'))
    add('--to', nargs='+', choices=FLOW_FORMATS, default=list(FLOW_FORMATS),
        help='formats (default: all)')
    add('--out', type=Path, required=True, metavar='DIR',
        help='folder of the flow and of extraction.json')
    add('--size', type=int, metavar='S',
        help='shorter side of the frames in pixels (default: their own)')
    add('--threads', type=int, default=1, metavar='N',
        help='threads of PyTorch and of OpenCV (default: 1)')
    add_device(parser, 'cpu')
    return parser.parse_args()


@command(RuntimeError)
def main() -> None:
    args = parse_args()
    # Here, so that --help need not wait for them.
    import cv2
    import torch

    from uftsn_mmaction.apis.find_sources import find_sources
    from uftsn_mmaction.experiments.environment import (
        available_device,
        environment,
    )
    from uftsn_mmaction.experiments.extraction_benchmark import (
        measure_extraction,
    )
    from uftsn_mmaction.fileio import write_json
    from uftsn_mmaction.fileio.paths import check_output_folder

    check_output_folder(args.out)
    check_above_zero(args, 'size', 'threads')
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    table = measure_extraction(
        find_sources(args.videos), args.estimator, args.to, args.out,
        available_device(args.device), args.size)
    print(table.to_text())
    write_json(args.out / 'extraction.json', dict(
        rows=table.rows, command=shlex.join(sys.argv),
        threads=args.threads, environment=environment()))


if __name__ == '__main__':
    main()
