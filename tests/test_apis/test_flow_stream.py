# SPDX-License-Identifier: Apache-2.0
"""A stream gives what the batch gives, and does not grow."""
import copy
import gc

import numpy as np
import pytest
import torch
from bad_videos import draw_frames
from mmengine.config import Config

from uftsn_mmaction.apis import ActionInferencer, FlowInferencer, FlowStream
from uftsn_mmaction.fileio.video_reader import Frame

FRAMES = np.stack(draw_frames())[..., ::-1].copy()


@pytest.fixture(scope='module')
def motion(repo_root, fusion):
    """Motion stream of a config."""
    return ActionInferencer(
        str(repo_root / 'configs/uftsn_quickstart.py'),
        str(fusion.with_name('temporal.pth')), device='cpu', num_clips=1)


@pytest.fixture(scope='module')
def every_second(repo_root, fusion, tmp_path_factory):
    """The same, whose clips leave out every second frame."""
    cfg = Config.fromfile(repo_root / 'configs/uftsn_quickstart.py')
    sampling, = (step for step in cfg.test_dataloader.dataset.pipeline
                 if step.type == 'SampleFrames')
    sampling.frame_interval = 2
    path = tmp_path_factory.mktemp('interval') / 'config.py'
    cfg.dump(path)
    return ActionInferencer(
        str(path), str(fusion.with_name('temporal.pth')), device='cpu',
        num_clips=1)


def flows_of(stream, frames):
    return [stream.push(frame).flow for frame in frames]


# The thresholds of TV-L1 enlarge the last bits that the size of a batch
# changes; test_base.py has the same in double precision.
@pytest.mark.parametrize('name, atol', [
    ('uftsn_plus_tiny', 1e-5), ('uftsn_small', 1e-5),
    ('uftsn_plus_tiny+refined', 2e-3), ('dis', 0), ('tvl1_fast', 0)])
@pytest.mark.parametrize('frames', [FRAMES[:6], FRAMES[:3, :37, :81]],
                         ids=['even', 'odd'])
def test_flow_is_that_of_the_batch(name, atol, frames):
    inferencer = FlowInferencer(name, device='cpu')
    first, *others = flows_of(FlowStream(inferencer), frames)
    assert first is None
    np.testing.assert_allclose(np.stack(others), inferencer(frames), 0, atol)


def test_flow_over_several_frames():
    inferencer = FlowInferencer('uftsn_plus_tiny', device='cpu')
    flows = flows_of(FlowStream(inferencer, stride=2), FRAMES)
    assert [flow is None for flow in flows] == [True] * 2 + [False] * 10
    for start in range(2):
        np.testing.assert_allclose(
            flows[start + 2::2], inferencer(FRAMES[start::2]), 0, 1e-5)


@pytest.mark.parametrize('name', ['motion', 'every_second'])
def test_classes_are_those_of_the_last_clip(name, request):
    inferencer = request.getfixturevalue(name)
    stream = FlowStream(inferencer)
    steps = [stream.push(image) for image in FRAMES]
    span = inferencer.span
    assert span == 6 * stream.stride
    # A flow needs two frames; the last one of a clip need not be followed.
    full = span - stream.stride
    assert [step.probabilities is None for step in steps] == [
        number < full for number in range(12)]
    for end in range(span, 13):
        clip = [Frame(image, 0.) for image in FRAMES[end - span:end]]
        expected = inferencer.look(clip).probabilities['model']
        step = steps[end - stream.stride]
        assert step.index == end - stream.stride
        np.testing.assert_allclose(step.probabilities, expected, 0, 1e-5)
    assert not np.allclose(steps[-1].probabilities,
                           steps[full].probabilities, rtol=0, atol=1e-4)


def test_some_predictions_are_left_out(motion):
    stream = FlowStream(motion, predict_every=3)
    steps = [stream.push(image) for image in FRAMES]
    assert [step.index for step in steps
            if step.probabilities is not None] == [5, 8, 11]


def held():
    """Number and bytes of the tensors that are alive."""
    gc.collect()
    tensors = [item for item in gc.get_objects()
               if type(item) is torch.Tensor]
    sizes = {each.untyped_storage().data_ptr():
             each.untyped_storage().nbytes() for each in tensors}
    return len(tensors), sum(sizes.values())


@pytest.mark.parametrize('name', ['motion', 'uftsn_plus_tiny+refined'])
def test_a_long_video_takes_no_memory(name, request):
    stream = (FlowStream(request.getfixturevalue(name)) if name == 'motion'
              else FlowStream(name, device='cpu'))
    frames = FRAMES[:, ::2, ::2] if name != 'motion' else FRAMES
    for number in range(8):
        stream.push(frames[number])
    before = held()
    for number in range(15):
        stream.push(frames[number % 12])
    assert held() == before
    stream.reset()
    assert held()[1] < before[1]


def test_another_video_after_a_reset():
    stream = FlowStream('uftsn_plus_tiny', device='cpu')
    expected = flows_of(stream, FRAMES[:3])
    with pytest.raises(ValueError, match=r'change from \(64, 96, 3\) to'):
        stream.push(FRAMES[0, :48])
    stream.reset()
    assert stream.push(FRAMES[0, :48])[:2] == (0, None)
    stream.reset()
    np.testing.assert_array_equal(
        flows_of(stream, FRAMES[:3])[1:], expected[1:])


@pytest.mark.parametrize('image', [
    FRAMES[0].astype(float), FRAMES[0, ..., 0], FRAMES[:2],
    FRAMES[0, ..., :2]])
def test_what_is_no_frame_is_refused(image):
    stream = FlowStream('zero', device='cpu')
    with pytest.raises(ValueError, match='must be 8-bit RGB'):
        stream.push(image)


@pytest.mark.parametrize('model, kwargs, error, words', [
    ('zero', dict(stride=0), ValueError, 'stride must be 1 or more'),
    ('zero', dict(predict_every=0), ValueError, 'predict_every must be 1'),
    (dict(type='CachedFlowEstimator'), {}, ValueError, 'takes none'),
    (dict(type='ZeroFlowEstimator', out_indices=(1, )), {}, ValueError,
     'must begin with 0')])
def test_bad_settings_are_one_sentence(model, kwargs, error, words):
    with pytest.raises(error, match=words) as info:
        FlowStream(model, device='cpu', **kwargs)
    assert '\n' not in str(info.value)


def test_other_models_are_no_motion_stream(motion):
    other = copy.copy(motion)
    other.model = torch.nn.Identity()
    with pytest.raises(TypeError, match='that of a Identity'):
        FlowStream(other)
