# SPDX-License-Identifier: Apache-2.0
"""Colours, text and PNG files of all figures.

The figures belong to no window and to no global state of matplotlib; the Agg
renderer draws them when they are saved.
"""
from __future__ import annotations

import io

from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, fontManager, get_font
from matplotlib.text import Text

#: Colours of text in figures.
INK, MUTED = '#222222', '#707070'


def finish_figure(figure: Figure) -> Figure:
    """Show every text of a figure as it was written, and lay it out.

    Names of classes and models are not formulas, so ``$`` stays a dollar.
    Characters that the default font lacks, such as Chinese ones, come from
    the installed fonts that have them. Returns the same figure.
    """
    texts = figure.findobj(Text)
    families = _font_families({
        ord(character)
        for text in texts for character in text.get_text()
        if character.isprintable()
    })
    for text in texts:
        text.set_parse_math(False)
        text.set_fontfamily(families)
    # Long names need two layout passes: one here, one when the figure is
    # saved.
    figure.draw_without_rendering()
    return figure


def _font_families(needed: set[int]) -> list[str]:
    """Return the default families, and others for the missing characters."""
    families = list(rcParams['font.family'])
    default = get_font(findfont(None))
    missing = needed - default.get_charmap().keys()
    for font in fontManager.ttflist:
        # A font of placeholders has every character.
        if not missing or font.name.startswith('Last Resort'):
            continue
        found = missing & get_font(font.fname).get_charmap().keys()
        if found:
            families.append(font.name)
            missing -= found
    return families


def figure_to_png(figure: Figure) -> bytes:
    """Return a PNG file of a figure; equal figures give equal bytes."""
    buffer = io.BytesIO()
    # The version of matplotlib would make equal figures differ.
    figure.savefig(buffer, format='png', dpi=120, metadata={'Software': None})
    return buffer.getvalue()
