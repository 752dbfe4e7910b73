# SPDX-License-Identifier: Apache-2.0
"""Generated clips as ordinary video files, with the flow of each.

Layout of a set::

    videos/<split>/NNNNN.avi   lossless (FFV1), so that flow stays exact
    flow/<split>/NNNNN.npz     'flow': float16 (T-1, 2, H, W), rounded by
                               0.001 px at most for displacements below 4 px
    train.txt, test.txt        lines of 'train/NNNNN.avi label'
    classes.txt                class names in the order of the labels
    settings.json              written last, so that it marks a complete set
"""
from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
from filelock import FileLock
from mmengine.logging import print_log

from ...fileio.paths import check_output_folder
from ...progress import track
from .classes import CLASSES, split_label
from .renderer import RenderedClip
from .settings import MotionSetSettings
from .video_writer import write_video

# The position of a split is part of its seeds: append, never reorder.
SPLITS = ('train', 'test')

_SETTINGS_FILE = 'settings.json'
_UNFINISHED_FILE = 'settings.json.unfinished'
_LOCK_FILE = '.lock'


def video_file(split: str, index: int) -> str:
    """Return the path of a clip relative to ``videos/``."""
    return f'{split}/{index:05d}.avi'


def flow_file(split: str, index: int) -> str:
    """Return the path of a clip's flow relative to ``flow/``."""
    return f'{split}/{index:05d}.npz'


def render_clip(settings: MotionSetSettings, split: str,
                index: int) -> RenderedClip:
    """Render one clip of a set, the same at every call.

    Examples:
        >>> settings = MotionSetSettings(size=(32, 48), num_frames=3)
        >>> clip = render_clip(settings, 'train', index=5)
        >>> clip.frames.shape, clip.flow.shape, CLASSES[clip.label]
        ((3, 32, 48, 3), (2, 2, 32, 48), 'up-cool')
    """
    rng = np.random.default_rng([settings.seed, SPLITS.index(split), index])
    label = index % len(CLASSES)  # any 16 clips in a row have all classes
    return settings.renderer().render(rng, *split_label(label))


def generate_motion_set(data_root: str,
                        settings: MotionSetSettings,
                        overwrite: bool = False) -> bool:
    """Write a set unless it already exists with these settings.

    An unfinished set is written again. Several processes may call this at the
    same time: one writes, and the others wait for it.

    Args:
        data_root: Folder of the set, new, empty or of an earlier call.
        settings: Settings of the set.
        overwrite: Whether to replace a set of other settings.

    Returns:
        Whether the set was written.

    Raises:
        ValueError: If the folder holds a set of other settings and
            ``overwrite`` is not set, or holds anything else.
        NotADirectoryError: If the folder is a file, or below one.
        RuntimeError: If OpenCV cannot write the videos.
    """
    # Without the lock, so that a complete set may lie on a read-only disk.
    if _is_complete(data_root, settings, overwrite):
        return False
    check_output_folder(data_root, 'data_root')
    os.makedirs(data_root, exist_ok=True)
    with FileLock(os.path.join(data_root, _LOCK_FILE)):
        if _is_complete(data_root, settings, overwrite):
            return False
        _write_set(Path(data_root), settings)
    return True


def _is_complete(data_root: str, settings: MotionSetSettings,
                 overwrite: bool) -> bool:
    """Check whether the set exists, and refuse folders of other content."""
    root, owner = Path(data_root), f'data_root {os.path.abspath(data_root)!r}'
    if not (root / _SETTINGS_FILE).exists():
        content = set(os.listdir(root)) if root.is_dir() else set()
        if _UNFINISHED_FILE not in content and content - {_LOCK_FILE}:
            raise ValueError(
                f'{owner} holds files but no generated set ({_SETTINGS_FILE} '
                'is missing), expected a new or empty folder; choose another '
                'data_root')
        return False
    wanted = settings.to_dict()
    try:
        found = json.loads((root / _SETTINGS_FILE).read_text(encoding='utf-8'))
    except ValueError:  # no JSON
        found = None
    if not isinstance(found, dict) or found.get('format') != wanted['format']:
        raise ValueError(
            f'{owner} holds a {_SETTINGS_FILE} of something else, expected a '
            'new or empty folder; choose another data_root')
    if found == wanted:
        paths = ['classes.txt', *(f'{split}.txt' for split in SPLITS)]
        for clip in _clips(settings):
            paths.append(f'videos/{video_file(*clip)}')
            paths.append(f'flow/{flow_file(*clip)}')
        return all((root / path).exists() for path in paths)
    if not overwrite:
        changes = ', '.join(
            f'{key} {found.get(key)!r} instead of {value!r}'
            for key, value in wanted.items() if found.get(key) != value)
        raise ValueError(
            f'{owner} holds a generated set of other settings ({changes}); '
            'choose another data_root, or replace the set with '
            'tools/generate_motion.py --overwrite')
    return False


def _clips(settings: MotionSetSettings) -> list[tuple[str, int]]:
    """Return split and index of every clip."""
    return [(split, index) for split in SPLITS
            for index in range(settings.num_clips(split))]


def _write_set(root: Path, settings: MotionSetSettings) -> None:
    """Write all files, the settings last and in one step."""
    print_log(f'Generating {settings.num_train} training and '
              f'{settings.num_test} test clips in {root}', logger='current')
    unfinished = root / _UNFINISHED_FILE
    # Not atomic: a temporary file would look foreign to a waiting process.
    unfinished.write_text(
        json.dumps(settings.to_dict(), indent=2), encoding='utf-8')
    # Until the rename below the set is unfinished.
    (root / _SETTINGS_FILE).unlink(missing_ok=True)
    for kind in ('videos', 'flow'):
        for split in SPLITS:
            folder = root / kind / split
            folder.mkdir(parents=True, exist_ok=True)
            for path in folder.iterdir():
                # Only files that an earlier call wrote.
                if re.fullmatch(r'\d{5,}\.(avi|npz)', path.name):
                    path.unlink()

    lines = {'classes': CLASSES, **{split: [] for split in SPLITS}}
    clips = _clips(settings)
    for split, index in track(clips, len(clips), 'clips'):
        clip = render_clip(settings, split, index)
        video = video_file(split, index)
        write_video(str(root / 'videos' / video), clip.frames)
        np.savez_compressed(
            root / 'flow' / flow_file(split, index),
            flow=clip.flow.astype(np.float16))
        lines[split].append(f'{video} {clip.label}')
    for name, content in lines.items():
        (root / f'{name}.txt').write_text(
            ''.join(f'{line}\n' for line in content), encoding='utf-8')
    unfinished.replace(root / _SETTINGS_FILE)
