# SPDX-License-Identifier: Apache-2.0
"""Losses that begin at a step of the runner."""
import pytest

from uftsn_mmaction.models.losses.progress import check_begin, has_begun


def test_the_runner_counts(count_steps):
    count_steps(9)
    assert not has_begun(10, 'begin')
    count_steps(10)
    assert has_begun(10, 'begin')


def test_without_a_runner(count_steps):
    count_steps(None)
    assert has_begun(0, 'begin')
    with pytest.raises(ValueError, match='occlusion_begin.*7'):
        has_begun(7, 'occlusion_begin')


@pytest.mark.parametrize('begin', [-1, 0.5, '3'])
def test_numbers_that_are_no_step(begin):
    with pytest.raises(ValueError, match='occlusion_begin') as caught:
        check_begin(begin, 'occlusion_begin')
    assert repr(begin) in str(caught.value)
