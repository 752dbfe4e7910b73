# SPDX-License-Identifier: Apache-2.0
"""A plugin of pytest: a fusion of two random streams, as files of a user."""
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

STREAMS = dict(spatial='tsn_r18_quickstart', temporal='uftsn_quickstart')


@pytest.fixture(scope='session')
def fusion(repo_root, tmp_path_factory):
    """Config file of a fusion whose checkpoints lie beside it."""
    init_default_scope('mmaction')
    root = tmp_path_factory.mktemp('fusion')
    for seed, (name, config) in enumerate(STREAMS.items()):
        cfg = Config.fromfile(repo_root / f'configs/{config}.py')
        torch.manual_seed(seed)
        model = MODELS.build(cfg.model)
        # Without training the scores of all classes are almost the same.
        model.cls_head.fc_cls.weight.data *= 100
        torch.save(model.state_dict(), root / f'{name}.pth')
    (root / 'classes.txt').write_text(''.join(
        f'motion {number}\n' for number in range(16)))
    path = root / 'fusion.py'
    path.write_text(
        f"_base_ = ['{repo_root}/configs/uftsn_fusion_quickstart.py']\n"
        'model = dict(streams=dict(' + ', '.join(
            f"{name}=dict(checkpoint='{root}/{name}.pth')"
            for name in STREAMS) + '))\n')
    return path
