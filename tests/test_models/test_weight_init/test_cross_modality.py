# SPDX-License-Identifier: Apache-2.0
"""ImageNet weights for a backbone that takes a stack of flows."""
import copy
import os
import pickle
import re

import pytest
import torch
import torchvision
from mmaction.registry import MODELS
from mmcv.cnn import ConvModule
from mmengine.model import Sequential, initialize
from mmengine.runner import CheckpointLoader
from torch import nn

from uftsn_mmaction.models.weight_init import cross_modality

CHANNELS = 4
KINDS = ('ResNet', 'mmpretrain.ResNet')


@pytest.fixture(scope='module')
def rgb():
    """State of an RGB ResNet-18 in which no two tensors are alike."""
    generator = torch.Generator().manual_seed(0)
    state = torchvision.models.resnet18().state_dict()
    for name, value in state.items():
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape, generator=generator))
        else:
            value.fill_(len(name))
    return state


@pytest.fixture
def checkpoint(tmp_path):
    """Function that writes a checkpoint and returns its path."""

    def write(content):
        torch.save(content, tmp_path / 'weights.pth')
        return str(tmp_path / 'weights.pth')

    return write


def from_rgb(file):
    return dict(type='CrossModalityPretrained', checkpoint=file)


def refused(match, backbone, init_cfg, error=ValueError):
    with pytest.raises(error, match=match) as caught:
        initialize(backbone, init_cfg)
    assert '\n' not in str(caught.value)


def build_resnet(kind='ResNet', in_channels=CHANNELS, **kwargs):
    return MODELS.build(
        dict(type=kind, depth=18, in_channels=in_channels, **kwargs))


def assert_loaded(backbone, rgb, in_channels=CHANNELS):
    """All of the backbone is the RGB network, but for the first kernel."""
    found = dict(backbone.state_dict())
    expected = {k: v for k, v in rgb.items() if not k.startswith('fc.')}
    if 'conv1.conv.weight' in found:
        # The ResNet of MMAction2 has other names in the same order.
        found = dict(zip(expected, found.values(), strict=True))
    if in_channels != 3:
        mean = expected['conv1.weight'].mean(1, keepdim=True)
        expected['conv1.weight'] = mean.expand(-1, in_channels, -1, -1)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, msg=name)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('recognizer', ['Recognizer2D', 'UFTSNRecognizer'])
def test_weights_survive_the_initialisation_of_the_model(
        kind, recognizer, rgb, checkpoint, build_recognizer, monkeypatch):
    """Stock modules start some layers afresh after an init_cfg."""
    read, load = [], CheckpointLoader.load_checkpoint
    monkeypatch.setattr(
        CheckpointLoader, 'load_checkpoint',
        lambda name, **kwargs: read.append(name) or load(name, **kwargs))
    file = checkpoint(rgb)
    backbone = dict(
        type=kind, depth=18, in_channels=CHANNELS, init_cfg=from_rgb(file))
    head = dict(type='TSNHead', num_classes=5, in_channels=512)
    build = (build_recognizer if recognizer == 'UFTSNRecognizer' else
             MODELS.get(recognizer))
    model = build(backbone=backbone, cls_head=head)
    before = copy.deepcopy(model.cls_head.state_dict())
    model.init_weights()
    assert_loaded(model.backbone, rgb)
    assert read == [file]
    # The rest of the model still gets its own start.
    after = model.cls_head.state_dict()
    assert not torch.equal(before['fc_cls.weight'], after['fc_cls.weight'])


@pytest.mark.parametrize(
    'prefix', ['', 'backbone.', 'module.', 'module.backbone.'])
def test_layouts_of_checkpoints(prefix, rgb, checkpoint):
    weights = {prefix + name: value for name, value in rgb.items()}
    weights['cls_head.fc.weight'] = torch.zeros(3)
    weights['mean'] = 'no tensor'
    for content in (weights, dict(state_dict=weights, meta={})):
        backbone = build_resnet()
        initialize(backbone, from_rgb(checkpoint(content)))
        assert_loaded(backbone, rgb)


def test_checkpoint_with_the_names_of_mmaction2(rgb, checkpoint):
    source = build_resnet(in_channels=3)
    source.load_state_dict(
        dict(zip(source.state_dict(), rgb.values())), strict=True)
    weights = {f'backbone.{k}': v for k, v in source.state_dict().items()}
    backbone = build_resnet(init_cfg=from_rgb(checkpoint(weights)))
    backbone.init_weights()
    assert_loaded(backbone, rgb)


@pytest.mark.parametrize('kind', KINDS)
def test_three_channels_are_loaded_as_they_are(kind, rgb, checkpoint):
    backbone = build_resnet(kind, 3, init_cfg=from_rgb(checkpoint(rgb)))
    backbone.init_weights()
    assert_loaded(backbone, rgb, 3)


def test_log_names_what_was_loaded_left_and_not_used(rgb, checkpoint,
                                                     monkeypatch):
    lines = []
    monkeypatch.setattr(cross_modality, 'print_log',
                        lambda text, **kwargs: lines.append(text))
    weights = {k: v for k, v in rgb.items()
               if 'num_batches' not in k and not k.startswith('layer4.1')}
    file = checkpoint(weights)
    backbone = build_resnet(init_cfg=from_rgb(file))
    backbone.init_weights()
    loaded, left, unused = lines
    for part in (f'ResNet: {len(weights) - 2} tensors', file, '(64, 4, 7, 7)',
                 'conv1.conv ', 'conv1.weight (64, 3, 7, 7)'):
        assert part in loaded
    assert f'{file} ' in left and '10 (layer4.1.conv1.conv.weight, ' in left
    assert left.endswith(', ...)') and 'num_batches_tracked' not in left
    assert unused.endswith('2 (fc.bias, fc.weight)')
    # One line where everything fits.
    lines.clear()
    weights = {k: v for k, v in rgb.items() if not k.startswith('fc')}
    initialize(build_resnet(in_channels=3), from_rgb(checkpoint(weights)))
    assert len(lines) == 1 and 'conv1.conv (64, 3, 7, 7)' in lines[0]


