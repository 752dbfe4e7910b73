# SPDX-License-Identifier: Apache-2.0
"""Comparison of the settings of two runs."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

# A sentence with more of them is not read.
_NAMED_CHANGES = 3


def differences(found: Any, wanted: Any, name: str = '') -> list[str]:
    """List the settings that differ, one sentence each.

    A missing setting equals None.

    Args:
        found: Settings of an earlier run: dicts, lists and plain values.
        wanted: Settings of this run; the sentences follow their order.
        name: Dotted key under which both are found.

    >>> differences(dict(model=dict(depth=18)), dict(model=dict(depth=34)))
    ['model.depth was 18, is 34']
    """
    if isinstance(found, dict) and isinstance(wanted, dict):
        keys = [*wanted, *(key for key in found if key not in wanted)]
    elif (isinstance(found, list) and isinstance(wanted, list)
          and len(found) == len(wanted)):
        keys = range(len(wanted))
        found, wanted = dict(enumerate(found)), dict(enumerate(wanted))
    else:
        return [] if found == wanted else [
            f'{name} was {found!r}, is {wanted!r}'
        ]
    return [
        change for key in keys for change in differences(
            found.get(key), wanted.get(key), f'{name}.{key}'.lstrip('.'))
    ]


def refuse_changes(folder: Path, found: Mapping[str, Any],
                   wanted: Mapping[str, Any], cure: str) -> None:
    """Refuse to go on in a folder whose results have other settings.

    Args:
        folder: Folder of the results.
        found: Settings of its results.
        wanted: Settings of this run.
        cure: What the user can do beside giving the same settings or naming
            another folder.

    Raises:
        ValueError: If a setting differs. The message names up to three, each
            with the old and the new value.
    """
    changes = differences(found, wanted)
    if changes:
        raise ValueError(
            f'{str(folder)!r} holds a run of other settings '
            f'({"; ".join(changes[:_NAMED_CHANGES])}); give the same '
            f'settings, choose another --work-dir, or {cure}')
