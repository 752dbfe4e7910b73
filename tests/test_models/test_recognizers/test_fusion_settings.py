# SPDX-License-Identifier: Apache-2.0
"""Inputs and settings of a fusion, with streams that count by hand."""
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.model import BaseModel


class Meter(BaseModel):
    """Scores 1, 2 and 3 times the mean of a clip; keeps what it was given."""

    def __init__(self, num_classes=3):
        super().__init__(
            dict(type='ActionDataPreprocessor', format_shape='NCTHW'))
        self.cls_head = MODELS.build(
            dict(type='TSNHead', num_classes=num_classes, in_channels=1))
        self.shapes = []

    def forward(self, inputs, data_samples, mode):
        self.shapes.append(tuple(inputs.shape))
        for clip, sample in zip(inputs, data_samples):
            sample.set_pred_score(clip.mean() * torch.tensor([1., 2., 3.]))
        return data_samples


def meters(slow=None, fast=None, **kwargs):
    """A fusion of two meters with these samplings."""
    streams = dict(
        slow=dict(model=dict(type=Meter), weight=1.0, sampling=slow),
        fast=dict(model=dict(type=Meter), weight=3.0, sampling=fast))
    return MODELS.build(
        dict(type='FusionRecognizer', streams=streams, **kwargs))


def random_clips(samples=(2, 2, 2), clip_len=3, widths=(32, 32, 32)):
    return [
        torch.randint(256, (m, 3, clip_len, 32, width), dtype=torch.uint8)
        for m, width in zip(samples, widths)
    ]


def predict(model, inputs, labels=(0, 1, 2)):
    """Predict a batch as the test loop of the runner does."""
    samples = [ActionDataSample().set_gt_label(label) for label in labels]
    return model.test_step(dict(inputs=inputs, data_samples=samples))


@pytest.mark.parametrize('views, widths, expected', [
    (1, (32, 32, 32), [1] * 15),
    (4, (32, 32, 32), [4, 4, 4, 3]),
    (4, (32, 32, 40), [4, 1, 2, 4, 4]),
    (None, (32, 32, 32), [15]),
    (None, (32, 32, 40), [5, 2, 8]),
])
def test_no_recognizer_gets_more_samples_than_allowed(views, widths, expected):
    fusion = meters(test_cfg=dict(max_testing_views=views))
    predict(fusion, random_clips(samples=(5, 2, 8), widths=widths))
    for stream in fusion.streams.values():
        assert [shape[0] for shape in stream.recognizer.shapes] == expected
    assert meters().test_cfg['max_testing_views'] == 8


def test_two_samplings_feed_two_streams():
    fusion = meters(slow='clips', fast='dense')
    inputs = dict(
        clips=random_clips(samples=(2, 2, 2), clip_len=3),
        dense=random_clips(samples=(1, 1, 1), clip_len=5))
    means = {
        name: torch.stack([clip.float().mean() for clip in clips])
        for name, clips in inputs.items()
    }
    expected = (means['clips'] + 3 * means['dense']) / 4
    torch.testing.assert_close(
        torch.stack([s.pred_score for s in predict(fusion, inputs)])[:, 0],
        expected)
    slow, fast = fusion.streams.values()
    assert slow.recognizer.shapes == [(6, 1, 3, 3, 32, 32)]
    assert fast.recognizer.shapes == [(3, 1, 3, 5, 32, 32)]

    del inputs['dense']
    with pytest.raises(ValueError, match="'fast'.*'dense'.*'clips'"):
        predict(fusion, inputs)
    with pytest.raises(ValueError, match="'slow'.*'clips'.*sampling"):
        predict(fusion, inputs['clips'])
    with pytest.raises(ValueError, match="'slow'.*None.*'clips'"):
        predict(meters(), inputs)


def test_label_outside_the_classes_is_an_error():
    clips = random_clips()
    with pytest.raises(ValueError, match='label 3.* 3 classes'):
        predict(meters(), clips, labels=[0, 2, 3])
    # A video for inference has none.
    assert len(predict(meters(), clips, labels=[0, 2, -1])) == 3
    # A metric would count it as a mistake.
    fusion = meters()
    fusion.per_stream = True
    with pytest.raises(ValueError, match='label -1'):
        predict(fusion, clips, labels=[0, 2, -1])


def test_fusion_cannot_be_trained():
    with pytest.raises(NotImplementedError, match="mode 'loss'"):
        meters()(random_clips(), [], mode='loss')


STREAM = dict(model=dict(type=Meter))


@pytest.mark.parametrize('settings, words', [
    (dict(average='median'), "average.*'score', 'prob'.*'median'"),
    (dict(streams=dict()), 'streams'),
    (dict(test_cfg=dict(max_testing_views=0)), 'max_testing_views.* 0'),
    (dict(streams=dict(
        a=STREAM, b=dict(model=dict(type=Meter, num_classes=4)))),
     "num_classes.*'a': 3, 'b': 4"),
    (dict(streams=dict(a=dict(STREAM, weight=0))), 'weight'),
])  # yapf: disable
def test_bad_settings(settings, words):
    settings = {'streams': dict(a=STREAM), **settings}
    with pytest.raises(ValueError, match=words) as caught:
        MODELS.build(dict(type='FusionRecognizer', **settings))
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('name', [
    'fusion', 'fusion_prob', 'fusion_score', 'a.b', '2d', '', 'keys',
    'training'])
def test_odd_names_of_streams(name):
    with pytest.raises(ValueError, match=f"^'{name}'.*stream"):
        MODELS.build(dict(type='FusionRecognizer', streams={name: STREAM}))
