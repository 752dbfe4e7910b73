# SPDX-License-Identifier: Apache-2.0
"""Flow of one's own videos in two lines."""
import itertools
import tracemalloc

import numpy as np
import pytest
import torch
from bad_videos import draw_frames
from mmengine.infer import BaseInferencer

from uftsn_mmaction.apis import FlowInferencer
from uftsn_mmaction.models.flow_zoo import build_estimator

FRAMES = np.stack(draw_frames())[..., ::-1]


@pytest.fixture(scope='module')
def tiny():
    return FlowInferencer('uftsn_plus_tiny', device='cpu')


def test_it_is_the_flow_of_the_estimator(tiny):
    flow = tiny(FRAMES)
    clip = torch.from_numpy(FRAMES.copy()).permute(3, 0, 1, 2)[None] / 255
    with torch.no_grad():
        expected = build_estimator('uftsn_plus_tiny').levels(clip)[0]
    assert flow.dtype == np.float32
    np.testing.assert_allclose(
        flow, expected[0].transpose(0, 1).numpy(), atol=1e-4)
    # The texture moves by (-2, -1).
    assert np.median(flow, axis=(0, 2, 3)) == pytest.approx([-2, -1], abs=0.2)
    assert isinstance(tiny, BaseInferencer)


def test_windows_do_not_change_it(tiny):
    np.testing.assert_allclose(
        tiny(FRAMES, batch_size=1), tiny(FRAMES, batch_size=100), atol=1e-4)


def test_lists_give_lists(tiny, kinds_of_video):
    path = kinds_of_video[0] / 'odd_size.avi'
    single = tiny(path)
    assert single.shape == (11, 2, 65, 97)
    first, second = tiny([FRAMES[:3], path])
    assert first.shape == (2, 2, 64, 96)
    np.testing.assert_array_equal(second, single)


@pytest.mark.parametrize('name', ['dis', 'tvl1_fast', 'tvnet', 'zero',
                                  'uftsn_plus_tiny', 'dis+refined'])
@pytest.mark.parametrize('size', [(7, 9), (1, 65), (37, 130)])
def test_any_size(name, size):
    frames = np.random.default_rng(0).integers(
        0, 256, (3, *size, 3), np.uint8)
    flow = FlowInferencer(name, device='cpu')(frames)
    assert flow.shape == (2, 2, *size) and np.isfinite(flow).all()


def test_stride_and_size(tiny):
    np.testing.assert_allclose(
        tiny(FRAMES, stride=3), tiny(FRAMES[::3]), atol=1e-4)
    assert tiny(FRAMES, size=128).shape == (11, 2, 128, 192)


def test_stream_starts_where_asked_and_goes_both_ways(tiny):
    pairs = list(tiny.stream(FRAMES, batch_size=3, start=4, both=True))
    assert [pair.index for pair in pairs] == list(range(4, 11))
    for pair in pairs:
        np.testing.assert_array_equal(pair.first.image, FRAMES[pair.index])
        np.testing.assert_array_equal(pair.second.image,
                                      FRAMES[pair.index + 1])
    back = tiny(FRAMES[::-1].copy())[::-1]
    np.testing.assert_allclose(
        np.stack([pair.reverse_flow for pair in pairs]), back[4:], atol=1e-4)


def test_an_endless_source_takes_no_memory(monkeypatch):
    inferencer = FlowInferencer('zero', device='cpu')
    source, = inferencer._inputs_to_list(FRAMES)
    frame = next(source.frames())
    monkeypatch.setattr(
        type(source), 'frames', lambda *args: (
            frame._replace(image=frame.image.copy())
            for _ in itertools.count()))
    stream = inferencer.stream(source)
    for _ in range(50):
        next(stream)
    tracemalloc.start()
    for _ in range(500):
        next(stream)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Less than the frames of four windows.
    assert grown < 36 * frame.image.nbytes + 36 * 8 * 64 * 96


def test_an_estimator_a_config_and_a_checkpoint(tmp_path, tiny):
    estimator = build_estimator('uftsn_plus_tiny')
    torch.save(estimator.state_dict(), tmp_path / 'a.pth')
    expected = tiny(FRAMES[:2])
    for model, weights in (
            (estimator, None),
            (dict(type='UnsupervisedFlowEstimator', plan='uftsn_plus_tiny'),
             str(tmp_path / 'a.pth')),
            (f'uftsn_plus_tiny:{tmp_path}/a.pth', None)):
        flow = FlowInferencer(model, weights, device='cpu')(FRAMES[:2])
        np.testing.assert_allclose(flow, expected, atol=1e-5)
    with pytest.raises(ValueError, match='already built'):
        FlowInferencer(estimator, 'a.pth')


def test_random_weights_are_warned_of(caplog, capsys):
    FlowInferencer('uftsn_small', device='cpu')
    said = capsys.readouterr()
    assert 'random weights' in said.out + said.err + caplog.text


@pytest.mark.parametrize('setting', ['batch_size', 'stride', 'size'])
def test_settings_below_one_are_refused(tiny, setting):
    with pytest.raises(ValueError, match=f'{setting} must be 1 or more'):
        tiny(FRAMES, **{setting: 0})


def test_a_coarse_flow_is_refused():
    coarse = FlowInferencer(dict(
        type='UnsupervisedFlowEstimator', pretrained='uftsn_plus_tiny',
        out_indices=(2, )), device='cpu')
    with pytest.raises(ValueError, match='let out_indices begin with 0'):
        coarse(FRAMES)


def test_stream_takes_one_source(tiny):
    with pytest.raises(ValueError, match='one video or clip, got 2'):
        next(tiny.stream([FRAMES, FRAMES]))
