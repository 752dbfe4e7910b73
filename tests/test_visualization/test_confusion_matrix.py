# SPDX-License-Identifier: Apache-2.0
"""One confusion matrix, read back from its artists."""
import numpy as np
import pytest

from uftsn_mmaction.visualization import confusion_matrix_figure


def test_confusion_matrix_is_normalised_by_row():
    matrix = np.array([[3, 1, 0], [0, 0, 0], [20, 0, 180]])
    axis = confusion_matrix_figure(matrix, ['a', 'b', 'c'], 'motion').axes[0]
    percent = np.ma.filled(axis.images[0].get_array().astype(float), np.nan)
    nan = np.nan
    np.testing.assert_allclose(
        percent, [[75, 25, 0], [nan, nan, nan], [10, 0, 90]])
    cells = {text.get_position(): text.get_text() for text in axis.texts}
    assert cells == {
        (0, 0): '75',
        (1, 0): '25',
        (0, 2): '10',
        (2, 2): '90'
    }
    assert axis.get_title() == 'motion'
    assert axis.get_ylabel() == 'true class'
    assert [tick.get_text() for tick in axis.get_yticklabels()
            ] == ['a', 'b', 'c']


@pytest.mark.parametrize('matrix', [
    np.zeros((2, 3)),
    np.zeros((3, 3)),
    np.array([[1, 0], [-1, 2]]),
    np.array([[1, 0], [np.nan, 2]]),
])
def test_confusion_matrix_that_is_none(matrix):
    with pytest.raises(ValueError, match='2 class_names'):
        confusion_matrix_figure(matrix, ['a', 'b'])
