# SPDX-License-Identifier: Apache-2.0
"""A training and a test over every kind of bad video."""
import re
import sys

import pytest

CONFIG = """
_base_ = ['{root}/configs/uftsn_r18_ucf101_subset.py']
model = dict(
    backbone=dict(
        _delete_=True, type='mmpretrain.ResNet', depth=18, stem_channels=8,
        base_channels=8),
    cls_head=dict(num_classes=2, in_channels=64))
videos = dict(
    ann_file='list.txt', data_prefix=dict(video='{videos}'), num_classes=2,
    delimiter='|', max_bad_share=0.9)
train_dataloader = dict(batch_size=4, num_workers=1, dataset=videos)
val_dataloader = dict(batch_size=4, num_workers=0, dataset=videos)
test_dataloader = dict(num_workers=0, dataset=videos)
train_cfg = dict(max_epochs=2, val_begin=2, val_interval=1)
default_hooks = dict(
    stages=dict(stages=dict(classifier=dict(begin=1), joint=None)))
"""


@pytest.fixture
def kinds(repo_root, kinds_of_video, tmp_path):
    """By name whether a video is usable; config and list are written."""
    folder, usable = kinds_of_video
    usable = {name: value for name, value in usable.items()
              if '\n' not in name}
    (tmp_path / 'list.txt').write_text(
        ''.join(f'{name}|{index % 2}\n' for index, name in enumerate(usable)),
        encoding='utf-8')
    (tmp_path / 'config.py').write_text(
        CONFIG.format(root=repo_root, videos=folder))
    return usable


@pytest.mark.slow
def test_they_train_and_test_to_the_end(repo_root, kinds, tmp_path,
                                        run_command):
    tools = repo_root / 'tools'
    done = run_command([sys.executable, '-W', 'ignore', tools / 'train.py',
                        'config.py', '--work-dir', 'run'], cwd=tmp_path,
                       fork=True)
    log, = (tmp_path / 'run').glob('*/*.log')
    log = log.read_text(encoding='utf-8')
    bad = [name for name, value in kinds.items() if not value]
    assert len(kinds) > 45 and len(bad) > 25
    for name in kinds:
        lines = re.findall(f'left out.*/{re.escape(name)}\'', log)
        assert len(lines) == (name in bad), name
    summary = f'{len(bad)} of {len(kinds)} videos in ann_file'
    assert summary in log.splitlines()[-1]
    assert 'acc/top1' in log
    assert 'Traceback' not in done.stderr

    # One that may not skip any names them all.
    test = [sys.executable, '-W', 'ignore', tools / 'test.py', 'config.py',
            'run/epoch_2.pth']  # yapf: disable
    options = ['--cfg-options', 'test_dataloader.dataset.max_bad_share=0',
               'test_dataloader.dataset.pipeline.1.num_clips=2']
    done = run_command([*test, *options], status=2, cwd=tmp_path,
                       fork=True)
    assert 'Traceback' not in done.stderr
    assert all(f"/{name}'" in done.stderr for name in bad)
    done = run_command([*test, options[0], options[2]], cwd=tmp_path,
                       fork=True)
    assert re.search(r'acc/top1: +[\d.]+', done.stdout)
    assert summary in done.stdout + done.stderr
