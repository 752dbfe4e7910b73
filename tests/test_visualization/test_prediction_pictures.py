# SPDX-License-Identifier: Apache-2.0
"""Pictures of predictions, by the hook and by the tool's option."""
from types import SimpleNamespace

import cv2
import pytest
import torch
from mmaction.structures import ActionDataSample

from uftsn_mmaction.visualization import PredictionPicturesHook


@pytest.fixture
def draw(tmp_path):
    """Function that draws batches; returns the pictures by name."""

    def draw(*batches, **kwargs):
        hook = PredictionPicturesHook(True, str(tmp_path), **kwargs)
        hook.before_test(SimpleNamespace())
        for index, (inputs, samples) in enumerate(batches):
            hook.after_test_iter(None, index, dict(inputs=inputs), samples)
        return {path.name: cv2.imread(str(path))
                for path in tmp_path.glob('*.png')}

    return draw


def sample(name, score=(0.1, 0.9), **fields):
    sample = ActionDataSample(metainfo=dict(filename=f'videos/{name}.avi'))
    sample.set_gt_label(0)
    sample.set_field(torch.tensor(score), 'pred_score')
    for key, value in fields.items():
        sample.set_field(value, key)
    return sample


def clips(*shape, value=200):
    return torch.full(shape, value, dtype=torch.uint8)


def test_every_nth_sample_is_drawn_under_its_number(draw):
    batch = [clips(2, 3, 4, 32, 40)] * 2
    found = draw((batch, [sample('a'), sample('b')]),
                 (batch, [sample('a'), sample('d')]), interval=2)
    assert sorted(found) == ['00000_a.png', '00002_a.png']


@pytest.mark.parametrize('shape', [(2, 3, 4, 32, 40), (3, 3, 32, 40)])
def test_clips_and_frames_are_drawn(draw, shape):
    red = clips(*shape, value=0)
    red[:, 0] = 255
    picture, = draw(([red], [sample('a')])).values()
    # OpenCV reads blue, green, red.
    assert (picture == (0, 0, 255)).all(-1).sum() > 1000


def test_flow_stands_beside_the_frame(draw):
    flow = torch.zeros(2, 2, 3, 32, 40)
    alone, = draw(([clips(2, 3, 4, 32, 40)], [sample('a')])).values()
    both, = draw(
        ([clips(2, 3, 4, 32, 40)], [sample('a', pred_flow=flow)])).values()
    assert both.shape[1] > 1.3 * alone.shape[1]


def test_the_scores_of_a_fusion_and_its_samplings_are_drawn(draw):
    one = sample('a')
    one.set_field(dict(fusion=torch.ones(2), spatial=torch.ones(2)),
                  'pred_score')
    assert draw((dict(frames=[clips(1, 3, 32, 40)]), [one]))


def test_what_cannot_be_drawn_is_said(draw):
    with pytest.raises(ValueError, match='--show-dir draws .*2, 10'):
        draw(([clips(2, 10, 1, 32, 40)], [sample('a')]))
    with pytest.raises(ValueError, match='--show-dir DIR instead'):
        PredictionPicturesHook(show=True)


def test_nothing_is_drawn_unless_asked_for(tmp_path):
    hook = PredictionPicturesHook(out_dir=str(tmp_path))
    hook.after_test_iter(None, 0, dict(inputs=[]), [])
    assert not list(tmp_path.iterdir())
