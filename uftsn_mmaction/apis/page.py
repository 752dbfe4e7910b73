# SPDX-License-Identifier: Apache-2.0
"""A local page on which a video is dropped, built with Gradio."""
from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from jinja2 import Environment

from ..fileio.flow_writer import picture_bytes
from .flow_inferencer import DEFAULT
from .video_page import (
    Grid,
    Picture,
    VideoPage,
    class_curves,
    class_table,
)

if TYPE_CHECKING:
    from gradio import Blocks

_TEMPLATES = Environment(autoescape=True)
_PICTURES = _TEMPLATES.from_string("""
{% for row in rows %}<div class="pictures">
{% for picture in row %}<figure>
<img alt="{{ picture.text }}"
src="data:image/png;base64,{{ encode(picture) }}">
<figcaption>{{ picture.text }}</figcaption></figure>
{% endfor %}</div>
{% endfor %}""")
_TABLE = _TEMPLATES.from_string("""
<div class="numbers" tabindex="0" role="region"
aria-label="{{ grid.caption }}">
<table><caption>{{ grid.caption }}</caption>
<thead><tr>{% for column in grid.columns %}<th scope="col">{{ column }}</th>
{% endfor %}</tr></thead>
<tbody>{% for row in grid.rows %}<tr><th scope="row">{{ row[0] }}</th>
{% for cell in row[1:] %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table></div>""")
_STYLE = """
.pictures {display: flex; flex-wrap: wrap; gap: 12px;
    margin: 12px 0}
.pictures figure {flex: 1 1 240px; max-width: 480px; margin: 0}
.pictures img {width: 100%; height: auto}
.numbers {overflow-x: auto}
.numbers table {border-collapse: collapse}
.numbers caption {text-align: left; font-weight: bold; padding: 8px 0}
.numbers th, .numbers td {text-align: right; padding: 4px 12px;
    border-bottom: 1px solid #999}
.numbers th:first-child {text-align: left}
"""


def build_page(page: VideoPage) -> Blocks:
    """Lay out the page; nothing is sent anywhere but to the browser.

    Raises:
        ImportError: If Gradio is missing.
    """
    gradio = import_gradio()
    videos = tempfile.TemporaryDirectory(prefix='uftsn-page-')

    def of_visitor(function: Callable) -> Callable:
        """Turn a visitor's mistake into a sentence on the page."""

        @wraps(function)
        def call(*args: Any) -> Any:
            try:
                return function(*args)
            except (OSError, RuntimeError, ValueError) as error:
                raise gradio.Error(_capital(str(error)),
                                   print_exception=False) from None

        return call

    @of_visitor
    def show_motion(path: str | None, name: str) -> tuple:
        source = page.open(path)
        handle, out = tempfile.mkstemp('.webm', dir=videos.name)
        os.close(handle)
        said, moments = page.motion(source, name, out)
        classes = ''
        if moments:
            names = page.actions.classes
            classes = (pictures_html([[class_curves(moments, names)]])
                       + table_html(class_table(moments, names)))
        return out, said, classes

    @of_visitor
    def compare(path: str | None, names: list[str]) -> str:
        pictures, grid = page.compare(page.open(path), names)
        return table_html(grid) + pictures_html(pictures)

    with gradio.Blocks(title='Motion in your video',
                       analytics_enabled=False,
                       delete_cache=(3600, 3600)) as blocks:
        gradio.Markdown('# Motion in your video\nChoose a video, then show '
                        'its motion or compare estimators of it. It stays on '
                        'this machine.')
        video = gradio.File(label='Video', file_types=['video'],
                            type='filepath')
        with gradio.Row():
            name = gradio.Dropdown(page.names, value=DEFAULT,
                                   label='Estimator of the motion')
            show = gradio.Button('Show the motion', variant='primary')
        gradio.Markdown('## Motion')
        said = gradio.Textbox(
            label='Frames, and the speed of the full colour',
            interactive=False)
        motion = gradio.Video(
            label='Frames beside their flow; colours are directions, as on '
            'the wheel', interactive=False)
        classes = gradio.HTML(label='Classes over time')
        gradio.Markdown('## Comparison')
        names = gradio.CheckboxGroup(
            page.names, value=[DEFAULT, 'dis'], label='Estimators to compare')
        start = gradio.Button('Compare')
        compared = gradio.HTML(label='Comparison')
        # The video folder lives as long as the page.
        blocks.videos = videos
        show.click(show_motion, [video, name], [motion, said, classes])
        start.click(compare, [video, names], compared)
    return blocks


def launch_page(page: VideoPage, host: str, port: int,
                wait: bool = True) -> Blocks:
    """Serve the page until Ctrl-C, without a public link."""
    gradio = import_gradio()
    blocks = build_page(page)
    # A font of the system: others would come from another server. Gradio's
    # orange is too bright for white letters.
    theme = gradio.themes.Default(
        primary_hue='blue', font=['system-ui', 'sans-serif'],
        font_mono=['monospace']).set(
            button_primary_background_fill='#1d4ed8',
            button_primary_background_fill_dark='#1d4ed8')
    blocks.queue(default_concurrency_limit=1).launch(
        server_name=host, server_port=port, share=False, inbrowser=False,
        prevent_thread_lock=True, max_file_size=page.most_bytes,
        footer_links=[], theme=theme, css=_STYLE, ssr_mode=False, quiet=True)
    if wait:
        print(f'The page is at {blocks.local_url}; Ctrl-C ends it',
              flush=True)
        blocks.block_thread()
    return blocks


def import_gradio() -> Any:
    """Import Gradio with its messages to the outside turned off.

    Raises:
        ImportError: If it is missing.
    """
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
    os.environ['HF_HUB_DISABLE_TELEMETRY'] = '1'
    try:
        import gradio
    except ImportError as error:
        raise ImportError(
            f'the page needs Gradio, which cannot be imported ({error}); run '
            'pip install "uftsn-mmaction[app]"') from error
    return gradio


def pictures_html(rows: list[list[Picture]]) -> str:
    """Return pictures in rows, each with its words."""
    return _PICTURES.render(rows=rows, encode=_encode)


def table_html(grid: Grid) -> str:
    """Return a table with its heads marked up."""
    return _TABLE.render(grid=grid)


def _encode(picture: Picture) -> str:
    return base64.b64encode(picture_bytes(picture.image)).decode()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
