# SPDX-License-Identifier: Apache-2.0
"""The body for GPUs against plain loops.

Where there is no GPU, Triton's interpreter runs the kernels on the CPU.
"""
import importlib
import sys

import pytest
import torch
from correlation_by_hand import by_hand, inputs

from uftsn_mmaction.models.flow import (
    warp_correlate,
    warp_correlate_cpu,
    warp_correlate_loop,
)

DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
OPERATOR = 'uftsn_mmaction.models.flow.warp_correlate'
KERNELS = f'{OPERATOR}_triton'
LOOP = f'{OPERATOR}_loop'
operator = importlib.import_module(OPERATOR)


@pytest.fixture
def kernels(monkeypatch):
    """Module of the kernels, which the operator takes."""
    pytest.importorskip('triton', reason='Triton is not installed')
    if DEVICE == 'cpu':
        # Read where a kernel is defined.
        monkeypatch.setenv('TRITON_INTERPRET', '1')
    monkeypatch.delitem(sys.modules, KERNELS, raising=False)
    module = importlib.import_module(KERNELS)
    monkeypatch.setattr(operator, '_body', lambda feature: module)
    yield module
    # Another test shall not find kernels of the interpreter.
    sys.modules.pop(KERNELS)


def results(tensors, radius, device='cpu'):
    """Volume, and the derivatives of something that depends on all of it."""
    tensors = [None if tensor is None else
               tensor.detach().to(device).requires_grad_()
               for tensor in tensors]
    volume = warp_correlate(*tensors, radius)
    wanted = [tensor for tensor in tensors if tensor is not None]
    grads = torch.autograd.grad((volume + 1).square().sum(), wanted)
    return [result.detach().cpu() for result in (volume, *grads)]


# Several blocks of pixels or channels, and a search square that is larger
# than the frame.
@pytest.mark.parametrize('shape, radius', [
    ((2, 5, 3, 7), 0), ((1, 9, 11, 13), 1), ((1, 3, 3, 6), 4)])
@pytest.mark.parametrize('dtype, atol', [(torch.float64, 1e-13),
                                         (torch.float32, 1e-5)])
@pytest.mark.parametrize('layout', [torch.contiguous_format,
                                    torch.channels_last])
def test_equals_plain_loops(kernels, shape, radius, dtype, atol, layout):
    tensors = inputs(*shape, dtype=dtype)
    volume = warp_correlate(
        *(tensor.to(DEVICE, memory_format=layout) for tensor in tensors),
        radius)
    assert volume.dtype == dtype
    # A map of one channel has no layout to follow.
    assert shape[1] == 1 or volume.is_contiguous(memory_format=layout)
    expected = by_hand(*(tensor.double() for tensor in tensors), radius)
    torch.testing.assert_close(volume.cpu().double(), expected, rtol=0,
                               atol=atol)


@pytest.mark.parametrize('shape, radius, dtype, atol', [
    ((2, 9, 3, 5), 1, torch.float32, 1e-4),
    ((1, 2, 10, 13), 1, torch.float64, 1e-11),
    ((1, 1, 2, 3), 3, torch.float64, 1e-11)])
def test_derivatives_are_those_of_the_loop(kernels, monkeypatch, shape,
                                           radius, dtype, atol):
    """Which test_warp_correlate.py checks by differences."""
    tensors = inputs(*shape, dtype=dtype)
    found = results(tensors, radius, DEVICE)
    monkeypatch.setattr(operator, '_body', lambda feature: warp_correlate_loop)
    expected = results([tensor.double() for tensor in tensors], radius)
    for one, other in zip(found, expected):
        torch.testing.assert_close(one.double(), other, rtol=0, atol=atol)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_sums_of_half_precision_are_float32(kernels, dtype):
    """Half precision can neither count to 70 * 4096 nor hold it."""
    maps = torch.full((1, 70, 1, 2), 64, dtype=dtype)
    volume, by_first, by_second = results([maps, maps, None], 0, DEVICE)
    assert volume.dtype == dtype and (volume == 4096).all()
    assert by_first.dtype == by_second.dtype == dtype
    torch.testing.assert_close(
        by_first, torch.full_like(maps, 8192 * 64 / 70), rtol=1e-2, atol=0)


def test_no_flow_is_zero_flow(kernels):
    first, second, flow = inputs(1, 3, 4, 5)
    still = results([first, second, 0 * flow], 1, DEVICE)
    for one, other in zip(results([first, second, None], 1, DEVICE), still):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize('needed', [{0}, {1}, {2}])
def test_one_derivative_alone(kernels, needed):
    tensors = inputs(1, 3, 4, 5)
    _, *every = results(tensors, 1, DEVICE)
    some = [tensor.to(DEVICE).requires_grad_(number in needed)
            for number, tensor in enumerate(tensors)]
    (warp_correlate(*some, 1) + 1).square().sum().backward()
    for number, (tensor, other) in enumerate(zip(some, every)):
        if number in needed:
            torch.testing.assert_close(tensor.grad.cpu(), other)
        else:
            assert tensor.grad is None


def test_of_slices_and_transposed_maps(kernels):
    last = torch.channels_last
    tensors = inputs(2, 3, 4, 5)
    moved = [tensor.to(DEVICE, memory_format=last)[1:] for tensor in tensors]
    found = results(moved, 1, DEVICE)
    expected = results([tensor[1:] for tensor in tensors], 1, DEVICE)
    for one, other in zip(found, expected):
        torch.testing.assert_close(one, other)


class OnGPU:
    """Stand-in for a feature on a GPU."""

    is_cuda = True
    dtype = torch.float32
    device = torch.device('cuda', 0)


@pytest.mark.parametrize('package, compiler, capability, name', [
    (True, '/usr/bin/gcc', (9, 0), KERNELS),
    (True, '/usr/bin/gcc', (6, 1), LOOP),
    (True, None, (9, 0), LOOP),
    (False, '/usr/bin/gcc', (9, 0), LOOP)])
def test_it_is_chosen_where_it_can_be_compiled(monkeypatch, package, compiler,
                                               capability, name):
    monkeypatch.delenv('CC', raising=False)
    monkeypatch.setattr(operator, 'find_spec',
                        lambda name: object() if package else None)
    monkeypatch.setattr(operator, 'which', lambda name: compiler)
    monkeypatch.setattr(torch.cuda, 'get_device_capability',
                        lambda device: capability)
    operator.has_triton.cache_clear()
    try:
        if name == KERNELS:
            pytest.importorskip('triton', reason='Triton is not installed')
        assert operator._body(OnGPU).__name__ == name
        assert operator._body(torch.zeros(1)) in (
            warp_correlate_loop, warp_correlate_cpu)
    finally:
        operator.has_triton.cache_clear()
