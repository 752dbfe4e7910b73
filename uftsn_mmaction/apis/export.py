# SPDX-License-Identifier: Apache-2.0
"""Files that run without this package, compared before they are kept."""
from __future__ import annotations

import contextlib
import importlib
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from mmengine.fileio import put
from torch import Tensor
from torch.export import Dim, ExportedProgram

from .exportable import Exportable

#: Formats, each with the end of its file names.
FORMATS = dict(onnx='.onnx', torch='.pt2')
#: Largest difference from PyTorch, in the unit of the output, or relative to
#: values above 1.
TOLERANCE = 1e-3
_LARGEST = 8192  # pixels

Run = Callable[..., np.ndarray]


class Exported(NamedTuple):
    """Result of an export and of its comparison with PyTorch.

    Attributes:
        dynamic: Names of the dimensions that are not fixed.
        sizes: Heights and widths at which it was compared.
        difference: Largest difference from PyTorch.
        motion: Mean length of the true flow of the examples in pixels.
    """
    dynamic: tuple[str, ...]
    sizes: list[tuple[int, int]]
    difference: float
    motion: float


def export(part: Exportable, path: str | Path, to: str,
           size: tuple[int, int]) -> Exported:
    """Export a part of a model, and keep the file if it agrees.

    The file is run on rendered frames with known motion, at a second size,
    too, if it takes any, and with another number of samples.

    Args:
        part: What to export.
        path: File to write.
        to: One of :data:`FORMATS`.
        size: Height and width of the example.

    Raises:
        ImportError: If a library of ONNX is missing, or torch is too old.
        ValueError: If a setting is wrong, or the file disagrees.
        RuntimeError: If an exporter fails.
    """
    check_libraries(to)
    _check_size(part, size)
    program, dynamic = _trace(part, size)
    sizes = [size]
    if part.multiple is not None and 'height' in dynamic:
        sizes.append(tuple(2 * side for side in reversed(size)))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f'exported{FORMATS[to]}')
        try:
            with _quiet(), torch.no_grad():
                _save(program, part, file, to)
            run = _open(file, part, to)
        except Exception as error:  # of many kinds
            raise RuntimeError(
                f'the export to {to} fails ({_first_line(error)}); try the '
                'other format') from error
        compared = [_compare(part, run, at, number)
                    for number, at in enumerate(sizes, 1)]
        content = file.read_bytes()
    put(content, str(path), backend_args=dict(backend='atomic'))
    differences, motions = zip(*compared)
    return Exported(dynamic, sizes, max(differences), float(np.mean(motions)))


def check_libraries(to: str) -> None:
    """Refuse a format whose libraries are missing.

    Raises:
        ImportError: If one is missing or too old.
        ValueError: If the format is unknown.
    """
    if to not in FORMATS:
        raise ValueError(f'the format is {to!r}, expected one of '
                         f'{", ".join(FORMATS)}')
    if not hasattr(torch.compiler, 'is_exporting'):
        raise ImportError(f'an export needs torch 2.7 or later, but '
                          f'{torch.__version__} is installed; upgrade torch')
    for name in ('onnx', 'onnxscript', 'onnxruntime') if to == 'onnx' else ():
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise ImportError(
                f'an export to ONNX needs {name}, which cannot be imported '
                f'({error}); run pip install "uftsn-mmaction[export]"'
            ) from error


def _check_size(part: Exportable, size: tuple[int, int]) -> None:
    step = part.multiple or 1
    least = max(32, 2 * step)
    if min(size) < least or any(side % step for side in size):
        raise ValueError(f'the size is {size[0]}x{size[1]}, expected multiples'
                         f' of {step} from {least} up')


def _trace(part: Exportable, size: tuple[int, int]
           ) -> tuple[ExportedProgram, tuple[str, ...]]:
    """Record the operations, with as few fixed dimensions as possible."""
    inputs, _ = part.example(size)
    attempts = [dict(batch=Dim(part.batch))]
    if part.multiple is not None:
        step = part.multiple
        sides = [step * Dim(f'_{name}', min=max(2, 32 // step),
                            max=_LARGEST // step)
                 for name in ('height', 'width')]
        attempts.insert(0, dict(attempts[0], height=sides[0], width=sides[1]))
    for dimensions in attempts:
        shapes = {0: dimensions['batch']}
        if 'height' in dimensions:
            shapes.update({2: dimensions['height'], 3: dimensions['width']})
        try:
            with _quiet(), torch.no_grad():
                program = torch.export.export(
                    part, inputs, dynamic_shapes=(shapes, ) * len(inputs),
                    strict=False)
        except Exception as error:  # of many kinds
            failure = error
            continue
        return program, (part.batch, *list(dimensions)[1:])
    raise RuntimeError(f'torch.export fails ({_first_line(failure)}); name '
                       'another estimator') from failure


def _save(program: ExportedProgram, part: Exportable, file: Path,
          to: str) -> None:
    if to == 'torch':
        torch.export.save(program, file)
        return
    onnx = torch.onnx.export(
        program, (), dynamo=True, verbose=False, input_names=part.inputs,
        output_names=[part.output])
    onnx.save(file, external_data=False)


def _open(file: Path, part: Exportable, to: str) -> Run:
    """Load a file as its user would."""
    if to == 'torch':
        module = torch.export.load(file).module()
        return lambda *inputs: module(*inputs).numpy()
    from onnxruntime import InferenceSession

    session = InferenceSession(file, providers=['CPUExecutionProvider'])

    def run(*inputs: Tensor) -> np.ndarray:
        named = {name: value.numpy()
                 for name, value in zip(part.inputs, inputs)}
        output, = session.run(None, named)
        return output

    return run


def _compare(part: Exportable, run: Run, size: tuple[int, int],
             number: int) -> tuple[float, float]:
    """Return the difference of a file from PyTorch, and the true motion.

    Raises:
        ValueError: If the difference is too large.
    """
    inputs, flow = part.example(size, number, seed=number)
    with torch.no_grad():
        expected = part(*inputs).numpy()
    try:
        got = run(*inputs)
    except Exception as error:  # of many kinds
        raise ValueError(
            f'the exported file fails at {size[0]}x{size[1]} '
            f'({_first_line(error)}); it is not kept') from error
    if got.shape != expected.shape:
        raise ValueError(f'the exported file gives {got.shape}, but PyTorch '
                         f'{expected.shape}; it is not kept')
    difference = np.abs(got - expected)
    allowed = TOLERANCE * np.maximum(1, np.abs(expected))
    # A value that is not a number fails, too.
    if not (difference <= allowed).all():
        raise ValueError(
            f'the exported file differs from PyTorch by up to '
            f'{difference.max():.3g} at {size[0]}x{size[1]}, where '
            f'{TOLERANCE:g} is allowed; it is not kept')
    return float(difference.max()), float(np.hypot(*flow.swapaxes(0, 1))
                                          .mean())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the remarks of exporters on their own work to themselves."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or ['no reason given']
    return f'{type(error).__name__}: {lines[0]}'
