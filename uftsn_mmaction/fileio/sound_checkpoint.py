# SPDX-License-Identifier: Apache-2.0
"""Find the checkpoint in a folder from which a training can go on."""
from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .checkpoint import restricted_loading

#: Written when a training is told to end, and gone with the next checkpoint.
INTERRUPTED = 'interrupted.pth'

_TEMPLATES = 'epoch_{}.pth', 'iter_{}.pth'


class Progress(NamedTuple):
    """What a training has behind it; more of it is greater."""
    iter: int
    epoch: int

    def __str__(self) -> str:
        return f'epoch {self.epoch}, iteration {self.iter}'


def list_checkpoints(folder: str | Path, *templates: str) -> list[Path]:
    """Return the checkpoints of a training, in no order.

    Copies of the best one are not among them: no training can go on from
    them.

    Args:
        folder: Folder of the checkpoints.
        templates: Names, beside those of ``CheckpointHook``, with ``{}`` in
            place of a number.
    """
    names = [re.escape(template).replace(r'\{\}', r'\d+')
             for template in (*_TEMPLATES, *templates)]
    pattern = re.compile('|'.join([*names, re.escape(INTERRUPTED)]))
    return [path for path in Path(folder).glob('*')
            if pattern.fullmatch(path.name)]


def newest_sound(
        folder: str | Path, *templates: str
) -> tuple[Path | None, Progress | None, dict[str, str]]:
    """Choose the checkpoint with the greatest progress that is sound.

    The progress is what a file holds, whatever its name and date are.

    Args:
        folder, templates: As in :func:`list_checkpoints`.

    Returns:
        The checkpoint and its progress, None where there is none; and the
        names of checkpoints that were passed over, each with the reason.
    """
    found, faults = {}, {}
    for path in list_checkpoints(folder, *templates):
        try:
            found[path] = read_progress(path)
        except ValueError as error:
            faults[path.name] = str(error)
    for path in sorted(found, key=found.get, reverse=True):
        try:
            check_sound(path)
        except ValueError as error:
            faults[path.name] = str(error)
        else:
            return path, found[path], faults
    return None, None, faults


def read_progress(path: str | Path) -> Progress:
    """Read the progress of a training, but none of its tensors.

    Raises:
        ValueError: With the reason, if a training cannot go on from there.
    """
    return _progress(_open(path))


def check_sound(path: str | Path) -> None:
    """Read a checkpoint as a whole, and look for damage.

    Raises:
        ValueError: With the reason, if a training cannot go on from there.
    """
    content = _open(path)
    _progress(content)
    # PyTorch does not compare the checksums that it writes.
    with zipfile.ZipFile(path) as archive:
        try:
            damaged = archive.testzip()
        except Exception as error:  # a bad header can fail in any way
            damaged = str(error)
    if damaged:
        raise ValueError(f'it is damaged in {damaged}')
    for tensor in _tensors([content['state_dict'], content['optimizer']]):
        # Infinity may be a constant, such as a mask.
        if tensor.is_floating_point() and tensor.isnan().any():
            raise ValueError('it holds values that are not a number')


def _open(path: str | Path) -> Mapping[str, Any]:
    """Open a checkpoint, whose tensors stay in the file until used."""
    if not zipfile.is_zipfile(path):
        raise ValueError('it is empty, cut off or no checkpoint')
    try:
        with restricted_loading():
            content = torch.load(str(path), map_location='cpu', mmap=True)
    except Exception as error:  # damage can fail in any way
        reason = str(error).strip().split('\n')[0]
        raise ValueError(f'it cannot be read: {reason}') from error
    parts = 'meta', 'state_dict', 'optimizer', 'message_hub'
    missing = [part for part in parts
               if not isinstance(content, Mapping)
               or not isinstance(content.get(part), Mapping)]
    if missing:
        raise ValueError(f'it holds no {", ".join(missing)}')
    return content


def _progress(content: Mapping[str, Any]) -> Progress:
    progress = Progress(*(content['meta'].get(unit)
                          for unit in Progress._fields))
    if any(type(number) is not int or number < 0 for number in progress):
        raise ValueError(f'its {progress} is none')
    return progress


def _tensors(content: Any) -> Iterator[Tensor]:
    if isinstance(content, Tensor):
        yield content
    elif isinstance(content, (Mapping, list, tuple)):
        values = content.values() if isinstance(content, Mapping) else content
        for value in values:
            yield from _tensors(value)
