# SPDX-License-Identifier: Apache-2.0
import pytest
from mmengine.config import Config

from uftsn_mmaction.experiments.experiment import (
    Experiment,
    check_streams,
    fusion_config,
)


def fusion(*names):
    streams = {name: dict(model=dict(old=1), frames=3) for name in names}
    return Config(
        dict(model=dict(streams=streams)),
        cfg_text='text',
        filename='my_fusion.py')


@pytest.mark.parametrize('names', [('spatial', ), ('rgb', 'flow'),
                                   ('spatial', 'temporal', 'audio')])
def test_other_streams_are_refused(names):
    check_streams(fusion('temporal', 'spatial'))
    with pytest.raises(ValueError, match=f"my_fusion.py .*'{names[-1]}'"):
        check_streams(fusion(*names))


def test_trained_streams_take_their_places(tmp_path):
    before = fusion('spatial', 'temporal')
    streams = {}
    for epochs, name in enumerate(('spatial', 'temporal')):
        cfg = Config(
            dict(model=dict(type=name), train_cfg=dict(max_epochs=epochs)))
        streams[name] = Experiment(name, cfg, tmp_path / name,
                                   tmp_path / f'{name}.py', None)
    after = fusion_config(before, streams)
    assert after.model.streams.to_dict() == {
        name: dict(
            model=dict(type=name),
            frames=3,
            checkpoint=str(tmp_path / name / f'epoch_{epochs}.pth'))
        for epochs, name in enumerate(streams)
    }
    # Neither config changes with the other.
    after.model.streams.spatial.model.type = 'New'
    assert streams['spatial'].cfg.model.type == 'spatial'
    assert before.model.streams.spatial.model == dict(old=1)
