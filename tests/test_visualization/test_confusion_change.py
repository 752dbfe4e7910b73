# SPDX-License-Identifier: Apache-2.0
"""Cells, labels and colours of figure 3, read from its artists."""
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from uftsn_mmaction.visualization import figure_to_png
from uftsn_mmaction.visualization.confusion_change import (
    confusion_change_figure,
)

BEFORE = np.array([[5, 5, 0], [0, 8, 2], [10, 0, 30]])
AFTER = np.array([[9, 1, 0], [3, 7, 0], [10, 0, 30]])
NAN = np.nan


def shown(figure, panel):
    array = figure.axes[panel].images[0].get_array()
    return np.ma.filled(array.astype(float), NAN)


def rows(figure, panel=0):
    ticks = figure.axes[panel].get_yticklabels()
    return [tick.get_text() for tick in ticks]


def colour(figure, panel, value):
    """Red, green and blue that a panel has for a value."""
    image = figure.axes[panel].images[0]
    return image.cmap(image.norm(value))[:3]


def test_three_panels_in_percent_of_the_true_class():
    figure = confusion_change_figure(BEFORE, AFTER, 'abc')
    np.testing.assert_allclose(
        shown(figure, 0), [[50, 50, 0], [0, 80, 20], [25, 0, 75]])
    np.testing.assert_allclose(
        shown(figure, 1), [[90, 10, 0], [30, 70, 0], [25, 0, 75]])
    np.testing.assert_allclose(
        shown(figure, 2), [[40, -40, 0], [30, -10, -20], [0, 0, 0]])
    assert [axis.get_title() for axis in figure.axes[:3]] == [
        'RGB stream', 'UF-TSN', 'change'
    ]
    assert rows(figure) == ['a', 'b', 'c']
    assert [tick.get_text() for tick in figure.axes[2].get_xticklabels()
            ] == ['a', 'b', 'c']
    cells = {
        text.get_position(): text.get_text()
        for text in figure.axes[2].texts
    }
    assert cells == {
        (0, 0): '+40',
        (1, 0): '-40',
        (0, 1): '+30',
        (1, 1): '-10',
        (2, 1): '-20'
    }


def test_gains_are_red_losses_blue_and_nothing_is_white():
    figure = confusion_change_figure(BEFORE, AFTER, 'abc')
    red, _, blue = colour(figure, 2, 40)
    assert red > blue + 0.2
    red, _, blue = colour(figure, 2, -40)
    assert blue > red + 0.2
    assert min(colour(figure, 2, 0)) > 0.95
    assert figure.axes[2].images[0].get_clim() == (-40, 40)
    assert figure.axes[0].images[0].get_clim() == (0, 100)


def test_the_caption_tells_how_to_read_it():
    figure = confusion_change_figure(
        BEFORE, AFTER, 'abc', names=('spatial', 'both'), top=2)
    caption = figure.get_supxlabel()
    assert 'both minus spatial' in caption
    assert 'red is an improvement' in caption and 'fewer' in caption
    assert '2 of 3 classes' in caption and 'changed most' in caption
    caption = confusion_change_figure(BEFORE, AFTER, 'abc').get_supxlabel()
    assert 'classes' not in caption


def test_a_part_has_the_largest_changes_gains_first():
    figure = confusion_change_figure(BEFORE, AFTER, 'abc', top=2)
    # a +40, b -10, c 0; percent of all, although column c is not shown.
    assert rows(figure) == ['a', 'b']
    np.testing.assert_allclose(shown(figure, 0), [[50, 50], [0, 80]])
    np.testing.assert_allclose(shown(figure, 2), [[40, -40], [30, -10]])
    swapped = confusion_change_figure(AFTER, BEFORE, 'abc', top=2)
    assert rows(swapped) == ['b', 'a']


def test_of_equal_gains_the_row_that_moved_more_is_shown():
    before = np.array([[5, 5, 0], [0, 10, 0], [5, 0, 5]])
    after = np.array([[5, 5, 0], [0, 10, 0], [0, 5, 5]])
    assert rows(
        confusion_change_figure(before, after, 'abc', top=1)) == ['c']


@pytest.mark.parametrize('size, expected', [(20, 20), (21, 10)])
def test_many_classes_are_shown_in_part(size, expected):
    before, after = np.ones((size, size)), np.eye(size)
    names = [f'class {index}' for index in range(size)]
    figure = confusion_change_figure(before, after, names)
    assert len(rows(figure)) == expected
    assert len(rows(confusion_change_figure(
        before, after, names, top=99))) == size


def test_a_subset_is_shown_in_its_order():
    figure = confusion_change_figure(
        BEFORE, AFTER, ['run', 'jump', 'walk'], subset=['walk', 'run'])
    assert rows(figure) == ['walk', 'run']
    np.testing.assert_allclose(shown(figure, 0), [[75, 25], [0, 50]])
    caption = figure.get_supxlabel()
    assert '2 of 3 classes' in caption and 'changed most' not in caption


@pytest.mark.filterwarnings('error')
def test_a_class_without_videos_is_grey_and_no_change():
    before, after = BEFORE.copy(), AFTER.copy()
    before[0] = after[0] = 0
    figure = confusion_change_figure(before, after, 'abc')
    for panel in range(3):
        assert np.isnan(shown(figure, panel)[0]).all()
        assert np.isfinite(shown(figure, panel)[1:]).all()
    # It is the last one to be chosen, and can be shown alone.
    part = confusion_change_figure(before, after, 'abc', top=2)
    assert 'a' not in rows(part)
    figure_to_png(
        confusion_change_figure(before, after, 'abc', subset=['a']))


@pytest.mark.parametrize('name', ['a', 'a class with quite a long name'])
def test_nothing_covers_the_caption_or_leaves_the_picture(name):
    figure = confusion_change_figure(
        BEFORE, AFTER, [f'{name} {index}' for index in range(3)])
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    caption, = (text.get_window_extent(renderer) for text in figure.texts)
    boxes = [axis.get_tightbbox(renderer) for axis in figure.axes[:3]]
    # Half a pixel for the rounding of letters.
    assert all(box.y0 > caption.y1 - 0.5 for box in boxes)
    for box in (caption, *boxes):
        assert box.x0 > -0.5 and box.x1 < figure.bbox.x1 + 0.5
        assert box.y0 > -0.5 and box.y1 < figure.bbox.y1 + 0.5
    for left, right in zip(boxes, boxes[1:]):
        assert left.x1 < right.x0 + 0.5


@pytest.mark.parametrize('kwargs, setting, value', [
    (dict(before=np.ones((2, 3))), 'RGB stream', '(2, 3)'),
    (dict(after=np.ones((2, 2))), 'UF-TSN', '(2, 2)'),
    (dict(after=-AFTER), 'UF-TSN', '-30'),
    (dict(after=AFTER * NAN), 'UF-TSN', '(3, 3)'),
    (dict(top=0), 'top', '0'),
    (dict(subset=['a', 'z']), 'subset', "['z']"),
    (dict(subset=[]), 'subset', '[]'),
    (dict(subset=['c', 'a', 'c']), 'subset', "['c', 'a', 'c']"),
])
def test_what_cannot_be_drawn_is_named(kwargs, setting, value):
    with pytest.raises(ValueError, match=setting) as caught:
        confusion_change_figure(**{
            **dict(before=BEFORE, after=AFTER, class_names='abc'),
            **kwargs
        })
    assert value in str(caught.value)
