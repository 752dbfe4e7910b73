# SPDX-License-Identifier: Apache-2.0
"""Read every video of a list once, and tell which ones cannot be used.

    python tools/check_videos.py train.txt --root videos --out clean.txt

What is found is kept, so that a training or a test that reads the same files
with the same decoder need not read them again. Exit status 1 says that a
video cannot be used.
"""
from __future__ import annotations

from command_line import command, tool_parser

# isort: split
import argparse

_DECODERS = 'decord', 'decord_bytes', 'opencv', 'pyav', 'torchcodec'


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    add = parser.add_argument
    add('list', help='text file with a line "path label" for each video')
    add('--root', default='', metavar='FOLDER', help='folder of the videos')
    add('--delimiter', default=' ',
        help='what separates path and label (default: blanks and tabs)')
    add('--decoder', choices=_DECODERS, default='decord',
        help='decoder of the pipeline; decord_bytes is that of DecordInit '
        '(default: decord, that of DecordPathInit)')
    add('--out', metavar='FILE', help='list of the videos that can be used')
    add('--table', metavar='FILE',
        help='CSV file of frames, size, rate, rotation and reason per video')
    add('--workers', type=int, default=4, help='processes (default: 4)')
    add('--time-limit', type=int, default=60, metavar='SECONDS',
        help='time without a frame after which a video is given up '
        '(default: 60)')
    return parser.parse_args()


@command()
def main() -> int:
    args = parse_args()
    # Here, so that --help need not wait for them.
    from uftsn_mmaction.datasets.video_check.list_check import (
        check_list,
        write_clean_list,
        write_table,
    )
    from uftsn_mmaction.fileio.paths import check_output_file
    for option in ('out', 'table'):
        if vars(args)[option]:
            check_output_file(vars(args)[option], f'--{option}')
    reports = check_list(args.list, args.root, args.delimiter,
                         args.decoder, args.workers, args.time_limit)
    if args.out:
        write_clean_list(args.out, reports)
    if args.table:
        write_table(args.table, reports)
    bad = 0
    for line, report in reports.items():
        bad += report.reason is not None
        if report.reason or report.note:
            print(f'{"bad" if report.reason else "odd"}  {line}: '
                  f'{report.reason or report.note}')
    print(f'{len(reports) - bad} of {len(reports)} videos can be used')
    return int(bad > 0)


if __name__ == '__main__':
    main()
