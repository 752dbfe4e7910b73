# SPDX-License-Identifier: Apache-2.0
import pytest

from uftsn_mmaction.experiments.run import differences


def test_same_settings_have_no_differences():
    settings = dict(a=[dict(b=(1, 2)), None], c=dict(d='x'))
    assert differences(settings, dict(settings, e=None)) == []


@pytest.mark.parametrize('found, wanted, sentences', [
    (dict(a=dict(b=1)), dict(a=dict(b=2)), ['a.b was 1, is 2']),
    (dict(a=1), dict(b=2), ['b was None, is 2', 'a was 1, is None']),
    (dict(a=[1, dict(b=2)]), dict(a=[1, dict(b=3)]), ['a.1.b was 2, is 3']),
    (dict(a=[1]), dict(a=[1, 2]), ['a was [1], is [1, 2]']),
    (dict(a=dict(b=1)), dict(a=None), ["a was {'b': 1}, is None"]),
])
def test_each_difference_is_named_where_it_is(found, wanted, sentences):
    assert differences(found, wanted) == sentences
