# SPDX-License-Identifier: Apache-2.0
"""Train both streams on the official splits and test their fusion.

What is finished is not trained again, and an interrupted training goes on.
Ends with a table of the splits and their mean, which is also written to
WORK_DIR/NAME_splits.json. With one stream that one is tested alone.

--temporal CONFIG puts another motion stream in place of uftsn_r18_NAME.py, as
for the rows of table 2: configs/other_flows/uftsn_r18_ucf101_tvl1.py. The
lists of every split are put into it. The spatial stream is trained once for
all of them; the results are in WORK_DIR/NAME_CONFIG_splits.json.
"""
import argparse
from pathlib import Path

from mmengine.config import DictAction

from uftsn_mmaction.experiments.process import end_on_sigterm
from uftsn_mmaction.experiments.splits.plan import STREAMS
from uftsn_mmaction.experiments.splits.run import run_splits
from uftsn_mmaction.experiments.tools import RunSettings

TOOLS = Path(__file__).resolve().parent


def key_value(text: str) -> str:
    """Let argparse name an option that ``DictAction`` would fail on."""
    key, equals, _ = text.partition('=')
    if not (key and equals):
        raise argparse.ArgumentTypeError(
            f'{text!r} is no KEY=VALUE; write, for example, '
            'train_dataloader.num_workers=4')
    return text


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('name', choices=('ucf101', 'hmdb51'), help='data set')
    parser.add_argument(
        '--splits',
        nargs='+',
        type=int,
        choices=(1, 2, 3),
        default=[1, 2, 3],
        help='splits (default: all three)')
    parser.add_argument(
        '--streams',
        nargs='+',
        choices=tuple(STREAMS),
        default=list(STREAMS),
        help='streams (default: both, and their fusion)')
    for stream, prefix in STREAMS.items():
        parser.add_argument(
            f'--{stream}',
            type=Path,
            metavar='CONFIG',
            help=f'another {stream} stream in place of {prefix}_NAME.py')
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=Path('work_dirs'),
        help='folder of the folders of all runs (default: work_dirs)')
    parser.add_argument(
        '--gpus',
        type=int,
        default=1,
        help='GPUs of each run (default: 1, or the CPU where there is none; '
        '0 for the CPU)')
    parser.add_argument(
        '--test-only',
        action='store_true',
        help='train nothing; all checkpoints have to be there')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        type=key_value,
        action=DictAction,
        metavar='KEY=VALUE',
        help='settings of the streams that differ from those of the configs; '
        'spatial.KEY=VALUE and temporal.KEY=VALUE are for one stream, '
        'fusion.KEY=VALUE for the test; test_dataloader.KEY=VALUE reaches all '
        'of them. Give the same ones to go on')
    parser.add_argument(
        '--configs-dir',
        type=Path,
        default=TOOLS.parent / 'configs',
        help='folder of other configs with the same names')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    end_on_sigterm()
    replaced = {
        stream: getattr(args, stream)
        for stream in STREAMS if getattr(args, stream) is not None
    }
    try:
        table = run_splits(
            args.name, args.splits, args.streams, args.configs_dir,
            RunSettings(TOOLS, args.work_dir, args.gpus, args.test_only),
            args.cfg_options, replaced)
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    print(f'\n{table.to_text()}')
    if table.failures:
        for split, reason in table.failures.items():
            print(f'split {split} failed: {reason}')
        raise SystemExit(1)


if __name__ == '__main__':
    main()
