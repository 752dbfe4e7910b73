# SPDX-License-Identifier: Apache-2.0
"""The folder of a quickstart: whose it is, and what may be removed."""
from __future__ import annotations

import json
import shutil
from pathlib import Path

from ...fileio import AtomicLocalBackend
from ..settings import differences

_FOLDERS = ('temporal', 'control', 'spatial', 'tests')
_FILES = ('settings.json', 'seconds.json', 'control.py', 'spatial.py',
          'metrics.json', 'report.html')


def make_folder(work_dir: Path) -> None:
    """Make the folder, unless something else is in it.

    Raises:
        ValueError: It holds files, but no quickstart.
    """
    names = {path.name for path in work_dir.glob('*')} - {'.lock'}
    if names and 'settings.json' not in names:
        raise ValueError(
            f'work_dir {str(work_dir)!r} holds files, but no quickstart; '
            'choose a new or empty folder with --work-dir')
    work_dir.mkdir(parents=True, exist_ok=True)


def prepare_folder(work_dir: Path, settings: str, restart: bool) -> None:
    """Make sure that what is in the folder comes from these settings.

    Args:
        work_dir: Folder of the run.
        settings: All settings as JSON.
        restart: Whether to remove an earlier run first.

    Raises:
        ValueError: It holds a run of other settings.
    """
    path = work_dir / 'settings.json'
    if restart:
        _remove(work_dir)
    # Until a training has begun, nothing depends on the settings.
    if any((work_dir / name).exists() for name in _FOLDERS):
        changes = differences(
            json.loads(path.read_text('utf-8')), json.loads(settings))
        if changes:
            raise ValueError(
                f'work_dir {str(work_dir)!r} holds a quickstart of other '
                f'settings ({"; ".join(changes[:3])}); choose another '
                '--work-dir, or start anew with --restart')
    else:
        AtomicLocalBackend().put_text(settings, path)


def _remove(work_dir: Path) -> None:
    """Remove what a quickstart writes, and nothing else."""
    for name in _FOLDERS:
        shutil.rmtree(work_dir / name, ignore_errors=True)
    for name in _FILES:
        (work_dir / name).unlink(missing_ok=True)
