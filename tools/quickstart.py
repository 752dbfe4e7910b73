# SPDX-License-Identifier: Apache-2.0
"""Train UF-TSN on generated videos and write a report with pictures.

    python tools/quickstart.py --work-dir work_dirs/quickstart

Called again after an interruption, it continues from the last checkpoint; when
everything is finished, it only rewrites the report.
"""
from __future__ import annotations

from command_line import UserError, add_settings, command, tool_parser

# isort: split
import argparse
import os
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
CONFIGS = TOOLS.parent / 'configs'


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    parser.add_argument(
        '--config',
        default=os.path.relpath(CONFIGS / 'uftsn_plus_quickstart.py'),
        help='config to train; uftsn_quickstart.py learns the flow from '
        'nothing (default: %(default)s)')
    parser.add_argument(
        '--fusion-config',
        default=os.path.relpath(CONFIGS / 'uftsn_plus_fusion_quickstart.py'),
        help='fusion of the trained stream with a spatial one (default: '
        '%(default)s)')
    parser.add_argument(
        '--work-dir', type=Path, default=Path('work_dirs/quickstart'),
        help='folder of checkpoints, logs, metrics.json and report.html '
        '(default: %(default)s)')
    parser.add_argument(
        '--data-root',
        help='folder of the generated videos (default: that of the config)')
    parser.add_argument(
        '--restart', action='store_true',
        help='remove an earlier run from the work dir and start over')
    parser.add_argument(
        '--threads', type=int, default=min(2, os.cpu_count() or 1),
        help='threads of training and tests (default: %(default)s)')
    add_settings(
        parser, 'settings that differ from those of the config to train')
    return parser.parse_args()


@command()
def main() -> None:
    args = parse_args()
    from uftsn_mmaction.experiments.quickstart import run_quickstart
    from uftsn_mmaction.experiments.run import RunError
    from uftsn_mmaction.experiments.tools import RunSettings
    settings = RunSettings(TOOLS, args.work_dir, gpus=0, threads=args.threads)
    try:
        run_quickstart(args.config, args.fusion_config, settings,
                       args.cfg_options, args.data_root, args.restart)
    except RunError as error:
        raise UserError(error) from None


if __name__ == '__main__':
    main()
