# SPDX-License-Identifier: Apache-2.0
import pytest

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
GENERATOR = dict(num_train=16, num_test=8, size='[32,32]', num_frames=6,
                 speed=1.0)


@pytest.fixture(scope='session')
def config_file(repo_root):
    """The config of the quickstart as it is shipped."""
    return str(repo_root / 'configs' / 'uftsn_quickstart.py')


@pytest.fixture(scope='session')
def fusion_file(repo_root):
    """The config of its fusion as it is shipped."""
    return str(repo_root / 'configs' / 'uftsn_fusion_quickstart.py')


@pytest.fixture(scope='session')
def tiny_options():
    """Options for three stages of one epoch each on two dozen videos."""
    options = [
        f'{loader}.dataset.generator.{key}={value}' for loader in LOADERS
        for key, value in GENERATOR.items()
    ]
    options += [f'{loader}.num_workers=0' for loader in LOADERS]
    return options + [
        'train_cfg.max_epochs=3', 'train_cfg.val_interval=1',
        'custom_hooks.1.stages.1.begin=1', 'custom_hooks.1.stages.2.begin=2'
    ]
