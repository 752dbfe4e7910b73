# SPDX-License-Identifier: Apache-2.0
"""Write the video lists of UCF101 or HMDB51 from the official split files."""
from __future__ import annotations

import end_on_signals  # noqa: F401, before what takes seconds

# isort: split
import argparse

from uftsn_mmaction.datasets.annotations import prepare_annotations
from uftsn_mmaction.datasets.official_splits import COUNTS, SPLIT_FOLDERS
from uftsn_mmaction.fileio.paths import check_output_folder


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('name', choices=tuple(COUNTS), help='data set')
    parser.add_argument(
        '--splits', required=True,
        help='folder of the official split files, or the one in which their '
        f'archive was unpacked to {" or ".join(SPLIT_FOLDERS.values())}')
    parser.add_argument(
        '--videos', required=True,
        help='folder of the class folders; the videos may have been '
        're-encoded to files with another extension')
    parser.add_argument(
        '--out', required=True,
        help='folder of the lists, such as data/ucf101')
    parser.add_argument(
        '--allow-missing', action='store_true',
        help='leave missing videos out of the lists')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        check_output_folder(args.out)
        lists = prepare_annotations(**vars(args))
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    print(f'{"list":40}{"videos":>10}{"missing":>10}')
    for item in lists:
        print(f'{item.path.name:40}{item.videos:10}{item.missing:10}')
    if any(item.missing for item in lists):
        print(f'missing videos: {args.out}/{args.name}_missing_videos.txt')


if __name__ == '__main__':
    main()
