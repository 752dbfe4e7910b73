# SPDX-License-Identifier: Apache-2.0
"""Classes along a video: when the model looks, and what it sees."""
import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.dataset import pseudo_collate

from uftsn_mmaction.apis.action_inferencer import (
    ActionInferencer,
    Moment,
    mean_probabilities,
)
from uftsn_mmaction.fileio.video_reader import (
    Frame,
    open_capture,
    read_frames,
)


@pytest.fixture(scope='module')
def inferencer(fusion):
    return ActionInferencer(
        str(fusion), classes=str(fusion.with_name('classes.txt')),
        device='cpu')


@pytest.fixture
def looks(inferencer, monkeypatch):
    """List that gets the times of the frames of each look."""
    times = []

    def look(frames):
        times.append([round(frame.time * 10) for frame in frames])
        return Moment(times[-1][-1] / 10, {})

    monkeypatch.setattr(inferencer, 'look', look)
    return times


def frames(number, rate=10):
    image = np.zeros((64, 64, 3), np.uint8)
    return (Frame(image, time / rate) for time in range(number))


def test_it_sees_what_the_test_sees(inferencer, generated_videos):
    dataset = inferencer.cfg.test_dataloader.dataset
    dataset.data_root = str(generated_videos)
    from_file = DATASETS.build(dict(
        type='CheckedVideoDataset', test_mode=True,
        ann_file=str(generated_videos / 'two_test.txt'),
        data_prefix=dict(video=str(generated_videos / 'videos')),
        pipeline=dataset.pipeline))
    with torch.no_grad():
        sample, = inferencer.model.test_step(pseudo_collate([from_file[0]]))
    path = from_file.get_data_info(0)['filename']
    moment = inferencer.look(list(read_frames(open_capture(path), 25)))
    assert set(moment.probabilities) == {'spatial', 'temporal', 'fusion'}
    for name, values in moment.probabilities.items():
        expected = sample.pred_score[name].softmax(0).numpy()
        np.testing.assert_allclose(values, expected, atol=0.02)
        assert values.sum() == pytest.approx(1, abs=1e-5)
    assert not np.allclose(moment.probabilities['spatial'],
                           moment.probabilities['temporal'], atol=0.02)


def test_it_looks_at_the_last_seconds_in_steps(inferencer, looks):
    seen = list(inferencer.stream(frames(30), 10))
    assert [round(frame.time * 10) for frame, _ in seen] == list(range(30))
    # A clip has 6 frames; a step has 5, the window 20.
    assert [times[-1] for times in looks] == [5, 10, 15, 20, 25]
    assert [times[0] for times in looks] == [0, 0, 0, 1, 6]
    assert [frame.time for frame, moment in seen if moment is not None] == [
        moment.time for _, moment in seen if moment is not None]


def test_a_short_video_is_seen_once(inferencer, looks):
    seen = list(inferencer.stream(frames(3), 10))
    assert looks == [[0, 1, 2]]
    assert [moment is None for _, moment in seen] == [True, True, False]


def test_a_slow_rate_still_fills_a_clip(inferencer, looks):
    list(inferencer.stream(frames(8, 1), 1))
    assert [len(times) for times in looks] == [6, 6, 6]


def test_one_video_and_several(inferencer, kinds_of_video):
    path = kinds_of_video[0] / 'mpeg4.mp4'
    moments = inferencer(path)
    # The first clip is full with frame 6; steps have 5 frames.
    assert [moment.time for moment in moments] == pytest.approx([0.5, 1.0])
    first, second = inferencer([path, path])
    for moment, same in zip(first, second):
        np.testing.assert_array_equal(moment.probabilities['fusion'],
                                      same.probabilities['fusion'])
    means = mean_probabilities(moments)
    np.testing.assert_allclose(
        means['fusion'],
        sum(moment.probabilities['fusion'] for moment in moments) / 2)


def test_a_single_model_has_probabilities(repo_root, fusion, kinds_of_video):
    single = ActionInferencer(
        str(repo_root / 'configs/uftsn_quickstart.py'),
        str(fusion.with_name('temporal.pth')), device='cpu')
    assert single.classes[3] == 'class 3'
    moment, *_ = single(kinds_of_video[0] / 'mpeg4.mp4')
    assert list(moment.probabilities) == ['model']
    assert moment.probabilities['model'].sum() == pytest.approx(1, abs=1e-5)


def test_names_are_those_of_the_list(inferencer, fusion, tmp_path):
    assert inferencer.classes[15] == 'motion 15'
    (tmp_path / 'few.txt').write_text('a\nb\n')
    with pytest.raises(ValueError, match='has 2 names, but the model 16'):
        inferencer._class_names(str(tmp_path / 'few.txt'))


@pytest.mark.parametrize('config, kwargs, words', [
    ('none', {}, "none.py' does not exist"),
    ('uftsn_quickstart', {}, 'name its CHECKPOINT'),
    ('uftsn_quickstart', dict(weights='none.pth'), "'none.pth'"),
    ('_base_/default_runtime', {}, 'has no model'),
    ('uftsn_quickstart', dict(step=0), 'step must be above 0'),
])
def test_bad_settings_are_one_sentence(repo_root, config, kwargs, words):
    with pytest.raises((ValueError, FileNotFoundError)) as info:
        ActionInferencer(str(repo_root / f'configs/{config}.py'),
                         device='cpu', **kwargs)
    assert words in str(info.value) and '\n' not in str(info.value)
