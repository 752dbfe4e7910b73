# SPDX-License-Identifier: Apache-2.0
"""A folder of extracted flow, and what of it is complete."""
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from ..fileio import AtomicLocalBackend, write_json
from .source import Source

_SETTINGS = 'extraction.json'
_RECORDS = '.extraction'


class FlowFolder:
    """Folder of flow that several processes may fill at a time.

    ``extraction.json`` holds the settings, which are the same for all that is
    in the folder, and ``.extraction`` a record of each video.

    Args:
        root: Folder; it is made.
        settings: What the files depend on, for JSON.

    Raises:
        ValueError: If the folder holds flow of other settings.
    """

    def __init__(self, root: str | Path, settings: Mapping[str, Any]) -> None:
        self.root = Path(root)
        path = self.root / _SETTINGS
        # A run that failed before its first flow binds nobody.
        if path.exists() and any((self.root / _RECORDS).rglob('*.json')):
            self._compare(path, settings)
        else:
            write_json(path, settings)

    def _compare(self, path: Path, settings: Mapping[str, Any]) -> None:
        try:
            before = dict(json.loads(path.read_text(encoding='utf-8')))
        except (TypeError, ValueError) as error:
            raise ValueError(f'{str(path)!r} is damaged ({error}); delete it '
                             'together with the flow beside it') from None
        for key, value in settings.items():
            if before.get(key) != value:
                raise ValueError(
                    f'--out {str(self.root)!r} holds flow with {key} '
                    f'{before.get(key)!r}, but {key} is {value!r} now; choose '
                    'another folder, or the settings of before')

    def record(self, source: Source) -> dict[str, Any]:
        """Return what is known of the flow of a source, maybe nothing.

        ``flows`` is the number of pairs, None until all are there.
        """
        try:
            record = json.loads(self._path(source).read_text('utf-8'))
        except (FileNotFoundError, ValueError):
            return {}
        same = (isinstance(record, dict)
                and record.get('signature') == source.signature)
        return record if same else {}

    def begin(self, source: Source) -> None:
        """Note that the flow of a source is being extracted."""
        self._write(source, None)

    def finish(self, source: Source, flows: int) -> None:
        """Note that all flow of a source is there."""
        self._write(source, flows)

    def _write(self, source: Source, flows: int | None) -> None:
        write_json(self._path(source), dict(
            source=str(source), signature=source.signature, flows=flows))

    def _path(self, source: Source) -> Path:
        return self.root / _RECORDS / f'{source.name}.json'

    def write_lists(self, sources: Sequence[Source]) -> None:
        """List what is complete, in the lines of ``RawframeDataset``.

        ``list.txt`` has a line ``name number label`` for each source. The
        label is that of the list that named it. Of videos in folders, one
        for each class, it is the number of the folder, whose names
        ``classes.txt`` then holds; of other videos it is missing.
        """
        labels, classes = _labels(sources)
        # The last of several processes sees all, and must write last.
        with FileLock(self.root / _RECORDS / 'lists.lock'):
            lines = []
            for source, label in zip(sources, labels):
                flows = self.record(source).get('flows')
                if flows:
                    words = [source.name, str(flows)]
                    words += [] if label is None else [str(label)]
                    lines.append(' '.join(words) + '\n')
            backend = AtomicLocalBackend()
            backend.put_text(''.join(lines), self.root / 'list.txt')
            if classes:
                backend.put_text(''.join(f'{name}\n' for name in classes),
                                 self.root / 'classes.txt')


def _labels(
        sources: Sequence[Source]) -> tuple[list[int | None], list[str]]:
    """Return the label of each source, and the names of classes."""
    if any(source.label is not None for source in sources):
        return [source.label for source in sources], []
    folders = [Path(source.name).parts[:-1] for source in sources]
    if not all(folders):
        return [None] * len(sources), []
    classes = sorted({parts[0] for parts in folders})
    return [classes.index(parts[0]) for parts in folders], classes
