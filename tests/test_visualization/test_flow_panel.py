# SPDX-License-Identifier: Apache-2.0
"""Figure 2, read back from its artists."""
import numpy as np
import pytest

from uftsn_mmaction.visualization import flow_panel, flow_to_color


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
    axes = flow_panel([panel_row(gt_flow=gt * np.nan)]).axes
    assert axes[3].get_xlabel() == ''
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


@pytest.mark.parametrize('rows', [[],
                                  [panel_row(),
                                   panel_row(gt_flow=None)]])
def test_panel_needs_equal_columns(rows):
    with pytest.raises(ValueError, match='flow_panel'):
        flow_panel(rows)
