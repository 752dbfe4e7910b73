# SPDX-License-Identifier: Apache-2.0
"""The tool on two dozen videos: real trainings, a real test."""
import json
import os
import runpy
import signal
import sys

import pytest
import torch
from mmaction.registry import MODELS

from uftsn_mmaction.fileio.checkpoint import read_checkpoint
from uftsn_mmaction.models.flow_zoo import ESTIMATORS

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
GENERATOR = dict(num_train=16, num_test=8, size='[32,32]', num_frames=6,
                 speed=1.0)


@pytest.fixture
def options(tmp_path):
    """One epoch for each stage, few clips, and half a ResNet."""
    options = [
        f'{loader}.dataset.generator.{key}={value}' for loader in LOADERS
        for key, value in GENERATOR.items()
    ]
    options += [f'{loader}.num_workers=0' for loader in LOADERS]
    options += [
        f'{loader}.dataset.data_root={tmp_path / "data"}' for loader in LOADERS
    ]
    return options + [
        'train_cfg.max_epochs=3',
        'default_hooks.stages.stages.classifier.begin=1',
        'default_hooks.stages.stages.joint.begin=2',
        'model.backbone.num_stages=2',
        'model.backbone.out_indices=[1]', 'model.backbone.strides=[1,2]',
        'model.backbone.dilations=[1,1]', 'model.cls_head.in_channels=128'
    ]


@pytest.fixture
def run_tool(repo_root, monkeypatch, capfd):
    """Function that calls the tool; its exit status, stdout and stderr.

    Its trainings and tests are processes of their own, as always.
    """
    tool = repo_root / 'tools' / 'compare_flows.py'
    handler = signal.getsignal(signal.SIGTERM)
    # What the tool sets for its child processes.
    monkeypatch.setattr(os, 'environ', os.environ.copy())

    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', [
            str(tool), '--gpus', '0', '--threads', '1', *map(str, arguments)
        ])
        capfd.readouterr()
        try:
            runpy.run_path(str(tool), run_name='__main__')
            status = 0
        except SystemExit as exit_:
            status = getattr(exit_, 'sentence', exit_.code)
        finally:
            signal.signal(signal.SIGTERM, handler)
        return status, *capfd.readouterr()

    return run


@pytest.mark.slow
def test_two_flows_are_compared(repo_root, run_tool, options, tmp_path,
                                run_command):
    estimator = MODELS.build(dict(ESTIMATORS['uftsn_small']))
    weights = estimator.state_dict()
    torch.save(weights, tmp_path / 'mine.pth')
    work_dir = tmp_path / 'two flows, today'
    arguments = [
        '--estimator', 'dis', f'uftsn_small:{tmp_path}/mine.pth', '--seeds',
        '3', '--work-dir', work_dir, '--cfg-options', *options
    ]
    # Alone, as the fixtures of other tests set up more than a user has.
    done = run_command([
        sys.executable, 'tools/compare_flows.py', '--gpus', '0', '--threads',
        '1', *arguments
    ], cwd=repo_root, fork=True)  # yapf: disable
    out = done.stdout
    found = json.loads((work_dir / 'flows.json').read_text())
    aepe = [row['by_seed']['3']['flow/AEPE'] for row in found['rows']]
    # The solver sees the motion, and random weights see nothing.
    zero = found['rows'][0]['by_seed']['3']['flow/AEPE_zero']
    assert aepe[0] < 0.5 * zero < aepe[1]
    for row in found['rows']:
        assert 0 <= row['metrics']['acc/top1']['mean'] <= 1
        assert 0 <= row['metrics']['motion/top1']['mean'] <= 1
    table = (work_dir / 'flows.md').read_text()
    row, = (line for line in table.splitlines() if line.startswith('| dis '))
    assert row.split('|')[2].strip() == f'{aepe[0]:.3f}'
    assert table.split('\n\n')[0] in out
    # The weights came to the training, and went through it as they were;
    # the classifier moved from one start.
    runs = work_dir / 'runs'
    dis, mine = (
        read_checkpoint(
            str(runs / name / 'seed_3' / 'epoch_1.pth'), name, '')
        for name in ('dis', 'uftsn_small_mine.pth'))
    assert all(
        torch.equal(mine[f'flow_estimator.{name}'], value)
        for name, value in weights.items())
    assert not torch.equal(mine['cls_head.fc_cls.weight'],
                           dis['cls_head.fc_cls.weight'])

    # Again: nothing is left to do. Otherwise: refused.
    before = (runs / 'dis' / 'seed_3' / 'epoch_1.pth').stat().st_mtime_ns
    status, out, err = run_tool(*arguments)
    assert status == 0 and 'Epoch(train)' not in out, out + err
    after = (runs / 'dis' / 'seed_3' / 'epoch_1.pth').stat().st_mtime_ns
    assert after == before
    again = json.loads((work_dir / 'flows.json').read_text())
    assert again['rows'] == found['rows']
    status, _, _ = run_tool(*arguments, 'train_dataloader.batch_size=5')
    assert status.startswith('error: ') and 'other settings' in status


def test_errors_of_settings_are_one_sentence(run_tool, tmp_path):
    runs = tmp_path / 'runs'

    def error(*arguments):
        status, _, err = run_tool('--work-dir', runs, *arguments)
        assert status == 2 or status.startswith('error: '), status
        return err if status == 2 else status

    assert "'pyramid' is unknown" in error('--estimator', 'pyramid')
    assert '--seeds are [1, 1]' in error('--estimator', 'dis', '--seeds', '1',
                                         '1')
    assert 'threads must be 1' in error('--estimator', 'dis', '--threads', '0')
    assert 'gpus must be 0' in error('--estimator', 'dis', '--gpus', '-1')
    assert "got 'x.y', expected KEY=VALUE" in error('--estimator', 'dis',
                                            '--cfg-options', 'x.y')
    assert 'does not exist' in error('--estimator', 'dis', '--configs-dir',
                                     tmp_path)
    assert not runs.exists()
