# SPDX-License-Identifier: Apache-2.0
"""Score files: the predictions that ``tools/test.py --dump`` writes.

MMEngine's ``DumpResults`` pickles a list of dicts with ``pred_score``,
``gt_label`` and, where the pipeline packs it, ``filename``.
"""
from __future__ import annotations

import os.path as osp
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.fileio import dump
from torch import Tensor

from ..fileio.paths import check_input_file
from .score_pickle import ForbiddenGlobal, load_tensors

_CURE = 'write it with `tools/test.py CONFIG CHECKPOINT --dump FILE.pkl`'


@dataclass(frozen=True, eq=False)
class ScoreFile:
    """Predictions of one model on a list of videos.

    Attributes:
        name: The file as it was asked for, with the stream.
        path: The file alone.
        scores: ``(num_videos, num_classes)``, float32.
        labels: ``(num_videos, )``, int64.
        filenames: Video of each row, or None where the file has none.
    """
    name: str
    path: str
    scores: Tensor
    labels: Tensor
    filenames: tuple[str, ...] | None = None

    @property
    def kind(self) -> str:
        """``'prob'`` if each row is a distribution, else ``'score'``."""
        wrong = (self.scores.sum(dim=1) - 1).abs().max()
        return 'prob' if wrong <= 1e-3 and self.scores.min() >= 0 else 'score'

    @property
    def stream(self) -> str:
        """Name of the stream, if the file has several."""
        return self.name[len(self.path) + 1:]

    @property
    def stems(self) -> list[str]:
        """Names without folder and extension, which may differ elsewhere."""
        names = map(osp.basename, self.filenames or ())
        return [osp.splitext(name)[0] for name in names]


def read_score_file(name: str) -> ScoreFile:
    """Read a dump of predictions, as data only.

    Args:
        name: Path of the file; for the dump of a fusion ``PATH:STREAM``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not a safe dump of single-label predictions,
            or the stream is missing or unknown.
    """
    path, stream = name, None
    if not osp.isfile(name) and osp.isfile(name.rpartition(':')[0]):
        path, _, stream = name.rpartition(':')
    return _parse(_load(path), name, path, stream)


def read_streams(path: str) -> dict[str, ScoreFile]:
    """Read all that a dump holds: each stream of a fusion by its name.

    A dump of a single model has the name ``''``, and a path with a stream,
    ``PATH:STREAM``, that stream alone.

    Raises:
        FileNotFoundError, ValueError: As :func:`read_score_file` does.
    """
    if not osp.isfile(path) and osp.isfile(path.rpartition(':')[0]):
        return {path.rpartition(':')[2]: read_score_file(path)}
    entries = _load(path)
    score = None
    if isinstance(entries, list) and entries and isinstance(entries[0], dict):
        score = entries[0].get('pred_score')
    if not isinstance(score, dict) or not score:
        return {'': _parse(entries, path, path, None)}
    return {str(stream): _parse(entries, f'{path}:{stream}', path, stream)
            for stream in score}


def _parse(entries: Any, name: str, path: str,
           stream: str | None) -> ScoreFile:
    """Check what a pickle holds, and stack it."""
    if not isinstance(entries, list) or not entries or not all(
            isinstance(entry, dict) for entry in entries):
        raise ValueError(f'score file {path!r} holds no list of predictions '
                         f'(one dict per video); {_CURE}')
    scores, labels = [], []
    for number, entry in enumerate(entries, 1):
        where = f'video {number} of score file {path!r}'
        for key in ('pred_score', 'gt_label'):
            if key not in entry:
                raise ValueError(f'{where} has no {key}, only '
                                 f'{sorted(map(str, entry))}; {_CURE}')
        score = _choose_score(entry['pred_score'], stream, path, where)
        if scores and len(score) != len(scores[0]):
            raise ValueError(f'{where} has scores of {len(score)} classes, '
                             f'the first one of {len(scores[0])}; {_CURE}')
        scores.append(score)
        labels.append(_check_label(entry['gt_label'], len(score), where))
    filenames = [entry.get('filename') for entry in entries]
    if not any(filenames):
        filenames = None
    elif not all(isinstance(filename, str) for filename in filenames):
        raise ValueError(f'score file {path!r} has a filename for some videos '
                         f'only; {_CURE}')
    return ScoreFile(name, path, torch.stack(scores), torch.tensor(labels),
                     filenames and tuple(filenames))


