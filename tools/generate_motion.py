# SPDX-License-Identifier: Apache-2.0
"""Generate short videos of moving objects with exactly known flow."""
from __future__ import annotations

import end_on_signals  # noqa: F401, before what takes seconds

# isort: split
import argparse
from dataclasses import asdict

from uftsn_mmaction.datasets.motion.generator import generate_motion_set
from uftsn_mmaction.datasets.motion.settings import MotionSetSettings


def parse_args() -> argparse.Namespace:
    defaults = asdict(MotionSetSettings())
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', required=True, help='folder of the set')
    parser.add_argument(
        '--size', type=int, nargs=2, metavar=('H', 'W'),
        default=defaults['size'],
        help='height and width in pixels (default: {} {})'.format(
            *defaults['size']))
    for name, text in dict(
            num_train='training clips; multiples of 16 have balanced classes',
            num_test='test clips; multiples of 16 have balanced classes',
            num_frames='frames per clip',
            speed='mean object speed in pixels per frame',
            background_speed='mean background speed in pixels per frame',
            seed='random seed').items():
        default = defaults[name]
        parser.add_argument(
            f'--{name.replace("_", "-")}', type=type(default),
            default=default, help=f'{text} (default: {default})')
    parser.add_argument(
        '--overwrite', action='store_true',
        help='replace a generated set with other settings')
    return parser.parse_args()


def main() -> None:
    settings = vars(parse_args())
    out, overwrite = settings.pop('out'), settings.pop('overwrite')
    try:
        written = generate_motion_set(
            out, MotionSetSettings.from_dict(settings), overwrite)
    except (OSError, RuntimeError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    print(f'{out}: {"generated" if written else "is there already"}')


if __name__ == '__main__':
    main()
