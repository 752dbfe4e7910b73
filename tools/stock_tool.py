# SPDX-License-Identifier: Apache-2.0
"""The scripts that MMAction2 brings along, for the tools beside this file."""
from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import mmaction


def load_stock_tool(name: str) -> ModuleType:
    """Import ``tools/{name}.py`` of the installed MMAction2.

    Args:
        name: ``'train'`` or ``'test'``.

    Raises:
        FileNotFoundError: This MMAction2 was installed without its scripts.
    """
    root = Path(mmaction.__file__).parent
    # A wheel has them in .mim, a checkout beside the package.
    for path in (root / '.mim' / 'tools' / f'{name}.py',
                 root.parent / 'tools' / f'{name}.py'):
        if path.exists():
            spec = importlib.util.spec_from_file_location(
                f'mmaction_tools_{name}', path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise FileNotFoundError(
        f'The installed MMAction2 in {root} has no tools/{name}.py; install '
        'it again with `pip install mmaction2==1.2.0`')
