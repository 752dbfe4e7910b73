# SPDX-License-Identifier: Apache-2.0
"""tools/extract_flow.py: what it writes trains a stock model."""
import runpy
import shutil
import sys

import pytest
import torch
from bad_videos import encode
from mmengine.hub import get_config
from mmengine.runner import Runner


@pytest.fixture
def extract(repo_root, monkeypatch, capsys, tmp_cwd):
    """Runs the tool in an empty folder; returns its status and output."""

    def extract(*args):
        monkeypatch.setattr('sys.argv', ['extract_flow.py', *map(str, args)])
        status = 0
        try:
            runpy.run_path(
                str(repo_root / 'tools' / 'extract_flow.py'),
                run_name='__main__')
        except SystemExit as end:
            status = getattr(end, 'sentence', end.code)
        return status, capsys.readouterr()

    return extract


@pytest.fixture
def classes(tmp_cwd):
    """Two videos of two classes."""
    for seed, name in enumerate(('jump', 'run')):
        (tmp_cwd / 'videos' / name).mkdir(parents=True)
        encode(tmp_cwd / 'videos' / name / f'{name} 1.mp4', seed=seed)
    return tmp_cwd / 'videos'


def test_a_stock_tsn_trains_on_raw_frames(extract, classes):
    status, _ = extract(classes, '--to', 'rawframes', '--out', 'data',
                        '--estimator', 'dis_fast')
    assert status == 0
    cfg = get_config('mmaction::recognition/tsn/tsn_imagenet-pretrained-r50_'
                     '8xb32_5x1x3-110e_kinetics400-flow.py')
    # Nothing but the place of the data, and less of everything.
    cfg.model.backbone.update(pretrained=None, depth=18)
    cfg.model.cls_head.in_channels = 512
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
        loader.dataset.update(ann_file='data/list.txt',
                              data_prefix=dict(img='data'))
    cfg.train_cfg.max_epochs = 1
    cfg.val_dataloader.dataset.pipeline[0].num_clips = 1
    cfg.test_dataloader = cfg.test_cfg = cfg.test_evaluator = None
    cfg.default_hooks.pop('checkpoint')
    cfg.work_dir = 'work_dir'
    runner = Runner.from_cfg(cfg)
    before = [p.detach().clone() for p in runner.model.parameters()]
    runner.train()
    assert runner.iter == 1
    assert any(not torch.equal(a, b)
               for a, b in zip(before, runner.model.parameters()))
    # Not flipped, as in training.
    sample = runner.val_loop.dataloader.dataset[1]
    assert sample['inputs'].shape == (1, 5 * 2, 224, 224)
    assert sample['data_samples'].gt_label.item() == 1
    # The motion of the videos is (-2, -1) pixels of at most 20.
    flow = sample['inputs'].float().unflatten(1, (5, 2)) - 127.5
    u, v = flow.mean(dim=(0, 1, 3, 4)).tolist()
    assert u == pytest.approx(-2 * 127.5 / 20, abs=2)
    assert v == pytest.approx(-127.5 / 20, abs=2)


def test_a_bad_video_is_named_at_the_end(extract, classes):
    (classes / 'jump/none.mp4').write_text('none')
    status, said = extract(classes, '--to', 'mp4', '--out', 'out',
                           '--estimator', 'dis_fast')
    assert status == 1
    assert said.err.splitlines()[-1] == (
        f'bad  {classes}/jump/none.mp4: it is text')
    # What is done is not done again.
    shutil.rmtree('out/run')
    (classes / 'jump/none.mp4').unlink()
    status, _ = extract(classes, '--to', 'mp4', '--out', 'out',
                        '--estimator', 'dis_fast')
    assert status == 0


@pytest.mark.parametrize('args, words', [
    (['none.mp4', '--to', 'flo'], "'none.mp4' does not exist"),
    (['videos', '--to', 'flo', '--stride', '0'], '--stride must be above 0'),
    (['videos', '--to', 'flo', '--batch-size', '-1'], '--batch-size must be'),
    (['videos', '--to', 'flo', '--estimator', 'nope'], "'nope' is unknown"),
    (['videos', '--to', 'flo', '--device', 'abc'],
     "--device 'abc' cannot be used"),
])
def test_a_mistake_is_one_sentence(extract, classes, args, words):
    status, _ = extract(*args, '--out', 'out')
    assert status.startswith('error: ') and words in status
    assert '\n' not in status


def test_other_settings_need_another_folder(extract, classes):
    args = (classes, '--to', 'flo', '--out', 'out', '--estimator')
    extract(*args, 'dis_fast')
    status, _ = extract(*args, 'zero')
    assert "estimator 'dis_fast', but estimator is 'zero' now" in status


@pytest.mark.slow
def test_torchrun_and_a_kill(repo_root, classes, tmp_cwd, run_command,
                             start_command, wait_until):
    command = [sys.executable, '-m', 'torch.distributed.run', '--standalone',
               '--nproc-per-node', '2', repo_root / 'tools/extract_flow.py',
               classes, '--to', 'npy', '--out', 'out', '--batch-size', '1',
               '--estimator', 'tvl1', '--size', '300']  # yapf: disable
    env = dict(OMP_NUM_THREADS='1')
    files = [tmp_cwd / f'out/{name}/{name}_1/{number:05d}.npy'
             for name in ('jump', 'run') for number in range(1, 12)]
    with start_command(command, env=env, fork=True) as process:
        wait_until(lambda: sum(path.exists() for path in files) > 4, process)
    done = {path: path.stat().st_mtime_ns for path in files if path.exists()}
    assert len(done) < len(files)
    run_command(command, env=env, fork=True)
    assert all(path.exists() for path in files)
    # One pair may have been written between the look and the kill.
    assert all(path.stat().st_mtime_ns == time for path, time in done.items())
    assert (tmp_cwd / 'out/list.txt').read_text() == (
        'jump/jump_1 11 0\nrun/run_1 11 1\n')
