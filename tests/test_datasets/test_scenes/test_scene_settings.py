# SPDX-License-Identifier: Apache-2.0
"""Settings of random scenes."""
import pytest

from uftsn_mmaction.datasets.scenes.settings import SceneSettings


def test_lists_of_a_config_are_ranges():
    settings = SceneSettings.from_dict(dict(noise=[1, 2], objects=[0, 3]))
    assert settings == SceneSettings(noise=(1, 2), objects=(0, 3))


@pytest.mark.parametrize('name', ['noise', 'objects', 'saturation'])
def test_none_and_zero_switch_a_range_off(name):
    off = [SceneSettings(**{name: value}) for value in (None, 0, (0, 0))]
    assert off[0] == off[1] == off[2]
    assert getattr(off[0], name) == (0, 0)


@pytest.mark.parametrize('bad, error', [
    (dict(noise=3), TypeError),
    (dict(noise=(1, 2, 3)), TypeError),
    (dict(blur=1.5), ValueError),
    (dict(blur=-0.1), ValueError),
    (dict(exposure=(0.5, 0.1)), ValueError),
    (dict(translation=-1), ValueError),
    (dict(translation='3'), TypeError),
    (dict(object_radius=(0, 0.4)), ValueError),
    (dict(pool=2.5), TypeError),
    (dict(objects=(0, 2.5)), TypeError),
    (dict(objects=(0, 256)), ValueError),
    (dict(perspective=0.2), ValueError),
    (dict(strong_deformation=0.5), ValueError),
    (dict(fog=1), ValueError),
])
def test_bad_settings_are_named(bad, error):
    with pytest.raises(error, match=next(iter(bad))):
        SceneSettings.from_dict(bad)
