# SPDX-License-Identifier: Apache-2.0
"""The phases: in order, each one once, and none with another's settings."""
import itertools
import json
from types import SimpleNamespace

import numpy as np
import pytest
from filelock import FileLock

from uftsn_mmaction.experiments.checkpoints import TrainingError
from uftsn_mmaction.experiments.quickstart import quickstart, run_quickstart
from uftsn_mmaction.experiments.quickstart.fusion_result import FusionResult
from uftsn_mmaction.experiments.quickstart.testing import StreamResult

METRICS = {'flow/AEPE_zero': 1.25, 'flow/AEPE': 0.5, 'acc/top1': 0.5,
           'motion/top1': 0.75}  # yapf: disable
FUSED = {'acc/spatial_top1': 0.1, 'acc/temporal_top1': 0.5,
         'acc/fusion_top1': 0.9, 'acc/fusion_prob_top1': 0.6}  # yapf: disable


@pytest.fixture
def phases(monkeypatch):
    """Names of the phases as they run, with stand-ins that write files."""
    seen, starts = [], itertools.count(1000)

    def train(config_file, work_dir, max_epochs, threads, options=()):
        seen.append(f'train {work_dir.name}')
        log = work_dir / f'2026_{next(starts)}' / 'vis_data/scalars.json'
        log.parent.mkdir(parents=True)
        with log.open('w') as file:
            for epoch in range(1, max_epochs + 1):
                (work_dir / f'epoch_{epoch}.pth').touch()
                file.write(json.dumps(dict(METRICS, step=epoch)) + '\n')

    def run_test(cfg, work_dir, checkpoint=None, picture_labels=()):
        estimator = cfg.model.flow_estimator.type
        seen.append(f'test {checkpoint and checkpoint.parent.name} '
                    f'{checkpoint and checkpoint.stem} {estimator}')
        return StreamResult(
            METRICS, np.eye(16, dtype=np.float32), np.arange(16),
            np.arange(2), np.zeros((2, 8, 8, 3), np.uint8),
            np.ones((2, 2, 8, 8), np.float32), np.zeros((2, 2, 8, 8),
                                                        np.float32))

    def run_fusion_test(cfg, work_dir):
        streams = cfg.model.streams.values()
        names = [stream.checkpoint.split('/')[-2:] for stream in streams]
        seen.append('fuse ' + ' '.join(map('/'.join, names)))
        return FusionResult(FUSED, dict(fusion=np.eye(16)), np.arange(16))

    def write_report(path, *args):
        path.write_text('report')
        return path

    monkeypatch.setattr(quickstart, 'write_quickstart_report', write_report)
    monkeypatch.setattr(quickstart, 'train', train)
    monkeypatch.setattr(quickstart, 'run_test', run_test)
    monkeypatch.setattr(quickstart, 'run_fusion_test', run_fusion_test)
    return seen


@pytest.fixture
def start(config_file, fusion_file, tiny_options, tmp_path, phases):
    """Function that runs the quickstart in ``tmp_path / 'run'``."""

    def run(*options, **kwargs):
        phases.clear()
        return run_quickstart(
            config_file,
            fusion_file,
            tmp_path / 'run',
            data_root=str(tmp_path / 'data'),
            options=[*tiny_options, *options],
            **kwargs)

    return run


OURS = 'UnsupervisedFlowEstimator'
TESTS = [
    f'test temporal epoch_3 {OURS}', f'test control epoch_2 {OURS}',
    'test None None TVL1FlowEstimator',
    'fuse spatial/epoch_4.pth temporal/epoch_3.pth'
]
TRAININGS = ['train temporal', 'train control', 'train spatial']


def test_second_run_only_writes_the_report(start, phases, tmp_path):
    first = start()
    assert phases == [*TRAININGS, *TESTS]
    report = tmp_path / 'run' / 'report.html'
    report.unlink()
    assert start() == first
    assert phases == []
    assert report.exists()


def test_goes_on_where_it_was_interrupted(start, phases, tmp_path):
    start()
    work_dir = tmp_path / 'run'
    (work_dir / 'tests' / 'control.npz').unlink()
    start()
    assert phases == [TESTS[1]]
    # A training with two of its three checkpoints.
    (work_dir / 'temporal' / 'epoch_3.pth').unlink()
    start()
    assert phases == ['train temporal']


def test_makes_up_for_a_validation_that_was_cut_off(start, phases, tmp_path):
    start()
    work_dir = tmp_path / 'run'
    (work_dir / 'temporal' / 'epoch_3.pth').unlink()
    for path in (work_dir / 'temporal').glob('*/vis_data/scalars.json'):
        path.write_text(json.dumps(dict(METRICS, step=1)) + '\n')
    start()
    # Before the training, which removes old checkpoints.
    assert phases == [
        f'test temporal epoch_2 {OURS}', 'train temporal'
    ]


def test_time_adds_up_over_interruptions(start, monkeypatch, tmp_path):

    def fail(*args):
        raise TrainingError('as asked')

    with monkeypatch.context() as patch:
        patch.setattr(quickstart, 'train', fail)
        for _ in range(2):
            # Each reading of the clock is a second after the one before.
            clock = SimpleNamespace(perf_counter=itertools.count().__next__)
            patch.setattr(quickstart, 'time', clock)
            with pytest.raises(TrainingError):
                start()
    seconds = json.loads((tmp_path / 'run' / 'seconds.json').read_text())
    assert seconds == dict(data=2, training=2)
    metrics = start()
    found = metrics['seconds_of_phases']
    assert found['training'] > 2
    assert metrics['seconds'] == pytest.approx(sum(found.values()))


def test_other_settings_need_another_folder(start, phases, tmp_path):
    start()
    with pytest.raises(ValueError, match='randomness.seed was 0, is 5'):
        start('randomness.seed=5')
    assert phases == []
    # What is not ours outlives a restart.
    (tmp_path / 'run' / 'notes.txt').touch()
    metrics = start('randomness.seed=5', restart=True)
    assert metrics['settings']['seed'] == 5
    assert phases == [*TRAININGS, *TESTS]
    assert (tmp_path / 'run' / 'notes.txt').exists()


def test_settings_may_change_before_the_training(start, phases):
    for loader in ('train', 'test'):
        option = f'{loader}_dataloader.dataset.generator.num_frames=1'
        with pytest.raises(ValueError, match='num_frames'):
            start(option)
    start()
    assert phases[0] == 'train temporal'


def test_refuses_a_folder_of_something_else(start, phases, tmp_path):
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / 'thesis.tex').touch()
    for restart in (False, True):
        with pytest.raises(ValueError, match='holds files, but no quick'):
            start(restart=restart)
    assert [path.name for path in (tmp_path / 'run').iterdir()
            ] == ['thesis.tex']


def test_refuses_a_folder_in_use(start, phases, tmp_path):
    start()
    with FileLock(tmp_path / 'run' / '.lock'):
        with pytest.raises(ValueError, match='Another quickstart'):
            start(restart=True)
    assert (tmp_path / 'run' / 'metrics.json').exists()


def test_no_threads(start):
    with pytest.raises(ValueError, match='threads must be 1 or more, got 0'):
        start(threads=0)
