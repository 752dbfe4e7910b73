# SPDX-License-Identifier: Apache-2.0
"""Extract the flow of videos to files.

    python tools/extract_flow.py my.mp4 --to mp4 --out work_dirs/flow
    python tools/extract_flow.py FOLDER list.txt --to rawframes --out DIR

flo, npy and kitti hold the flow in pixels (u right, v down), png and mp4 a
picture of it, rawframes the two grey pictures that MMAction2's flow configs
read. The first pair of a video is number 1. DIR/list.txt names all that is
complete, with the number of pairs and the label.

A run that was ended goes on where it was. Under torchrun, or in a Slurm job
array, each process takes its share of the videos. A video that cannot be used
is named at the end, and the exit status is 1.
"""
from __future__ import annotations

from command_line import (
    FLOW_FORMATS,
    add_device,
    add_estimator,
    check_above_zero,
    command,
    tool_parser,
)

# isort: split
import argparse
import sys


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    add = parser.add_argument
    add('videos', nargs='+', metavar='VIDEO',
        help='video, folder, pattern, address, or a .txt list with a line '
        '"path" or "path label" for each video')
    add('--to', required=True, choices=FLOW_FORMATS, help='format')
    add('--out', required=True, metavar='DIR', help='folder of the flow')
    add_estimator(parser)
    add('--stride', type=int, default=1, metavar='N',
        help='frames from the first to the second one of a pair, and from '
        'pair to pair (default: 1)')
    add('--size', type=int, metavar='S',
        help='shorter side of the frames in pixels (default: their own)')
    add('--bound', type=float, metavar='B',
        help='speed in pixels at the end of the scale of rawframes (default: '
        '20), png and mp4 (default: the highest speed of the video)')
    add('--names', choices=('stock', 'denseflow'), default='stock',
        help='names of rawframes: x_00001.jpg (default), or flow_x_00000.jpg')
    add('--batch-size', type=int, default=8, metavar='N',
        help='pairs that are estimated at a time (default: 8)')
    add_device(parser)
    return parser.parse_args()


def extract(args: argparse.Namespace) -> dict[str, str]:
    # Here, so that --help need not wait for them.
    from uftsn_mmaction.apis.extraction import Extraction
    from uftsn_mmaction.apis.find_sources import find_sources
    from uftsn_mmaction.apis.flow_folder import FlowFolder
    from uftsn_mmaction.apis.flow_formats import DENSEFLOW, FORMATS
    from uftsn_mmaction.apis.flow_inferencer import FlowInferencer
    from uftsn_mmaction.apis.share import (
        device_of_this_process,
        share_of_this_process,
    )
    from uftsn_mmaction.experiments.environment import available_device
    from uftsn_mmaction.fileio.paths import check_output_folder

    check_output_folder(args.out)
    check_above_zero(args, 'stride', 'size', 'bound', 'batch_size')
    rank, count = share_of_this_process()
    sources = find_sources(args.videos)
    device = available_device(args.device or device_of_this_process())
    inferencer = FlowInferencer(args.estimator, device=device)
    folder = FlowFolder(args.out, {
        option: vars(args)[option]
        for option in ('to', 'estimator', 'stride', 'size', 'bound', 'names')
    })
    denseflow = (args.to, args.names) == ('rawframes', 'denseflow')
    return Extraction(
        inferencer, folder, DENSEFLOW if denseflow else FORMATS[args.to],
        args.stride, args.size, args.batch_size, args.bound, rank,
        count).run(sources)


@command(RuntimeError)
def main() -> int:
    args = parse_args()
    bad = extract(args)
    print(f'{args.out}/list.txt lists the flow in {args.out}')
    for name, reason in bad.items():
        print(f'bad  {name}: {reason}', file=sys.stderr)
    return int(bool(bad))


if __name__ == '__main__':
    main()
