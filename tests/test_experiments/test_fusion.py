# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
from mmengine.config import Config

from uftsn_mmaction.experiments.fusion import check_streams, fusion_config


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


def test_trained_streams_take_their_places():
    before = fusion('spatial', 'temporal')
    streams = {name: Config(dict(model=dict(type=name.title())))
               for name in ('spatial', 'temporal')}
    after = fusion_config(before, streams,
                          dict(spatial=Path('a.pth'), temporal=Path('b.pth')))
    assert after.model.streams.to_dict() == dict(
        spatial=dict(model=dict(type='Spatial'), frames=3, checkpoint='a.pth'),
        temporal=dict(
            model=dict(type='Temporal'), frames=3, checkpoint='b.pth'))
    # Neither config changes with the other.
    after.model.streams.spatial.model.type = 'New'
    assert streams['spatial'].model.type == 'Spatial'
    assert before.model.streams.spatial.model == dict(old=1)
