# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from uftsn_mmaction.experiments.quickstart.plan import QuickstartPlan
from uftsn_mmaction.experiments.quickstart.results import SINGLE, TestResult

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
GENERATOR = dict(num_train=16, num_test=8, size=(32, 32), num_frames=6,
                 speed=1.0)


@pytest.fixture(scope='session')
def config_file(repo_root):
    """The config of the quickstart as it is shipped."""
    return str(repo_root / 'configs' / 'uftsn_quickstart.py')


@pytest.fixture(scope='session')
def fusion_file(repo_root):
    """The config of its fusion as it is shipped."""
    return str(repo_root / 'configs' / 'uftsn_fusion_quickstart.py')


@pytest.fixture
def read_plan(config_file, fusion_file):
    """Function that reads the shipped configs, changed by options."""

    def read(options=None, data_root=None, config=config_file,
             fusion=fusion_file):
        return QuickstartPlan.from_files(config, fusion, options, data_root)

    return read


@pytest.fixture(scope='session')
def stage_option():
    """Function that gives the option for the begin of a stage."""

    def option(name, begin):
        return {f'default_hooks.stages.stages.{name}.begin': begin}

    return option


@pytest.fixture(scope='session')
def tiny_options(stage_option):
    """Options for three stages of one epoch each on two dozen videos."""
    options = {
        f'{loader}.dataset.generator.{key}': value
        for loader in LOADERS for key, value in GENERATOR.items()
    }
    options.update({f'{loader}.num_workers': 0 for loader in LOADERS})
    return {
        **options, 'train_cfg.max_epochs': 3,
        'train_cfg.val_interval': 1,
        **stage_option('classifier', 1),
        **stage_option('joint', 2)
    }


@pytest.fixture
def build_result():
    """Function that builds the test of a stream: four samples, two flows."""

    def build(aepe=0.5, motion=0.75, top1=0.5):
        metrics = {
            'flow/AEPE_zero': 1.25,
            'flow/AEPE': aepe,
            'motion/top1': motion,
            'acc/top1': top1
        }
        return TestResult(
            metrics,
            np.arange(4), {SINGLE: np.eye(16, dtype=np.float32)[:4]},
            dict(
                labels=np.array([0, 3]),
                frames=np.zeros((2, 32, 32, 3), np.uint8),
                gt_flows=np.ones((2, 2, 32, 32), np.float32),
                flows=np.zeros((2, 2, 32, 32), np.float32),
                # Brighter with each of the four frames.
                clips=np.broadcast_to(
                    np.arange(0, 240, 60, dtype=np.uint8)[:, None, None, None],
                    (2, 4, 32, 32, 3)),
                clip_flows=np.zeros((2, 2, 3, 32, 32), np.float32)))

    return build


@pytest.fixture
def fusion_result():
    """Test of a fusion that is right on all 16 classes."""
    return TestResult(
        {
            'acc/spatial_top1': 0.12,
            'acc/temporal_top1': 0.47,
            'acc/fusion_top1': 0.89,
            'acc/fusion_prob_top1': 0.58
        }, np.arange(16), {
            name: np.eye(16, dtype=np.float32)
            for name in ('spatial', 'temporal', 'fusion', 'fusion_prob')
        })
