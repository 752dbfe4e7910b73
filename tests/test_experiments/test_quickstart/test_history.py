# SPDX-License-Identifier: Apache-2.0
"""Which validation stands for a stage."""
import pytest

from uftsn_mmaction.experiments.quickstart.results import last_validation


def test_last_validation():
    history = {2: {'a': 1}, 4: {'a': 2}, 6: {'a': 3}}
    assert last_validation(history, range(1, 6)) == (4, {'a': 2})
    assert last_validation(history, range(6, 7)) == (6, {'a': 3})
    with pytest.raises(ValueError, match=r'\[2, 4, 6\].*\[5\].*--restart'):
        last_validation(history, range(5, 6))
