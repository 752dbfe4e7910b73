# SPDX-License-Identifier: Apache-2.0
"""The layout of what is compared."""
import pytest
import torch

from uftsn_mmaction.models.flow import (
    UnsupervisedFlowEstimator,
    warp_correlate,
)


@pytest.mark.parametrize('clips', [1, 2])
def test_maps_stay_channels_last(clips, monkeypatch):
    """Those of one clip are views, and those of two are copies."""
    seen = []

    def record(first, second, flow, radius):
        volume = warp_correlate(first, second, flow, radius)
        seen.extend((first, second, volume))
        return volume

    monkeypatch.setattr('uftsn_mmaction.models.flow.match.warp_correlate',
                        record)
    estimator = UnsupervisedFlowEstimator(
        pyramid_channels=(4, 5), decoder_channels=((4, ), (5, ), (6, )),
        max_displacement=1, layout='channels_last',
        out_indices=(0, )).eval()
    with torch.no_grad():
        estimator(torch.rand(clips, 3, 3, 32, 40))
    assert len(seen) == 9
    assert all(maps.is_contiguous(memory_format=torch.channels_last)
               for maps in seen)
