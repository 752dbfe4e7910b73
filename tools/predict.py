# SPDX-License-Identifier: Apache-2.0
"""Show the motion in a video, and what a trained model recognizes in it.

    python tools/predict.py my.mp4 --out flow.mp4
    python tools/predict.py my.mp4 configs/uftsn_fusion_ucf101.py --out a.mp4
    python tools/predict.py 0 --seconds 10 --out camera.mp4

The frame stands beside its flow, whose colours are directions (see the
wheel). With CONFIG, and the CHECKPOINT of a single model, the likeliest
classes of the last seconds stand below, of each stream and of the fusion; the
means over the video are printed, and a .csv beside the video has all
percentages over time. Of a folder, --out is a folder, too.
"""
from __future__ import annotations

import end_on_signals  # noqa: F401, before what takes seconds

# isort: split
import argparse
import sys


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
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
    add('--estimator', default='uftsn_plus+refined', metavar='SPEC',
        help='flow to show, as evaluate_flow.py takes it (default: '
        'uftsn_plus+refined)')
    add('--size', type=int, default=360, metavar='S',
        help='shorter side of larger frames in pixels (default: 360)')
    add('--bound', type=float, metavar='B',
        help='speed in pixels of the full colour (default: the highest)')
    add('--seconds', type=float, metavar='T',
        help='end after that time of the video or camera')
    add('--device', help='cpu, cuda, cuda:1, ... (default: the fastest)')
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
        check_input_file,
        check_output_file,
        check_output_folder,
    )
    from uftsn_mmaction.fileio.video_writer import check_video_name

    for option in ('top', 'size', 'bound', 'seconds'):
        value = vars(args)[option]
        if value is not None and value <= 0:
            raise ValueError(f'--{option} must be above 0, got {value}')
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
    device = available_device(args.device or device_of_this_process())
    actions = args.config and ActionInferencer(
        args.config, args.checkpoint, args.classes, device)
    motion = MotionVideo(
        FlowInferencer(args.estimator, device=device), actions or None,
        args.size, args.bound, args.top, args.seconds)
    for source in sources:
        out = f'{args.out}/{source.name}.mp4' if several else args.out
        try:
            print(motion.write(source, out))
        except ValueError as error:
            if not several:
                raise
            bad[str(source)] = str(error)
    return bad


def main() -> int:
    args = parse_args()
    try:
        bad = predict(args)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    for name, reason in bad.items():
        print(f'bad  {name}: {reason}', file=sys.stderr)
    return int(bool(bad))


if __name__ == '__main__':
    raise SystemExit(main())
