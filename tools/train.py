# SPDX-License-Identifier: Apache-2.0
"""Train a model without mim: MMAction2's own script, with all its options."""
from __future__ import annotations

import end_on_signals  # noqa: F401, before what takes seconds

# isort: split
import argparse
import sys
from types import ModuleType

from mmengine.config import Config
from mmengine.optim import AmpOptimWrapper
from stock_tool import (
    check_launcher,
    has_accelerator,
    join_on_cpu,
    load_stock_tool,
    user_errors,
)

from uftsn_mmaction.fileio.paths import check_output_folder


def check(stock: ModuleType, args: argparse.Namespace) -> None:
    """Refuse what would end in a traceback of the stock script.

    Raises:
        OSError: If there is no such config, or the work dir cannot be made.
        ValueError: If the config is a fusion, an option does not fit it, or
            this machine cannot serve an option.
    """
    cfg = Config.fromfile(args.config)
    if cfg.get('model') is None:
        raise ValueError(f'{args.config} has no model; name the config of an '
                         'experiment')
    if 'streams' in cfg.model:
        raise ValueError(f'{args.config} is a fusion, which is only tested; '
                         f'train its streams {sorted(cfg.model.streams)}')
    if args.auto_scale_lr and 'auto_scale_lr' not in cfg:
        raise ValueError(
            f'--auto-scale-lr needs auto_scale_lr in {args.config}; set the '
            'rates of its stages by --cfg-options instead')
    check_launcher(args.launcher)
    try:
        cfg = stock.merge_args(cfg, args)
    except AssertionError as error:
        # The stock script refuses --amp beside an unusual wrapper this way.
        raise ValueError(error) from error
    check_output_folder(cfg.work_dir, '--work-dir')
    amp = cfg.optim_wrapper.get('type') in ('AmpOptimWrapper', AmpOptimWrapper)
    if amp and not has_accelerator():
        raise ValueError(
            'Mixed precision (--amp or optim_wrapper.type=AmpOptimWrapper) '
            'needs a GPU, and this machine has none; leave it out')


def main() -> None:
    stock = load_stock_tool('train')
    args = stock.parse_args()
    with user_errors():
        check(stock, args)
        # The stock script ignores these where a config sets ``randomness``.
        for name in ('seed', 'diff_rank_seed', 'deterministic'):
            value = vars(args)[name]
            if value is not None and value is not False:
                sys.argv += ['--cfg-options', f'randomness.{name}={value}']
        # The stock script reads the config itself.
        settings = join_on_cpu(Config.fromfile(args.config), args.launcher)
        for name, value in settings.items():
            sys.argv += ['--cfg-options', f'{name}={value}']
        stock.main()


if __name__ == '__main__':
    main()
