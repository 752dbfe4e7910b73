# SPDX-License-Identifier: Apache-2.0
"""Train both streams on the official splits and test their fusion.

A finished training is not repeated, and an interrupted one goes on. Prints a
table of the splits and their mean, and writes it to WORK_DIR/NAME_splits.json.
A single stream is tested alone.

--temporal CONFIG puts another motion stream in place of uftsn_r18_NAME.py, as
for the rows of table 2: configs/other_flows/uftsn_tvl1.py. It gets the lists
of each split. The spatial stream is trained once for all of them; the results
are in WORK_DIR/NAME_CONFIG_splits.json.
"""
import end_on_signals  # noqa: F401, before what takes seconds

# isort: split
import argparse
from pathlib import Path

from uftsn_mmaction.experiments.experiment import STREAMS
from uftsn_mmaction.experiments.splits import run_splits
from uftsn_mmaction.experiments.splits.plan import PREFIXES
from uftsn_mmaction.experiments.tools import RunSettings, add_run_options

TOOLS = Path(__file__).resolve().parent


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('name', choices=('ucf101', 'hmdb51'), help='data set')
    parser.add_argument(
        '--splits', nargs='+', type=int, choices=(1, 2, 3), default=[1, 2, 3],
        help='splits (default: all three)')
    parser.add_argument(
        '--streams', nargs='+', choices=STREAMS, default=list(STREAMS),
        help='streams (default: both, and their fusion)')
    for stream in STREAMS:
        parser.add_argument(
            f'--{stream}', type=Path, metavar='CONFIG',
            help=f'another {stream} stream in place of '
            f'{PREFIXES[stream]}_NAME.py')
    parser.add_argument(
        '--work-dir', type=Path, default=Path('work_dirs'),
        help='parent folder of all runs (default: work_dirs)')
    parser.add_argument(
        '--test-only', action='store_true',
        help='train nothing; all checkpoints must exist')
    add_run_options(
        parser, TOOLS,
        'settings of the streams that differ from those of the configs: '
        'spatial.KEY=VALUE and temporal.KEY=VALUE for one stream, '
        'fusion.KEY=VALUE for the test; test_dataloader.KEY=VALUE reaches all '
        'of them')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    replaced = {
        stream: getattr(args, stream)
        for stream in STREAMS if getattr(args, stream) is not None
    }
    try:
        table = run_splits(
            args.name, args.splits, args.streams, args.configs_dir,
            RunSettings(
                TOOLS, args.work_dir, args.gpus, test_only=args.test_only),
            args.cfg_options, replaced)
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    print(f'\n{table.to_text()}')
    if table.failures:
        for split, reason in table.failures.items():
            print(f'split {split} failed: {reason}')
        raise SystemExit(1)


if __name__ == '__main__':
    main()
