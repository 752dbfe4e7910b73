# SPDX-License-Identifier: Apache-2.0
"""Draw the confusions of a model, or what a second model changes in them.

    python tools/plot_confusion.py scores.pkl --out confusions.png
    python tools/plot_confusion.py rgb.pkl both.pkl:fusion --out change.png

The files are dumps of `tools/test.py ... --dump FILE.pkl`. Of one file there
is one matrix; of the dump of a fusion, one of each stream and of the fusion,
with their names. Of two files on one test list there are both matrices and
their difference, as in figure 3 of the paper. A stream in the dump of a
fusion is FILE.pkl:STREAM.
"""
from __future__ import annotations

from command_line import command, tool_parser

# isort: split
import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    from uftsn_mmaction.scores.score_file import ScoreFile


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    parser.add_argument('before', help='dump of the model, or of the first')
    parser.add_argument(
        'after', nargs='?', help='dump of the second model')
    parser.add_argument(
        '--out', required=True, metavar='FILE', help='PNG file to write')
    parser.add_argument(
        '--classes', metavar='FILE',
        help='names of all classes, one a line in the order of the labels')
    parser.add_argument(
        '--names', nargs='+', metavar='NAME',
        help='names of the matrices in the figure (default: those of the '
        'streams; of two single models RGB stream and UF-TSN)')
    part = parser.add_mutually_exclusive_group()
    part.add_argument(
        '--top', type=int, metavar='N',
        help='show the N classes whose accuracy changed most; 10 by default '
        'where there are more than 20')
    part.add_argument(
        '--subset', nargs='+', metavar='NAME',
        help='show these classes, in this order')
    return parser.parse_args()


def draw_one(args: argparse.Namespace) -> Figure:
    """Draw the matrix of each stream in one file."""
    from uftsn_mmaction.scores.class_names import read_class_names
    from uftsn_mmaction.scores.score_file import read_streams
    from uftsn_mmaction.visualization.confusion_matrix import (
        confusion_matrices_figure,
    )

    if args.top or args.subset:
        raise ValueError('--top and --subset choose what a second model '
                         'changes; name its dump, or leave them out')
    streams = read_streams(args.before)
    names = check_names(args.names or list(streams), len(streams))
    first = next(iter(streams.values()))
    return confusion_matrices_figure(
        {name: confusion(file) for name, file in zip(names, streams.values())},
        read_class_names(args.classes, first.scores.shape[1]))


def draw_change(args: argparse.Namespace) -> Figure:
    """Draw the matrices of two files and their difference."""
    from uftsn_mmaction.scores.class_names import read_class_names
    from uftsn_mmaction.scores.score_alignment import read_score_files
    from uftsn_mmaction.visualization.confusion_change import (
        confusion_change_figure,
    )

    files = read_score_files([args.before, args.after])
    names = check_names(args.names or [
        file.stream or name
        for file, name in zip(files, ('RGB stream', 'UF-TSN'))], 2)
    return confusion_change_figure(
        *map(confusion, files),
        read_class_names(args.classes, files[0].scores.shape[1]), names=names,
        top=args.top, subset=args.subset)


def check_names(names: list[str], number: int) -> list[str]:
    if len(names) != number or len(set(names)) < number:
        raise ValueError(f'--names gives {names}, expected {number} '
                         'different names, one for each matrix')
    return names


def confusion(file: ScoreFile) -> np.ndarray:
    from mmaction.evaluation import ConfusionMatrix

    return ConfusionMatrix.calculate(file.scores, file.labels).numpy()


def plot(args: argparse.Namespace) -> None:
    """Draw the figure and write it."""
    # Here, so that --help need not wait for them.
    from mmengine.fileio import put

    from uftsn_mmaction.fileio.paths import check_output_file
    from uftsn_mmaction.visualization.figure import figure_to_png

    if not args.out.lower().endswith('.png'):
        raise ValueError(f'--out is {args.out!r}, expected a name that ends '
                         'with .png')
    check_output_file(args.out)
    if args.after is None:
        figure = draw_one(args)
    else:
        figure = draw_change(args)
    put(figure_to_png(figure), args.out)
    print(args.out)


@command()
def main() -> None:
    plot(parse_args())


if __name__ == '__main__':
    main()
