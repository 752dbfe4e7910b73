# SPDX-License-Identifier: Apache-2.0
import importlib
import io
import json
import os
import pickle
import re
import sys
import warnings
import zipfile

import numpy as np
import pytest
import torch
from mmaction.models.heads.base import BaseHead
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.logging import HistoryBuffer

from uftsn_mmaction import compat

LOCALIZERS = 'mmaction.models.localizers'
DRN_MODULES = (f'{LOCALIZERS}.drn', f'{LOCALIZERS}.drn.drn')

# Imports the heavy libraries once, then tries each order in a fork where
# neither mmaction nor the package has been imported. Prints the content of
# the registries for each, or the error.
ORDERS = """
import contextlib, json, os, sys, types
import matplotlib.pyplot, mmcv, mmengine.registry, mmengine.runner
import scipy.interpolate, scipy.io, scipy.optimize, scipy.stats
with contextlib.suppress(ImportError):
    import mmpretrain.models

def alone(): import uftsn_mmaction
def after_mmaction(): import mmaction.registry, mmaction.datasets
def after_failure():
    with contextlib.suppress(ImportError):
        import mmaction.models
def by_config():
    # The order of mmaction's own tools/train.py.
    from mmengine.config import Config
    from mmaction.registry import RUNNERS
    Config.fromfile(os.environ['CONFIG'])
    assert 'uftsn_mmaction' in sys.modules
def by_register_all():
    from mmengine.registry import init_default_scope
    init_default_scope('mmaction')
    import uftsn_mmaction
    from mmaction.utils import register_all_modules
    register_all_modules()
def wrong_mmcv():
    sys.modules['mmcv'] = types.SimpleNamespace(__version__='2.2.0')
def no_mmcv():
    sys.modules['mmcv'] = None

def result():
    import uftsn_mmaction
    import mmaction.models, mmaction.datasets, mmaction.engine
    import mmaction.evaluation, mmaction.visualization, mmaction.registry
    return {name: sorted(value.module_dict)
            for name, value in vars(mmaction.registry).items()
            if isinstance(value, mmengine.registry.Registry)}

for order in (alone, after_mmaction, after_failure, by_config,
              by_register_all, wrong_mmcv, no_mmcv):
    # What the libraries print must not come between the lines of JSON.
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        with contextlib.redirect_stdout(sys.stderr):
            try:
                order()
                found = result()
            except BaseException as error:
                found = f'{type(error).__name__}: {error}'
        print(json.dumps([order.__name__, found]), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='needs fork')
def test_orders_of_imports(repo_root, tmp_path, run_command):
    """Every order registers the same; an unusable MMCV names the cure."""
    config = tmp_path / 'config.py'
    config.write_text("custom_imports = dict(imports=['uftsn_mmaction'])\n")
    done = run_command(
        [sys.executable, '-W', 'ignore', '-c', ORDERS],
        cwd=tmp_path,
        env=dict(PYTHONPATH=str(repo_root), CONFIG=str(config)))
    orders = dict(map(json.loads, done.stdout.splitlines()))

    wrong_mmcv, no_mmcv = orders.pop('wrong_mmcv'), orders.pop('no_mmcv')
    assert wrong_mmcv.startswith('ImportError')
    assert no_mmcv.startswith('ImportError')
    assert 'MMCV==2.2.0' in wrong_mmcv and '<2.2.0' in wrong_mmcv
    assert 'mmcv-lite==2.1.0' in wrong_mmcv
    assert 'module mmcv' in no_mmcv and 'mmcv-lite==2.1.0' in no_mmcv

    alone = orders['alone']
    assert {'UFTSNRecognizer', 'Recognizer2D', 'TCANet', 'DRN'
            } <= set(alone['MODELS'])
    assert 'EpochSeedHook' in alone['HOOKS']
    assert len(orders) == 5
    for order, registries in orders.items():
        assert registries == alone, order


def test_missing_localizer_says_so():
    if MODELS.get('DRN') is not compat.DRN:
        pytest.skip('the installed MMAction2 has the localizer')
    assert importlib.import_module(DRN_MODULES[1]).DRN is compat.DRN
    with pytest.raises(ImportError, match='localizers/drn'):
        MODELS.build(dict(type='DRN', vocab_size=1))


def test_present_localizer_is_left_alone(tmp_path, monkeypatch):
    folder = tmp_path / 'mmaction' / 'models' / 'localizers' / 'drn'
    folder.mkdir(parents=True)
    (folder / '__init__.py').write_text('')
    (tmp_path / 'mmaction' / '__init__.py').write_text('')
    spec = importlib.machinery.PathFinder.find_spec('mmaction',
                                                    [str(tmp_path)])
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: spec)
    for name in DRN_MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    compat.provide_missing_drn()
    assert not set(DRN_MODULES) & set(sys.modules)


def test_what_mmcv_lite_lacks_is_no_news(recwarn):
    with warnings.catch_warnings():
        # As in a program, where pytest records all.
        warnings.simplefilter('always')
        compat.silence_mmcv_lite()
        warnings.warn('Fail to import ``MultiScaleDeformableAttention`` from '
                      '``mmcv.ops``', stacklevel=1)
        warnings.warn('Fail to import something else', stacklevel=1)
    assert [str(found.message) for found in recwarn] == [
        'Fail to import something else']


def test_applying_twice_changes_nothing():
    modules, before = set(sys.modules), dict(MODELS.module_dict)
    compat.apply()
    assert set(sys.modules) == modules
    assert MODELS.module_dict == before


def test_resume(tiny_runner, tmp_path):
    """MMEngine's own ``resume`` reads everything its checkpoint holds."""
    scheduler = dict(type='LinearLR', by_epoch=False, end=4)
    hooks = dict(
        checkpoint=dict(
            type='CheckpointHook', save_best='tiny/score', rule='greater'))
    settings = dict(default_hooks=hooks, param_scheduler=[scheduler])
    first = tiny_runner(tmp_path, 1, **settings)
    first.train()
    second = tiny_runner(tmp_path, 1, resume=True, **settings)
    second.train()
    assert (second.epoch, second.iter) == (1, 3)
    assert second.message_hub.get_info('best_score') == 1.0
    losses = [
        runner.message_hub.get_scalar('train/loss').data[0]
        for runner in (first, second)
    ]
    assert len(losses[1]) == 3
    np.testing.assert_array_equal(*losses)
    states = [
        runner.optim_wrapper.state_dict()['state'][0]['exp_avg']
        for runner in (first, second)
    ]
    assert torch.equal(*states)


