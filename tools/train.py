# SPDX-License-Identifier: Apache-2.0
"""Train a model without mim: MMAction2's own script, with all its options."""
from __future__ import annotations

import sys

from mmengine.config import Config
from stock_tool import load_stock_tool

#: Options that the stock script leaves out where a config sets randomness.
SEEDS = ('seed', 'diff_rank_seed', 'deterministic')


def check(cfg: Config, auto_scale_lr: bool) -> None:
    """Refuse what would end in a traceback of the stock script.

    Raises:
        ValueError: The config is a fusion, or its rates cannot be scaled.
    """
    if 'streams' in cfg.get('model', {}):
        raise ValueError(f'{cfg.filename} is a fusion, which is only tested; '
                         f'train its streams {sorted(cfg.model.streams)}')
    if auto_scale_lr and 'auto_scale_lr' not in cfg:
        raise ValueError(
            f'--auto-scale-lr needs auto_scale_lr in {cfg.filename}; set the '
            'rates of its stages by --cfg-options instead')


def main() -> None:
    stock = load_stock_tool('train')
    args = stock.parse_args()
    try:
        cfg = Config.fromfile(args.config)
        check(cfg, args.auto_scale_lr)
        seeds = {name: getattr(args, name) for name in SEEDS}
        if cfg.get('randomness') is not None:
            for name, value in seeds.items():
                if value is not None and value is not False:
                    sys.argv += ['--cfg-options', f'randomness.{name}={value}']
        stock.main()
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()
