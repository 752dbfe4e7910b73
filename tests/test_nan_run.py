# SPDX-License-Identifier: Apache-2.0
"""A shipped config whose loss is not a number in some steps."""
import runpy
import uuid

import pytest
import torch
from mmaction.registry import MODELS

from uftsn_mmaction.models.losses.base import FlowLoss

STEPS = 4  # of an epoch
OPTIONS = [
    'train_cfg.max_epochs=3', 'train_cfg.val_begin=9',
    'train_dataloader.batch_size=4', 'train_dataloader.num_workers=0',
    'default_hooks.checkpoint.max_keep_ckpts=1',
    'default_hooks.stages.stages.classifier.begin=1',
    'default_hooks.stages.stages.joint.begin=2',
    'model.flow_losses.own.type=NotANumber'
]
for _loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
    for _setting in ('num_train=16', 'num_test=16', 'size=(32,32)',
                     'num_frames=6', 'speed=1.0'):
        OPTIONS.append(f'{_loader}.dataset.generator.{_setting}')


@pytest.fixture
def train(repo_root, tmp_path, monkeypatch):
    """Function that trains with a loss of its own that fails in some calls.

    Returns the log.
    """
    monkeypatch.syspath_prepend(str(repo_root / 'tools'))
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.chdir(tmp_path)

    def train(bad, *options):

        class NotANumber(FlowLoss):
            steps = 0

            def compute(self, level):
                value = level.flow.mean() * 0
                if level.flow.shape[-1] == 32:
                    # The finest level of both directions is a step.
                    self.steps += 0.5
                    if int(self.steps + 0.5) in bad:
                        value = value / 0
                return dict(loss_own=value)

        tool = str(repo_root / 'tools' / 'train.py')
        monkeypatch.setattr('sys.argv', [
            tool, str(repo_root / 'configs' / 'uftsn_quickstart.py'),
            '--work-dir', str(tmp_path / 'run'), '--cfg-options', *OPTIONS,
            f'train_dataloader.dataset.data_root={tmp_path / "data"}',
            f'experiment_name=run_{uuid.uuid4().hex}', *options
        ])
        MODELS.register_module(module=NotANumber, force=True)
        try:
            runpy.run_path(tool, run_name='__main__')
        finally:
            MODELS.module_dict.pop('NotANumber')
        log, = (tmp_path / 'run').glob('*/*.log')
        return log.read_text()

    return train


def sound(path):
    content = torch.load(path)
    tensors = [*content['state_dict'].values()]
    for state in content['optimizer']['state'].values():
        tensors += [value for value in state.values()
                    if isinstance(value, torch.Tensor)]
    assert len(tensors) > 100
    return all(tensor.isfinite().all() for tensor in tensors)


def test_the_steps_are_skipped_and_told(train, tmp_path):
    # The second stage has no loss of the flow.
    log = train({2, 3, STEPS + 1})
    for iteration, stage in ((2, 'flow'), (3, 'flow'), (9, 'joint')):
        line, = (line for line in log.splitlines()
                 if f'In iteration {iteration} of stage {stage!r}' in line)
        assert "'loss_own'" in line and 'is skipped' in line
        assert '.mp4' in line or '.avi' in line
    assert '3 training steps were skipped' in log.splitlines()[-1]
    file, = (tmp_path / 'run').glob('*.pth')
    assert file.name == 'epoch_3.pth' and sound(file)


def test_the_run_stops_and_leaves_a_sound_checkpoint(train, tmp_path):
    with pytest.raises(SystemExit) as ended:
        train({STEPS + 1, STEPS + 2},
              'default_hooks.finite_training.max_skipped=1')
    # Python prints a text and exits with 1.
    text = str(ended.value)
    assert text.startswith("error: In iteration 10 of stage 'joint'")
    assert 'max_skipped=1' in text and 'last checkpoint' in text
    file, = (tmp_path / 'run').glob('*.pth')
    assert file.name == 'epoch_2.pth' and sound(file)