def test_refuses_what_does_not_fit(rgb, checkpoint):
    backbone = build_resnet()
    other = checkpoint(dict(stem=torch.zeros(1)))
    refused(r'ResNet.* 1 \(stem\).*conv1.conv.weight', backbone,
            from_rgb(other))
    flow = {**rgb, 'conv1.weight': torch.zeros(64, CHANNELS, 7, 7)}
    refused(r'\(64, 3, 7, 7\).*conv1.conv.*\(64, 4, 7, 7\).*Pretrained',
            backbone, from_rgb(checkpoint(flow)))
    del flow['conv1.weight']
    refused('conv1.conv.*got none', backbone, from_rgb(checkpoint(flow)))
    wide = {**rgb, 'layer2.0.conv1.weight': torch.zeros(128, 64, 1, 1)}
    refused(r'ResNet.*layer2.0.conv1.conv.weight.*\[128, 64, 1, 1\]'
            r'.*\[128, 64, 3, 3\]', backbone, from_rgb(checkpoint(wide)))


def test_refuses_what_it_cannot_read(tmp_path, checkpoint):
    backbone = build_resnet()
    missing = str(tmp_path / 'missing.pth')
    refused('missing.pth', backbone, from_rgb(missing), FileNotFoundError)
    (tmp_path / 'broken.pth').write_bytes(b'broken')
    for file in (str(tmp_path / 'broken.pth'), 'torchvision://resnet19',
                 checkpoint([1, 2])):
        refused('broken.pth|resnet19|weights.pth', backbone, from_rgb(file))


class Trap:
    """Runs code where it is unpickled as any object."""

    def __reduce__(self):
        return os.mkdir, (os.environ['TRAP'], )


@pytest.mark.parametrize('scheme', ['', 'torchvision://'])
def test_runs_no_code_of_a_checkpoint(scheme, rgb, tmp_path, monkeypatch):
    """torch.hub would, for what it downloaded."""
    monkeypatch.setenv('TRAP', str(tmp_path / 'trapped'))
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    monkeypatch.delenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', raising=False)
    weights = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
    file = tmp_path / 'hub' / 'checkpoints' / os.path.basename(weights.url)
    file.parent.mkdir(parents=True)
    torch.save({**rgb, 'trap': Trap()}, file)
    name = 'torchvision://resnet18.imagenet1k_v1' if scheme else str(file)
    refused(re.escape(name), build_resnet(), from_rgb(name))
    assert not (tmp_path / 'trapped').exists()
    assert 'TORCH_FORCE_WEIGHTS_ONLY_LOAD' not in os.environ


def test_has_to_be_the_last_of_a_list(rgb, checkpoint):
    init_cfg = from_rgb(checkpoint(rgb))
    kaiming = dict(type='Kaiming', layer='Conv2d')
    backbone = build_resnet(init_cfg=[kaiming, init_cfg])
    backbone.init_weights()
    assert_loaded(backbone, rgb)
    with pytest.raises(ValueError, match='Kaiming.*CrossModalityPretrained'):
        build_resnet(init_cfg=[init_cfg, kaiming]).init_weights()


def test_a_child_that_is_not_in_the_checkpoint_is_initialised(checkpoint):
    weights = {
        '0.conv.weight': torch.randn(6, 3, 3, 3),
        '0.conv.bias': torch.randn(6)
    }
    init_cfg = from_rgb(checkpoint(weights))
    backbone = Sequential(
        ConvModule(CHANNELS, 6, 3), ConvModule(6, 6, 3), init_cfg=init_cfg)
    nn.init.constant_(backbone[1].conv.bias, 7)
    backbone.init_weights()
    assert not backbone[1].conv.bias.any()
    torch.testing.assert_close(backbone[0].conv.bias.data,
                               weights['0.conv.bias'])


def test_a_filled_model_can_be_copied_and_stored(rgb, checkpoint):
    backbone = build_resnet(init_cfg=from_rgb(checkpoint(rgb)))
    backbone.init_weights()
    assert_loaded(copy.deepcopy(backbone), rgb)
    assert_loaded(pickle.loads(pickle.dumps(backbone)), rgb)


def test_the_shipped_model_starts_from_imagenet(repo_root, monkeypatch):
    """Training asks for the weights; building does not, nor the demo."""
    from mmaction.apis import init_recognizer
    asked = []
    monkeypatch.setattr(CheckpointLoader, 'load_checkpoint',
                        lambda name, **kwargs: asked.append(name) or {})
    model, small = (
        init_recognizer(repo_root / 'configs' / name, device='cpu')
        for name in ('uftsn_r18_ucf101.py', 'uftsn_quickstart.py'))
    small.init_weights()
    assert not asked
    with pytest.raises(ValueError, match='torchvision://resnet18'):
        model.backbone.init_weights()
    assert asked == ['torchvision://resnet18']
