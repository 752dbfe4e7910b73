# SPDX-License-Identifier: Apache-2.0
"""The tool on miniature splits: real trainings, a real test, and a failure."""
import json
import runpy
import signal
import subprocess
import sys

import pytest
from mmengine.config import Config

from uftsn_mmaction.datasets.motion.generator import generate_motion_set
from uftsn_mmaction.datasets.motion.settings import MotionSetSettings


def loader(root, part, clip_len, layout):
    """All clips of a list, one sample of each."""
    pipeline = [
        dict(type='DecordInit'),
        dict(type='SampleFrames', clip_len=clip_len, test_mode=True),
        dict(type='DecordDecode'),
        dict(type='FormatShape', input_format=layout),
        dict(type='PackActionInputs', meta_keys=('img_shape', 'filename'))
    ]
    return dict(
        batch_size=4,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=part == 'train'),
        dataset=dict(
            type='CheckedVideoDataset',
            ann_file=f'{root}/{part}_1.txt',
            data_prefix=dict(video=f'{root}/motion/videos'),
            pipeline=pipeline,
            test_mode=part == 'test'))


@pytest.fixture
def configs_dir(repo_root, tmp_path):
    """Configs of a split of 16 clips, and of one whose lists are missing."""
    root = tmp_path
    generate_motion_set(
        str(root / 'motion'),
        MotionSetSettings(
            num_train=16, num_test=16, size=(32, 32), num_frames=4))
    for part in ('train', 'test'):
        text = (root / 'motion' / f'{part}.txt').read_text()
        (root / f'{part}_1.txt').write_text(text)

    shipped = repo_root / 'configs' / '_base_'

    def base(name):
        return Config.fromfile(shipped / f'{name}.py').to_dict()

    runtime = base('default_runtime')
    testing = dict(
        test_cfg=dict(type='TestLoop'), test_evaluator=dict(type='AccMetric'))
    training = dict(
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=3),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=1e-3)))
    spatial, temporal = base('models/tsn_r18'), base('models/uftsn_small_r18')
    temporal['model'].update(clip_len=2)
    temporal['model']['backbone'].update(in_channels=2)
    for cfg in (spatial, temporal):
        # Half a ResNet, for small checkpoints.
        cfg['model']['backbone'].update(
            num_stages=2, out_indices=(1, ), strides=(1, 2), dilations=(1, 1))
        cfg['model']['cls_head'].update(in_channels=128)
    frames, clips = (1, 'NCHW'), (2, 'NCTHW')
    configs = dict(
        tsn_r152_ucf101=dict(
            spatial, **runtime, **testing, **training,
            train_dataloader=loader(root, 'train', *frames),
            test_dataloader=loader(root, 'test', *frames)),
        uftsn_r18_ucf101=dict(
            temporal, **runtime, **testing, **training,
            train_dataloader=loader(root, 'train', *clips),
            test_dataloader=loader(root, 'test', *clips)),
        uftsn_fusion_ucf101=dict(
            runtime, **{**base('models/fusion'), **testing},
            test_dataloader=loader(root, 'test', *clips)))
    streams = configs['uftsn_fusion_ucf101']['model']['streams']
    streams['spatial']['frames'] = 1
    folder = root / 'configs'
    folder.mkdir()
    for name, cfg in configs.items():
        text = Config(cfg).pretty_text
        (folder / f'{name}.py').write_text(
            text.replace('_1.txt', '_{{$SPLIT:1}}.txt'))
    return folder


