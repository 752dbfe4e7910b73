# SPDX-License-Identifier: Apache-2.0
"""Train for thousands of iterations, and watch what must not grow.

Not a test of the suite, since it takes minutes::

    python tests/soak.py --iterations 5000

A tiny training of all three stages' parts starts its workers anew in each
epoch of eight iterations, validates, and writes a checkpoint. At intervals
it prints the memory, open files, threads and children of this process and
the entries of /dev/shm. It ends with the status 1 if one of them has grown.
"""
from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

import uftsn_mmaction  # noqa: F401, registers the components

ROOT = Path(__file__).resolve().parents[1]
#: What is counted, and by how much its median may rise. The allocator keeps
#: some memory; the history of the log takes about 0.5 MB in 1,000 iterations.
LIMITS = dict(memory_mb=60., files=2., threads=1., children=0., shm=4.)
EPOCH = 8  # iterations


def measure() -> dict[str, float]:
    """Count what this process holds, on Linux."""
    status = dict(line.split(':', 1) for line in
                  Path('/proc/self/status').read_text().splitlines())
    children = Path(f'/proc/self/task/{os.getpid()}/children').read_text()
    return dict(
        memory_mb=int(status['VmRSS'].split()[0]) / 1024,
        files=len(os.listdir('/proc/self/fd')),
        threads=int(status['Threads']),
        children=len(children.split()),
        shm=len(os.listdir('/dev/shm')))


def find_growth(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return what has grown, and by how much.

    The last third of the rows is compared with the second one; the first is
    for what is loaded once.
    """
    third = len(rows) // 3
    rises = {
        name: median(row[name] for row in rows[-third:]) -
        median(row[name] for row in rows[third:-third])
        for name in LIMITS
    }
    return {name: rise for name, rise in rises.items() if rise > LIMITS[name]}


class Watch(Hook):
    """Measures at the end of every so many epochs, without workers."""

    priority = 'LOWEST'

    def __init__(self, interval: int) -> None:
        self.interval = interval
        self.rows: list[dict[str, float]] = []

    def after_train_epoch(self, runner: Runner) -> None:
        """Print a row."""
        if (runner.epoch + 1) % self.interval == 0:
            self.rows.append(measure())
            print(f'iteration {runner.iter}:', *(
                f'{name} {value:.6g}' for name, value
                in self.rows[-1].items()), flush=True)  # yapf: disable


def build_config(folder: str, iterations: int) -> Config:
    """Shrink the config of the quickstart, and let it train everything."""
    cfg = Config.fromfile(ROOT / 'configs' / 'uftsn_quickstart.py')
    cfg.model.backbone = dict(
        type='mmpretrain.ResNet', depth=18, stem_channels=4, base_channels=4)
    cfg.model.cls_head.in_channels = 32
    for name in ('train', 'val', 'test'):
        loader = cfg[f'{name}_dataloader']
        loader.update(batch_size=2, num_workers=1)
        loader.dataset.data_root = f'{folder}/data'
        loader.dataset.generator.update(
            num_train=16, num_test=16, size=(32, 32), num_frames=6, speed=1.0)
    cfg.val_dataloader.batch_size = 16
    cfg.merge_from_dict({
        'train_cfg.max_epochs': iterations // EPOCH,
        'train_cfg.val_begin': 1,
        'train_cfg.val_interval': 10,
        'train_cfg.dynamic_intervals': None,
        'default_hooks.stages.stages': dict(
            flow=None, classifier=None, joint=dict(begin=0)),
        'work_dir': f'{folder}/run',
        'log_level': 'WARNING',
    })
    return cfg


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--iterations', type=int, default=5000)
    parser.add_argument('--rows', type=int, default=30,
                        help='number of measurements, 30 by default')
    args = parser.parse_args()
    epochs = args.iterations // EPOCH
    if not 3 <= args.rows <= epochs:
        parser.error(f'--rows is {args.rows}, expected 3 to {epochs}, the '
                     'number of epochs')
    torch.set_num_threads(1)
    watch = Watch(epochs // args.rows)
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner.from_cfg(build_config(folder, args.iterations))
        runner.register_hook(watch)
        runner.train()
    growth = find_growth(watch.rows)
    if growth:
        raise SystemExit(f'grown: {growth}, limits: {LIMITS}')
    print('nothing has grown')


if __name__ == '__main__':
    main()
