# SPDX-License-Identifier: Apache-2.0
"""Show the motion in a video, and what a trained model recognizes in it.

    python tools/predict.py my.mp4 --out flow.mp4
    python tools/predict.py my.mp4 configs/uftsn_fusion_ucf101.py --out a.mp4
    python tools/predict.py 0 --seconds 10 --out camera.mp4

The frame stands beside its flow, whose colours are directions (see the
wheel). With CONFIG, and the CHECKPOINT of a single model, the likeliest
classes of the last two seconds stand below, of each stream and of the fusion;
the means over the video are printed, and a .csv beside the video has all
percentages over time. For a folder of videos, --out is a folder, too.
"""
from __future__ import annotations

from command_line import (
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
    add('video', metavar='VIDEO',
        help='video, folder, pattern, .txt list, address, or the number of a '
        'camera')
    add('config', nargs='?', metavar='CONFIG',
        help='config of a recognizer or of a fusion')
    add('checkpoint', nargs='?', metavar='CHECKPOINT',
        help='its weights; a fusion has those of its streams in the config')
    add('--out', required=True, metavar='FILE',
        help='.mp4, .webm (for browsers), .mkv, .avi or .gif; a folder for '
        'several videos')
    add('--classes', metavar='FILE',
        help='a class name in each line (default: classes.txt beside the list '
        'of the test set)')
    add('--top', type=int, default=3, metavar='N',
        help='classes to show (default: 3)')
    add_estimator(parser)
    add('--size', type=int, default=360, metavar='S',
        help='shorter side of larger frames in pixels (default: 360)')
    add('--bound', type=float, metavar='B',
        help='speed in pixels of the full colour (default: the highest)')
    add('--seconds', type=float, metavar='T',
        help='end after that time of the video or camera')
    add_device(parser)
    return parser.parse_args()


def predict(args: argparse.Namespace) -> dict[str, str]:
    # Here, so that --help need not wait for them.
    from uftsn_mmaction.apis.action_inferencer import ActionInferencer
    from uftsn_mmaction.apis.check_sources import check_sources
    from uftsn_mmaction.apis.find_sources import find_sources, is_single
    from uftsn_mmaction.apis.flow_inferencer import FlowInferencer
    from uftsn_mmaction.apis.motion_video import MotionVideo
    from uftsn_mmaction.apis.share import device_of_this_process
    from uftsn_mmaction.experiments.environment import available_device
    from uftsn_mmaction.fileio.paths import (
        check_apart,
        check_input_file,
        check_output_file,
        check_output_folder,
    )
    from uftsn_mmaction.fileio.video_writer import check_video_name

    check_above_zero(args, 'top', 'size', 'bound', 'seconds')
    video = int(args.video) if args.video.isdecimal() else args.video
    several = not is_single(video)
    if several:
        check_output_folder(args.out)
    else:
        check_output_file(args.out)
        check_video_name(args.out)
    if args.checkpoint and '://' not in args.checkpoint:
        check_input_file(args.checkpoint, f'CHECKPOINT {args.checkpoint!r}')
    sources, bad, _ = check_sources(find_sources(video))
    outputs = [(source, f'{args.out}/{source.name}.mp4' if several else
                args.out) for source in sources]
    for source, out in outputs:
        check_apart(out, source.path)
    device = available_device(args.device or device_of_this_process())
    actions = args.config and ActionInferencer(
        args.config, args.checkpoint, args.classes, device)
    motion = MotionVideo(
        FlowInferencer(args.estimator, device=device), actions or None,
        args.size, args.bound, args.top, args.seconds)
    for source, out in outputs:
        try:
            print(motion.write(source, out))
        except ValueError as error:
            if not several:
                raise
            bad[str(source)] = str(error)
    return bad


@command(RuntimeError)
def main() -> int:
    bad = predict(parse_args())
    for name, reason in bad.items():
        print(f'bad  {name}: {reason}', file=sys.stderr)
    return int(bool(bad))


if __name__ == '__main__':
    main()
