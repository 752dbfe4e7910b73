# SPDX-License-Identifier: Apache-2.0
"""The estimator against eq. 2 to 5, one pair at a time.

The reference uses the estimator's own pyramid and decoders and nothing else
of its code.
"""
import torch
import torch.nn.functional as F
from torch import nn

from uftsn_mmaction.models.flow import UnsupervisedFlowEstimator


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


def unit(q):
    centred = q - q.mean((1, 2), keepdim=True)
    return centred / centred.square().mean(0).add(1e-6).sqrt()


def match(first, second, radius):
    height, width = first.shape[1:]
    padded = F.pad(second, (radius, ) * 4)
    return torch.stack([(first * padded[:, dy:dy + height,
                                        dx:dx + width]).mean(0)
                        for dy in range(2 * radius + 1)
                        for dx in range(2 * radius + 1)])


def flow_by_hand(estimator, first, second):
    pyramid1 = estimator.pyramid(first[None])
    pyramid2 = estimator.pyramid(second[None])
    flows = []
    for level in (4, 3, 2, 1, 0):
        q1, q2 = pyramid1[level][0], pyramid2[level][0]
        if level == 4:
            up = q1.new_zeros(2, *q1.shape[1:])
        else:
            coarse = flows[0]
            up = F.interpolate(
                coarse[None], q1.shape[1:], mode='bilinear')[0]
            up[0] *= q1.shape[2] / coarse.shape[2]
            up[1] *= q1.shape[1] / coarse.shape[1]
        warped = bilinear(unit(q2), up)  # eq. 2
        volume = match(unit(q1), warped,
                       estimator.max_displacement[level])  # eq. 3
        residual = estimator.decoders[str(level)](
            torch.cat((q1, up, volume))[None])[0]  # eq. 4
        flows.insert(0, up + residual)  # eq. 5
    return flows


def test_equals_the_equations_step_by_step():
    estimator = UnsupervisedFlowEstimator(
        pyramid_channels=(4, 5, 6, 7),
        decoder_channels=((4, ), (5, ), (6, 5), (7, ), (8, 6)),
        max_displacement=(1, 2, 3, 2, 1)).double()
    for decoder in estimator.decoders.values():
        nn.init.normal_(decoder.predict.weight, std=0.05)
        nn.init.normal_(decoder.predict.bias, std=0.1)
    clip = torch.rand(2, 3, 3, 37, 50, dtype=torch.float64)
    with torch.no_grad():
        flows = estimator(clip)
        # Or the warps would not matter, or all of them leave the frame.
        assert 1 < flows[0].abs().mean() < 10
        for n in range(2):
            for t in range(2):
                expected = flow_by_hand(estimator, clip[n, :, t],
                                        clip[n, :, t + 1])
                for flow, reference in zip(flows, expected):
                    torch.testing.assert_close(flow[n, :, t], reference)
