# SPDX-License-Identifier: Apache-2.0
"""A config that is trained and tested in a folder, each step once."""
from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..fileio import AtomicLocalBackend
from ..fileio.atomic import write_json
from ..fileio.sound_checkpoint import list_checkpoints
from .run import RunError, announce, lock_folder, refuse_changes
from .tools import RunSettings

#: Names of the streams of sec. 3.1.
STREAMS = ('spatial', 'temporal')


@dataclass(frozen=True)
class Experiment:
    """A config, counted in epochs, that is trained and tested.

    ``folder`` holds the checkpoints and logs of the training, ``test/`` with
    the logs of the last test, ``settings.json`` with the settings, and
    ``result.json`` with the metrics once :meth:`run` has tested it.
    """
    name: str
    cfg: Config
    folder: Path
    config_file: Path  # hands cfg to the tools
    settings: RunSettings
    start: Path | None = None  # checkpoint to load, None for cfg.load_from

    @property
    def checkpoint(self) -> Path:
        """Last checkpoint of the training."""
        return checkpoint_file(self.folder, self.cfg.train_cfg.max_epochs)

    @property
    def predictions(self) -> Path:
        """File that a test with ``dump=True`` writes."""
        return self.folder / 'test' / 'predictions.pkl'

    def check(self, from_elsewhere: bool = False) -> None:
        """Raise a ValueError if the folder holds a run of other settings.

        Before the first checkpoint nothing depends on the settings, and
        before the first result nothing depends on those of the test.
        ``from_elsewhere`` accepts a training without ``settings.json``.
        """
        # Once tested, the checkpoint may be removed to save disk space.
        tested = self._result_file.exists()
        if not tested and not list_checkpoints(self.folder):
            return
        if self._settings_file.exists():
            found = json.loads(self._settings_file.read_text('utf-8'))
            parts = found, self._settings()
            if not tested:
                parts = ({key: value for key, value in part.items()
                          if not key.startswith('test_')} for part in parts)
            refuse_changes(self.folder, *parts,
                           'remove that folder to begin anew')
        elif not from_elsewhere:
            raise ValueError(
                f'{str(self.folder)!r} holds a training without '
                f'{self._settings_file.name}, which may have other settings; '
                'choose another --work-dir, or remove that folder to begin '
                'anew')

    def run(self, begin: Callable[[], None] | None = None) -> dict[str, float]:
        """Train and test, or read the metrics of an earlier call."""
        if self._result_file.exists():
            announce(f'Training and test of {self.name}: finished already')
            return json.loads(self._result_file.read_text('utf-8'))
        metrics = self.test(self.train(begin))
        write_json(self._result_file, metrics)
        return metrics

    def train(self, begin: Callable[[], None] | None = None) -> Path:
        """Train, or go on; return the last checkpoint.

        ``begin`` is called before the first epoch. It may write ``start``, or
        put a checkpoint into ``folder`` for the training to go on from. A
        training that fails, or is needed but forbidden, raises a RunError.
        """
        if self.checkpoint.exists():
            announce(f'Training of {self.name}: finished already')
            return self.checkpoint
        if self.settings.test_only:
            raise RunError(
                f'{str(self.checkpoint)!r} does not exist, and --test-only '
                'trains nothing; leave it out, or correct --work-dir')
        with lock_folder(self.folder):
            self._write()
            if begin is not None and not list_checkpoints(self.folder):
                begin()
            announce(f'Training of {self.name}, '
                     f'{self.cfg.train_cfg.max_epochs} epochs')
            # A new training must not resume: it would drop load_from.
            resume = ['--resume'] if list_checkpoints(self.folder) else []
            status = self.settings.run('train', self.config_file, '--work-dir',
                                       self.folder, *resume)
        _require('training', self.folder, status, self.checkpoint.name,
                 self.checkpoint.exists())
        return self.checkpoint

    def test(self,
             checkpoint: Path | None = None,
             dump: bool = False) -> dict[str, float]:
        """Test anew; return all metrics of the config's evaluator.

        ``checkpoint`` is None where the config names the weights itself.
        ``dump`` writes :attr:`predictions`. A failure raises a RunError.
        """
        folder = self.folder / 'test'
        with lock_folder(self.folder):
            # Files of an earlier test must not pass for those of this one.
            shutil.rmtree(folder, ignore_errors=True)
            announce(f'Test of {self.name}')
            self._write()
            status = self.settings.run(
                'test', self.config_file,
                *([checkpoint] if checkpoint else []), '--work-dir', folder,
                *(['--dump', self.predictions] if dump else []))
        # The log of the metrics, beside the log in words.
        found = sorted(folder.glob('*/*.json'))
        _require('test', folder, status, 'metrics', bool(found))
        if dump:
            _require('test', folder, status, self.predictions.name,
                     self.predictions.exists())
        return json.loads(found[-1].read_text('utf-8'))

    @property
    def _settings_file(self) -> Path:
        return self.folder / 'settings.json'

    @property
    def _result_file(self) -> Path:
        return self.folder / 'result.json'

    def _settings(self) -> dict[str, Any]:
        """Return the config as JSON has it, wherever the folder lies."""
        settings = self.cfg.to_dict()
        if self.start is not None:
            settings['load_from'] = self.start.name
        return json.loads(json.dumps(settings, default=repr))

    def _write(self) -> None:
        """Write the config for the tools, and the settings."""
        cfg = copy.deepcopy(self.cfg)
        if self.start is not None:
            cfg.load_from = str(self.start)
        AtomicLocalBackend().put_text(cfg.pretty_text, self.config_file)
        write_json(self._settings_file, self._settings())


def checkpoint_file(folder: Path, epoch: int) -> Path:
    """Return the checkpoint after an epoch (from 1) of ``CheckpointHook``."""
    return folder / f'epoch_{epoch}.pth'


def latest_epoch(folder: Path) -> int:
    """Return the number of epochs that a training has behind it."""
    found = (re.fullmatch(r'epoch_(\d+)\.pth', path.name)
             for path in folder.glob('epoch_*.pth'))
    return max((int(match.group(1)) for match in found if match), default=0)


def check_streams(fusion: Config) -> None:
    """Raise a ValueError if a fusion is not of both :data:`STREAMS`."""
    found = fusion.model.get('streams', {})
    if set(found) != set(STREAMS):
        raise ValueError(
            f'model.streams of {fusion.filename} are {sorted(found)}, '
            f'expected {list(STREAMS)}; name them so')


def fusion_config(fusion: Config, streams: Mapping[str, Experiment]) -> Config:
    """Return a fusion of what ``streams`` train, with its own frames."""
    fusion = copy.deepcopy(fusion)
    for name, experiment in streams.items():
        # An update() would merge two models.
        fusion.model.streams[name].model = copy.deepcopy(experiment.cfg.model)
        fusion.model.streams[name].checkpoint = str(experiment.checkpoint)
    return fusion


def _require(kind: str, folder: Path, status: int, result: str,
             is_there: bool) -> None:
    if status or not is_there:
        raise RunError(
            f'The {kind} in {str(folder)!r} ended with exit status {status} '
            f'and {"with" if is_there else "without"} {result}; its last '
            'lines tell why, and the same command goes on from there')
