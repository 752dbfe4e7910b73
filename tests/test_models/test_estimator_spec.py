# SPDX-License-Identifier: Apache-2.0
"""How estimators are named on a command line."""
import pytest

from uftsn_mmaction.models.estimator_spec import short_names, split_spec


@pytest.mark.parametrize('spec, expected', [
    ('uftsn', ('uftsn', None)),
    ('uftsn:a.pth', ('uftsn', 'a.pth')),
    ('uftsn:/b:c/a.pth', ('uftsn', '/b:c/a.pth')),
    ('uftsn:https://host/a.pth', ('uftsn', 'https://host/a.pth')),
    ('d/c.py', ('d/c.py', None)),
    ('d/c.py:a.pth', ('d/c.py', 'a.pth')),
    ('x:y/c.py', ('x:y/c.py', None)),
    ('x:y/c.py:z:a.pth', ('x:y/c.py', 'z:a.pth')),
])
def test_paths_may_hold_colons(spec, expected):
    assert split_spec(spec) == expected


@pytest.mark.parametrize('spec', ['', 'uftsn:', ':a.pth', 'd/c.py:'])
def test_half_a_specification_is_refused(spec):
    with pytest.raises(ValueError, match='is incomplete, expected NAME'):
        split_spec(spec)


def test_short_names_stay_apart():
    assert short_names(['zero', 'uftsn:x/a.pth', 'd/c.py:y/b.pth']) == [
        'zero', 'uftsn:a.pth', 'c.py:b.pth'
    ]
    assert short_names(['uftsn:x/a.pth', 'uftsn:y/a.pth', 'd/c.py']) == [
        'uftsn:x/a.pth', 'uftsn:y/a.pth', 'c.py'
    ]
    with pytest.raises(ValueError, match="'dis' is named more than once"):
        short_names(['dis', 'zero', 'dis'])
