# SPDX-License-Identifier: Apache-2.0
import pytest

from uftsn_mmaction.engine.hooks import keep_heap as module


@pytest.mark.parametrize('device, calls', [('cpu', 1), ('cuda', 0)])
def test_a_training_on_a_cpu_keeps_its_heap(tiny_runner, tmp_path,
                                            monkeypatch, device, calls):
    asked = []
    monkeypatch.setattr(module, 'get_device', lambda: device)
    monkeypatch.setattr(module, 'keep_heap', lambda: asked.append(1))
    runner = tiny_runner(
        tmp_path, 1, custom_hooks=[dict(type='KeepHeapHook')])
    runner.train()
    assert len(asked) == calls
