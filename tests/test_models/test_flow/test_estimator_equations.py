# SPDX-License-Identifier: Apache-2.0
"""The estimator against eq. 2 to 5, one pair at a time.

The reference uses the estimator's own pyramid and decoders and nothing else
of its code.
"""
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from uftsn_mmaction.models.flow import UnsupervisedFlowEstimator
from uftsn_mmaction.models.flow.shared_decoder import SharedFlowDecoder


def bilinear(image, flow):
    """Sample ``image (C, H, W)`` at ``x + flow``, zero outside."""
    _, height, width = image.shape
    y, x = torch.meshgrid(
        torch.arange(height), torch.arange(width), indexing='ij')
    px, py = x + flow[0], y + flow[1]
    left, top = px.floor(), py.floor()
    out = torch.zeros_like(image)
    for qx, wx in ((left, left + 1 - px), (left + 1, px - left)):
        for qy, wy in ((top, top + 1 - py), (top + 1, py - top)):
            inside = (qx >= 0) & (qx < width) & (qy >= 0) & (qy < height)
            rows = qy.clamp(0, height - 1).long()
            columns = qx.clamp(0, width - 1).long()
            out += wx * wy * inside * image[:, rows, columns]
    return out


def normalize(q, mode):
    if mode is None:
        return q
    centred = q - q.mean((1, 2), keepdim=True)
    if mode == 'instance':
        return centred / centred.square().mean((1, 2), True).add(1e-5).sqrt()
    return centred / centred.square().mean(0).add(1e-6).sqrt()


def match(first, second, radius):
    height, width = first.shape[1:]
    padded = F.pad(second, (radius, ) * 4)
    return torch.stack([(first * padded[:, dy:dy + height,
                                        dx:dx + width]).mean(0)
                        for dy in range(2 * radius + 1)
                        for dx in range(2 * radius + 1)])


def resize(flow, size):
    scale = flow.new_tensor((size[1] / flow.shape[2], size[0] /
                             flow.shape[1]))
    return scale.view(2, 1, 1) * F.interpolate(
        flow[None], size, mode='bilinear')[0]


def decode_by_hand(decoder, level, q1, up, evidence, state):
    """Residual flow and state of one pass of the shared decoder."""
    projected = decoder.project[str(level)](q1[None])[0]
    if state is None:
        state = torch.zeros_like(projected)
    state = F.interpolate(state[None], q1.shape[1:], mode='bilinear')[0]
    costs = torch.where(evidence > 0, evidence, 0.1 * evidence)
    state = decoder.hidden(torch.cat((projected, up, costs, state))[None])
    return decoder.predict(state)[0], state[0]


def upsample_by_hand(upsampling, flow, state, size):
    """Weighted mean of nine coarse flows, pixel by pixel."""
    factor = upsampling.factor
    logits = 0.25 * upsampling.weights(state[None])[0]
    padded = F.pad(factor * flow, (1, 1, 1, 1), mode='replicate')
    rows = []
    for y in range(size[0]):
        row = []
        for x in range(size[1]):
            part = (y % factor) * factor + x % factor
            i, j = y // factor, x // factor
            weights = logits[part::factor**2, i, j].softmax(0)
            around = padded[:, i:i + 3, j:j + 3].flatten(1)
            row.append((weights * around).sum(1))
        rows.append(torch.stack(row, -1))
    return torch.stack(rows, 1)


def halve_by_hand(image):
    """Mean of each 2x2 block; the last ones of odd sizes are smaller."""
    rows = [image[:, y:y + 2] for y in range(0, image.shape[1], 2)]
    return torch.stack([
        torch.stack([row[..., x:x + 2].mean((1, 2))
                     for x in range(0, image.shape[2], 2)], -1)
        for row in rows
    ], 1)


