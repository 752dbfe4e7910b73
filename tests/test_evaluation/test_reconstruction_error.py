# SPDX-License-Identifier: Apache-2.0
"""Errors without true flow, on motion that is known all the same."""
import pytest
import torch
from mmaction.registry import METRICS
from mmengine.evaluator import Evaluator


def score(clips, flow, back):
    """Metrics of one sample, the way the validation loop gets them."""
    evaluator = Evaluator(METRICS.build(dict(type='ReconstructionError')))
    evaluator.process([dict(pred_flow=flow, pred_flow_back=back)],
                      dict(inputs=[clips]))
    return evaluator.evaluate(1)


@pytest.fixture
def moving():
    """Clips of a texture that moves 3 px right in each step; its flow."""
    texture = torch.randint(0, 256, (3, 16, 60), dtype=torch.uint8)
    frames = [texture[..., 20 - 3 * t:50 - 3 * t] for t in range(4)]
    clips = torch.stack(frames, 1)[None].repeat(2, 1, 1, 1, 1)
    flow = torch.zeros(2, 2, 3, 16, 30)
    flow[:, 0] = 3
    return clips, flow


def test_the_true_flow_explains_what_stays_in_the_frame(moving):
    clips, flow = moving
    found = score(clips, flow, -flow)
    # 3 of 30 columns leave the frame; there the frames differ as they are.
    still = clips.float().diff(dim=2).abs()
    expected = (still[..., -3:].mean() + still[..., :3].mean()) / 2 / 10
    assert found['flow/photometric'] == pytest.approx(
        expected.item(), rel=1e-4)
    assert found['flow/photometric_zero'] == pytest.approx(
        still.mean().item(), rel=1e-4)
    # Bilinear sampling beyond the border is no inconsistency here.
    assert found['flow/forward_backward'] == pytest.approx(0, abs=1e-4)
    assert found['flow/inconsistent'] == 0


def test_zero_flow_is_the_score_to_beat(moving):
    clips, flow = moving
    zero = score(clips, 0 * flow, 0 * flow)
    assert zero['flow/photometric'] == pytest.approx(
        zero['flow/photometric_zero'])
    assert zero['flow/forward_backward'] == 0


def test_flow_that_leaves_the_frame_gains_nothing(moving):
    clips, flow = moving
    away = score(clips, flow + 1000, -flow + 1000)
    assert away['flow/photometric'] == pytest.approx(
        away['flow/photometric_zero'])
    assert 'flow/forward_backward' not in away


def test_directions_that_disagree_are_found(moving):
    clips, flow = moving
    found = score(clips, flow, torch.zeros_like(flow))
    # The flow misses its way back by 3 px, the other one too, where it
    # arrives in the frame.
    assert found['flow/forward_backward'] == pytest.approx(3, rel=1e-4)
    assert found['flow/inconsistent'] == 100


@pytest.mark.parametrize('missing', ['pred_flow', 'pred_flow_back'])
def test_missing_flow_is_refused(moving, missing):
    clips, flow = moving
    sample = dict(pred_flow=flow, pred_flow_back=flow)
    del sample[missing]
    metric = METRICS.build(dict(type='ReconstructionError'))
    with pytest.raises(ValueError, match=f'{missing} .*return_flow'):
        metric.process(dict(inputs=[clips]), [sample])


def test_frames_of_another_shape_are_refused(moving):
    clips, flow = moving
    metric = METRICS.build(dict(type='ReconstructionError'))
    with pytest.raises(ValueError, match='NCTHW'):
        metric.process(
            dict(inputs=[clips.transpose(1, 2)]),
            [dict(pred_flow=flow, pred_flow_back=flow)])
