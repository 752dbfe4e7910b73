# SPDX-License-Identifier: Apache-2.0
"""Metrics see every stream, everybody else a tensor."""
from types import SimpleNamespace

import pytest
import torch
from mmaction.models import TSNHead
from mmaction.registry import HOOKS, MODELS
from mmaction.structures import ActionDataSample
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.model import BaseModel

HOOK = dict(type='StreamScoresHook')


class Sight(BaseModel):
    """Sure of one bit of a number, which is the value of the frames."""

    def __init__(self, bit, scale):
        super().__init__(dict(type='ActionDataPreprocessor'))
        self.cls_head = TSNHead(8, in_channels=1)
        self.bit, self.scale = bit, scale

    def forward(self, inputs, data_samples, mode):
        for frames, sample in zip(inputs, data_samples):
            bit = int(frames.max()) >> self.bit & 1
            classes = torch.arange(8)
            sample.set_pred_score(self.scale *
                                  ((classes >> self.bit & 1) == bit).float() -
                                  classes / 100)
        return data_samples


class NumberDataset(torch.utils.data.Dataset):
    """Two samples of one frame each for 0 to 3, which is label and value."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return dict(
            inputs=torch.full((2, 3, 1, 4, 4), index, dtype=torch.uint8),
            data_samples=ActionDataSample().set_gt_label(index))


def build_fusion():
    """Of one bit each stream: half of the classes alone, all together."""
    return MODELS.build(
        dict(
            type='FusionRecognizer',
            streams=dict(
                low=dict(model=dict(type=Sight, bit=0, scale=9.)),
                high=dict(model=dict(type=Sight, bit=1, scale=5.)))))


@pytest.fixture
def fusion_runner(tiny_runner, tmp_path):
    """A runner that tests and validates a fusion with the stock metric."""
    loader = dict(
        dataset=NumberDataset(),
        batch_size=3,
        num_workers=0,
        collate_fn=dict(type='pseudo_collate'),
        sampler=dict(type='DefaultSampler', shuffle=False))
    metric = dict(
        type='AccMetric',
        metric_list=('top_k_accuracy', ),
        metric_options=dict(top_k_accuracy=dict(topk=(1, ))))

    def build(**kwargs):
        settings = dict(
            model=build_fusion(),
            train_dataloader=None,
            train_cfg=None,
            optim_wrapper=None,
            val_dataloader=loader,
            val_evaluator=metric,
            test_dataloader=loader,
            test_evaluator=metric,
            test_cfg=dict(),
            custom_hooks=[HOOK])
        return tiny_runner(tmp_path, 1, **dict(settings, **kwargs))

    return build


# From each bit alone the first of the classes that have it.
EXPECTED = {
    'acc/low_top1': 0.5,
    'acc/high_top1': 0.5,
    'acc/fusion_top1': 1.0,
    'acc/fusion_prob_top1': 1.0
}


@pytest.mark.parametrize('loop', ['test', 'val'])
def test_stock_metric_prints_every_stream_and_the_flag_goes_off(
        fusion_runner, loop):
    runner = fusion_runner()
    assert getattr(runner, loop)() == EXPECTED
    assert runner.model.per_stream is False
    # As the inferencers of MMAction2 call it.
    sample = NumberDataset()[1]
    result, = runner.model.test_step(
        {key: [value] for key, value in sample.items()})
    assert result.pred_score.shape == (8, )


def test_without_the_hook_the_metric_sees_the_fusion_alone(fusion_runner):
    runner = fusion_runner(custom_hooks=None)
    assert runner.test() == {'acc/top1': 1.0}


class Accuracy(BaseMetric):
    """Takes the scores of one model, as most stock metrics do."""

    default_prefix = 'one'

    def process(self, data_batch, data_samples):
        for sample in data_samples:
            self.results.append(
                sample['pred_score'].argmax() == sample['gt_label'].item())

    def compute_metrics(self, results):
        return dict(right=sum(results).item(), of=len(results))


@pytest.mark.parametrize('loop', ['test', 'val'])
def test_a_metric_of_one_score_gets_the_fused_one(fusion_runner, loop):
    stock = dict(
        type='AccMetric',
        metric_list=('top_k_accuracy', ),
        metric_options=dict(top_k_accuracy=dict(topk=(1, ))))
    evaluator = [
        stock,
        dict(type=Accuracy),
        dict(type='ConfusionMatrix'),
        dict(type='mmpretrain.SingleLabelMetric', items=('recall', )),
    ]
    runner = fusion_runner(**{f'{loop}_evaluator': evaluator})
    for _ in range(2):
        metrics = getattr(runner, loop)()
        matrix = metrics.pop('confusion_matrix/result')
        assert torch.equal(matrix, torch.eye(8, dtype=matrix.dtype).where(
            torch.arange(8) < 4, 0))
        assert metrics.pop('single-label/recall') == 50  # 4 of 8 classes
        assert metrics == {**EXPECTED, 'one/right': 4, 'one/of': 4}
    assert [type(metric).__name__ for metric in
            getattr(runner, f'{loop}_evaluator').metrics] == [
                'AccMetric', 'Accuracy', 'ConfusionMatrix', 'SingleLabelMetric'
            ]


def test_flag_reaches_a_model_in_a_wrapper():
    model = build_fusion()
    runner = SimpleNamespace(
        model=torch.nn.DataParallel(model), test_evaluator=Evaluator([]))
    hook = HOOKS.build(HOOK)
    hook.before_test_epoch(runner)
    assert model.per_stream is True
    hook.after_test_epoch(runner, {})
    assert model.per_stream is False


def test_other_models_are_refused(fusion_runner):
    runner = fusion_runner(model=Sight(bit=0, scale=1.))
    with pytest.raises(TypeError, match='FusionRecognizer.*Sight'):
        runner.test()
