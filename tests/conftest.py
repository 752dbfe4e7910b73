# SPDX-License-Identifier: Apache-2.0
"""Fixtures for all tests."""

import random
import sys
import uuid
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from bad_videos import make_bad_videos
from hypothesis import HealthCheck, settings
from mmaction.registry import DATASETS
from mmengine.dataset import pseudo_collate
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

import uftsn_mmaction  # noqa: F401, registers the components
from uftsn_mmaction.datasets import SyntheticMotionDataset

pytest_plugins = ['processes', 'fusion_files']

# Two threads on a busy machine make small operations many times slower.
torch.set_num_threads(1)

# The same examples in each run; how long one takes is no property. Fixtures of
# a test serve all of its examples.
settings.register_profile(
    'suite', derandomize=True, deadline=None, database=None, max_examples=30,
    suppress_health_check=list(HealthCheck))
settings.load_profile('suite')

# Tools that run in this process must not change how it ends.
sys.modules['end_on_signals'] = ModuleType('end_on_signals')
# They import each other. Last, since one of them is called `test`.
sys.path.append(str(Path(__file__).resolve().parents[1] / 'tools'))

GENERATOR = dict(num_train=16, num_test=16, size=(64, 64), num_frames=12)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """Set the scope before a fixture of any scope builds something."""
    init_default_scope('mmaction')


@pytest.fixture(autouse=True)
def seed():
    """Start every test with the same random numbers."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def plain_arithmetic(monkeypatch):
    """Compute flow in float32 on any machine, unless a test asks for more."""
    monkeypatch.setattr(
        'uftsn_mmaction.models.flow.precision.is_good_at_bfloat16',
        lambda device: False)


@pytest.fixture(autouse=True, scope='session')
def own_cache(tmp_path_factory):
    """Keep what is known of videos apart from the cache of the user."""
    folder = str(tmp_path_factory.mktemp('cache'))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('XDG_CACHE_HOME', folder)
        yield


@pytest.fixture(scope='session')
def kinds_of_video(tmp_path_factory):
    """Folder of every kind of video, and by name whether decord reads it."""
    folder = tmp_path_factory.mktemp('kinds')
    return folder, make_bad_videos(folder)


@pytest.fixture(scope='session')
def repo_root():
    """Path of the checkout."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture
def tmp_cwd(tmp_path, monkeypatch):
    """An empty folder that is the working directory during the test."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope='session')
def ucf101_subset(repo_root):
    """Folder with five classes of UCF101, or a skip where there is none."""
    path = repo_root / 'data' / 'ucf101_subset'
    if not (path / 'videos').is_dir():
        pytest.skip(f'no real clips in {path}; docs/configs.md describes them')
    return path


@pytest.fixture(scope='session')
def generated_videos(tmp_path_factory):
    """A generated set; its lists serve any config of a video data set."""
    root = tmp_path_factory.mktemp('videos')
    SyntheticMotionDataset(
        data_root=str(root), pipeline=[], generator=GENERATOR)
    for split in ('train', 'test'):
        # Two videos, whose labels 0 and 1 any number of classes holds.
        lines = (root / f'{split}.txt').read_text().splitlines()
        files = [line.split()[0] for line in lines[:2]]
        (root / f'two_{split}.txt').write_text(
            ''.join(f'{file} {label}\n' for label, file in enumerate(files)))
    return root


@pytest.fixture(scope='session')
def shrink_pipeline():
    """Function that limits the clips and the frame size of a pipeline.

    A network takes a step on 64x64 pixels in a tenth of the time that it
    needs for 224x224.
    """

    def shrink(pipeline, num_clips, size=64):
        for transform in pipeline:
            for branch in transform.get('pipelines', {}).values():
                shrink(branch, num_clips, size)
            if 'num_clips' in transform:
                transform['num_clips'] = min(transform['num_clips'], num_clips)
            for key in ('scale', 'size', 'crop_size', 'input_size'):
                sides = transform.get(key)
                if isinstance(sides, int):
                    transform[key] = min(sides, size)
                elif sides is not None:
                    transform[key] = tuple(min(side, size) for side in sides)

    return shrink


@pytest.fixture
def one_batch(generated_videos, shrink_pipeline):
    """Function that sends one generated video through a config's pipeline.

    Args are a data loader of the config, ``'train'`` or ``'test'``, and the
    largest number of clips to take. Frames are small.
    """

    def batch(loader, split, num_clips):
        dataset = loader.dataset
        shrink_pipeline(dataset.pipeline, num_clips)
        if dataset.type == 'SyntheticMotionDataset':
            dataset.data_root = str(generated_videos)
            dataset.generator = GENERATOR
        else:
            dataset.ann_file = str(generated_videos / f'two_{split}.txt')
            dataset.data_prefix = dict(video=str(generated_videos / 'videos'))
        return pseudo_collate([DATASETS.build(dataset)[0]])

    return batch


class TinyDataset(torch.utils.data.Dataset):
    """Six samples, each with a draw of every random-number generator."""

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return dict(
            index=index,
            inputs=torch.tensor(
                [random.random(), np.random.rand(),
                 torch.rand(()).item()]))


class TinyModel(BaseModel):
    """One weight; keeps what it saw and drew in ``seen``, step by step."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3))
        self.seen = []

    def forward(self, inputs, index, mode='tensor'):
        if mode != 'loss':
            return [inputs * self.weight]
        noise = torch.rand(())
        self.seen.append((index.tolist(), inputs.tolist(), noise.item(),
                          random.random(), np.random.rand()))
        return dict(loss=((inputs * self.weight).sum() - noise)**2)


class RisingScore(BaseMetric):
    """Rises by one with each validation, so that each one is the best."""

    default_prefix = 'tiny'
    calls = 0

    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        self.calls += 1
        return dict(score=np.float64(self.calls))


@pytest.fixture
def tiny_runner():
    """Function that builds a Runner which trains in well under a second.

    Args are the working directory, the number of epochs (or iterations) and
    anything to pass on to the runner or the training data loader.
    """

    def build(work_dir, length, by_epoch=True, loader=None, **kwargs):
        shared = dict(
            dataset=TinyDataset(),
            batch_size=2,
            num_workers=0,
            collate_fn=dict(type='default_collate'))
        sampler = 'DefaultSampler' if by_epoch else 'InfiniteSampler'
        train = dict(shared, sampler=dict(type=sampler, shuffle=True))
        train.update(loader or {})
        unit = 'epochs' if by_epoch else 'iters'
        settings = dict(
            model=TinyModel(),
            work_dir=str(work_dir),
            train_dataloader=train,
            val_dataloader=dict(
                shared, sampler=dict(type='DefaultSampler', shuffle=False)),
            train_cfg={
                'by_epoch': by_epoch,
                f'max_{unit}': length,
                'val_interval': 1
            },
            val_cfg=dict(),
            val_evaluator=dict(type=RisingScore),
            optim_wrapper=dict(optimizer=dict(type='Adam', lr=0.1)),
            randomness=dict(seed=3),
            default_scope='mmaction',
            # Runners of one name would share their message hub.
            experiment_name=uuid.uuid4().hex,
            log_level='WARNING')
        settings.update(kwargs)
        return Runner(**settings)

    return build
