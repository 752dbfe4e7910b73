# SPDX-License-Identifier: Apache-2.0
"""Results as JSON."""
from __future__ import annotations

import json
from pathlib import Path

from .atomic import AtomicLocalBackend


def write_json(path: Path, content: dict) -> None:
    """Write a JSON file, complete or not at all."""
    AtomicLocalBackend().put_text(json.dumps(content, indent=2) + '\n', path)
