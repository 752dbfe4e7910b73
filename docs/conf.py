# SPDX-License-Identifier: Apache-2.0
"""Settings of the site: ``make docs`` builds it."""
import sys
from pathlib import Path

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
