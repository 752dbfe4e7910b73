# SPDX-License-Identifier: Apache-2.0
"""What the figures show, read back from their artists."""
import cv2
import numpy as np
import pytest

from uftsn_mmaction.visualization import (
    confusion_matrix_figure,
    figure_to_png,
    flow_panel,
    flow_to_color,
    training_curves,
)


def shown(axis):
    return np.asarray(axis.images[0].get_array())


def constant(u, v):
    flow = np.zeros((2, 8, 10), np.float32)
    flow[0], flow[1] = u, v
    return flow


def panel_row(**kwargs):
    return dict(
        dict(
            frame=np.full((8, 10, 3), 90, np.uint8),
            gt_flow=constant(3, 4),
            flows={
                'TV-L1': constant(3, 4),
                'ours': constant(0, 0)
            }), **kwargs)


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


def test_png_is_a_picture_and_always_the_same():
    figures = [flow_panel([panel_row()]) for _ in range(2)]
    first, second = map(figure_to_png, figures)
    picture = cv2.imdecode(np.frombuffer(first, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape[1] > picture.shape[0] > 100
    assert picture.std() > 10
    assert first == second


def test_panel_has_one_scale_and_the_errors():
    axes = flow_panel([panel_row(label='walk')]).axes
    titles = [axis.get_title() for axis in axes[:4]]
    assert titles == ['frame', 'ground truth', 'TV-L1', 'ours']
    notes = [axis.get_xlabel() for axis in axes[:4]]
    assert notes == ['full colour: 6.0 px', '', 'AEPE 0.00', 'AEPE 5.00']
    assert axes[0].get_ylabel() == 'walk'
    expected = flow_to_color(constant(3, 4), max_norm=6)
    np.testing.assert_array_equal(shown(axes[1]), expected)
    np.testing.assert_array_equal(shown(axes[2]), expected)
    assert (shown(axes[3]) == 255).all()


def test_panel_rows_have_their_own_scales():
    slow = panel_row(gt_flow=constant(0.3, 0.4))
    axes = flow_panel([panel_row(), slow]).axes
    assert axes[5].get_xlabel() == 'full colour: 0.6 px'
    np.testing.assert_allclose(shown(axes[1]), shown(axes[6]), atol=1)


def test_panel_error_leaves_out_unknown_pixels_only():
    gt = constant(3, 4)
    gt[0, :4] = np.nan
    axes = flow_panel([panel_row(gt_flow=gt)]).axes
    assert axes[3].get_xlabel() == 'AEPE 5.00'
    flows = {'diverged': constant(np.nan, 0)}
    axes = flow_panel([panel_row(flows=flows)]).axes
    assert axes[2].get_xlabel() == 'AEPE nan'


def test_panel_without_ground_truth():
    axes = flow_panel([panel_row(gt_flow=None)]).axes
    assert [axis.get_title() for axis in axes[:3]] == [
        'frame', 'TV-L1', 'ours'
    ]
    assert axes[0].get_xlabel() == 'full colour: 6.0 px'
    assert axes[1].get_xlabel() == ''


def test_panel_needs_equal_columns():
    with pytest.raises(ValueError, match='same columns'):
        flow_panel([panel_row(), panel_row(gt_flow=None)])
    with pytest.raises(ValueError, match='got none'):
        flow_panel([])


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


def test_curves_without_accuracy():
    figure = training_curves([{'epoch': 1, 'flow/AEPE': 2.}])
    assert [axis.get_ylabel() for axis in figure.axes] == ['AEPE in pixels']


def test_curves_without_any_metric():
    with pytest.raises(ValueError, match="got .*'loss'"):
        training_curves([{'epoch': 1, 'loss': 2.}])


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
    assert axis.get_ylabel() == 'true class'
    assert [tick.get_text() for tick in axis.get_yticklabels()
            ] == ['a', 'b', 'c']


@pytest.mark.parametrize('matrix', [
    np.zeros((2, 3)),
    np.zeros((3, 3)),
    np.array([[1, 0], [-1, 2]]),
])
def test_confusion_matrix_that_is_none(matrix):
    with pytest.raises(ValueError, match='each of the 2 class_names'):
        confusion_matrix_figure(matrix, ['a', 'b'])
