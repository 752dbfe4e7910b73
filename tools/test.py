# SPDX-License-Identifier: Apache-2.0
"""Test a model, or several streams and their fusion.

    python tools/test.py configs/uftsn_fusion_ucf101.py
    python tools/test.py configs/uftsn_r18_ucf101.py epoch_80.pth

Takes all options of MMAction2's own script. A fusion needs no CHECKPOINT: its
streams have their own, in the config or by --stream.
"""
from __future__ import annotations

from command_line import add_launcher, add_settings, command, tool_parser

# isort: split
import argparse
import os
import os.path as osp
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmengine.config import Config


def build_parser() -> argparse.ArgumentParser:
    parser = tool_parser(__doc__)
    add = parser.add_argument
    add('config', help='config to test')
    add('checkpoint', nargs='?',
        help='weights of the whole model; not needed for a fusion')
    add('--stream', nargs='+', action='extend', default=[],
        metavar='NAME=FILE', help='checkpoints of the streams of a fusion')
    add('--export', metavar='FILE',
        help='write the weights of the whole model as one checkpoint, of a '
        'fusion for `mim test` and for inferencers')
    # The options of the stock script, for its merge_args.
    add('--work-dir', help='folder of logs and metrics')
    add('--dump', help='pickle file of the predictions')
    add_settings(parser, 'settings that differ from those of the config')
    add('--show-dir', help='folder of drawn predictions')
    add('--show', action='store_true',
        help='refused: a window cannot be shown; give --show-dir')
    add('--interval', type=int, default=1, help='draw every n-th sample')
    add('--wait-time', type=float, default=2,
        help='no effect, since no window is shown')
    add_launcher(parser)
    return parser


def build_config(args: argparse.Namespace) -> Config:
    """Return the config with all that the command line changes.

    Raises:
        OSError: If there is no such config, or an output cannot be written.
        ValueError: If a stream or a checkpoint is missing, or an option does
            not fit the config or this machine.
    """
    # Here, so that --help need not wait for them.
    from mmengine.config import Config
    from stock_tool import check_launcher, load_stock_tool

    from uftsn_mmaction.fileio.paths import (
        check_input_file,
        check_output_file,
        check_output_folder,
    )

    cfg = Config.fromfile(args.config)
    if 'model' not in cfg:
        raise ValueError(f'{args.config} has no model; name the config of an '
                         'experiment')
    if args.show or args.show_dir:
        # Neither the stock hook nor its visualizer can draw several clips.
        hook = cfg.setdefault('default_hooks', {}).get('visualization') or {}
        if hook.get('type') in (None, 'VisualizationHook'):
            cfg.default_hooks.visualization = dict(
                type='mmaction.PredictionPicturesHook')
    try:
        cfg = load_stock_tool('test').merge_args(cfg, args)
    except AssertionError as error:
        # The stock script refuses --dump and --show this way.
        raise ValueError(error) from error
    check_launcher(args.launcher)
    cfg.launcher = args.launcher
    if args.cfg_options is not None:
        cfg.merge_from_dict(args.cfg_options)
    if args.checkpoint is not None and args.stream:
        raise ValueError('CHECKPOINT replaces the weights of all streams, so '
                         '--stream has no effect; give one of the two')
    set_streams(cfg, args.stream)
    if args.checkpoint is not None:
        # The streams' own files are not read and need not exist.
        for stream in cfg.model.get('streams', {}).values():
            stream.checkpoint = None
    elif 'streams' not in cfg.model:
        raise ValueError(f'{args.config} has no streams with checkpoints of '
                         'their own; give CHECKPOINT')
    else:
        for name, stream in cfg.model.streams.items():
            if stream.get('checkpoint') is None:
                raise ValueError(
                    f'Stream {name!r} of {args.config} has no checkpoint, and '
                    'its weights would be random; give '
                    f'--stream {name}=FILE, or CHECKPOINT for all streams')
    cfg.load_from = args.checkpoint
    # A user's config may lack these hooks.
    hooks = dict(
        complete_checkpoint='CompleteCheckpointHook',
        finite_scores='FiniteScoresHook')
    cfg.custom_hooks = [
        *(cfg.get('custom_hooks') or []),
        *(dict(type=f'mmaction.{hook}') for name, hook in hooks.items()
          if not (cfg.get('default_hooks') or {}).get(name))
    ]
    default = osp.join('./work_dirs', Path(args.config).stem)
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or default
    check_output_folder(cfg.work_dir, '--work-dir')
    for option in ('dump', 'export'):
        if vars(args)[option]:
            check_output_file(vars(args)[option], f'--{option}')
    if args.show_dir:
        check_output_folder(args.show_dir, '--show-dir')
    if args.checkpoint is not None and '://' not in args.checkpoint:
        check_input_file(args.checkpoint, f'CHECKPOINT {args.checkpoint!r}')
    return cfg


def set_streams(cfg: Config, streams: list[str]) -> None:
    """Set the checkpoints of streams by pairs ``NAME=FILE``."""
    for pair in streams:
        name, equals, checkpoint = pair.partition('=')
        if not (name and equals and checkpoint):
            raise ValueError(
                f'--stream {pair!r} is not of the form NAME=FILE, e.g. '
                '--stream temporal=work_dirs/x/epoch_80.pth')
        known = cfg.model.get('streams')
        if known is None:
            raise ValueError(
                f'--stream needs a fusion, but {cfg.filename} has a model '
                f'{cfg.model.type}; give its checkpoint as CHECKPOINT')
        if name not in known:
            raise ValueError(f'--stream names {name!r}, but the streams of '
                             f'{cfg.filename} are {sorted(known)}')
        known[name].checkpoint = checkpoint


@command()
def main() -> None:
    # Options may stand between CONFIG and CHECKPOINT.
    args = build_parser().parse_intermixed_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    from mmengine.dist import is_main_process
    from mmengine.runner import save_checkpoint
    from stock_tool import faults_of_a_config, join_on_cpu, run_of
    with faults_of_a_config():
        cfg = build_config(args)
        cfg.merge_from_dict(join_on_cpu(cfg, args.launcher))
        runner = run_of(cfg)
        runner.test()
        if args.export and is_main_process():
            weights = dict(state_dict=runner.model.state_dict())
            save_checkpoint(weights, args.export)


if __name__ == '__main__':
    main()
