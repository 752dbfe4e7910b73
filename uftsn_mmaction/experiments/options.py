# SPDX-License-Identifier: Apache-2.0
"""Options that the command lines of several runs share."""
from __future__ import annotations

import argparse
from pathlib import Path

from mmengine.config import DictAction


def key_value(text: str) -> str:
    """Check an option before ``DictAction`` fails on it with a traceback."""
    key, equals, _ = text.partition('=')
    if not (key and equals):
        raise argparse.ArgumentTypeError(
            f'{text!r} is no KEY=VALUE; write, for example, '
            'train_dataloader.num_workers=4')
    return text


def add_run_options(parser: argparse.ArgumentParser, tools_dir: Path,
                    options_help: str) -> None:
    """Add ``--gpus``, ``--cfg-options`` and ``--configs-dir``."""
    parser.add_argument(
        '--gpus', type=int, default=1,
        help='GPUs of each run (default: 1, or the CPU where there is none; '
        '0 for the CPU)')
    parser.add_argument(
        '--cfg-options', nargs='+', type=key_value, action=DictAction,
        metavar='KEY=VALUE',
        help=f'{options_help}. Give the same ones to go on')
    parser.add_argument(
        '--configs-dir', type=Path, default=tools_dir.parent / 'configs',
        help='folder of other configs with the same names')