def flow_by_hand(estimator, first, second, use_cost_volume, mode,
                 scales=1):
    """Flow of one pair ``(3, H, W)`` by level."""
    flow, flows, state = None, {}, None
    if scales > 1:
        # The finest flow that was decoded at half the size.
        flow = flow_by_hand(estimator, halve_by_hand(first),
                            halve_by_hand(second), use_cost_volume, mode,
                            scales - 1)[estimator.decoded_levels[-1]]
    pyramid1 = estimator.pyramid(first[None])
    pyramid2 = estimator.pyramid(second[None])
    for level in estimator.decoded_levels:
        q1, q2 = pyramid1[level][0], pyramid2[level][0]
        up = q1.new_zeros(2, *q1.shape[1:])
        if flow is not None:
            up = resize(flow, q1.shape[1:])
        if use_cost_volume:
            warped = bilinear(normalize(q2, mode), up)  # eq. 2
            evidence = match(
                normalize(q1, mode), warped,
                estimator.max_displacement[level])  # eq. 3
        else:
            evidence = bilinear(q2, up)
        if isinstance(estimator.decoders, SharedFlowDecoder):
            residual, state = decode_by_hand(estimator.decoders, level, q1,
                                             up, evidence, state)
        else:
            residual = estimator.decoders[str(level)](
                torch.cat((q1, up, evidence))[None])[0]  # eq. 4
        flow = flows[level] = up + residual  # eq. 5
    if estimator.upsampling is not None:
        flows[0] = upsample_by_hand(estimator.upsampling, flow, state,
                                    first.shape[1:])
    shown = []
    for level in range(5):
        size = [-(-side // 2**level) for side in first.shape[1:]]
        nearest = min(sorted(flows), key=lambda known: abs(known - level))
        shown.append(resize(flows[nearest], size))
    return shown


def size_for(settings):
    """A size that no level halves evenly, with 32 pixels at each scale."""
    smallest = 32 * settings.get('num_scales', 1)
    return smallest + 5, smallest + 18


@pytest.mark.parametrize('settings', [
    dict(),
    dict(feature_norm='instance'),
    dict(feature_norm=None),
    dict(use_cost_volume=False),
    dict(multi_scale=False, finest_level=2),
    dict(multi_scale=False, use_cost_volume=False, finest_level=1),
    dict(finest_level=1),
    dict(finest_level=1, num_scales=2),
], ids=lambda settings: ' '.join(f'{k}={v}' for k, v in settings.items()))
@pytest.mark.parametrize('backward', [False, True])
def test_equals_the_equations_step_by_step(settings, backward):
    """Flow and gradients."""
    estimator = UnsupervisedFlowEstimator(
        pyramid_channels=(4, 5, 6, 7),
        decoder_channels=((4, ), (5, ), (6, 5), (7, ), (8, 6)),
        max_displacement=(1, 2, 3, 2, 1),
        **settings).double()
    for decoder in estimator.decoders.values():
        nn.init.normal_(decoder.predict.weight, std=0.05)
        nn.init.normal_(decoder.predict.bias, std=0.1)
    clip = torch.rand(2, 3, 3, *size_for(settings), dtype=torch.float64)
    parameters = list(estimator.parameters())
    flows = estimator.levels(clip, backward=backward)
    # Or the warps would not matter, or all of them leave the frame.
    assert 0.2 < flows[0].abs().mean() < 10
    weights = [torch.randn_like(flow) for flow in flows]
    gradients = torch.autograd.grad(
        sum((w * f).sum() for w, f in zip(weights, flows)), parameters)
    total = 0
    for n in range(2):
        for t in range(2):
            pair = clip[n, :, t], clip[n, :, t + 1]
            expected = flow_by_hand(
                estimator, *(pair[::-1] if backward else pair),
                settings.get('use_cost_volume', True),
                settings.get('feature_norm', 'unit'),
                settings.get('num_scales', 1))
            for flow, reference in zip(flows, expected):
                torch.testing.assert_close(flow[n, :, t], reference)
            total += sum((w[n, :, t] * reference).sum()
                         for w, reference in zip(weights, expected))
    torch.testing.assert_close(gradients,
                               torch.autograd.grad(total, parameters))


@pytest.mark.parametrize('settings', [
    dict(finest_level=2, num_passes=2, learned_upsampling=True),
    dict(finest_level=1, num_passes=3),
    dict(finest_level=2, num_scales=2, learned_upsampling=True),
    dict(),
], ids=lambda settings: ' '.join(f'{k}={v}' for k, v in settings.items()))
def test_one_decoder_for_all_levels(settings):
    """Passes, state and upsampling of the plus plan, and their gradients."""
    estimator = UnsupervisedFlowEstimator(
        pyramid_channels=(4, 5, 6, 7),
        decoder_channels=(9, 6),
        max_displacement=2,
        state_channels=5,
        **settings).double()
    nn.init.normal_(estimator.decoders.predict.weight, std=0.05)
    nn.init.normal_(estimator.decoders.predict.bias, std=0.1)
    clip = torch.rand(1, 3, 3, *size_for(settings), dtype=torch.float64)
    parameters = list(estimator.parameters())
    flows = estimator.levels(clip)
    assert 0.2 < flows[0].abs().mean() < 10
    weights = [torch.randn_like(flow) for flow in flows]
    gradients = torch.autograd.grad(
        sum((w * f).sum() for w, f in zip(weights, flows)), parameters)
    total = 0
    for t in range(2):
        expected = flow_by_hand(estimator, clip[0, :, t], clip[0, :, t + 1],
                                True, 'unit', settings.get('num_scales', 1))
        for flow, reference in zip(flows, expected):
            torch.testing.assert_close(flow[0, :, t], reference)
        total += sum((w[0, :, t] * reference).sum()
                     for w, reference in zip(weights, expected))
    torch.testing.assert_close(gradients,
                               torch.autograd.grad(total, parameters))
