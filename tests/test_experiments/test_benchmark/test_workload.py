# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from mmengine.registry import DefaultScope

from uftsn_mmaction.experiments.benchmark.settings import (
    BenchmarkSettings,
    Combination,
)
from uftsn_mmaction.experiments.benchmark.workload import (
    Workload,
    make_clips,
)
from uftsn_mmaction.models.other_flows import ZeroFlowEstimator

COMBINATION = Combination('cpu', (32, 40), 6, clip_len=4)


@pytest.fixture
def classifier(repo_root):
    return str(repo_root / 'configs' / '_base_' / 'models' / 'uftsn_r18.py')


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves when it is told to."""
    clock = [0.]
    monkeypatch.setattr('uftsn_mmaction.experiments.benchmark.workload.perf_counter',
                        lambda: clock[0])
    return clock


@pytest.mark.parametrize('size, clip_len', [((96, 64), 2), ((32, 32), 10),
                                            ((17, 61), 10)])
def test_clips_are_bytes_that_move(size, clip_len):
    clips = make_clips(size, clip_len, 6)
    assert len(clips) == 6
    for clip in clips:
        assert clip.shape == (1, 3, clip_len, *size)
        assert clip.dtype == torch.uint8
        assert not torch.equal(clip[:, :, 0], clip[:, :, 1])
    assert not torch.equal(clips[0], clips[3])
    assert torch.equal(clips[0], clips[4])
    again = make_clips(size, clip_len, 1)
    assert torch.equal(clips[0], again[0])


def test_a_run_goes_from_bytes_over_flow_to_predictions(
        classifier, monkeypatch, clock):
    # As in a process that has built nothing before.
    monkeypatch.setattr(DefaultScope, '_instance_dict', {})
    settings = BenchmarkSettings(('zero', ), classifier=classifier)
    run = Workload('zero', COMBINATION, settings)
    seen = []

    def flow(self, x, backward=False):
        seen.append((x, torch.is_inference_mode_enabled(),
                     run.model.training))
        clock[0] += 3
        return x.new_zeros(len(x), 2, 3, *x.shape[-2:])

    monkeypatch.setattr(ZeroFlowEstimator, 'forward', flow)
    head = run.model.cls_head
    predict = head.predict

    def slow_predict(feats, samples, **kwargs):
        clock[0] += 2
        samples = predict(feats, samples, **kwargs)
        seen.append(samples)
        return samples

    monkeypatch.setattr(head, 'predict', slow_predict)
    assert run()[:2] == (5, 3)
    (x, inference, training), samples = seen
    # All clips of the batch at once, in [0, 1].
    assert x.shape == (6, 3, 4, 32, 40) and x.dtype == torch.float32
    assert 0.5 < x.max() <= 1
    assert inference and not training
    assert len(samples) == 6 and samples[0].pred_score.shape == (101, )
    assert run.model.backbone.conv1.in_channels == 6
    # The next run begins anew.
    assert run()[:2] == (5, 3)


def test_without_a_classifier_a_run_ends_at_the_flow(monkeypatch, clock):
    run = Workload('zero', COMBINATION, BenchmarkSettings(('zero', )))

    def flow(self, x, backward=False):
        assert x.shape == (6, 3, 4, 32, 40) and x.max() <= 1
        clock[0] += 3
        return x[:, :2, 1:]

    monkeypatch.setattr(ZeroFlowEstimator, 'forward', flow)
    assert run()[:2] == (3, 3)


def test_a_wrong_classifier_is_named(repo_root, tmp_path):

    def build(path):
        settings = BenchmarkSettings(('zero', ), classifier=str(path))
        Workload('zero', COMBINATION, settings)

    with pytest.raises(FileNotFoundError, match='none.py'):
        build(tmp_path / 'none.py')
    with pytest.raises(ValueError, match="'Recognizer2D'"):
        build(repo_root / 'configs' / '_base_' / 'models' / 'tsn_r18.py')
    # An estimator with no flow at full size would make light work of it.
    config = tmp_path / 'coarse.py'
    config.write_text("model = dict(flow_estimator=dict(type="
                      "'UnsupervisedFlowEstimator', out_indices=(2, )))")
    settings = BenchmarkSettings(
        ('zero', ),
        classifier=str(repo_root / 'configs/_base_/models/uftsn_r18.py'))
    with pytest.raises(ValueError, match='out_indices'):
        Workload(str(config), COMBINATION, settings)
