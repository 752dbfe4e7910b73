# SPDX-License-Identifier: Apache-2.0
"""A student on altered crops learns the flow of its teacher."""
import pytest
import torch
from mmaction.registry import MODELS
from torch import nn

from uftsn_mmaction.models.losses import SelfSupervisionLoss, UnsupervisedLoss
from uftsn_mmaction.models.losses.self_supervision import (
    random_crops,
    visible_target,
)

NAME = 'loss_self_supervision'
EXACT = dict(exponent=1., epsilon=1e-6)


class FlowOfColours(nn.Module):
    """Stand-in for an estimator: red is u and green v, times a parameter."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.clips = []

    def bidirectional(self, clip):
        self.clips.append(clip)
        flow = 2 * self.scale * (clip[:, :2] - 0.5)
        # The last level is not to be looked at.
        return ((flow[:, :, :-1], torch.full((1, ), torch.nan)),
                (-flow[:, :, 1:], torch.full((1, ), torch.nan)))


@pytest.fixture
def slopes():
    """Clips at rest whose colours, and so the flow, change with the place."""
    y, x = torch.meshgrid(
        torch.linspace(0.4, 0.6, 40), torch.linspace(0.45, 0.55, 48),
        indexing='ij')
    frame = torch.stack((y, x, 0.5 * x))
    return torch.stack((frame, 1 - frame))[:, :, None].repeat(1, 1, 3, 1, 1)


def test_the_target_is_shifted_by_the_crop(slopes):
    estimator = FlowOfColours()
    loss = SelfSupervisionLoss(margin=0.15, **EXACT)
    flows = estimator.bidirectional(slopes)
    places = set()
    for _ in range(5):
        assert loss(*flows, slopes, estimator)[NAME] < 1e-5
        crop = estimator.clips[-1]
        assert crop.shape == (2, 3, 3, 28, 34)
        places |= {clip[0, 0, 0, 0].item() for clip in crop}
    assert len(places) > 5  # clips and steps have crops of their own
    wrong = [[flow.roll(3, -1) for flow in way[:1]] for way in flows]
    assert loss(*wrong, slopes, estimator)[NAME] > 0.01


def test_value_in_both_directions(slopes):
    """A student off by (0.3, -0.4) px is off by 0.5 px everywhere."""
    estimator = FlowOfColours()
    (flow, _), (back, _) = estimator.bidirectional(slopes)
    shift = torch.tensor([0.3, -0.4]).view(1, 2, 1, 1, 1)
    for there, again, expected in ((flow + shift, back, 0.25),
                                   (flow, back + shift, 0.25),
                                   (flow + shift, back - shift, 0.5)):
        loss = SelfSupervisionLoss(margin=0.1, weight=3., **EXACT)
        found = loss([there], [again], slopes, estimator)[NAME]
        assert found.item() == pytest.approx(3 * expected, rel=1e-3)
    robust = SelfSupervisionLoss(margin=0.1, exponent=0.4, epsilon=0.01)
    found = robust([flow + shift], [back - shift], slopes, estimator)[NAME]
    assert found.item() == pytest.approx(0.51**0.4, rel=1e-3)


def test_the_student_alone_has_a_gradient(slopes):
    estimator, loss = FlowOfColours(), SelfSupervisionLoss(margin=0.1)
    flow, back = 0.1 * torch.randn(2, 2, 2, 2, 40, 48)
    flow.requires_grad_(), back.requires_grad_()
    loss([flow], [back], slopes, estimator)[NAME].backward()
    assert flow.grad is None and back.grad is None
    assert estimator.scale.grad.abs() > 0


def test_hidden_pixels_teach_nothing():
    flow = torch.zeros(2, 2, 3, 16, 20)
    back = torch.zeros_like(flow)
    flow[0, 0, 1, :, :4] = -5.  # leaves the frame
    back[1, 0, 2, 6:9, 7:9] = 8.  # belongs to something else
    target = visible_target(flow.requires_grad_(), back)
    assert not target.requires_grad
    hidden = target.isnan().all(1)
    assert torch.equal(hidden, target.isnan().any(1))
    expected = torch.zeros(2, 3, 16, 20, dtype=torch.bool)
    expected[0, 1, :, :4] = True
    expected[1, 2, 6:9, 7:9] = True
    assert torch.equal(hidden, expected)
    known = ~target.isnan()
    assert torch.equal(target[known], flow[known])


def test_a_teacher_that_knows_nothing_costs_nothing(slopes):
    estimator = FlowOfColours()
    flow = torch.full((2, 2, 2, 40, 48), 100.)
    loss = SelfSupervisionLoss(margin=0.1)([flow], [flow], slopes, estimator)
    loss[NAME].backward()
    assert loss[NAME] == 0 and estimator.scale.grad == 0


def test_colours_of_the_frames_of_a_clip_change_alike():
    clip = torch.rand(1, 3, 1, 12, 14).repeat(2, 1, 3, 1, 1)
    estimator = FlowOfColours()
    flows = estimator.bidirectional(clip)
    loss = SelfSupervisionLoss(
        margin=0, colour=dict(brightness=0.3, contrast=0.3))
    assert loss(*flows, clip, estimator)[NAME] > 0
    altered = estimator.clips[-1]
    assert altered.shape == clip.shape
    assert 0 <= altered.min() < altered.max() <= 1
    assert torch.equal(altered, altered[:, :, :1].expand_as(clip))
    # Each clip differently, and none as it was.
    assert not torch.allclose(altered[0], altered[1])
    assert not torch.allclose(altered, clip)


def test_begins_at_its_step(slopes, count_steps):
    estimator = FlowOfColours()
    loss = SelfSupervisionLoss(begin=20, margin=0.1)
    flows = estimator.bidirectional(slopes)
    count_steps(19)
    assert loss(*flows, slopes, estimator) == {}
    assert len(estimator.clips) == 1  # no step of the student
    count_steps(20)
    assert loss(*flows, slopes, estimator).keys() == {NAME}


def test_follows_from_the_seed(slopes):
    estimator = FlowOfColours()
    flow, back = 0.1 * torch.randn(2, 2, 2, 2, 40, 48)
    loss = SelfSupervisionLoss(margin=0.15, colour=dict(hue=0.1, contrast=0.2))
    values = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        values.append(loss([flow], [back], slopes, estimator)[NAME].item())
    assert values[0] == values[1] != values[2]


def test_a_term_of_the_whole_loss(slopes):
    estimator = FlowOfColours()
    term = SelfSupervisionLoss(margin=0.1, weight=2.)
    flow, back = 0.1 * torch.randn(2, 2, 2, 2, 40, 48)
    values = []
    for loss in (term, UnsupervisedLoss([term])):
        torch.manual_seed(0)
        order = (slopes, None) if loss is not term else (slopes, )
        values.append(loss([flow], [back], *order, estimator)[NAME])
    assert values[0] == values[1] > 0


def test_the_recognizer_is_teacher_and_student(build_recognizer, make_batch):
    model = build_recognizer(
        photometric_loss=None,
        smoothness_loss=None,
        flow_losses=dict(teacher=dict(type='SelfSupervisionLoss', margin=0.1)))
    plain = build_recognizer()
    assert model.state_dict().keys() == plain.state_dict().keys()
    model.set_stage(['flow_estimator'], dict(flow=1.))
    clips, samples = make_batch(height=44, width=48)
    losses = model(clips, samples, mode='loss')
    assert losses[NAME] > 0
    losses[NAME].backward()
    for name, parameter in model.named_parameters():
        trained = name.startswith('flow_estimator')
        assert (parameter.grad is not None) == trained, name


def test_crops_lie_anywhere_in_the_frame():
    y, x = torch.meshgrid(torch.arange(20.), torch.arange(30.), indexing='ij')
    clip = torch.stack((y, x))[None, :, None].repeat(40, 1, 2, 1, 1)
    crops, same = random_crops(0.1, clip, clip)
    assert crops.shape == (40, 2, 2, 16, 24) and torch.equal(crops, same)
    corners = crops[:, :, 0, 0, 0]
    assert torch.equal(crops, corners[:, :, None, None, None] +
                       clip[..., :16, :24])
    for corner, last in zip(corners.unbind(1), (4, 6)):
        assert set(corner.tolist()) == set(range(last + 1))


@pytest.mark.parametrize('settings, name', [
    (dict(margin=-0.1), 'margin'),
    (dict(margin=0.5), 'margin'),
    (dict(margin=0), 'margin'),
    (dict(begin=-1), 'begin'),
    (dict(weight=-1.), 'weight'),
    (dict(exponent=0.), 'exponent'),
])
def test_settings_it_refuses(settings, name):
    with pytest.raises(ValueError, match=name):
        MODELS.build(dict(type='SelfSupervisionLoss', **settings))
