# SPDX-License-Identifier: Apache-2.0
"""Draw what a second model confuses less than a first one, as in figure 3.

The files are dumps of `tools/test.py ... --dump FILE.pkl` on one test list.
A stream in the dump of a fusion is FILE.pkl:STREAM.
"""
from __future__ import annotations

import end_on_signals  # noqa: F401, before what takes seconds

# isort: split
import argparse

from mmaction.evaluation import ConfusionMatrix
from mmengine.fileio import put

from uftsn_mmaction.fileio.paths import check_output_file
from uftsn_mmaction.fileio.text_list import read_lines
from uftsn_mmaction.scores.score_alignment import read_score_files
from uftsn_mmaction.visualization.confusion_change import (
    confusion_change_figure,
)
from uftsn_mmaction.visualization.figure import figure_to_png


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('before', help='dump of the first model')
    parser.add_argument('after', help='dump of the second model')
    parser.add_argument(
        '--out', required=True, metavar='FILE', help='PNG file to write')
    parser.add_argument(
        '--classes', metavar='FILE',
        help='names of all classes, one a line in the order of the labels')
    parser.add_argument(
        '--names', nargs=2, default=('RGB stream', 'UF-TSN'),
        metavar=('BEFORE', 'AFTER'),
        help='names of the models in the figure')
    part = parser.add_mutually_exclusive_group()
    part.add_argument(
        '--top', type=int, metavar='N',
        help='show the N classes whose accuracy changed most; 10 by default '
        'where there are more than 20')
    part.add_argument(
        '--subset', nargs='+', metavar='NAME',
        help='show these classes, in this order')
    return parser.parse_args()


def plot(args: argparse.Namespace) -> None:
    """Draw the figure and write it."""
    if not args.out.lower().endswith('.png'):
        raise ValueError(f'--out is {args.out!r}, expected a name that ends '
                         'with .png')
    check_output_file(args.out)
    files = read_score_files([args.before, args.after])
    number = files[0].scores.shape[1]
    classes = [str(index) for index in range(number)]
    if args.classes is not None:
        classes = [line for _, line in read_lines(args.classes, '--classes')]
        if len(classes) != number:
            raise ValueError(
                f'--classes {args.classes!r} has {len(classes)} names, but '
                f'the score files have {number} classes; give one name a line '
                'for each')
    figure = confusion_change_figure(
        *(ConfusionMatrix.calculate(file.scores, file.labels).numpy()
          for file in files),
        classes, names=args.names, top=args.top, subset=args.subset)
    put(figure_to_png(figure), args.out)
    print(args.out)


def main() -> None:
    args = parse_args()
    try:
        plot(args)
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()
