# SPDX-License-Identifier: Apache-2.0
"""Training curves, read back from their artists."""
import numpy as np
import pytest

from uftsn_mmaction.visualization import training_curves


@pytest.fixture(scope='module')
def history():
    """Accuracy is measured from the second stage on."""
    return [
        dict(
            {
                'epoch': epoch,
                'flow/AEPE': 4 / epoch
            }, **({
                'acc/top1': epoch / 10
            } if epoch > 3 else {})) for epoch in range(1, 7)
    ]


def test_curves_stages_and_references(history):
    stages = [
        dict(name='flow', begin=0),
        dict(name='classifier', begin=3),
        dict(name='end to end', begin=5),
        dict(name='never reached', begin=9)
    ]
    upper, lower = training_curves(
        history, stages, error_references={'zero flow': 4.56}).axes
    assert [text.get_text() for text in upper.texts] == [
        'flow', 'classifier', 'end to end'
    ]
    assert not lower.texts
    for axis in (upper, lower):
        spans = [(span.get_x(), span.get_x() + span.get_width())
                 for span in axis.patches]
        assert spans == [(0, 3), (3, 5), (5, 6)]
    reference, curve = upper.lines
    assert set(reference.get_ydata()) == {4.56}
    assert reference.get_label() == 'zero flow (4.56)'
    np.testing.assert_allclose(curve.get_ydata(),
                               [4 / epoch for epoch in range(1, 7)])
    np.testing.assert_array_equal(lower.lines[0].get_xdata(), [4, 5, 6])
    np.testing.assert_allclose(lower.lines[0].get_ydata(), [0.4, 0.5, 0.6])
    assert upper.get_ylim()[0] == 0 and lower.get_ylim() == (0, 1.02)


def test_curves_without_accuracy():
    figure = training_curves([{'epoch': 1, 'flow/AEPE': 2.}])
    assert [axis.get_ylabel() for axis in figure.axes] == ['AEPE in pixels']


def test_curves_without_any_metric():
    with pytest.raises(ValueError, match="'loss'"):
        training_curves([{'epoch': 1, 'loss': 2.}])
