# SPDX-License-Identifier: Apache-2.0
"""The report of one training or test run, whatever it trained."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...scores.class_names import read_class_names
from ...scores.score_file import read_streams
from ...visualization import confusion_matrices_figure
from ...visualization.curves import curves_figure
from ..history import read_history
from .dumped_config import read_dumped_config, setting, stages_of
from .measures import headlines, metric_rows, panels
from .page import write_page
from .pictures import read_flow_pictures
from .predictions import (
    class_rows,
    confusion,
    main_stream,
    worst_mistakes,
)

_SETTINGS = (
    ('model', ('model', 'type')),
    ('flow estimator', ('model', 'flow_estimator', 'type')),
    ('its plan', ('model', 'flow_estimator', 'plan')),
    ('it starts from', ('model', 'flow_estimator', 'pretrained')),
    ('backbone', ('model', 'backbone', 'type')),
    ('classes', ('model', 'cls_head', 'num_classes')),
    ('epochs', ('train_cfg', 'max_epochs')),
    ('iterations', ('train_cfg', 'max_iters')),
    ('batch', ('train_dataloader', 'batch_size')),
    ('seed', ('randomness', 'seed')))
# More are drawn in percent of a page that nobody can read.
_STREAMS = 4


def write_run_report(work_dir: Path, path: Path,
                     scores: str | None = None,
                     classes: str | None = None) -> None:
    """Write a page on the run in a work dir of MMEngine.

    Everything in the folder is data to it; no config is run, and nothing
    that a file names is downloaded.

    Args:
        work_dir: Folder of a training, a test, or both.
        path: File of the page.
        scores: Dump of ``tools/test.py --dump``, for the confusions, the
            classes and the worst mistakes. By default the newest ``.pkl``
            file in the folder, if there is one.
        classes: File with the name of a class in each line.

    Raises:
        FileNotFoundError: If the folder or a file does not exist.
        ValueError: If the folder holds no run, or a file cannot be used.
    """
    if not work_dir.is_dir():
        raise FileNotFoundError(
            f'WORK_DIR {str(work_dir)!r} is no folder; name the --work-dir '
            'of a training or a test')
    if scores is None:
        dumps = sorted(work_dir.glob('*.pkl'),
                       key=lambda file: file.stat().st_mtime)
        scores = str(dumps[-1]) if dumps else None
    history = read_history(work_dir)
    pictures = read_flow_pictures(work_dir)
    if not (history.steps or history.validations or history.test or pictures
            or scores):
        raise ValueError(
            f'WORK_DIR {str(work_dir)!r} holds no log of a run '
            '(TIME/vis_data/scalars.json), no result of a test and no score '
            'file; name the --work-dir of a training or a test')
    settings = read_dumped_config(work_dir)
    curves = panels(history)
    write_page(
        path, Path(__file__).with_name('run.html'),
        name=work_dir.resolve().name,
        cards=headlines(history),
        pictures=pictures,
        unit=history.unit,
        curves=(curves_figure(curves, stages_of(settings), history.unit)
                if curves else None),
        curve_names=[panel.name for panel in curves],
        metrics=metric_rows(history),
        predictions=None if scores is None else _predictions(scores, classes),
        settings=[(name, str(value)) for name, keys in _SETTINGS
                  if (value := setting(settings, *keys)) is not None],
        config=json.dumps(settings, indent=2, default=str, sort_keys=True))


def _predictions(scores: str, classes: str | None) -> dict[str, Any]:
    """Return what the template shows of a score file."""
    streams = dict(list(read_streams(scores).items())[-_STREAMS:])
    main = main_stream(streams)
    names = read_class_names(classes, main.scores.shape[1])
    heads, rows = class_rows(streams, names)
    right = {name: float((file.scores.argmax(1) == file.labels).float().mean())
             for name, file in streams.items()}
    return dict(
        file=Path(scores).name,
        number=len(main.labels),
        streams=[(name or 'accuracy', f'{value:.3f}')
                 for name, value in right.items()],
        matrix=confusion_matrices_figure(
            {main.stream: confusion(main)}, names),
        others=[confusion_matrices_figure({name: confusion(file)}, names)
                for name, file in streams.items() if file is not main],
        heads=heads, rows=rows,
        mistakes=worst_mistakes(main, names))
