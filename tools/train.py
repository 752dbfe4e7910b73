# SPDX-License-Identifier: Apache-2.0
"""Train a model without mim.

    python tools/train.py configs/uftsn_r18_ucf101.py
    torchrun --nproc-per-node 4 tools/train.py CONFIG --launcher pytorch

Takes all options of MMAction2's own script.
"""
from __future__ import annotations

from command_line import add_launcher, add_settings, command, tool_parser

# isort: split
import argparse
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmengine.config import Config


def build_parser() -> argparse.ArgumentParser:
    parser = tool_parser(__doc__)
    add = parser.add_argument
    add('config', help='config to train')
    # The options of the stock script, for its merge_args.
    add('--work-dir', help='folder of logs and checkpoints')
    add('--resume', nargs='?', const='auto', metavar='CHECKPOINT',
        help='go on from CHECKPOINT, by default from the newest sound one of '
        'the work dir')
    add('--amp', action='store_true',
        help='train in mixed precision; without a GPU, in bfloat16 on a '
        'processor with AVX512-BF16 or AMX')
    add('--no-validate', action='store_true',
        help='leave out the validation')
    add('--auto-scale-lr', action='store_true',
        help='scale the learning rates by the clips of a step over '
        'auto_scale_lr.base_batch_size')
    add('--seed', type=int, help='random seed in place of that of the config')
    add('--diff-rank-seed', action='store_true',
        help='give each process a seed of its own')
    add('--deterministic', action='store_true',
        help='take slower algorithms that repeat to the last bit')
    add_settings(parser, 'settings that differ from those of the config')
    add_launcher(parser)
    return parser


def build_config(args: argparse.Namespace) -> Config:
    """Return the config with all that the command line changes.

    Raises:
        OSError: If there is no such config, or the work dir cannot be made.
        ValueError: If the config is a fusion, an option does not fit it, or
            this machine cannot serve an option.
    """
    # Here, so that --help need not wait for them.
    from mmengine.config import Config
    from mmengine.optim import AmpOptimWrapper
    from stock_tool import check_launcher, has_accelerator, load_stock_tool

    from uftsn_mmaction.fileio.paths import check_output_folder

    cfg = Config.fromfile(args.config)
    if cfg.get('model') is None:
        raise ValueError(f'{args.config} has no model; name the config of an '
                         'experiment')
    if 'streams' in cfg.model:
        raise ValueError(f'{args.config} is a fusion, which is only tested; '
                         f'train its streams {sorted(cfg.model.streams)}')
    if args.auto_scale_lr and 'base_batch_size' not in (
            cfg.get('auto_scale_lr') or {}):
        raise ValueError(
            '--auto-scale-lr needs auto_scale_lr.base_batch_size in '
            f'{args.config}, the batch size that its rates are for; set it')
    check_launcher(args.launcher)
    # The stock script ignores these where a config sets ``randomness``.
    for name in ('seed', 'diff_rank_seed', 'deterministic'):
        value = vars(args)[name]
        if value is not None and value is not False:
            cfg.merge_from_dict({f'randomness.{name}': value})
    # A config that this tool wrote has the wrapper of --amp already.
    args.amp &= cfg.optim_wrapper.get('type') != 'Bfloat16OptimWrapper'
    try:
        cfg = load_stock_tool('train').merge_args(cfg, args)
    except AssertionError as error:
        # The stock script refuses --amp beside an unusual wrapper this way.
        raise ValueError(error) from error
    check_output_folder(cfg.work_dir, '--work-dir')
    amp = cfg.optim_wrapper.get('type') in ('AmpOptimWrapper', AmpOptimWrapper)
    if amp and not has_accelerator():
        _amp_on_cpu(cfg)
    return cfg


def _amp_on_cpu(cfg: Config) -> None:
    """Let mixed precision run without a GPU, where it gains.

    Raises:
        ValueError: If this processor has no instructions for bfloat16, or
            the config asks for another type.
    """
    import torch

    from uftsn_mmaction.models.flow.precision import is_good_at_bfloat16

    wrapper = cfg.optim_wrapper
    setting = '(--amp or optim_wrapper.type=AmpOptimWrapper)'
    if not is_good_at_bfloat16(torch.device('cpu')):
        raise ValueError(
            f'Mixed precision {setting} needs a GPU, or a processor with '
            'AVX512-BF16 or AMX, and this machine has neither; leave it out')
    dtype = wrapper.get('dtype') or 'bfloat16'
    if dtype not in ('bfloat16', torch.bfloat16):
        raise ValueError(
            f'optim_wrapper.dtype is {dtype!r}, but mixed precision '
            f'{setting} without a GPU is bfloat16; leave it out')
    wrapper.type = 'Bfloat16OptimWrapper'
    # Arguments of AmpOptimWrapper alone.
    for name in ('dtype', 'loss_scale', 'use_fsdp'):
        wrapper.pop(name, None)


@command()
def main() -> None:
    args = build_parser().parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    from stock_tool import faults_of_a_config, join_on_cpu, run_of
    with faults_of_a_config():
        cfg = build_config(args)
        cfg.merge_from_dict(join_on_cpu(cfg, args.launcher))
        run_of(cfg).train()


if __name__ == '__main__':
    main()
