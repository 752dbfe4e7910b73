# SPDX-License-Identifier: Apache-2.0
"""Several samplings of one video against pipelines of their own."""
import copy

import numpy as np
import pytest
import torch
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose, pseudo_collate

from uftsn_mmaction.datasets.motion.video_writer import write_video

CLIPS = [
    dict(type='SampleFrames', clip_len=3, num_clips=4, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 48)),
    dict(type='CenterCrop', crop_size=32),
    dict(type='FormatShape', input_format='NCTHW')
]
DENSE = [
    dict(
        type='SampleFrames',
        clip_len=5,
        frame_interval=2,
        num_clips=2,
        test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Flip', flip_ratio=1),
    dict(type='FormatShape', input_format='NCTHW')
]
IMAGES = [
    dict(type='SampleFrames', clip_len=3, num_clips=4, test_mode=True),
    dict(type='TakeFrames', frames=1),
    dict(type='DecordDecode'),
    dict(type='FormatShape', input_format='NCHW')
]


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
    """Paths of two videos of noise."""
    root, random = tmp_path_factory.mktemp('videos'), np.random.default_rng(0)
    paths = [str(root / name) for name in ('a.avi', 'b.avi')]
    for path in paths:
        write_video(
            path, random.integers(256, size=(14, 40, 56, 3), dtype=np.uint8))
    return paths


def run(pipeline, video, label=3):
    """Return the sample that a pipeline makes of a video."""
    return Compose(copy.deepcopy(pipeline))(
        dict(filename=video, label=label, start_index=0, modality='RGB'))


def samplings(pack=True, **pipelines):
    steps = [
        dict(type='DecordInit'),
        dict(type='Samplings', pipelines=pipelines)
    ]
    return steps + [
        dict(
            type='PackActionInputs',
            collect_keys=tuple(pipelines),
            meta_keys=('filename', ))
    ] * pack


def alone(pipeline):
    return [
        dict(type='DecordInit'), *pipeline,
        dict(type='PackActionInputs', meta_keys=('filename', ))
    ]


@pytest.mark.parametrize('names', [('clips', 'dense', 'images'),
                                   ('images', 'dense', 'clips')])
def test_each_sampling_is_what_its_own_pipeline_gives(videos, names):
    pipelines = dict(clips=CLIPS, dense=DENSE, images=IMAGES)
    pipelines = {name: pipelines[name] for name in names}
    found = run(samplings(**pipelines), videos[0])
    assert list(found['inputs']) == list(names)
    for name, pipeline in pipelines.items():
        expected = run(alone(pipeline), videos[0])
        assert torch.equal(found['inputs'][name], expected['inputs']), name
        assert found['data_samples'].gt_label == expected[
            'data_samples'].gt_label
    assert found['data_samples'].filename == videos[0]
    assert found['inputs']['clips'].shape == (4, 3, 3, 32, 32)
    assert found['inputs']['dense'].shape == (2, 3, 5, 40, 56)
    assert found['inputs']['images'].shape == (4, 3, 40, 56)


def test_a_batch_is_a_list_of_each_sampling(videos):
    """As FusionRecognizer takes it."""
    pipeline = samplings(clips=CLIPS, dense=DENSE)
    samples = [run(pipeline, video) for video in videos]
    batch = pseudo_collate(samples)
    assert list(batch['inputs']) == ['clips', 'dense']
    for name, clips in batch['inputs'].items():
        for clip, sample in zip(clips, samples):
            assert torch.equal(clip, sample['inputs'][name])


def test_other_keys_are_those_of_the_first_sampling(videos):
    found = run(samplings(pack=False, dense=DENSE, clips=CLIPS), videos[0])
    first = run([dict(type='DecordInit'), *DENSE], videos[0])
    assert found.keys() == (first.keys() - {'imgs'}) | {'dense', 'clips'}
    np.testing.assert_array_equal(found['frame_inds'], first['frame_inds'])
    assert (found['clip_len'], found['num_clips']) == (5, 2)
    assert found['img_shape'] == (40, 56)


class Spoil(BaseTransform):
    """Takes away, replaces and adds keys, as decoders and crops do."""

    def __init__(self, seen):
        self.seen = seen

    def transform(self, results):
        self.seen.append(dict(results))
        results['imgs'] = results.pop('video_reader') * 2
        results['label'] = 9
        return results


def test_one_pipeline_does_not_change_what_another_is_given():
    seen = []
    transform = TRANSFORMS.build(
        dict(
            type='Samplings',
            pipelines=dict(
                a=[dict(type=Spoil, seen=seen)],
                b=[dict(type=Spoil, seen=seen)])))
    given = dict(video_reader=np.ones(3), label=4)
    found = transform(given)
    assert seen == [given] * 2
    assert found['a'].tolist() == found['b'].tolist() == [2, 2, 2]
    assert given.keys() == {'video_reader', 'label'} and given['label'] == 4


class Nothing(BaseTransform):
    """Finds the video of no use."""

    def transform(self, results):
        return None


def test_a_pipeline_that_gives_none_ends_it(videos):
    assert run(
        samplings(pack=False, a=CLIPS, b=CLIPS[:2] + [dict(type=Nothing)]),
        videos[0]) is None


def test_repr_names_the_pipelines():
    transform = TRANSFORMS.build(
        dict(type='Samplings', pipelines=dict(images=IMAGES)))
    text = repr(transform)
    assert text.startswith('Samplings(pipelines=') and "'images'" in text
    assert 'TakeFrames(frames=1)' in text


@pytest.mark.parametrize('pipelines', [dict(), dict(a=CLIPS, b=[]), None])
def test_without_transforms(pipelines):
    with pytest.raises(ValueError, match='pipelines of Samplings'):
        TRANSFORMS.build(dict(type='Samplings', pipelines=pipelines))


def test_a_pipeline_without_images(videos):
    with pytest.raises(ValueError, match="'b'.*FormatShape"):
        run(samplings(a=CLIPS, b=CLIPS[:1]), videos[0])


def test_a_sampling_must_not_replace_what_the_video_has(videos):
    with pytest.raises(ValueError, match="Samplings.*'label'"):
        run(samplings(clips=CLIPS, label=DENSE), videos[0])
