# SPDX-License-Identifier: Apache-2.0
"""The recognizers of the page learn and predict."""
import re

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.runner import Runner
from torch import nn

from uftsn_mmaction.models.flow import UnsupervisedFlowEstimator


def replace_download(backbone, folder):
    """Leave pretrained weights out, or put a local file in their place.

    Returns:
        The RGB weights of the file, if there is one.
    """
    for setting in ('pretrained', 'weights'):
        backbone.pop(setting, None)
    init_cfg = backbone.get('init_cfg')
    if init_cfg is None:
        return None
    assert '://' in init_cfg.checkpoint
    rgb = dict(backbone, in_channels=3)
    del rgb['init_cfg']
    weights = MODELS.build(rgb).state_dict()
    init_cfg.checkpoint = str(folder / 'rgb.pth')
    torch.save(weights, init_cfg.checkpoint)
    return weights


def build(cfg, folder):
    """The model as a training starts it; its RGB weights are checked."""
    weights = replace_download(cfg.model.backbone, folder)
    model = MODELS.build(cfg.model)
    model.init_weights()
    if weights is not None:
        kernel = next(module.weight for module in model.backbone.modules()
                      if isinstance(module, nn.Conv2d))
        rgb, = (value for value in weights.values()
                if value.dim() == 4 and value.shape[1] == 3)
        assert kernel.shape[1] == 18
        torch.testing.assert_close(
            kernel,
            rgb.mean(dim=1, keepdim=True).expand_as(kernel))
    return model


class _Holder:
    """Stand-in for the runner in ``Runner.build_optim_wrapper``."""

    def __init__(self, model):
        self.model = model


@pytest.fixture
def late_in_training(monkeypatch):
    """A step at which all losses have begun."""
    hub = MessageHub('late_in_training')
    hub.update_info('iter', 10**6)
    monkeypatch.setattr(MessageHub, 'get_current_instance', lambda: hub)


def test_a_step_of_training(recognizer, load, make_batch, show_motion,
                            tmp_path, late_in_training):
    cfg = load(recognizer)
    model = build(cfg, tmp_path)
    show_motion(model)
    batch = make_batch(cfg.train_dataloader)
    wrapper = Runner.build_optim_wrapper(_Holder(model), cfg.optim_wrapper)
    before = {k: v.clone() for k, v in model.named_parameters()}
    losses = model.train().train_step(batch, wrapper)
    assert losses['loss_cls'] > 0
    assert all(loss.isfinite().all() for loss in losses.values())
    moved = {
        name.split('.')[0]
        for name, value in model.named_parameters()
        if not torch.equal(value, before[name])
    }
    # Only the page's flow backbone rests.
    resting = {'backbone'} if isinstance(
        model.backbone, UnsupervisedFlowEstimator) else set()
    assert moved == {name.split('.')[0] for name in before} - resting


def test_predictions_in_validation_and_test(recognizer, load, make_batch,
                                            show_motion, tmp_path):
    cfg = load(recognizer)
    model = build(cfg, tmp_path).eval()
    show_motion(model)
    seen = []
    for module in model.modules():
        if isinstance(module, UnsupervisedFlowEstimator):
            module.register_forward_pre_hook(
                lambda _, clips: seen.extend(clips[0].aminmax()))
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        size = min(loader.batch_size, 2)
        with torch.no_grad():
            samples = model.test_step(make_batch(loader, size))
        assert len(samples) == size
        for sample in samples:
            assert sample.pred_score.shape == (101, )
            assert sample.pred_score.isfinite().all()
    assert bool(seen) == (recognizer != 'slowonly_r50_ucf101')
    assert not seen or (min(seen) >= 0 and 0.5 < max(seen) <= 1)


def test_the_published_weights_are_of_the_same_backbone(page):
    """Of mmpretrain, whose metafile names both."""
    import mmpretrain
    url = re.search(
        r"'(https://\S+mmclassification\S+)'\n +'(\S+)'",
        page.configs['uftsn_convnext_ucf101']).expand(r'\1\2')
    folder = f'{mmpretrain.__path__[0]}/.mim/configs/convnext'
    with open(f'{folder}/metafile.yml') as file:
        entry, = (
            entry for entry in file.read().split('- Name: ') if url in entry)
    stock = Config.fromfile(f'{folder}/{entry.splitlines()[0]}.py')
    assert stock.model.backbone.arch == 'tiny'
