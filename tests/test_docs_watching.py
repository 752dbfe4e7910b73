# SPDX-License-Identifier: Apache-2.0
"""The page on watching: its config and all commands, in one folder."""
import re
import runpy
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

import cv2
import pytest
from mmengine.logging import MMLogger

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / 'docs' / 'watching.md').read_text(encoding='utf-8')
BEST = 'work_dirs/mine/best_acc_top1_epoch_70.pth'
# Three stages of an epoch each.
TINY = """
_base_ = ['{root}/configs/uftsn_quickstart.py']
train_dataloader = dict(batch_size=8, num_workers=0, dataset=dict(
    data_root='{data}', generator=dict(num_train=16, num_test=16)))
val_dataloader = dict(num_workers=0, dataset=dict(
    data_root='{data}', generator=dict(num_train=16, num_test=16)))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=3, val_interval=1, dynamic_intervals=None)
default_hooks = dict(stages=dict(stages=dict(
    classifier=dict(begin=1), joint=dict(begin=2))))
"""


def blocks_of(language):
    return re.findall(rf'^```{language}\n(.*?)^```', TEXT, re.M | re.S)


COMMANDS = [line for block in blocks_of('bash')
            for line in block.replace('\\\n', ' ').splitlines()]


def run(command, monkeypatch):
    """Run a command of the page in this process."""
    words = shlex.split(command)
    monkeypatch.setattr('sys.argv', words[1:])
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    try:
        runpy.run_path(str(ROOT / words[1]), run_name='__main__')
    except SystemExit as end:
        assert not end.code, end.code
    sys.modules.pop('stock_tool', None)


@pytest.fixture(scope='module')
def folder(tmp_path_factory, generated_videos):
    """The folder after all commands of the page."""
    root = tmp_path_factory.mktemp('watching')
    (root / 'configs').mkdir()
    (root / 'configs/uftsn_r18_ucf101.py').write_text(
        TINY.format(root=ROOT, data=generated_videos))
    config, = blocks_of('python')
    if find_spec('tensorboard') is None:
        config = config.replace("dict(type='TensorboardVisBackend')", '')
    (root / 'my_config.py').write_text(config)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(root)
        for command in COMMANDS:
            if BEST in command:
                best, = root.glob('work_dirs/mine/best_acc_top1_epoch_*.pth')
                command = command.replace(BEST, str(best))
            run(command, monkeypatch)
    MMLogger.get_current_instance().setLevel('WARNING')
    return root


def test_no_block_goes_untested():
    assert TEXT.count('```') == 2 * len(
        blocks_of('bash') + blocks_of('python') + blocks_of('text'))
    assert len(COMMANDS) == 4


def test_pictures_of_every_second_validation(folder):
    pictures = sorted(folder.glob('work_dirs/mine/*/vis_data/vis_image/*'))
    # Five clips after the first and the third of three epochs.
    assert len(pictures) == 10
    assert all(re.fullmatch(r'flow_[1-5]_\d+_[13]\.png', path.name)
               for path in pictures)
    assert cv2.imread(str(pictures[0])).std() > 10


def test_pictures_in_tensorboard(folder):
    pytest.importorskip('tensorboard', reason='the extra tensorboard')
    from tensorboard.backend.event_processing.event_accumulator import (
        EventAccumulator,
    )
    event = min(folder.glob('work_dirs/mine/*/vis_data/events.out*'))
    events = EventAccumulator(str(event)).Reload()
    tags = events.Tags()
    assert len(tags['images']) == 5
    assert [image.step for image in events.Images(tags['images'][0])] == [1, 3]
    assert 'flow_estimator_lr' in tags['scalars']


def test_the_log_is_as_the_page_shows_it(folder):
    log = min(folder.glob('work_dirs/mine/*/*.log')).read_text()
    for stage, rate in (('flow', '1.0000e-03'), ('joint', '2.0000e-05')):
        lines = log[log.index(f"Stage '{stage}'"):].splitlines()
        assert f'flow_estimator_lr: {rate}' in lines[1]
        assert 'eta: ' in lines[1] and ' lr: ' not in lines[1]
    for words in ('paramwise_options', 'Hooks will be executed', 'Exp name'):
        assert words not in log


def test_the_page_shows_the_run(folder):
    page = (folder / 'work_dirs/mine/report.html').read_text()
    for words in ('accuracy in the test', 'after epoch 3', 'learning rate',
                  'most often taken for', 'The worst mistakes',
                  'UFTSNRecognizer'):
        assert words in page
    assert cv2.imread(str(folder / 'confusions.png')).std() > 10
