# SPDX-License-Identifier: Apache-2.0
"""Both bodies of the operator against eq. 2 and 3 in plain loops."""
import ctypes
import math

import pytest
import torch
from correlation_by_hand import by_hand, inputs

from uftsn_mmaction.models.flow import (
    UnsupervisedFlowEstimator,
    warp_correlate,
    warp_correlate_cpu,
)

BODIES = ('compiled', 'loop')


@pytest.fixture(params=BODIES)
def body(request, monkeypatch):
    """One body after the other."""
    if request.param == 'loop':
        monkeypatch.setattr(warp_correlate_cpu, 'library', lambda: None)
    else:
        request.getfixturevalue('compiled')
    return request.param


@pytest.fixture
def compiled():
    """Skip where there is no compiled body."""
    if warp_correlate_cpu.library() is None:
        pytest.skip('the installation found no C++ compiler')


# Whole blocks of channels and of pixels, parts of them, and a search square
# that is larger than the frame.
@pytest.mark.parametrize('shape, radius', [
    ((2, 5, 3, 7), 0), ((1, 8, 4, 17), 1), ((1, 12, 5, 9), 3),
    ((2, 1, 1, 4), 2), ((1, 3, 3, 6), 4), ((1, 2, 4, 3), 5)])
@pytest.mark.parametrize('dtype, atol', [(torch.float64, 1e-13),
                                         (torch.float32, 1e-5)])
@pytest.mark.parametrize('layout', [torch.contiguous_format,
                                    torch.channels_last])
def test_equals_plain_loops(body, shape, radius, dtype, atol, layout):
    first, second, flow = inputs(*shape, dtype=dtype)
    volume = warp_correlate(first.to(memory_format=layout), second, flow,
                            radius)
    assert volume.dtype == dtype
    # A map of one channel has no layout to follow.
    assert shape[1] == 1 or volume.is_contiguous(memory_format=layout)
    expected = by_hand(first.double(), second.double(), flow.double(), radius)
    torch.testing.assert_close(volume.double(), expected, rtol=0, atol=atol)


def test_no_flow_is_zero_flow(body):
    first, second, flow = inputs(2, 4, 5, 6)
    torch.testing.assert_close(
        warp_correlate(first, second, None, 2),
        warp_correlate(first, second, 0 * flow, 2))


@pytest.mark.parametrize('shape, radius', [((2, 3, 4, 5), 2),
                                           ((1, 9, 2, 6), 1)])
@pytest.mark.parametrize('with_flow', [True, False])
def test_gradients(body, shape, radius, with_flow):
    tensors = [tensor.requires_grad_() for tensor in inputs(*shape)]
    if not with_flow:
        tensors.pop()
    assert torch.autograd.gradcheck(
        lambda first, second, flow=None: warp_correlate(
            first, second, flow, radius), tensors)


@pytest.mark.parametrize('needed', [
    {'flow'}, {'first'}, {'second'}, {'second', 'flow'}, {'first', 'flow'}])
@pytest.mark.parametrize('with_flow', [True, False])
def test_gradients_of_some_inputs_alone(body, needed, with_flow):
    """As for the image of level 0, whose features need none."""
    tensors = dict(zip(('first', 'second', 'flow'), inputs(2, 5, 4, 6)))
    if not with_flow:
        tensors['flow'] = None

    def gradients(names):
        given = {
            name: None if tensor is None else
            tensor.clone().requires_grad_(name in names)
            for name, tensor in tensors.items()
        }
        volume = warp_correlate(**given, max_displacement=2).sin().sum()
        if volume.requires_grad:
            volume.backward()
        return {name: None if tensor is None else tensor.grad
                for name, tensor in given.items()}

    every, some = gradients(tensors), gradients(needed)
    for name, gradient in some.items():
        torch.testing.assert_close(
            gradient, every[name] if name in needed else None)


@pytest.mark.parametrize('value', [1e30, -1e30])
def test_flow_to_nowhere_finds_nothing(body, value):
    check_nothing_is_found(value)


@pytest.mark.parametrize('value', [math.inf, math.nan])
def test_flow_that_is_no_number_reads_no_memory(compiled, value):
    # The loop makes it NaN.
    check_nothing_is_found(value)


def check_nothing_is_found(value):
    first, second, flow = inputs(1, 4, 6, 7)
    flow[..., 2, 3] = value
    second.requires_grad_()
    volume = warp_correlate(first, second, flow, 0)
    assert volume[0, 0, 2, 3] == 0
    volume.sum().backward()
    assert second.grad.isfinite().all()


def test_of_slices_and_transposed_maps(body):
    """As a clip gives them: every second frame, channels last."""
    first, second, flow = inputs(4, 6, 5, 8)
    expected = warp_correlate(first[::2], second[1::2], flow[::2], 2)
    last = torch.channels_last
    torch.testing.assert_close(
        warp_correlate(first.to(memory_format=last)[::2],
                       second.to(memory_format=last)[1::2],
                       flow.to(memory_format=last)[::2], 2), expected)


@pytest.mark.parametrize('layout', [torch.contiguous_format,
                                    torch.channels_last])
def test_of_several_threads(body, layout):
    tensors = [tensor.requires_grad_() for tensor in inputs(2, 9, 13, 17)]

    def results():
        volume = warp_correlate(tensors[0].to(memory_format=layout),
                                *tensors[1:], 3)
        return volume, *torch.autograd.grad(volume.sin().sum(), tensors)

    one = results()
    torch.set_num_threads(3)
    try:
        three = results()
    finally:
        torch.set_num_threads(1)
    torch.testing.assert_close(three, one)


def test_is_an_operator_of_torch(body):
    """Schema, shapes for compilers, and autograd are as torch expects."""
    first, second, flow = inputs(1, 3, 4, 5)
    last = first.to(memory_format=torch.channels_last)
    for one, some in ((first, flow), (first, None), (last, flow)):
        torch.library.opcheck(torch.ops.uftsn.warp_correlate,
                              (one.requires_grad_(), second, some, 1))


def test_a_build_of_an_older_checkout_is_not_called(compiled, monkeypatch):
    monkeypatch.setattr(ctypes, 'CDLL', lambda path: object())
    assert warp_correlate_cpu.library.__wrapped__() is None


def test_an_estimator_is_the_same_with_either(compiled, monkeypatch):
    estimator = UnsupervisedFlowEstimator('uftsn_small')
    clips = torch.rand(1, 3, 3, 40, 52)

    def results():
        estimator.zero_grad()
        flow = estimator(clips)[0]
        flow.square().mean().backward()
        return flow.detach(), [weight.grad.clone()
                               for weight in estimator.parameters()]

    compiled = results()
    monkeypatch.setattr(warp_correlate_cpu, 'library', lambda: None)
    torch.testing.assert_close(results(), compiled, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize('second, flow, radius, words', [
    ((1, 2, 4, 6), (1, 2, 4, 5), 1, 'one shape'),
    ((1, 2, 4, 5), (1, 2, 4, 6), 1, 'resize_flow'),
    ((1, 2, 4, 5), (1, 2, 4, 5), -1, 'max_displacement')])
def test_refuses_what_does_not_fit(second, flow, radius, words):
    with pytest.raises(ValueError, match=words):
        warp_correlate(torch.zeros(1, 2, 4, 5), torch.zeros(second),
                       torch.zeros(flow), radius)
