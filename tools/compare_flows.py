# SPDX-License-Identifier: Apache-2.0
"""Table 2: the same classifier on the flow of several estimators.

An estimator is

  ours            the config's own after stage 1, then frozen
  ours+joint      the config's three stages; the estimator trains in the last
  untrained       the config's own at its random start: the control
  NAME, NAME:CHECKPOINT, CONFIG.py, CONFIG.py:CHECKPOINT
                  as for evaluate_flow.py: uftsn_small:epoch_9.pth, tvl1,
                  tvl1_fast, dis, tvnet, zero, a model of ptlflow, ...

Each is frozen and its flow computed anew in every epoch. The classifier, its
first weights, its epochs, its rates and the order of the clips are those of
the stage 'classifier' of one config, the same for all of a seed. Only
ours+joint sees other clips, as its epochs count on from stage 1, and has the
stage 'joint' on top.

DIR/flows.json gets all numbers of the estimators and seeds of this call,
DIR/flows.md their table. What is finished is not done again, and an
interrupted training goes on. To add seeds or estimators name them beside those
that are there already; what is not named stays in DIR/runs, and out of the
table.
"""
import argparse
import os
from pathlib import Path

# OpenMP reads this when torch is imported. Its threads then sleep while they
# wait: on a busy machine the alternative is tens of times slower.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

from mmengine.config import DictAction  # noqa: E402

from uftsn_mmaction.experiments.comparison.compare import compare_flows  # noqa: E402
from uftsn_mmaction.experiments.comparison.plan import DATA  # noqa: E402
from uftsn_mmaction.experiments.process import (  # noqa: E402
    end_on_sigterm,
    thread_env,
)
from uftsn_mmaction.experiments.tools import RunSettings  # noqa: E402

TOOLS = Path(__file__).resolve().parent


def key_value(text: str) -> str:
    """Let argparse name an option that ``DictAction`` would fail on."""
    key, equals, _ = text.partition('=')
    if not (key and equals):
        raise argparse.ArgumentTypeError(
            f'{text!r} is no KEY=VALUE; write, for example, '
            'train_dataloader.num_workers=4')
    return text


def count(text: str) -> int:
    """A number of threads."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r} is no number from 1 up')
    return int(text)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--estimator',
        nargs='+',
        required=True,
        metavar='SPEC',
        help='estimators to compare')
    parser.add_argument(
        '--data',
        choices=tuple(DATA),
        default='quickstart',
        help='generated motion (default), or five classes of UCF101')
    parser.add_argument(
        '--seeds',
        nargs='+',
        type=int,
        default=[0, 1, 2],
        help='random seeds (default: 0 1 2)')
    parser.add_argument(
        '--work-dir',
        type=Path,
        required=True,
        metavar='DIR',
        help='folder of all that is written, one for each data')
    parser.add_argument(
        '--gpus',
        type=int,
        default=1,
        help='GPUs of each run (default: 1, or the CPU where there is none; '
        '0 for the CPU)')
    parser.add_argument(
        '--threads',
        type=count,
        default=min(2, os.cpu_count() or 1),
        help='threads of each run (default: 2, or 1 on a single core)')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        type=key_value,
        action=DictAction,
        metavar='KEY=VALUE',
        help='settings that differ from those of the config, for all '
        'estimators; give the same ones to go on')
    parser.add_argument(
        '--configs-dir',
        type=Path,
        default=TOOLS.parent / 'configs',
        help='folder of other configs with the same names')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    end_on_sigterm()
    os.environ.update(thread_env(args.threads))
    try:
        table = compare_flows(args.configs_dir / DATA[args.data],
                              args.estimator, args.seeds,
                              RunSettings(TOOLS, args.work_dir, args.gpus),
                              args.cfg_options)
    except (ImportError, OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    print(f'\n{table.to_markdown()}\n\n{args.work_dir / "flows.md"}')
    if table.failures:
        for (name, seed), reason in table.failures.items():
            print(f'{name}, seed {seed} failed: {reason}')
        raise SystemExit(1)


if __name__ == '__main__':
    main()
