# SPDX-License-Identifier: Apache-2.0
"""Train both streams on the official splits and test their fusion.

    python tools/run_splits.py ucf101 --gpus 2

A finished training is not repeated, and an interrupted one goes on. Prints a
table of the splits and their mean, and writes it to WORK_DIR/NAME_splits.json.
A single stream is tested alone.

--temporal CONFIG puts another motion stream in place of uftsn_r18_NAME.py, as
for the rows of table 2: configs/other_flows/uftsn_tvl1.py. It gets the lists
of each split. The spatial stream is trained once for all of them; the results
are in WORK_DIR/NAME_CONFIG_splits.json.
"""
from __future__ import annotations

from command_line import add_run_options, command, tool_parser

# isort: split
import argparse
from pathlib import Path

#: Beginning of the name of the config of each stream.
STREAMS = dict(spatial='tsn_r152', temporal='uftsn_r18')
TOOLS = Path(__file__).resolve().parent


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    parser.add_argument('name', choices=('ucf101', 'hmdb51'), help='data set')
    parser.add_argument(
        '--splits', nargs='+', type=int, choices=(1, 2, 3), default=[1, 2, 3],
        help='splits (default: all three)')
    parser.add_argument(
        '--streams', nargs='+', choices=tuple(STREAMS), default=list(STREAMS),
        help='streams (default: both, and their fusion)')
    for stream, prefix in STREAMS.items():
        parser.add_argument(
            f'--{stream}', type=Path, metavar='CONFIG',
            help=f'another {stream} stream in place of '
            f'{prefix}_NAME.py')
    parser.add_argument(
        '--work-dir', type=Path, default=Path('work_dirs'),
        help='parent folder of all runs (default: work_dirs)')
    parser.add_argument(
        '--test-only', action='store_true',
        help='train nothing; all checkpoints must exist')
    add_run_options(
        parser,
        'settings of the streams that differ from those of the configs: '
        'spatial.KEY=VALUE and temporal.KEY=VALUE for one stream, '
        'fusion.KEY=VALUE for the test; test_dataloader.KEY=VALUE reaches all '
        'of them')
    return parser.parse_args()


@command()
def main() -> int:
    args = parse_args()
    # Here, so that --help need not wait for them.
    from uftsn_mmaction.experiments.splits import run_splits
    from uftsn_mmaction.experiments.tools import RunSettings
    replaced = {
        stream: getattr(args, stream)
        for stream in STREAMS if getattr(args, stream) is not None
    }
    table = run_splits(
        args.name, args.splits, args.streams, args.configs_dir,
        RunSettings(TOOLS, args.work_dir, args.gpus, test_only=args.test_only),
        args.cfg_options, replaced)
    print(f'\n{table.to_text()}')
    for split, reason in table.failures.items():
        print(f'split {split} failed: {reason}')
    return int(bool(table.failures))


if __name__ == '__main__':
    main()
