# SPDX-License-Identifier: Apache-2.0
"""Shipped configs in the interfaces that MMAction2 has for users."""
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.apis import (
    MMAction2Inferencer,
    inference_recognizer,
    init_recognizer,
)
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from uftsn_mmaction.datasets import LoadGroundTruthFlow
from uftsn_mmaction.datasets.motion.video_writer import write_video
from uftsn_mmaction.scores.score_file import read_score_file

STREAMS = ('uftsn_r18_ucf101_subset', 'tsn_r18_ucf101_subset',
           'uftsn_quickstart', 'tsn_r18_quickstart')
FUSIONS = ('uftsn_fusion_ucf101_subset', 'uftsn_fusion_quickstart')
NUM_VIDEOS = 2


@pytest.fixture(scope='module')
def root(tmp_path_factory, repo_root):
    """Videos, their list, and for each config a small copy and weights."""
    root = tmp_path_factory.mktemp('entry_points')
    init_default_scope('mmaction')
    random = np.random.default_rng(0)
    names = [f'{n}.avi' for n in range(NUM_VIDEOS)]
    for name in names:
        # Blocks of noise, which neither scaling nor flow levels out.
        noise = random.integers(256, size=(14, 8, 10, 3), dtype=np.uint8)
        write_video(
            str(root / name), noise.repeat(8, axis=1).repeat(8, axis=2))
    (root / 'list.txt').write_text(''.join(
        f'{name} {label}\n' for label, name in enumerate(names)))
    for name in STREAMS + FUSIONS:
        cfg = Config.fromfile(repo_root / 'configs' / f'{name}.py')
        use_small_data(cfg, root)
        for stream in cfg.model.get('streams', {}).values():
            stream.checkpoint = str(root / f'{Path(stream.model).stem}.pth')
        cfg.dump(root / f'{name}.py')
        torch.manual_seed(len(name))
        model = MODELS.build(cfg.model)
        if name.startswith('uftsn') and name not in FUSIONS:
            for decoder in model.flow_estimator.decoders.values():
                # A start of visible flow, or nothing would depend on it.
                torch.nn.init.normal_(decoder.predict.weight, std=0.1)
        # For a fusion as `tools/test.py --export` writes it.
        torch.save(
            dict(state_dict=model.state_dict()), root / f'{name}.pth')
    return root


def use_small_data(cfg, root):
    """Test on two samples of the videos of the fixture."""
    cfg.test_dataloader.num_workers = 0
    dataset = cfg.test_dataloader.dataset
    dataset.pipeline[1].num_clips = cfg.test_pipeline[1].num_clips = 2
    for setting in ('generator', 'split', 'num_classes'):
        dataset.pop(setting, None)
    dataset.pop('data_root', None)
    dataset.update(
        type='CheckedVideoDataset',
        ann_file=str(root / 'list.txt'),
        data_prefix=dict(video=str(root)))


def scores_of_the_loader(cfg, model):
    """Scores that a runner gives the videos of the test list."""
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    batch = pseudo_collate([dataset[n] for n in range(len(dataset))])
    with torch.no_grad():
        samples = model.test_step(batch)
    return torch.stack([sample.pred_score for sample in samples])


def infer(config, checkpoint, videos, **settings):
    """Scores and labels by the inferencer."""
    inferencer = MMAction2Inferencer(
        str(config), checkpoint and str(checkpoint), 'cpu', **settings)
    predictions = inferencer(videos)['predictions']
    scores = torch.tensor([item['rec_scores'][0] for item in predictions])
    labels = [item['rec_labels'][0] for item in predictions]
    return inferencer, scores, labels


