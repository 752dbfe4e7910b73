# SPDX-License-Identifier: Apache-2.0
"""The config that a run has left in its folder, read as data."""
from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from ...engine.hooks.stage import stage_configs


def read_dumped_config(work_dir: Path) -> dict[str, Any]:
    """Read the newest config that MMEngine's runner has written.

    A config is a program; in the folder of a stranger it must not run. What
    the runner writes has values alone, and anything else is left out.

    Returns:
        The settings, without those that cannot be read; empty if there is no
        config.
    """
    for path in sorted(work_dir.glob('*/vis_data/config.py'), reverse=True):
        try:
            tree = ast.parse(path.read_text(encoding='utf-8'))
        except (OSError, ValueError, SyntaxError, RecursionError,
                MemoryError):
            continue
        settings = {}
        for node in tree.body:
            if (isinstance(node, ast.Assign) and len(node.targets) == 1
                    and isinstance(node.targets[0], ast.Name)):
                try:
                    settings[node.targets[0].id] = _value(node.value)
                except (ValueError, TypeError, RecursionError):
                    continue
        return settings
    return {}


def _value(node: ast.expr) -> Any:
    """Return a literal, where ``dict(name=value)`` is one, too."""
    if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            and node.func.id == 'dict' and not node.args):
        return {item.arg: _value(item.value) for item in node.keywords}
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        return {ast.literal_eval(key): _value(value)
                for key, value in zip(node.keys, node.values)}
    return ast.literal_eval(node)


def stages_of(settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return ``name`` and ``begin`` of the stages, if there are any."""
    try:
        return [dict(name=str(stage.name), begin=float(stage.begin))
                for stage in stage_configs(settings)]
    except (ValueError, TypeError, AttributeError):
        return []


def setting(settings: dict[str, Any], *names: str) -> Any:
    """Return a setting within others, None where there is none."""
    found: Any = settings
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found
