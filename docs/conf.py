# SPDX-License-Identifier: Apache-2.0
"""Settings of the site: ``make docs`` builds it."""
import json
import sys
from pathlib import Path

from myst_parser.parsers.sphinx_ import MystParser

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from uftsn_mmaction import __version__  # noqa: E402

project = 'UF-TSN for MMAction2'
copyright = 'the UF-TSN for MMAction2 contributors'
version = release = __version__

extensions = [
    'myst_parser',
    'sphinx.ext.autodoc',
    'sphinx.ext.napoleon',
    'sphinx.ext.viewcode',
    'sphinx_copybutton',
]
exclude_patterns = ['_build']

# Anchors are those of the hosts of code, so that links work there, too.
myst_heading_anchors = 4

autodoc_member_order = 'bysource'
autodoc_typehints = 'description'
autodoc_typehints_description_target = 'documented'
autodoc_preserve_defaults = True
add_module_names = False
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_maximum_signature_line_length = 60
toc_object_entries_show_parents = 'hide'

html_theme = 'furo'
html_title = project
html_show_sphinx = False
html_copy_source = False


class NotebookParser(MystParser):
    """Show the cells and the pictures of a notebook; a test runs it."""

    supported = ('notebook', )

    def parse(self, inputstring, document):
        parts = []
        for cell in json.loads(inputstring)['cells']:
            source = ''.join(cell['source'])
            if cell['cell_type'] == 'markdown':
                parts.append(source)
                continue
            parts.append(f'```python\n{source}\n```')
            for output in cell['outputs']:
                data = output.get('data', {})
                text = ''.join(output.get('text', data.get('text/plain', '')))
                if 'image/png' in data:
                    parts.append('<img alt="What the cell shows" src="data:'
                                 f'image/png;base64,{data["image/png"]}">')
                elif text:
                    parts.append(f'```text\n{text}\n```')
        super().parse('\n\n'.join(parts), document)


def setup(app):
    app.add_source_suffix('.ipynb', 'notebook')
    app.add_source_parser(NotebookParser)
