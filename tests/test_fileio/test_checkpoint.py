# SPDX-License-Identifier: Apache-2.0
"""A module gets all of its weights, or the user one sentence."""
import copy
import logging
import os
import pickle

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.logging import HistoryBuffer

from uftsn_mmaction.fileio.checkpoint import ESTIMATOR_PART, load_weights

MODEL = dict(
    type='Recognizer2D',
    backbone=dict(
        type='mmpretrain.ResNet', depth=18, stem_channels=4, base_channels=4),
    cls_head=dict(type='TSNHead', num_classes=5, in_channels=32))


class ImageDataset(torch.utils.data.Dataset):
    """Four random videos of one image."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        image = torch.randint(256, (1, 3, 32, 32), dtype=torch.uint8)
        return dict(
            inputs=image, data_samples=ActionDataSample().set_gt_label(index))


class Trap:
    """Makes a folder when it is unpickled by those who trust everybody."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path, )


@pytest.fixture
def model():
    return MODELS.build(copy.deepcopy(MODEL))


@pytest.fixture
def weights():
    """Of another model of the same config."""
    torch.manual_seed(1)
    return MODELS.build(copy.deepcopy(MODEL)).state_dict()


@pytest.fixture
def warnings(monkeypatch):
    """Texts that are logged as warnings."""
    said = []
    monkeypatch.setattr(
        'uftsn_mmaction.fileio.checkpoint.print_log',
        lambda text, logger, level: said.append(text)
        if level == logging.WARNING else None)
    return said


def assert_loaded(model, weights):
    found = model.state_dict()
    assert found.keys() == weights.keys()
    for name, value in weights.items():
        assert torch.equal(found[name], value), name


def load(model, path, **settings):
    return load_weights(model, str(path), 'the stream', 'CURE', **settings)


def refuse(model, path, error=ValueError, **settings):
    """Return the sentence that refuses a file; it names file and cure."""
    with pytest.raises(error) as caught:
        load(model, path, **settings)
    text = str(caught.value)
    assert f"'{path}' of the stream" in text
    assert text.endswith('; CURE')
    assert '\n' not in text
    return text


def test_checkpoint_of_a_real_training(model, tiny_runner, tmp_path, warnings):
    runner = tiny_runner(
        tmp_path,
        1,
        model=copy.deepcopy(MODEL),
        loader=dict(
            dataset=ImageDataset(), collate_fn=dict(type='pseudo_collate')),
        val_dataloader=None,
        val_cfg=None,
        val_evaluator=None)
    runner.train()
    path = tmp_path / 'epoch_1.pth'
    content = torch.load(path)
    # What a reader of plain weights would stumble over.
    history = content['message_hub']['log_scalars'].values()
    assert any(isinstance(value, HistoryBuffer) for value in history)
    assert {'meta', 'optimizer', 'state_dict'} <= set(content)
    load(model, path)
    assert_loaded(model, runner.model.state_dict())
    assert warnings == []


@pytest.mark.parametrize('wrap', [
    lambda weights: dict(state_dict=weights),
    lambda weights: weights,
    lambda weights: dict(
        state_dict={f'module.{k}': v
                    for k, v in weights.items()}),
], ids=['checkpoint', 'bare', 'distributed'])  # yapf: disable
def test_forms_of_a_checkpoint(model, weights, wrap, tmp_path, warnings):
    torch.save(wrap(dict(weights)), tmp_path / 'x.pth')
    load(model, tmp_path / 'x.pth')
    assert_loaded(model, weights)
    assert warnings == []


def test_tensors_that_the_model_does_not_take_are_logged(
        model, weights, tmp_path, warnings):
    torch.save({**weights, 'ema.scale': torch.ones(1)}, tmp_path / 'x.pth')
    load(model, tmp_path / 'x.pth', allow_unexpected=True)
    assert_loaded(model, weights)
    said, = warnings
    assert ' 1 of ' in said and "'ema.scale'" in said
    text = refuse(model, tmp_path / 'x.pth')
    assert ' 1 of ' in text and "'ema.scale'" in text


