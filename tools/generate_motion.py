# SPDX-License-Identifier: Apache-2.0
"""Generate short videos of moving objects with exactly known flow."""
import argparse

from uftsn_mmaction.datasets.motion.generator import generate_motion_set
from uftsn_mmaction.datasets.motion.settings import MotionSetSettings


def parse_args() -> argparse.Namespace:
    defaults = MotionSetSettings()
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument('--out', required=True, help='folder of the set')
    parser.add_argument(
        '--num-train',
        type=int,
        default=defaults.num_train,
        help='training clips; multiples of 16 are balanced')
    parser.add_argument(
        '--num-test',
        type=int,
        default=defaults.num_test,
        help='test clips; multiples of 16 are balanced')
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        metavar=('H', 'W'),
        default=defaults.size,
        help='height and width in pixels')
    parser.add_argument(
        '--num-frames',
        type=int,
        default=defaults.num_frames,
        help='frames per clip')
    parser.add_argument(
        '--speed',
        type=float,
        default=defaults.speed,
        help='mean speed of the objects in pixels per frame')
    parser.add_argument(
        '--background-speed',
        type=float,
        default=defaults.background_speed,
        help='mean speed of the background in pixels per frame')
    parser.add_argument(
        '--seed', type=int, default=defaults.seed, help='random seed')
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='replace a generated set of other settings')
    return parser.parse_args()


def main() -> None:
    settings = vars(parse_args())
    out, overwrite = settings.pop('out'), settings.pop('overwrite')
    try:
        written = generate_motion_set(
            out, MotionSetSettings.from_dict(settings), overwrite)
    except ValueError as error:
        raise SystemExit(f'error: {error}') from None
    print(f'{out}: {"generated" if written else "is there already"}')


if __name__ == '__main__':
    main()