@pytest.fixture
def run_tool(repo_root, configs_dir, monkeypatch, capfd, forked_popen):
    """Function that calls the tool; its exit status, stdout and stderr.

    Its trainings and tests are processes of their own, as always.
    """
    tool = repo_root / 'tools' / 'run_splits.py'
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(subprocess, 'Popen', forked_popen)

    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', [
            str(tool), 'ucf101', '--configs-dir',
            str(configs_dir), '--gpus', '0', *map(str, arguments)
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
def test_a_split_is_run_and_a_failure_leaves_a_gap(run_tool, tmp_path):
    work_dir = tmp_path / 'runs of today'
    # One of them changes the model, so that its weights fit no other one.
    options = ['--cfg-options', 'train_cfg.max_epochs=1',
               'spatial.model.backbone.depth=34']
    status, out, err = run_tool('--work-dir', work_dir, '--splits', '1', '3',
                                *options)
    assert status == 1, out + err
    # The trainer's own word, and what has become of it.
    assert 'train_3.txt' in err
    assert 'split 3 failed: The training in' in out
    result = json.loads((work_dir / 'ucf101_splits.json').read_text())
    assert list(result['failures']) == ['3']
    assert result['videos'] == {'1': 16, '3': None}
    # What AccMetric found in the test itself.
    folder = work_dir / 'uftsn_fusion_ucf101'
    metrics, = (json.loads(path.read_text())
                for path in folder.glob('test/*/2*.json'))
    for row in ('spatial', 'temporal', 'fusion', 'fusion_prob'):
        assert result['top1'][row] == {
            '1': pytest.approx(metrics[f'acc/{row}_top1']),
            '3': None,
            'mean': None
        }
    fused = f'{100 * metrics["acc/fusion_top1"]:.2f}'
    assert ['fusion', fused, '-', '-'] in map(str.split, out.splitlines())

    # Alone a stream scores what it scores in the fusion, with no training.
    checkpoint = work_dir / 'uftsn_r18_ucf101' / 'epoch_1.pth'
    written = checkpoint.stat().st_mtime_ns
    status, out, err = run_tool('--work-dir', work_dir, '--splits', '1',
                                '--streams', 'temporal', '--test-only',
                                '--cfg-options', 'train_cfg.max_epochs=1')
    assert status == 0, out + err
    assert checkpoint.stat().st_mtime_ns == written
    alone = json.loads((work_dir / 'ucf101_splits.json').read_text())
    value = metrics['acc/temporal_top1']
    assert alone['top1'] == dict(
        temporal={'1': pytest.approx(value), 'mean': pytest.approx(value)})
    assert alone['failures'] == {}


@pytest.mark.slow
def test_another_flow_is_fused_with_the_spatial_stream(
        run_tool, configs_dir, tmp_path):
    cfg = Config.fromfile(configs_dir / 'uftsn_r18_ucf101.py')
    cfg.model.flow_estimator = dict(type='DISFlowEstimator')
    cfg.model.photometric_loss = cfg.model.smoothness_loss = None
    cfg.train_dataloader.dataset.ann_file = 'of_another_split.txt'
    cfg.dump(tmp_path / 'dis.py')
    status, out, err = run_tool('--work-dir', tmp_path / 'runs', '--splits',
                                '1', '--temporal', tmp_path / 'dis.py',
                                '--cfg-options', 'train_cfg.max_epochs=1')
    assert status == 0, out + err
    result = json.loads((tmp_path / 'runs/ucf101_dis_splits.json').read_text())
    assert result['videos'] == {'1': 16} and not result['failures']
    assert set(result['top1']) == {
        'spatial', 'temporal', 'fusion', 'fusion_prob'
    }
    assert (tmp_path / 'runs' / 'dis' / 'epoch_1.pth').exists()


def test_errors_of_settings_are_one_sentence(run_tool, tmp_path):
    runs = tmp_path / 'runs'
    status, _, _ = run_tool('--work-dir', runs, '--configs-dir', tmp_path)
    assert status.startswith('error: ')
    assert f"'{tmp_path}/tsn_r152_ucf101.py'" in status
    status, _, _ = run_tool('--work-dir', runs, '--streams', 'spatial',
                            '--cfg-options', 'temporal.a=1')
    assert status.startswith('error: --cfg-options ')
    assert "'temporal.a'" in status
    status, _, err = run_tool('--work-dir', runs, '--cfg-options', 'x.y')
    assert status == 2 and "'x.y'" in err and 'KEY=VALUE' in err
    assert not runs.exists()