@pytest.mark.parametrize('prefix', ['', 'module.'])
def test_a_part_of_a_larger_model_is_taken(model, weights, prefix, tmp_path):
    larger = {f'{prefix}{ESTIMATOR_PART}{k}': v for k, v in weights.items()}
    larger[f'{prefix}backbone.conv1.weight'] = torch.zeros(1)
    torch.save(dict(state_dict=larger), tmp_path / 'a:b.pth')
    load(model, tmp_path / 'a:b.pth', part=ESTIMATOR_PART)
    assert_loaded(model, weights)
    # Without that part in it, all of the checkpoint is meant.
    torch.save(weights, tmp_path / 'x.pth')
    other = MODELS.build(copy.deepcopy(MODEL))
    load(other, tmp_path / 'x.pth', part=ESTIMATOR_PART)
    assert_loaded(other, weights)


def test_tensors_at_hand_fill_the_module(model, weights):
    kept = model.state_dict()['cls_head.fc_cls.bias'].clone()
    del weights['cls_head.fc_cls.bias']
    assert 'cls_head.fc_cls.bias' in refuse(model, 'x.pth', weights=weights)
    assert load(
        model, 'x.pth', weights=weights,
        allow_missing=True) == ['cls_head.fc_cls.bias']
    assert_loaded(model, {**weights, 'cls_head.fc_cls.bias': kept})


def test_a_module_without_weights_takes_no_checkpoint():
    with pytest.raises(ValueError, match='Identity'):
        load(torch.nn.Identity(), 'x.pth')


def test_missing_file_is_named_as_given_and_absolute(model, tmp_cwd):
    text = refuse(model, 'runs/epoch_4.pth', FileNotFoundError)
    assert str(tmp_cwd / 'runs' / 'epoch_4.pth') in text


def test_wish_for_unsafe_loading_is_no_hindrance(model, weights, tmp_path,
                                                 monkeypatch):
    """Some set it for old checkpoints; torch allows one of the two."""
    switch = 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'
    monkeypatch.setenv(switch, '1')
    torch.save(weights, tmp_path / 'x.pth')
    load(model, tmp_path / 'x.pth')
    assert os.environ[switch] == '1'
    assert 'TORCH_FORCE_WEIGHTS_ONLY_LOAD' not in os.environ


def test_half_a_checkpoint_is_refused(model, weights, tmp_path):
    part = {k: v for k, v in weights.items() if k.startswith('backbone')}
    torch.save(dict(state_dict=part), tmp_path / 'x.pth')
    text = refuse(model, tmp_path / 'x.pth')
    assert f' 2 of {len(weights)} ' in text
    assert "'cls_head.fc_cls.weight'" in text


def test_checkpoint_with_other_shapes_is_refused(model, weights, tmp_path):
    weights['cls_head.fc_cls.weight'] = torch.zeros(7, 32)
    torch.save(dict(state_dict=weights), tmp_path / 'x.pth')
    text = refuse(model, tmp_path / 'x.pth')
    assert 'cls_head.fc_cls.weight' in text
    assert '[7, 32]' in text and '[5, 32]' in text


@pytest.mark.parametrize('content, words', [
    ([torch.zeros(1)], 'list'),
    (torch.zeros(3), 'Tensor'),
    (dict(state_dict=[1, 2]), 'list'),
    (dict(state_dict=None), 'NoneType'),
    ({1: torch.zeros(1)}, "'backbone.conv1.weight'"),
    (dict(), "'backbone.conv1.weight'"),
], ids=['list', 'tensor', 'list of weights', 'none', 'numbers', 'empty'])
def test_files_without_weights_are_refused(model, content, words, tmp_path):
    torch.save(content, tmp_path / 'x.pth')
    assert words in refuse(model, tmp_path / 'x.pth')


def test_broken_files_are_refused(model, weights, tmp_path):
    path = tmp_path / 'x.pth'
    torch.save(dict(state_dict=weights), path)
    whole = path.read_bytes()
    for content in (whole[:len(whole) // 2], b'', b'<html>not found</html>'):
        path.write_bytes(content)
        assert 'cannot be read' in refuse(model, path)
    assert 'cannot be read' in refuse(model, tmp_path)


def test_malicious_pickle_is_refused_and_not_executed(
        model, weights, tmp_path):
    path, folder = tmp_path / 'x.pth', tmp_path / 'trapped'
    torch.save(dict(state_dict=weights, meta=Trap(folder)), path)
    assert 'cannot be read' in refuse(model, path)
    path.write_bytes(pickle.dumps(Trap(folder), protocol=2))
    assert 'cannot be read' in refuse(model, path)
    assert not folder.exists()
    # The trap is one: without the guard it would have closed.
    pickle.loads(path.read_bytes())
    assert folder.exists()
