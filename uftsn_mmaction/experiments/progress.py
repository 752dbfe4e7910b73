# SPDX-License-Identifier: Apache-2.0
"""What a run of many parts says of where it is."""
from __future__ import annotations


def announce(phase: str) -> None:
    """Print the name of what begins now, apart from the logs around it."""
    print(f'\n=== {phase}', flush=True)
