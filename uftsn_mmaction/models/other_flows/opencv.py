# SPDX-License-Identifier: Apache-2.0
"""Base class of the flow solvers of OpenCV."""
from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from .pairwise import PairwiseFlowEstimator


class Setting(NamedTuple):
    """Name in OpenCV's ``get`` and ``set`` methods, and allowed values.

    OpenCV checks no value, and crashes or returns NaN. The keywords of its
    constructors differ between releases.
    """
    suffix: str
    low: float
    high: float = float('inf')
    step: int = 0

    def holds(self, value: float) -> bool:
        """Return whether a value is in the range."""
        return (self.low <= value <= self.high
                and not (self.step and (value - self.low) % self.step))

    def __str__(self) -> str:
        if self.high == float('inf'):
            return f'{self.low} up'
        span = f'{self.low} to {self.high}'
        return f'{span} in steps of {self.step}' if self.step else span


class OpenCVFlowEstimator(PairwiseFlowEstimator):
    """Base class of the solvers of OpenCV, which run on the CPU.

    Args:
        preset: Name of a set of settings.
        out_indices: See :class:`PairwiseFlowEstimator`.
        num_workers: Threads that solve pairs of a batch in parallel; 0 solves
            one after the other. On two idle cores two threads halve the time
            of TV-L1. The flow stays the same.
        settings: Settings of the solver that differ from the preset.

    Raises:
        TypeError: If the solver does not have a setting.
        ValueError: If the preset is unknown, or a value out of range.
    """

    #: Settings of the solver by our name.
    known_settings: Mapping[str, Setting]
    #: Settings that differ from OpenCV's defaults, by preset.
    presets: Mapping[str, Mapping[str, Any]]

    def __init__(self,
                 preset: str,
                 out_indices: Sequence[int] = (0, ),
                 num_workers: int = 0,
                 **settings: float) -> None:
        super().__init__(out_indices)
        name = type(self).__name__
        if preset not in self.presets:
            raise ValueError(f'preset of {name} must be one of '
                             f'{tuple(self.presets)}, got {preset!r}')
        if type(num_workers) is not int or num_workers < 0:
            raise ValueError(
                f'num_workers of {name} must be a number of threads, 0 or '
                f'more, got {num_workers!r}; 0 solves one pair after another')
        unknown = sorted(set(settings) - set(self.known_settings))
        if unknown:
            raise TypeError(f'{name} has no setting {", ".join(unknown)}; its '
                            f'settings are {", ".join(self.known_settings)}')
        self.preset = preset
        self.num_workers = num_workers
        self._changes = {**self.presets[preset], **settings}
        # Fail here rather than in the first forward. The solver is not kept,
        # since it can be neither copied nor pickled.
        solver = self._build_solver()
        self.settings = {
            setting: getattr(solver, f'get{known.suffix}')()
            for setting, known in self.known_settings.items()
        }

    @abstractmethod
    def _create_solver(self) -> cv2.DenseOpticalFlow:
        """Create the solver at OpenCV's defaults or those of its preset."""

    def _build_solver(self) -> cv2.DenseOpticalFlow:
        solver = self._create_solver()
        for setting, value in self._changes.items():
            known = self.known_settings[setting]
            default = getattr(solver, f'get{known.suffix}')()
            try:
                if not known.holds(value):
                    raise OverflowError
                getattr(solver, f'set{known.suffix}')(value)
            except (cv2.error, TypeError, OverflowError):
                raise ValueError(
                    f'{setting} of {type(self).__name__} must be a number '
                    f'from {known} such as OpenCV\'s default {default!r}, got '
                    f'{value!r}') from None
        return solver

    def estimate(self, first: Tensor, second: Tensor) -> Tensor:
        """Solve all pairs; OpenCV may refuse the frames."""
        pairs = list(zip(self._to_grey(first), self._to_grey(second)))
        try:
            flows = self._solve(pairs)
        except cv2.error as error:
            reason = (error.err or str(error)).strip()
            raise ValueError(
                f'OpenCV gives {type(self).__name__} no flow of frames '
                f'{tuple(first.shape[-2:])} ({reason}); resize the frames in '
                'the pipeline or change the solver\'s settings') from error
        # P x H x W x 2 -> P x 2 x H x W
        flow = torch.from_numpy(np.stack(flows))
        return flow.permute(0, 3, 1, 2).contiguous().to(first.device)

    def _solve(self, pairs: Sequence[tuple[np.ndarray, ...]]
               ) -> list[np.ndarray]:
        """Return flows ``(H, W, 2)`` of pairs of 8-bit frames ``(H, W)``."""
        workers = min(self.num_workers, len(pairs))
        if workers < 2:
            solver = self._build_solver()
            return [solver.calc(*pair, None) for pair in pairs]
        # A solver has buffers, so each thread needs its own.
        local = threading.local()

        def start() -> None:
            local.solver = self._build_solver()

        # The threads end with the batch: a pool that lives on would be dead
        # in every process forked later, such as the worker of a loader.
        with ThreadPoolExecutor(workers, initializer=start) as pool:
            return list(
                pool.map(lambda pair: local.solver.calc(*pair, None), pairs))

    @staticmethod
    def _to_grey(frames: Tensor) -> list[np.ndarray]:
        """Return 8-bit grey frames ``(H, W)``, as the solvers expect."""
        frames = (frames.clamp(0, 1) * 255).round().to(torch.uint8)
        # P x 3 x H x W -> P x H x W x 3
        frames = frames.permute(0, 2, 3, 1).contiguous().cpu().numpy()
        return [cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) for rgb in frames]

    def extra_repr(self) -> str:
        """List the settings, on which a result depends."""
        return ', '.join(f'{name}={value}'
                         for name, value in self.settings.items())
