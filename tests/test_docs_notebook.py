# SPDX-License-Identifier: Apache-2.0
"""The notebook runs from its first cell to its last, on little data."""
import ast
import json
import math
import shutil

import pytest

#: In place of the values of the first cell.
SMALL = dict(num_clips=16, flow_epochs=1, epochs=1, out='out', folder='few')


def cells_of(path):
    cells = json.loads(path.read_text(encoding='utf-8'))['cells']
    return [''.join(cell['source']) for cell in cells
            if cell['cell_type'] == 'code']


@pytest.mark.slow
def test_first_flow(repo_root, generated_videos, tmp_cwd):
    """A process of its own would import for seconds, so it runs here."""
    path = repo_root / 'docs' / 'notebooks' / 'first_flow.ipynb'
    # What the second cell would render is there.
    (tmp_cwd / 'out').mkdir()
    (tmp_cwd / 'out' / 'motion').symlink_to(generated_videos)
    (tmp_cwd / 'few').mkdir()
    for video in sorted((generated_videos / 'videos/test').iterdir())[:3]:
        shutil.copy(video, 'few')
    first, *cells = cells_of(path)
    values, shown = {}, []
    exec(first, values)
    assert SMALL.keys() < values.keys()
    values.update(SMALL)
    for cell in cells:
        *lines, last = ast.parse(cell).body
        is_shown = isinstance(last, ast.Expr)
        exec(compile(ast.Module([*lines, *([] if is_shown else [last])], []),
                     path.name, 'exec'), values)
        if is_shown:
            shown.append(eval(
                compile(ast.Expression(last.value), path.name, 'eval'),
                values))
    shape, picture, is_equal, accuracy = (
        item for item in shown if item is not None)
    assert shape == (11, 2, 64, 64)
    assert picture.size == (2 * 4 * 64, 2 * 2 * 64)
    assert is_equal is True
    assert 0 <= accuracy <= 1
    for metrics in (values['before'], values['after']):
        assert math.isfinite(metrics['flow/photometric'])
        assert metrics['flow/photometric'] < metrics['flow/photometric_zero']
    assert abs(values['seen'].sum() - 1) < 1e-3
    assert values['model'].classes == list(values['CLASSES'])
