# SPDX-License-Identifier: Apache-2.0
"""Find the videos and clips that an input names."""
from __future__ import annotations

import glob
import os
import os.path as osp
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.utils import scandir

from ..datasets.video_folder import SUFFIXES
from ..fileio.paths import check_input_file
from ..fileio.text_list import read_lines
from ..fileio.video_reader import PICTURES
from .source import Source

_EXPECTED = ('expected a video, a folder, a pattern such as "clips/*.mp4", a '
             '.txt list, an address, the number of a camera, or frames '
             '(T, H, W, 3) in 8 bits')


def find_sources(inputs: Any) -> list[Source]:
    """List the videos and clips that a user names.

    Args:
        inputs: Path of a video or of a ``.txt`` list; folder of videos, or of
            the pictures of one clip; pattern; address; number of a camera;
            frames as an array or a tensor ``(T, H, W, 3)``, or a tensor
            ``(T, 3, H, W)``; a list of frames ``(H, W, 3)``, or of pictures,
            for one clip; a list of any of these.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If nothing is found, or the input is of another kind.
    """
    sources = _find(inputs)
    if not sources:
        raise ValueError(f'the input {_brief(inputs)} holds no video; '
                         f'{_EXPECTED}')
    _make_names_differ(sources)
    return sources


def is_single(inputs: Any) -> bool:
    """Return whether an input stands for one clip rather than for a list."""
    if isinstance(inputs, (list, tuple)):
        return _are_frames(inputs) or _are_pictures(inputs)
    if isinstance(inputs, (str, os.PathLike)):
        path = os.fspath(inputs)
        return not (_is_list(path) or _is_pattern(path)
                    or (osp.isdir(path) and bool(_videos_in(path))))
    return True


def _find(inputs: Any) -> list[Source]:
    if isinstance(inputs, Source):
        return [inputs]
    if isinstance(inputs, (np.ndarray, torch.Tensor)):
        return [Source(_as_frames(inputs), 'frames')]
    if isinstance(inputs, (list, tuple)):
        if _are_frames(inputs):
            return _find(np.stack([np.asarray(frame) for frame in inputs]))
        if _are_pictures(inputs):
            return [_clip([os.fspath(path) for path in inputs])]
        return [source for item in inputs for source in _find(item)]
    if isinstance(inputs, (int, np.integer)) and not isinstance(inputs, bool):
        return [Source(int(inputs), f'camera_{inputs}')]
    if isinstance(inputs, (str, os.PathLike)):
        return _find_files(os.fspath(inputs))
    raise ValueError(f'the input is a {type(inputs).__name__}, {_EXPECTED}')


def _find_files(path: str) -> list[Source]:
    if '://' in path:
        name = osp.basename(path.partition('?')[0].rstrip('/'))
        return [Source(path, osp.splitext(name)[0] or 'stream')]
    if osp.isdir(path):
        videos = _videos_in(path)
        if videos:
            return [Source(osp.join(path, name), osp.splitext(name)[0])
                    for name in videos]
        return _clip_of_pictures(path)
    if _is_pattern(path):
        return [source for name in sorted(glob.glob(path, recursive=True))
                for source in _find_files(name)]
    check_input_file(path, f'the input {path!r}', exists=osp.lexists)
    if _is_list(path):
        return _find_listed(path)
    if path.lower().endswith(PICTURES):
        raise ValueError(f'the input {path!r} is a single picture; name the '
                         'folder of the pictures, or a video')
    return [Source(path, osp.splitext(osp.basename(path))[0])]


def _find_listed(path: str) -> list[Source]:
    """Return the videos of a list, whose paths may have a label behind."""
    sources = []
    folder = osp.dirname(path)
    for number, line in read_lines(path, 'the list'):
        # A name may hold blanks, and a label stands at the end.
        match = re.fullmatch(r'(.+?)[ \t]+(\d+)', line)
        name, label = (match[1], int(match[2])) if match else (line, None)
        video = osp.join(folder, name)
        check_input_file(video, f'{name!r} in line {number} of {path!r}',
                         'paths are relative to the list', osp.lexists)
        # What a stranger's list names must stay in the folder of results.
        parts = [part for part in osp.normpath(name).split(osp.sep)
                 if part not in ('', '.', '..')]
        stem = osp.splitext('/'.join(parts) or 'video')[0]
        sources.append(Source(video, stem, label))
    return sources


def _videos_in(folder: str) -> list[str]:
    return sorted(
        scandir(folder, SUFFIXES, recursive=True, case_sensitive=False))


def _clip_of_pictures(folder: str) -> list[Source]:
    names = sorted(name for name in os.listdir(folder)
                   if name.lower().endswith(PICTURES))
    if not names:
        return []
    return [Source([osp.join(folder, name) for name in names],
                   osp.basename(osp.abspath(folder)))]


def _clip(paths: list[str]) -> Source:
    """Return pictures that are named one by one."""
    for path in paths:
        check_input_file(path, f'the picture {path!r}')
    return Source(paths, osp.splitext(osp.basename(paths[0]))[0])


def _is_list(path: str) -> bool:
    return path.lower().endswith('.txt') and not osp.isdir(path)


def _is_pattern(path: str) -> bool:
    # A file may really be called so.
    return ('://' not in path and glob.has_magic(path)
            and not osp.lexists(path))


def _are_frames(items: Sequence[Any]) -> bool:
    return bool(items) and all(
        isinstance(item, (np.ndarray, torch.Tensor)) and item.ndim == 3
        for item in items)


def _are_pictures(items: Sequence[Any]) -> bool:
    return len(items) > 1 and all(
        isinstance(item, (str, os.PathLike)) and '://' not in str(item)
        and str(item).lower().endswith(PICTURES) for item in items)


def _as_frames(clip: np.ndarray | torch.Tensor) -> np.ndarray:
    """Return 8-bit RGB frames ``(T, H, W, 3)``."""
    if isinstance(clip, torch.Tensor):
        if clip.ndim == 4 and clip.shape[1] == 3 != clip.shape[3]:
            clip = clip.permute(0, 2, 3, 1)
        clip = clip.detach().cpu().numpy()
    if clip.ndim != 4 or clip.shape[-1] != 3 or clip.dtype != np.uint8:
        raise ValueError(
            f'the frames are {clip.dtype} of shape {clip.shape}, expected '
            'uint8 (T, H, W, 3), RGB from 0 to 255; convert them')
    return clip


def _make_names_differ(sources: Sequence[Source]) -> None:
    """Add the suffix, then a number, where results would collide.

    Blanks would part the lines of a list.
    """
    taken: dict[str, Source] = {}
    for source in sources:
        source.name = name = re.sub(r'\s', '_', source.name)
        if name in taken and source.path:
            name += osp.splitext(source.path)[1]
        number = 2
        while name in taken:
            name = f'{source.name}_{number}'
            number += 1
        source.name = name
        taken[name] = source


def _brief(inputs: Any) -> str:
    return repr(inputs) if isinstance(inputs, (str, os.PathLike)) else (
        f'of type {type(inputs).__name__}')