def _load(path: str) -> Any:
    check_input_file(path, f'score file {path!r}',
                     f'correct the path, or {_CURE}', osp.exists)
    try:
        with open(path, 'rb') as file:
            return load_tensors(file)
    except ForbiddenGlobal as error:
        raise ValueError(
            f'score file {path!r} asks for {error}, which predictions do not '
            'need and which could run a program; use only files whose origin '
            f'you know, and {_CURE}') from None
    except Exception as error:  # a bad pickle can fail in any way
        cause = str(error).strip().split('\n')[0].rstrip('.')
        raise ValueError(
            f'score file {path!r} cannot be read ({type(error).__name__}: '
            f'{cause}); {_CURE}') from None


def _choose_score(score: Any, stream: str | None, path: str,
                  where: str) -> Tensor:
    """Return the scores of one video, of one stream if there are several."""
    if isinstance(score, dict):
        if stream not in score:
            choice = ', '.join(f'{path}:{name}' for name in score)
            raise ValueError(f'{where} has a pred_score for each stream and '
                             f'none of {stream!r}; choose one of {choice}')
        score = score[stream]
    elif stream is not None:
        raise ValueError(f'{where} has one pred_score and none of stream '
                         f'{stream!r}; leave out ":{stream}"')
    if not isinstance(score, Tensor) or score.dim() != 1 or not len(score):
        came = type(score).__name__
        if isinstance(score, Tensor):
            came = f'a tensor {tuple(score.shape)}'
        raise ValueError(
            f'{where} has {came} as pred_score, expected a tensor '
            "(num_classes, ); set average_clips='score' of the head, and "
            f'{_CURE}')
    score = score.detach().float()
    if not score.isfinite().all():
        raise ValueError(f'{where} has a score that is not finite; look for '
                         'the fault in the model or its checkpoint')
    return score


def _check_label(label: Any, num_classes: int, where: str) -> int:
    if not isinstance(label, Tensor) or label.is_floating_point() or (
            label.numel() != 1):
        came = label.tolist() if isinstance(label, Tensor) else label
        raise ValueError(f'{where} has gt_label {came!r}, expected one class '
                         'number; only single-label data can be used here')
    if not 0 <= label.item() < num_classes:
        raise ValueError(f'{where} has label {label.item()}, but scores of '
                         f'{num_classes} classes; correct the list of the '
                         f'test set or num_classes of the head, and {_CURE}')
    return int(label.item())


def write_score_file(path: str,
                     scores: Tensor,
                     labels: Tensor,
                     filenames: Sequence[str] | None = None) -> None:
    """Write predictions as ``DumpResults`` does.

    Args:
        path: File to write.
        scores: ``(num_videos, num_classes)``.
        labels: ``(num_videos, )``.
        filenames: Video of each row, where known.

    Raises:
        ValueError: If the path does not end with .pkl or .pickle.
    """
    if not path.endswith(('.pkl', '.pickle')):
        raise ValueError(f'score file {path!r} must end with .pkl or .pickle; '
                         'rename it')
    # Clones, since a view would be written with the whole matrix.
    entries = []
    for row, (score, label) in enumerate(zip(scores, labels)):
        entries.append(
            dict(
                pred_score=score.clone(),
                pred_label=score.argmax(dim=0, keepdim=True),
                gt_label=label.reshape(1).clone()))
        if filenames:
            entries[-1]['filename'] = filenames[row]
    dump(entries, path)
