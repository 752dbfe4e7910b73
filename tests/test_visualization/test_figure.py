# SPDX-License-Identifier: Apache-2.0
"""Text, layout and files of every figure of the package."""
import warnings

import cv2
import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from uftsn_mmaction.visualization import (
    confusion_change_figure,
    confusion_matrix_figure,
    figure_to_png,
    flow_panel,
    training_curves,
)


def matrix(text):
    return confusion_matrix_figure(np.eye(2), [text, 'b'], text)


def change(text):
    return confusion_change_figure(
        np.eye(2), np.ones((2, 2)), [text, 'b'], names=(text, text))


def panel(text):
    row = dict(
        label=text,
        frame=np.full((8, 10, 3), 90, np.uint8),
        gt_flow=np.ones((2, 8, 10)),
        flows={text: np.zeros((2, 8, 10))})
    return flow_panel([row], frame_name=text, gt_name=text)


def curves(text):
    return training_curves([{'epoch': 1, 'a': 1.}],
                           [dict(name=text, begin=0)], {'a': text},
                           error_references={text: 1.})


FIGURES = pytest.mark.parametrize('draw', [matrix, change, panel, curves])


@FIGURES
def test_a_png_is_a_picture_and_always_the_same(draw):
    first, second = (figure_to_png(draw('name')) for _ in range(2))
    picture = cv2.imdecode(np.frombuffer(first, np.uint8), cv2.IMREAD_COLOR)
    assert min(picture.shape[:2]) > 100
    assert picture.std() > 10
    assert first == second


@FIGURES
@pytest.mark.parametrize('text', ['$x$', r'pay $5_{', r'$\frac', 'a_b^c'])
def test_names_are_text_and_no_formulas(draw, text):
    figure = draw(text)
    texts = figure.findobj(Text)
    assert any(text in item.get_text() for item in texts)
    assert not any(item.get_parse_math() for item in texts)
    figure_to_png(figure)  # a broken formula would raise


@FIGURES
def test_other_scripts_come_from_a_font_that_has_them(draw):
    default = font_manager.get_font(
        font_manager.findfont(font_manager.FontProperties()))
    other = font_manager.get_font(font_manager.findfont('STIXGeneral'))
    missing = sorted(
        chr(code)
        for code in other.get_charmap().keys() - default.get_charmap().keys()
        if chr(code).isalpha())
    with warnings.catch_warnings():
        # A glyph that no font has is drawn as a box, with a warning.
        warnings.simplefilter('error')
        png = figure_to_png(draw(f'a {missing[0]}'))
    assert png.startswith(b'\x89PNG')


@FIGURES
def test_nothing_is_cut_off(draw):
    figure = draw('some class name')
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    box = figure.get_tightbbox(canvas.get_renderer())
    # In inches; half a pixel for the rounding of letters.
    assert min(box.x0, box.y0) > -0.01
    assert box.x1 < figure.get_figwidth() + 0.01
    assert box.y1 < figure.get_figheight() + 0.01
