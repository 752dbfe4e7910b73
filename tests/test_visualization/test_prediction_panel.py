# SPDX-License-Identifier: Apache-2.0
"""Bars of classes: the likeliest first, as long as they are likely."""
import numpy as np
import pytest

from uftsn_mmaction.visualization.prediction_panel import (
    _BAR,
    panel_height,
    prediction_panel,
)

BLUE = np.array([int(_BAR[start:start + 2], 16) for start in (1, 3, 5)])
NAMES = ['walk', 'run', 'jump']


def bars(panel, left, right):
    """Lengths of the bars in some columns of pixels, from top to bottom."""
    lengths, inside = [], False
    for row in (panel[:, left:right] == BLUE).all(-1):
        if row.any() and not inside:
            lengths.append(int(np.nonzero(row)[0].max()
                               - np.nonzero(row)[0].min()) + 1)
        inside = row.any()
    return lengths


def test_bars_are_as_long_as_classes_are_likely():
    panel = prediction_panel(
        dict(a=np.array([0.1, 0.7, 0.2]), b=np.array([1., 0, 0])), NAMES, 600)
    assert panel.shape == (panel_height(3), 600, 3)
    assert bars(panel, 0, 300) == pytest.approx(
        [0.7 * 288, 0.2 * 288, 0.1 * 288], abs=2)
    assert bars(panel, 300, 600)[0] == pytest.approx(288, abs=2)


def test_the_size_does_not_change():
    empty = prediction_panel({}, NAMES, 300, 2)
    full = prediction_panel(dict(a=np.eye(3)[0]), NAMES, 300, 2)
    assert empty.shape == full.shape and (empty == 255).all()
    # There are no more classes than that.
    assert len(prediction_panel({}, NAMES, 300, 9)) == panel_height(3)


def test_names_are_text():
    names = ['$x_1$', 'a' * 200]
    panel = prediction_panel(dict(a=np.array([0., 1.])), names, 300)
    assert panel.shape[1] == 300
