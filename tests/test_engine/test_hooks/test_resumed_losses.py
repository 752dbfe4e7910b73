# SPDX-License-Identifier: Apache-2.0
"""Losses that begin later and draw random numbers, in a resumed run."""
import torch

STAGES = dict(flow=dict(begin=0))
STEPS = 2  # of an epoch


def test_resumed_weights_equal_those_of_one_run(staged_runner, tmp_path,
                                                model_settings):
    model = dict(
        model_settings,
        photometric_loss=dict(
            type='PhotometricLoss',
            ssim_weight=1.,
            occlusion='forward_backward',
            min_visible=0.,
            occlusion_begin=2 * STEPS + 1),
        flow_losses=dict(
            teacher=dict(
                type='SelfSupervisionLoss',
                begin=STEPS + 1,
                margin=0,
                colour=dict(brightness=0.3))))
    model['flow_estimator']['level_dropout'] = 0.5

    def train(folder, length, **kwargs):
        runner = staged_runner(
            tmp_path / folder, length, stages=STAGES, model=model, **kwargs)
        runner.train()
        scalars = [step & {'train/loss_self_supervision', 'train/loss_ssim'}
                   for step in runner.recorder.scalars]
        return runner.model.flow_estimator.state_dict(), scalars

    whole, scalars = train('whole', 4)
    assert [len(step) for step in scalars] == [1] * 3 + [2] * 5
    train('half', 2)
    rest, scalars = train('half', 4, resume=True)
    assert [len(step) for step in scalars] == [2] * 4
    assert all(torch.equal(rest[name], whole[name]) for name in whole)
