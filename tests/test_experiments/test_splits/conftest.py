# SPDX-License-Identifier: Apache-2.0
import pytest

# Every part names its split, and lists as the shipped configs do.
SPLIT = """
split = int('{{$SPLIT:1}}')
"""
STREAM = """
model = dict(type='Recognizer2D', backbone=dict(depth=18))
train_cfg = dict(max_epochs={epochs})
"""
FUSION = """
model = dict(
    type='FusionRecognizer',
    streams=dict(spatial=dict(model='a.py', frames=5), temporal=dict()))
test_dataloader = dict(num_workers=2)
"""


@pytest.fixture
def configs_dir(tmp_path):
    """Configs by the names of the shipped ones, for any split."""
    folder = tmp_path / 'configs'
    folder.mkdir()
    for name, text in (('tsn_r152', STREAM.format(epochs=2)),
                       ('uftsn_r18', STREAM.format(epochs=3)),
                       ('uftsn_fusion', FUSION)):
        (folder / f'{name}_ucf101.py').write_text(SPLIT + text)
    return folder
