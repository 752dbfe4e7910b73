# SPDX-License-Identifier: Apache-2.0
"""Fuse the predictions of several models by a weighted mean.

    python tools/fuse_scores.py rgb.pkl flow.pkl --weights 1 1.5

The files are dumps of `tools/test.py ... --dump FILE.pkl` on one test list.
A stream in the dump of a fusion is FILE.pkl:STREAM.
"""
from __future__ import annotations

from command_line import command, tool_parser

# isort: split
import argparse
import os.path as osp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uftsn_mmaction.scores.score_file import ScoreFile


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    parser.add_argument(
        'files', nargs='+', metavar='FILE', help='dumps to fuse, two or more')
    weights = parser.add_mutually_exclusive_group()
    weights.add_argument(
        '--weights', nargs='+', type=float, metavar='W',
        help='weight of each file; equal ones by default')
    weights.add_argument(
        '--search', nargs='+', metavar='FILE',
        help='dumps of the same models, in the same order, on the videos on '
        'which to choose the weights')
    parser.add_argument(
        '--average', choices=['auto', 'score', 'prob'], default='auto',
        help='average class scores or probabilities; by default what the '
        'files have')
    parser.add_argument(
        '--out', metavar='FILE', help='dump the fused predictions')
    return parser.parse_args()


def choose_weights(files: list[ScoreFile], searched: list[ScoreFile],
                   average: str) -> tuple[float, ...]:
    """Search the weights, and say whether the result is still a test."""
    from uftsn_mmaction.scores.score_fusion import averaged_scores
    from uftsn_mmaction.scores.weight_search import search_weights

    weights, top1 = search_weights(
        averaged_scores(searched, average), searched[0].labels)
    print(f'weights chosen on {len(searched[0].labels)} videos: top-1 there '
          f'{top1:.4f}')
    unnamed = [file.name for file in files + searched if not file.filenames]
    # By stems, as files are aligned: folders may differ between machines.
    if any(osp.samefile(one.path, other.path) or {*one.stems} & {*other.stems}
           for one in files for other in searched):
        print('the weights were chosen on videos of the result: it is no test '
              'result')
    elif unnamed:
        print('cannot check whether the weights were chosen on videos of the '
              f'result without the video names of {", ".join(unnamed)}')
    return weights


def check_out(out: str, inputs: list[ScoreFile]) -> None:
    """Refuse a name that cannot be written, or that is a source."""
    from uftsn_mmaction.fileio.paths import check_output_file

    check_output_file(out)
    if not out.endswith(('.pkl', '.pickle')):
        raise ValueError(f'--out is {out!r}, expected a name that ends with '
                         '.pkl or .pickle')
    for file in inputs:
        if osp.exists(out) and osp.samefile(out, file.path):
            raise ValueError(f'--out {out!r} is one of the files to read; '
                             'choose another name')


def fuse(args: argparse.Namespace) -> None:
    """Print the accuracies and write the fused file."""
    # Here, so that --help need not wait for them.
    from tabulate import tabulate

    from uftsn_mmaction.scores.score_alignment import read_score_files
    from uftsn_mmaction.scores.score_file import write_score_file
    from uftsn_mmaction.scores.score_fusion import (
        averaged_scores,
        check_weights,
        choose_average,
        score_accuracy,
        weighted_mean,
    )

    number = len(args.files)
    if number < 2:
        raise ValueError(f'a fusion needs two files or more, got {number}')
    if args.search and len(args.search) != number:
        raise ValueError(
            f'--search has {len(args.search)} files for {number} files to '
            'fuse; give one for each, in their order')
    weights = args.weights or (1., ) * number
    check_weights(weights, number)
    files = read_score_files(args.files)
    searched = read_score_files(args.search) if args.search else []
    if args.out:
        check_out(args.out, files + searched)
    for one, other in zip(files, searched):
        if one.scores.shape[1] != other.scores.shape[1]:
            raise ValueError(
                f'{one.name!r} has {one.scores.shape[1]} classes, but '
                f'{other.name!r} of --search {other.scores.shape[1]}; take '
                'dumps of the same models')
    average, description = choose_average(files + searched, args.average)
    print(description)
    if searched:
        weights = choose_weights(files, searched, average)
    print('weights:', *(f'{weight:.4g}' for weight in weights))
    labels = files[0].labels
    fused = weighted_mean(averaged_scores(files, average), weights)
    rows = [(file.name, file.scores) for file in files] + [('fusion', fused)]
    table = [{'': name, **score_accuracy(scores, labels)}
             for name, scores in rows]
    print(tabulate(table, 'keys', tablefmt='plain', floatfmt='.4f'))
    if args.out:
        named = next((file for file in files if file.filenames), files[0])
        write_score_file(args.out, fused, labels, named.filenames)
        print(f'fused predictions: {args.out}')


@command()
def main() -> None:
    fuse(parse_args())


if __name__ == '__main__':
    main()
