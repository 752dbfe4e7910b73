# SPDX-License-Identifier: Apache-2.0
"""Write a page on any training or test run, with numbers and pictures.

    python tools/report.py work_dirs/mine
    python tools/report.py work_dirs/mine --scores scores.pkl \\
        --classes classes.txt

WORK_DIR is the folder of the logs of `tools/train.py`, `tools/test.py` or
`mim`. The page has the main numbers, the flow pictures that were drawn at the
validations, and the curves by stage; with a dump of `tools/test.py ... --dump
WORK_DIR/scores.pkl` also the confusion matrix, a table of the classes, and
the worst mistakes with frames of their videos. It is one file that needs
nothing else and loads nothing.
"""
from __future__ import annotations

from command_line import command, tool_parser

# isort: split
import argparse
from pathlib import Path


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    add = parser.add_argument
    add('work_dir', metavar='WORK_DIR', help='folder of the run')
    add('--out', metavar='FILE',
        help='page to write (default: WORK_DIR/report.html)')
    add('--scores', metavar='FILE',
        help='dump of tools/test.py (default: the newest .pkl in WORK_DIR)')
    add('--classes', metavar='FILE',
        help='names of all classes, one a line in the order of the labels')
    return parser.parse_args()


def write(args: argparse.Namespace) -> None:
    # Here, so that --help need not wait for them.
    from uftsn_mmaction.experiments.report import write_run_report
    from uftsn_mmaction.fileio.paths import check_output_file

    out = Path(args.out or Path(args.work_dir) / 'report.html')
    if out.suffix.lower() not in ('.html', '.htm'):
        raise ValueError(f'--out is {str(out)!r}, expected a name that ends '
                         'with .html')
    if args.out:
        check_output_file(out)
    write_run_report(Path(args.work_dir), out, args.scores, args.classes)
    print(out)


@command()
def main() -> None:
    write(parse_args())


if __name__ == '__main__':
    main()
