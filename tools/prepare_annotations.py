# SPDX-License-Identifier: Apache-2.0
"""Write video lists: official ones, or those of labelled videos of your own.

    python tools/prepare_annotations.py folder my_videos --out data/mine
    python tools/prepare_annotations.py ucf101 --splits ucfTrainTestlist \\
        --videos data/ucf101/videos --out data/ucf101
"""
from __future__ import annotations

from command_line import command, tool_parser

# isort: split
import argparse
import shlex
from pathlib import Path

#: Folders into which the archives of official splits unpack.
SPLIT_FOLDERS = dict(
    ucf101='ucfTrainTestlist', hmdb51='testTrainMulti_7030_splits')

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    names = parser.add_subparsers(dest='name', required=True, metavar='NAME')
    for name in SPLIT_FOLDERS:
        _add_official(names.add_parser(
            name, help=f'lists of {name} from its official split files'))
    _add_folder(names.add_parser(
        'folder', help='lists and configs for videos of your own, one folder '
        'for each class'))
    return parser.parse_args()


def _add_official(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add('--splits', required=True,
        help='folder of the official split files, or the one in which their '
        f'archive was unpacked to {" or ".join(SPLIT_FOLDERS.values())}')
    add('--videos', required=True,
        help='folder of the class folders; the videos may have been '
        're-encoded to files with another extension')
    add('--out', required=True,
        help='folder of the lists, such as data/ucf101')
    add('--allow-missing', action='store_true',
        help='leave missing videos out of the lists')


def _add_folder(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add('root', metavar='DIR', help='folder of the videos')
    add('--out', required=True,
        help='folder of the lists and configs, such as data/mine')
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        '--table', metavar='CSV',
        help='columns video and label, and perhaps group and split, in place '
        'of class folders; paths begin from DIR')
    source.add_argument(
        '--level', type=int, default=-1, metavar='N',
        help='folder that names the class: 0 for those in DIR, -1 for the '
        'one that holds the video (default: %(default)s)')
    add('--group', metavar='REGEX',
        help='keeps videos in one split whose paths share what this finds, '
        r'such as clips of one recording: _g(\d+)_')
    add('--test-share', type=float, default=0.2, metavar='SHARE',
        help='share of the videos to test on (default: %(default)s)')
    add('--seed', type=int, default=0,
        help='choice of these videos (default: %(default)s)')
    add('--min-frames', type=int, default=11, metavar='N',
        help='leaves shorter videos out (default: %(default)s)')
    add('--workers', type=int, default=4,
        help='processes that read the videos (default: %(default)s)')


@command()
def main() -> None:
    args = parse_args()
    # Here, so that --help need not wait for it.
    from uftsn_mmaction.fileio.paths import check_output_folder
    check_output_folder(args.out)
    if args.name == 'folder':
        prepare_folder(args)
    else:
        prepare_official(args)


def prepare_official(args: argparse.Namespace) -> None:
    from uftsn_mmaction.datasets.annotations import prepare_annotations

    lists = prepare_annotations(**vars(args))
    print(f'{"list":40}{"videos":>10}{"missing":>10}')
    for item in lists:
        print(f'{item.path.name:40}{item.videos:10}{item.missing:10}')
    if any(item.missing for item in lists):
        print(f'missing videos: {args.out}/{args.name}_missing_videos.txt')


def prepare_folder(args: argparse.Namespace) -> None:
    from uftsn_mmaction.datasets.labelled_lists import write_labelled_lists
    from uftsn_mmaction.datasets.labelled_videos import (
        find_labelled_videos,
        read_labelled_videos,
    )
    from uftsn_mmaction.datasets.starter_configs import write_starter_configs

    if args.table is None:
        videos = find_labelled_videos(args.root, args.level, args.group)
    elif args.group is None:
        videos = read_labelled_videos(args.table)
    else:
        raise ValueError('--group is for class folders; name the groups in '
                         'a column of --table')
    lists = write_labelled_lists(
        videos, args.root, args.out, args.min_frames, args.test_share,
        args.seed, args.workers)
    configs = write_starter_configs(
        args.out, str(CONFIGS), args.root, len(lists.classes))
    print(f'{"class":40}{"train":>10}{"test":>10}')
    for name in lists.classes:
        print(f'{name:40}'
              + ''.join(f'{part[name]:10}' for part in lists.counts.values()))
    for path, reason in lists.left_out.items():
        print(f'left out  {path!r}: {reason}')
    _, motion, frames, fusion = (shlex.quote(str(path)) for path in configs)
    print('\nTrain both streams (--gpus 0 on a CPU), and test them together:\n'
          f'  mim train mmaction {motion}\n'
          f'  mim train mmaction {frames}\n'
          f'  python tools/test.py {fusion}')


if __name__ == '__main__':
    main()
