# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from uftsn_mmaction.experiments.benchmark.settings import BenchmarkSettings


def test_every_combination_comes_once_and_threads_change_fastest():
    settings = BenchmarkSettings(
        ('uftsn', ),
        sizes=((64, 64), (32, 48), (64, 64)),
        batch_sizes=(1, 4),
        threads=(1, 2))
    titles = [c.title for c in settings.combinations()]
    assert titles[:3] == [
        'cpu, 64x64, batch size 1, 10 frames, 1 thread',
        'cpu, 64x64, batch size 1, 10 frames, 2 threads',
        'cpu, 64x64, batch size 4, 10 frames, 1 thread'
    ]
    assert len(titles) == 8 and titles[4].startswith('cpu, 32x48')


@pytest.mark.parametrize('wrong, words', [
    (dict(estimators=()), 'estimators is empty'),
    (dict(sizes=((64, 0), )), 'size is 0, expected 1'),
    (dict(batch_sizes=(1, 0)), 'batch_size is 0, expected 1'),
    (dict(clip_lens=(10, 1)), 'clip_len is 1, expected 2'),
    (dict(repeats=0), 'repeats is 0, expected 1'),
    (dict(warmup=-1), 'warmup is -1, expected 0'),
    (dict(threads=(0, 1)), 'threads is 0, expected 1'),
    (dict(devices=('gpu', )), "device 'gpu'"),
    (dict(devices=('meta', )), "device is 'meta'"),
])
def test_bad_settings_are_named(wrong, words):
    with pytest.raises(ValueError, match=words):
        BenchmarkSettings(**{'estimators': ('uftsn', ), **wrong})


def test_a_gpu_that_is_not_there_is_refused_before_anything_runs():
    missing = f'cuda:{torch.cuda.device_count()}'
    with pytest.raises(ValueError, match=f"'{missing}'"):
        BenchmarkSettings(('uftsn', ), devices=('cpu', missing))
