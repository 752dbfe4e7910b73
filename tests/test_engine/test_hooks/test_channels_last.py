# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

SEED, HOOK = dict(type='EpochSeedHook'), dict(type='ChannelsLastHook')


def _is_channels_last(maps):
    return maps.is_contiguous(memory_format=torch.channels_last)


def test_a_training_differs_by_rounding_alone(staged_runner, tmp_path):
    maps, weights = {}, {}
    for name, hooks in (('plain', []), ('fast', [HOOK])):
        runner = staged_runner(
            tmp_path / name,
            1,
            custom_hooks=[SEED, *hooks],
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01)))
        runner.model.backbone.layer1.register_forward_hook(
            lambda module, inputs, output, name=name: maps.update(
                {name: output}))
        runner.train()
        weights[name] = runner.model.state_dict()
    assert _is_channels_last(maps['fast'])
    assert not _is_channels_last(maps['plain'])
    torch.testing.assert_close(
        weights['fast'], weights['plain'], rtol=1e-3, atol=1e-5)


def test_a_run_without_it_goes_on_with_it(staged_runner, tmp_path):
    staged_runner(tmp_path, 1, custom_hooks=[SEED]).train()
    runner = staged_runner(
        tmp_path, 2, custom_hooks=[SEED, HOOK], resume=True)
    runner.train()
    assert runner.iter == 4
    weight = runner.model.backbone.layer1[0].conv1.weight
    moments = runner.optim_wrapper.optimizer.state[weight]
    assert _is_channels_last(weight)
    assert not weight.is_contiguous()
    assert moments['step'] == 4


def test_an_unknown_module_is_named(tiny_runner, tmp_path):
    runner = tiny_runner(tmp_path, 1, custom_hooks=[HOOK])
    with pytest.raises(ValueError, match="'backbone'"):
        runner.train()
