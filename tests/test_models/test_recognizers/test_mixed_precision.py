# SPDX-License-Identifier: Apache-2.0
"""Mixed precision without a GPU: what a step computes in which type."""
import copy

import torch
from mmengine.optim import build_optim_wrapper
from torch import nn


def step_of(model, batch, kind):
    """Take a step; return the losses and the types of the convolutions."""
    seen = {}
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(
                lambda _, args, out, name=name: seen.update({name: out.dtype}))
    wrapper = build_optim_wrapper(model, dict(
        type=kind, optimizer=dict(type='SGD', lr=0.1)))
    inputs, samples = batch
    losses = model.train_step(
        dict(inputs=list(inputs), data_samples=samples), wrapper)
    return losses, seen


def test_a_step_is_that_of_float32_but_for_rounding(build_recognizer,
                                                    make_batch):
    plain = build_recognizer().train()
    # Batch norm over a few pixels makes much of any rounding.
    plain.backbone.eval()
    fast, batch = copy.deepcopy(plain), make_batch()
    before = copy.deepcopy(plain.state_dict())
    losses, seen = step_of(plain, copy.deepcopy(batch), 'OptimWrapper')
    assert {*seen.values()} == {torch.float32}
    fast_losses, seen = step_of(fast, batch, 'Bfloat16OptimWrapper')
    assert {*seen.values()} == {torch.bfloat16}
    names = {name for name in losses if 'loss' in name}
    assert names >= {'loss_cls', 'loss_census', 'loss_smoothness'}
    for name in names:
        assert fast_losses[name].dtype == torch.float32
        torch.testing.assert_close(fast_losses[name], losses[name], rtol=0.02,
                                   atol=0.02)
    for part in ('flow_estimator', 'backbone', 'cls_head'):
        moved = expected = 0.
        for name, weight in plain.get_submodule(part).named_parameters(part):
            new = fast.get_parameter(name)
            assert new.dtype == torch.float32
            moved += (new - weight).square().sum()
            expected += (weight - before[name]).square().sum()
        assert 0 < moved < 0.01 * expected
