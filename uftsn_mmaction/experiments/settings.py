# SPDX-License-Identifier: Apache-2.0
"""Whether two runs have the same settings."""
from __future__ import annotations

from typing import Any


def differences(found: Any, wanted: Any, name: str = '') -> list[str]:
    """Settings that are not the same, one sentence each.

    A missing setting is the same as None.

    Args:
        found: Settings of an earlier run: dicts, lists and plain values.
        wanted: Those of this run; their order is that of the sentences.
        name: Name of the setting that these are the value of.
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
