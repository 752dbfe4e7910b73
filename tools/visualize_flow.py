# SPDX-License-Identifier: Apache-2.0
"""Show the flows of any estimators side by side; no true flow is needed.

    python tools/visualize_flow.py my.mp4 --out flow.png
    python tools/visualize_flow.py a.png b.png --estimator uftsn_plus dis \\
        --out pair.png

For each pair of frames: both frames and their difference; then for each
estimator its flow, all on one scale, the second frame warped back by it, the
photometric error (what the warp leaves, in grey levels; no flow leaves the
difference) and the forward-backward error (how far from its start a pixel
comes that goes along the flow and back). Their means are printed, and kept in
a .json file beside the picture. A .png shows some pairs of each clip, .gif,
.mp4 and .webm all of them.
"""
from __future__ import annotations

from command_line import (
    ESTIMATOR,
    add_device,
    add_estimator,
    check_above_zero,
    command,
    tool_parser,
)

# isort: split
import argparse
from pathlib import Path


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    add = parser.add_argument
    add('inputs', nargs='+', metavar='INPUT',
        help='pictures of one clip, such as a pair; or videos, folders, '
        'patterns and .txt lists of them')
    add('--out', required=True, metavar='FILE',
        help='.png, .gif, .mp4 or .webm')
    add_estimator(parser, (ESTIMATOR, ))
    add('--pairs', type=int, metavar='N',
        help='pairs of each clip in a .png (default: 3 of a single clip, one '
        'of each of several)')
    add('--stride', type=int, default=1, metavar='N',
        help='frames from the first to the second one of a pair (default: 1)')
    add('--size', type=int, metavar='S',
        help='shorter side of the frames in pixels (default: their own)')
    add('--bound', type=float, metavar='B',
        help='speed in pixels of the full colour (default: the highest)')
    add_device(parser, 'cpu')
    return parser.parse_args()


def visualize(args: argparse.Namespace) -> None:
    # Here, so that --help need not wait for them.
    from uftsn_mmaction.apis.check_sources import find_sound_sources
    from uftsn_mmaction.apis.comparison_files import (
        write_errors,
        write_picture,
        write_video,
    )
    from uftsn_mmaction.apis.flow_comparison import FlowComparison
    from uftsn_mmaction.apis.flow_inferencer import FlowInferencer
    from uftsn_mmaction.experiments.environment import available_device
    from uftsn_mmaction.experiments.flow_report import UNEXPLAINED
    from uftsn_mmaction.experiments.table import Column, Table
    from uftsn_mmaction.fileio.paths import check_apart, check_output_file
    from uftsn_mmaction.fileio.video_writer import check_video_name
    from uftsn_mmaction.models.flow_zoo import short_names

    check_output_file(args.out)
    check_above_zero(args, 'pairs', 'stride', 'size', 'bound')
    is_picture = args.out.lower().endswith('.png')
    if not is_picture:
        check_video_name(args.out)
        if args.pairs is not None:
            raise ValueError(f'--pairs would change nothing in the video '
                             f'{args.out!r}, which has all pairs; leave it '
                             'out, or write a .png')
    sources = find_sound_sources(args.inputs)
    check_apart(args.out, *args.inputs, *(each.path for each in sources))
    if not is_picture and len(sources) > 1:
        raise ValueError(f'--out {args.out!r} is a video of one clip, but '
                         f'{len(sources)} are named; choose one, or a .png')
    device = available_device(args.device)
    comparison = FlowComparison(
        {name: FlowInferencer(spec, device=device)
         for name, spec in zip(short_names(args.estimator), args.estimator)},
        args.stride, args.size)
    if is_picture:
        write_picture(args.out, comparison, sources, args.pairs, args.bound)
    else:
        write_video(args.out, comparison, sources[0], args.bound)
    json = Path(args.out).with_suffix('.json')
    means = write_errors(json, comparison)
    table = Table([Column('estimator', 'estimator'), *UNEXPLAINED])
    for row in means:
        table.add(**{column.key: row[column.key] for column in table.columns})
    print(table.to_text())
    print(f'{args.out}, means over {means[0]["pairs"]} pairs in {json}')


@command(RuntimeError)
def main() -> None:
    visualize(parse_args())


if __name__ == '__main__':
    main()