def save(content):
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def load(data):
    return torch.load(io.BytesIO(data), weights_only=True)


@pytest.mark.parametrize('core', [b'numpy.core.', b'numpy._core.'])
def test_checkpoints_of_both_numpys(core):
    """NumPy 2 renamed the module of the functions that build an array."""
    history = HistoryBuffer([0.5, 1.5], [1, 2])
    data = save(dict(history=history, best=np.float32(0.25)))
    other = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, \
            zipfile.ZipFile(other, 'w') as new:
        for name in old.namelist():
            content = re.sub(rb'numpy\._?core\.', core, old.read(name))
            new.writestr(name, content)
    loaded = load(other.getvalue())
    assert loaded['best'] == 0.25
    np.testing.assert_array_equal(loaded['history'].data, history.data)
    assert loaded['history'].statistics('max') == 1.5


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize('call, error, name', [
    (Call(getattr, np.ndarray, 'tofile'), ValueError, 'tofile'),
    (Call(getattr, HistoryBuffer, '__init__'), ValueError, '__init__'),
    (Call(getattr, HistoryBuffer, '_set_default_statistics'), ValueError,
     '_set_default_statistics'),
    (Call(os.getcwd), pickle.UnpicklingError, 'getcwd'),
    (Call(eval, '1'), pickle.UnpicklingError, 'eval'),
])
def test_nothing_else_is_let_through(call, error, name):
    with pytest.raises((error, pickle.UnpicklingError), match=name):
        load(save(dict(call=call)))


def test_a_stock_head_takes_scores_in_bfloat16():
    head = MODELS.build(dict(type='TSNHead', num_classes=3, in_channels=4))
    samples = [ActionDataSample().set_gt_label(n) for n in (0, 2)]
    scores = torch.tensor([[2., 0., 1.], [0.5, 3., 1.]])
    expected = head.loss_by_feat(scores, samples)
    losses = head.loss_by_feat(scores.bfloat16(), samples)
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value)
    repaired = BaseHead.loss_by_feat
    compat.score_in_float32()
    assert BaseHead.loss_by_feat is repaired
