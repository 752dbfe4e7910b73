# SPDX-License-Identifier: Apache-2.0
"""The blocks of docs/mixing.md, and a checkout that has them as files."""
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from uftsn_mmaction.datasets.motion.video_writer import write_video

ROOT = Path(__file__).resolve().parents[2]
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
SIZE = 48  # of frames, in pixels


def read_page():
    """Text and blocks; a block with a file name on top is a config."""
    text = (ROOT / 'docs' / 'mixing.md').read_text(encoding='utf-8')
    python, bash = (
        re.findall(rf'^```{language}\n(.*?)^```', text, re.M | re.S)
        for language in ('python', 'bash'))
    configs = {
        match[1]: block
        for block in python
        if (match := re.match(r'# configs/(\w+)\.py\n', block))
    }
    fusions = [name for name in configs if name.startswith('fusion_')]
    return SimpleNamespace(
        text=text,
        number=len(python) + len(bash),
        configs=configs,
        fusions=fusions,
        recognizers=[name for name in configs if name not in fusions],
        scripts=[block for block in python if block not in configs.values()])


PAGE = read_page()


def pytest_generate_tests(metafunc):
    """Run a test for every block of a kind, by the name of its argument."""
    for argument, values, ids in (
        ('fusion', PAGE.fusions, None),
        ('recognizer', PAGE.recognizers, None),
        ('script', PAGE.scripts, range(len(PAGE.scripts)))):
        if argument in metafunc.fixturenames:
            metafunc.parametrize(argument, values, ids=ids)


@pytest.fixture
def page():
    """Text of the page, and its blocks by kind."""
    return PAGE


@pytest.fixture(scope='package')
def checkout(tmp_path_factory):
    """Folder that the page assumes: configs, two videos and their list."""
    root = tmp_path_factory.mktemp('checkout')
    (root / 'configs').mkdir()
    for path in (ROOT / 'configs').iterdir():
        (root / 'configs' / path.name).symlink_to(path)
    for name, block in PAGE.configs.items():
        # 'x' refuses the name of a shipped config.
        with open(root / 'configs' / f'{name}.py', 'x') as file:
            file.write(block)
    random = np.random.default_rng(0)
    for name in ('video.avi', 'other.avi'):
        write_video(
            str(root / name),
            random.integers(256, size=(24, 64, 80, 3), dtype=np.uint8))
    (root / 'list.txt').write_text('video.avi 0\nother.avi 1\n')
    return root


@pytest.fixture
def load(checkout, tmp_path, shrink_pipeline):
    """Function that loads a config by name, on few and small clips."""

    def load(name):
        cfg = Config.fromfile(checkout / 'configs' / f'{name}.py')
        cfg.work_dir = str(tmp_path)
        cfg.experiment_name = tmp_path.name  # runners must not share a log
        for loader in map(cfg.get, LOADERS):
            if loader is not None:
                loader.update(num_workers=0, persistent_workers=False)
                loader.dataset.update(
                    ann_file=str(checkout / 'list.txt'),
                    data_prefix=dict(video=str(checkout)))
                shrink_pipeline(loader.dataset.pipeline, 2, SIZE)
        return cfg

    return load


@pytest.fixture
def make_batch():
    """Function that gives up to two videos as a loader does."""

    def make(loader, size=2):
        dataset = DATASETS.build(loader.dataset)
        return pseudo_collate([dataset[n] for n in range(size)])

    return make


@pytest.fixture(scope='package')
def show_motion():
    """Function that makes an untrained estimator find motion."""

    def show(model):
        for name, module in model.named_modules():
            if name.endswith('.predict'):
                torch.nn.init.normal_(module.weight, std=0.1)

    return show
