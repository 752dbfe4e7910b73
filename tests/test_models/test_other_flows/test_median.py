# SPDX-License-Identifier: Apache-2.0
"""The median filter is the median, and a gradient passes it."""
import cv2
import pytest
import torch

from uftsn_mmaction.models.other_flows.median import median_filter


@pytest.mark.parametrize('size', [3, 5])
@pytest.mark.parametrize('shape', [(1, 1), (4, 3), (17, 22)])
def test_equals_the_median_of_opencv(size, shape):
    flow = torch.randn(2, 2, *shape)
    flow[1, 0] = flow[1, 0].round()  # with many equal values
    result = median_filter(flow, size)
    for n in range(2):
        for channel in range(2):
            expected = cv2.medianBlur(flow[n, channel].numpy(), size)
            assert torch.equal(result[n, channel], torch.tensor(expected))


def test_equals_the_sorted_window_at_any_size():
    flow = torch.randn(1, 2, 9, 10)
    windows = flow.unfold(2, 7, 1).unfold(3, 7, 1).flatten(4)
    torch.testing.assert_close(
        median_filter(flow, 7)[..., 3:-3, 3:-3],
        windows.median(-1).values)
    assert median_filter(flow, 1) is flow


def test_the_gradient_goes_to_the_pixel_that_is_the_median():
    flow = torch.arange(9.).flip(0).view(1, 1, 3, 3).requires_grad_()
    median_filter(flow, 3)[0, 0, 1, 1].backward()
    expected = torch.zeros(1, 1, 3, 3)
    expected[0, 0, 1, 1] = 1  # of 8 to 0, the 4
    assert torch.equal(flow.grad, expected)
