# SPDX-License-Identifier: Apache-2.0
"""Generate short videos of moving objects with exactly known flow.

    python tools/generate_motion.py --out data/motion --num-train 16
"""
from __future__ import annotations

from command_line import command, tool_parser

# isort: split
import argparse

#: Defaults of ``MotionSetSettings``.
DEFAULTS = dict(
    num_train=384, num_test=96, size=(64, 64), num_frames=12, speed=2.0,
    background_speed=0.5, seed=0)


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    parser.add_argument('--out', required=True, help='folder of the set')
    parser.add_argument(
        '--size', type=int, nargs=2, metavar=('H', 'W'),
        default=DEFAULTS['size'],
        help='height and width in pixels (default: {} {})'.format(
            *DEFAULTS['size']))
    for name, text in dict(
            num_train='training clips; multiples of 16 have balanced classes',
            num_test='test clips; multiples of 16 have balanced classes',
            num_frames='frames per clip',
            speed='mean object speed in pixels per frame',
            background_speed='mean background speed in pixels per frame',
            seed='random seed').items():
        default = DEFAULTS[name]
        parser.add_argument(
            f'--{name.replace("_", "-")}', type=type(default),
            default=default, help=f'{text} (default: {default})')
    parser.add_argument(
        '--overwrite', action='store_true',
        help='replace a generated set with other settings')
    return parser.parse_args()


@command(RuntimeError)
def main() -> None:
    settings = vars(parse_args())
    out, overwrite = settings.pop('out'), settings.pop('overwrite')
    # Here, so that --help need not wait for them.
    from uftsn_mmaction.datasets.motion.generator import generate_motion_set
    from uftsn_mmaction.datasets.motion.settings import MotionSetSettings
    written = generate_motion_set(
        out, MotionSetSettings.from_dict(settings), overwrite)
    print(f'{out}: {"generated" if written else "is there already"}')


if __name__ == '__main__':
    main()
