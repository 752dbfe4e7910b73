# SPDX-License-Identifier: Apache-2.0
"""Table 2: the same classifier on the flow of several estimators.

    python tools/compare_flows.py --estimator ours tvl1 --work-dir DIR

An estimator is

  ours            the config's own after stage 1, then frozen
  ours+refined    the same flow, refined by TV-L1 iterations
  ours+joint      the config's three stages; the estimator trains in the last
  untrained       the config's own at its random start: the control
  NAME, NAME:CHECKPOINT, CONFIG.py, CONFIG.py:CHECKPOINT
                  as for evaluate_flow.py: uftsn_small:epoch_9.pth, tvl1,
                  tvl1_fast, dis, dis+refined, tvnet, zero, a model of
                  ptlflow, ...

Each is frozen while the classifier trains, and its flow is computed in every
epoch. The classifier, its first weights, epochs and rates and the order of the
clips are those of the stage 'classifier' of one config, the same for all
estimators of a seed. Only ours+joint sees other clips, since its epochs count
on from stage 1, and has the stage 'joint' on top.

DIR/flows.json gets all numbers of the estimators and seeds of this call,
DIR/flows.md their table. What is finished is not done again, and an
interrupted training goes on. To add seeds or estimators, name them together
with the earlier ones; what is not named stays in DIR/runs but is not in the
table.
"""
from __future__ import annotations

from command_line import add_run_options, command, tool_parser

# isort: split
import argparse
import os
from pathlib import Path

_DATA = 'quickstart', 'ucf101_subset'
TOOLS = Path(__file__).resolve().parent


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    parser.add_argument(
        '--estimator', nargs='+', required=True, metavar='SPEC',
        help='estimators to compare')
    parser.add_argument(
        '--data', choices=_DATA, default='quickstart',
        help='generated motion (default), or five classes of UCF101')
    parser.add_argument(
        '--seeds', nargs='+', type=int, default=[0, 1, 2],
        help='random seeds (default: 0 1 2)')
    parser.add_argument(
        '--work-dir', type=Path, required=True, metavar='DIR',
        help='folder of all results; use another one for each --data')
    parser.add_argument(
        '--threads', type=int, default=min(2, os.cpu_count() or 1),
        help='threads of each run (default: 2, or 1 on a single core)')
    add_run_options(
        parser,
        'settings that differ from those of the config, for all estimators')
    return parser.parse_args()


@command()
def main() -> int:
    args = parse_args()
    from uftsn_mmaction.experiments.comparison.compare import compare_flows
    from uftsn_mmaction.experiments.comparison.plan import DATA
    from uftsn_mmaction.experiments.tools import RunSettings
    results = compare_flows(
        args.configs_dir / DATA[args.data], args.estimator, args.seeds,
        RunSettings(TOOLS, args.work_dir, args.gpus, args.threads),
        args.cfg_options)
    print(f'\n{results.to_markdown()}\n\n{args.work_dir / "flows.md"}')
    for (name, seed), reason in results.failures.items():
        print(f'{name}, seed {seed} failed: {reason}')
    return int(bool(results.failures))


if __name__ == '__main__':
    main()