@pytest.mark.parametrize('name', STREAMS + FUSIONS)
def test_raw_video_gets_the_scores_that_a_test_gives(name, root):
    config, checkpoint = root / f'{name}.py', root / f'{name}.pth'
    if name in FUSIONS:
        checkpoint = None  # its streams have theirs
    model = init_recognizer(
        str(config), checkpoint and str(checkpoint), device='cpu')
    expected = scores_of_the_loader(Config.fromfile(config), model)
    assert expected.shape == (NUM_VIDEOS, 16 if 'quickstart' in name else 5)
    # Equal scores of all videos or classes would show nothing.
    assert (expected[0] - expected[1]).abs().max() > 1e-4
    videos = [str(root / f'{n}.avi') for n in range(NUM_VIDEOS)]
    for video, scores in zip(videos, expected):
        sample = inference_recognizer(model, video)
        torch.testing.assert_close(sample.pred_score, scores)
        assert sample.pred_label.tolist() == [scores.argmax()]

    classes = [f'class {n}' for n in range(expected.shape[1])]
    label_file = root / f'{name}.txt'
    label_file.write_text('\n'.join(classes))
    inferencer, found, labels = infer(
        config, checkpoint, videos, label_file=str(label_file))
    torch.testing.assert_close(found, expected)
    assert labels == expected.argmax(dim=1, keepdim=True).tolist()
    visualizer = inferencer.actionrecog_inferencer.visualizer
    assert visualizer.dataset_meta['classes'] == classes


@pytest.mark.parametrize('name', FUSIONS)
def test_one_checkpoint_of_all_streams_serves_alone(name, root, tmp_path):
    video = str(root / '1.avi')
    _, expected, _ = infer(root / f'{name}.py', None, video)
    cfg = Config.fromfile(root / f'{name}.py')
    for stream in cfg.model.streams.values():
        stream.checkpoint = None
    cfg.dump(tmp_path / 'one_file.py')
    whole = root / f'{name}.pth'
    _, found, _ = infer(tmp_path / 'one_file.py', whole, video)
    torch.testing.assert_close(found, expected)
    _, random, _ = infer(tmp_path / 'one_file.py', None, video)
    assert (random - expected).abs().max() > 1e-3

    model = init_recognizer(
        str(tmp_path / 'one_file.py'), str(whole), device='cpu')
    torch.testing.assert_close(
        inference_recognizer(model, video).pred_score, expected[0])


def test_array_of_frames_is_classified(root):
    """The third kind of input, from a program rather than from a file."""
    name = FUSIONS[0]
    config = root / f'{name}.py'
    frames = np.random.default_rng(1).integers(
        256, size=(14, 64, 80, 3), dtype=np.uint8)
    _, scores, _ = infer(config, None, [frames], input_format='array')
    write_video(str(root / 'array.avi'), frames)
    _, expected, _ = infer(config, None, str(root / 'array.avi'))
    torch.testing.assert_close(scores, expected)


@pytest.mark.slow
def test_mim_tests_a_fusion_with_one_checkpoint(root, tmp_path, run_command,
                                                monkeypatch):
    # Take the arithmetic of this machine, as the program does.
    monkeypatch.undo()
    name = FUSIONS[0]
    config = root / f'{name}.py'
    unset = [
        f'model.streams.{stream}.checkpoint=None'
        for stream in ('spatial', 'temporal')
    ]
    # Not read, they need not be there.
    cfg = Config.fromfile(config)
    for stream in cfg.model.streams.values():
        stream.checkpoint = 'missing.pth'
    cfg.dump(tmp_path / 'fusion.py')
    dump = tmp_path / 'dump.pkl'
    done = run_command([
        Path(sys.executable).with_name('mim'), 'test', 'mmaction',
        tmp_path / 'fusion.py', '--checkpoint', root / f'{name}.pth',
        '--dump', dump, '--work-dir', tmp_path, '--cfg-options', *unset
    ], cwd=tmp_path)  # yapf: disable
    model = init_recognizer(str(config), device='cpu')
    expected = scores_of_the_loader(Config.fromfile(config), model)
    found = read_score_file(f'{dump}:fusion')
    torch.testing.assert_close(found.scores, expected)
    assert found.labels.tolist() == list(range(NUM_VIDEOS))
    for stream in ('spatial', 'temporal', 'fusion', 'fusion_prob'):
        assert f'acc/{stream}_top1' in done.stdout


def test_only_optional_flow_may_be_missing(tmp_path):
    video = dict(filename='raw.avi', clip_len=2, frame_inds=np.arange(2))
    found = LoadGroundTruthFlow(optional=True)(dict(video))
    assert found.keys() == video.keys()
    with pytest.raises(ValueError, match="'raw.avi' has no flow_file.*True"):
        LoadGroundTruthFlow()(dict(video))
    # A name without a file is a mistake in either case.
    for optional in (True, False):
        with pytest.raises(FileNotFoundError, match='gone.npz'):
            LoadGroundTruthFlow(optional)(
                dict(video, flow_file=str(tmp_path / 'gone.npz')))
