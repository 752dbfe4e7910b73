# SPDX-License-Identifier: Apache-2.0
"""torchcodec gives what decord gives, and says what is missing."""
import sys
from types import ModuleType

import numpy as np
import pytest
from mmaction.registry import TRANSFORMS

from uftsn_mmaction.datasets.broken_video import (
    BrokenVideoError,
    run_transforms,
)
from uftsn_mmaction.datasets.transforms.torch_codec import TorchCodecInit
from uftsn_mmaction.datasets.video_check.decoder import decoder_of
from uftsn_mmaction.datasets.video_check.reading import VideoReading

# With a repeat, and backwards.
FRAMES = [4, 0, 0, 2]


def decode(kind, path, frames=FRAMES):
    init = 'DecordPathInit' if kind == 'Decord' else f'{kind}Init'
    steps = [TRANSFORMS.build(dict(type=name))
             for name in (init, f'{kind}Decode')]
    return run_transforms(
        steps, dict(filename=str(path), frame_inds=np.array(frames)))


@pytest.fixture(scope='module')
def folder(kinds_of_video):
    """Videos, or a skip where torchcodec cannot be used."""
    try:
        decode('TorchCodec', kinds_of_video[0] / 'mpeg4.mp4')
    except ImportError as error:
        pytest.skip(str(error))
    return kinds_of_video[0]


@pytest.mark.parametrize('name', [
    'mpeg4.mp4', 'xvid.avi', 'ffv1.mkv', 'odd_size.avi', 'rotated_90.mp4',
    'rotated_180.mp4', 'variable_rate.mp4', 'no_index.avi',
    'truncated_90.avi', 'truncated_50.mkv', 'corrupt.avi'])
def test_frames_are_those_of_decord(folder, name):
    found = decode('TorchCodec', folder / name)
    expected = decode('Decord', folder / name)
    assert found['total_frames'] == expected['total_frames']
    for key in ('original_shape', 'img_shape'):
        assert found[key] == expected[key]
    assert isinstance(found['imgs'], list)
    for one, other in zip(found['imgs'], expected['imgs'], strict=True):
        assert one.dtype == np.uint8
        np.testing.assert_allclose(one.astype(int), other, atol=2)


def test_a_width_that_decord_mistakes(folder):
    assert decode('TorchCodec', folder / 'width_48.mp4')['img_shape'] == (
        64, 48)


@pytest.mark.parametrize('name', ['text.avi', 'truncated_90.mp4', 'pipe.mp4',
                                  'folder.mp4', 'sound_only.mp4'])
def test_a_broken_video_is_named_as_such(folder, name):
    with pytest.raises(BrokenVideoError) as info:
        decode('TorchCodec', folder / name)
    assert '\n' not in str(info.value)


def test_the_check_reads_what_the_training_will(folder):
    reading = VideoReading(decoder_of([TorchCodecInit()]))
    try:
        report = reading.describe(str(folder / 'rotated_90.mp4'))
        assert report.reason is None
        assert (report.frames, report.height, report.width) == (12, 96, 64)
        for name in ('noise.mp4', 'truncated_90.mp4', 'corrupt.mkv'):
            report = reading.describe(str(folder / name))
            assert report.reason and '\n' not in report.reason
    finally:
        reading.close()


def test_a_missing_library_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, 'torchcodec', None)
    with pytest.raises(ImportError, match='pip install torchcodec'):
        TorchCodecInit()


def test_a_missing_ffmpeg_is_no_broken_video(monkeypatch, kinds_of_video):
    decoders = ModuleType('torchcodec.decoders')

    def fail(*args, **kwargs):
        raise RuntimeError('Could not load libtorchcodec. Likely causes:\n1.')

    decoders.VideoDecoder = fail
    monkeypatch.setitem(sys.modules, 'torchcodec', ModuleType('torchcodec'))
    monkeypatch.setitem(sys.modules, 'torchcodec.decoders', decoders)
    with pytest.raises(ImportError, match='libraries of FFmpeg'):
        decode('TorchCodec', kinds_of_video[0] / 'mpeg4.mp4')
