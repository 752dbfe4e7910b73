# SPDX-License-Identifier: Apache-2.0
"""Repairs of faulty upstream releases, made when the package is imported.

Each repair is one function. Its docstring states the fault, its symptom and
when to remove the repair; where the fault is absent, it does nothing.
"""
from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Callable
from functools import wraps
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch

_LOCALIZERS = 'mmaction.models.localizers'


def apply() -> None:
    """Make all repairs; a second call changes nothing."""
    silence_mmcv_lite()
    check_mmaction()
    provide_missing_drn()
    allow_mmengine_checkpoints()
    silence_file_client()
    score_in_float32()


def check_mmaction() -> None:
    """Import MMAction2, or name the package to install.

    MMAction2 1.2.0 stops with a bare ``AssertionError`` on MMCV 2.2. No wheel
    requires MMCV, since two distributions (``mmcv`` and ``mmcv-lite``)
    provide it. Remove this check when MMAction2 accepts the newest MMCV and
    depends on it.

    Raises:
        ImportError: If MMAction2, MMCV or MMEngine is missing, or is outside
            the range that MMAction2 accepts.
    """
    try:
        importlib.import_module('mmaction')
    except AssertionError as error:
        raise ImportError(
            f'{_installed("mmaction2")} refuses an installed version '
            f'({str(error).rstrip(".")}); if it is that of MMCV, run '
            '`pip uninstall mmcv`, then `pip install "mmcv-lite==2.1.0"`'
        ) from error
    except ModuleNotFoundError as error:
        cures = dict(mmaction='mmaction2==1.2.0', mmcv='mmcv-lite==2.1.0',
                     mmengine='mmengine>=0.10.4,<1')
        if error.name not in cures:
            raise
        raise ImportError(
            f'uftsn_mmaction needs the module {error.name}, which is not '
            f'installed; run `pip install "{cures[error.name]}"`') from error


def provide_missing_drn() -> None:
    """Stand in for a localizer that the MMAction2 1.2.0 wheel lacks.

    ``mmaction/models/localizers/__init__.py`` imports ``.drn.drn``, a folder
    of the repository that is not in the wheel (open-mmlab/mmaction2 #2714).
    ``import mmaction.models`` fails, and with it every config. The stand-in
    carries the one name imported from there, in the registry too. Remove it
    when no supported wheel lacks the folder.

    The folder is looked up without importing ``mmaction.models``. A failed
    import before this call does no harm: the next one completes the rest.
    """
    package, module = f'{_LOCALIZERS}.drn', f'{_LOCALIZERS}.drn.drn'
    if module in sys.modules:
        return
    root = importlib.util.find_spec('mmaction')
    folders = [f'{folder}/models/localizers'
               for folder in root.submodule_search_locations]
    if PathFinder.find_spec(package, folders) is not None:
        return

    from mmaction.registry import MODELS
    placeholders = [
        importlib.util.module_from_spec(
            ModuleSpec(name, loader=None, is_package=name == package))
        for name in (package, module)
    ]
    placeholders[0].drn = placeholders[1]
    placeholders[1].DRN = DRN
    sys.modules.update({package: placeholders[0], module: placeholders[1]})
    # A config that asks for it gets the error of the class below instead of
    # "DRN is not in the registry".
    MODELS.register_module(module=DRN)


def allow_mmengine_checkpoints() -> None:
    """Let ``torch.load`` read the checkpoints that MMEngine writes.

    ``torch.load`` refuses classes it does not know, and MMEngine 0.10.7
    stores its log history in every checkpoint, so that resuming fails. Allow
    the few harmless globals of such a file: the history class and plain NumPy
    numbers, under the module paths of NumPy 1 and NumPy 2. Remove this when
    MMEngine does the same by itself.

    A history also pickles its statistics as ``getattr(HistoryBuffer, name)``.
    The real ``getattr`` would give access to arbitrary objects, so the name
    is bound to :func:`_history_statistic`.
    """
    from mmengine.logging import HistoryBuffer
    reconstruct = np.zeros(1).__reduce__()[0]
    scalar = np.float64(0).__reduce__()[0]
    names = 'bool', 'int32', 'int64', 'float32', 'float64'
    dtypes = [type(np.dtype(name)) for name in names]
    torch.serialization.add_safe_globals([
        HistoryBuffer, np.ndarray, np.dtype, *dtypes,
        (_history_statistic, 'builtins.getattr'),
        (reconstruct, 'numpy._core.multiarray._reconstruct'),
        (reconstruct, 'numpy.core.multiarray._reconstruct'),
        (scalar, 'numpy._core.multiarray.scalar'),
        (scalar, 'numpy.core.multiarray.scalar')
    ])


def silence_mmcv_lite() -> None:
    """Hide a warning of what ``mmcv-lite`` leaves out and nothing here needs.

    MMCV 2.1.0 gives it whenever its transformers are imported, as MMAction2
    does. Remove this when it no longer does so.
    """
    warnings.filterwarnings(
        'ignore', 'Fail to import ``MultiScaleDeformableAttention``')


def silence_file_client() -> None:
    """Let MMEngine use its ``FileClient`` without a warning of it.

    MMEngine 0.10.7 itself makes one for each checkpoint, as MMAction2 1.2.0
    does for each video decoder, and every log begins with warnings that a
    user can do nothing about. Remove this when neither does so.
    """
    from mmengine.fileio import file_client

    # It has no other messages than these.
    file_client.print_log = lambda *args, **kwargs: None


def score_in_float32() -> None:
    """Let stock heads take scores in bfloat16.

    ``BaseHead.loss_by_feat`` of MMAction2 1.2.0 turns the scores into NumPy,
    which has no bfloat16, so that a training under autocast to it ends in
    ``TypeError: Got unsupported ScalarType BFloat16``. It gets them in
    float32. Remove this when MMAction2 does that by itself.
    """
    from mmaction.models.heads.base import BaseHead
    stock = BaseHead.loss_by_feat
    if hasattr(stock, '__wrapped__'):
        return

    @wraps(stock)
    def loss_by_feat(self: Any, cls_scores: torch.Tensor, *args: Any,
                     **kwargs: Any) -> dict:
        if cls_scores.dtype == torch.bfloat16:
            cls_scores = cls_scores.float()
        return stock(self, cls_scores, *args, **kwargs)

    BaseHead.loss_by_feat = loss_by_feat


class DRN:
    """Placeholder of ``mmaction.models.localizers.drn.drn.DRN``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise ImportError(
            f'DRN cannot be built: {_installed("mmaction2")} was released '
            'without mmaction/models/localizers/drn; install MMAction2 from '
            'its repository to use this localizer')


def _history_statistic(owner: type, name: str) -> Callable:
    """Return a statistic of MMEngine's log history, and nothing else."""
    from mmengine.logging import HistoryBuffer
    statistics = 'min', 'max', 'mean', 'current'
    if owner is not HistoryBuffer or name not in statistics:
        raise ValueError(
            f'The checkpoint asks for the attribute {name!r} of {owner!r}, '
            'expected a statistic of mmengine.logging.HistoryBuffer; load '
            'this file only if you trust whoever wrote it')
    return getattr(HistoryBuffer, name)


def _installed(distribution: str) -> str:
    """Return name and version of a distribution, for messages."""
    try:
        return f'{distribution} {version(distribution)}'
    except PackageNotFoundError:
        return f'{distribution} (not installed)'
