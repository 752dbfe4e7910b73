# SPDX-License-Identifier: Apache-2.0
"""The command line of the benchmark; no test asserts a time."""
import json
import runpy
import signal

import cv2
import pytest
import torch

ROW_KEYS = {
    'estimator', 'device', 'size', 'batch_size', 'params_m', 'gmac',
    'ms_per_pair', 'ms_per_pair_flow', 'fps', 'ratio', 'peak_mb', 'failure'
}


@pytest.fixture
def run_tool(repo_root, monkeypatch, capsys, tmp_cwd):
    """Function that calls the tool; its exit status, output and JSON."""
    tool = repo_root / 'tools' / 'benchmark.py'
    handler = signal.getsignal(signal.SIGTERM)
    threads = torch.get_num_threads(), cv2.getNumThreads()
    monkeypatch.setattr(torch.backends.cudnn, 'benchmark', False)
    # For the processes that the tool starts, as if it ran by itself.
    monkeypatch.syspath_prepend(str(tool.parent))

    def run(*arguments):
        monkeypatch.setattr('sys.argv', [
            str(tool), *arguments, '--repeats', '2', '--warmup', '1',
            '--clip-len', '3', '--out', 'out'
        ])
        try:
            runpy.run_path(str(tool), run_name='__main__')
            status = 0
        except SystemExit as exit_:
            status = getattr(exit_, 'sentence', exit_.code)
        finally:
            signal.signal(signal.SIGTERM, handler)
        path = tmp_cwd / 'out' / 'benchmark.json'
        content = json.loads(path.read_text()) if path.exists() else None
        return status, capsys.readouterr().out, content

    yield run
    torch.set_num_threads(threads[0])
    cv2.setNumThreads(threads[1])


@pytest.fixture
def no_children(monkeypatch):
    """Measures no memory, which takes a process for each row."""
    monkeypatch.setattr('uftsn_mmaction.experiments.benchmark.run.cpu_peak_mb',
                        lambda *_: 7.)


@pytest.mark.slow
def test_a_small_benchmark_is_complete(run_tool):
    status, out, content = run_tool('--estimator', 'uftsn_small', 'dis',
                                    '--size', '64', '48')
    assert status == 0, out
    ours, dis = content['rows']
    for row in (ours, dis):
        assert set(row) >= ROW_KEYS
        assert row['size'] == [64, 48] and row['failure'] is None
        assert len(row['ms_per_pair_rounds']) == 2
        assert 0 < row['ms_per_pair_flow'] < row['ms_per_pair']
        assert row['fps'] == pytest.approx(1000 / row['ms_per_pair'])
        assert row['peak_mb'] > 0
    assert ours['ratio'] == 1 and ours['random_weights']
    assert 0 < ours['gmac_elementwise'] < ours['gmac']
    assert dis['gmac'] is None and dis['params_m'] == 0
    settings = content['settings']
    assert ours['threads'] == 1
    assert torch.get_num_threads() == cv2.getNumThreads() == 1
    assert settings['command'].endswith('--clip-len 3 --out out')
    assert settings['environment']['PyTorch'] == torch.__version__
    assert settings['environment']['CPU']
    # The same numbers on the screen, with what they mean.
    cells = next(
        line.split() for line in out.splitlines() if line.startswith('dis '))
    assert f'{dis["ms_per_pair"]:.2f}' in cells
    assert f'{dis["fps"]:.1f}' in cells
    assert 'fps: 1000 / ms_per_pair' in out
    assert 'batch size 1, 3 frames, 1 thread' in out


def test_all_sizes_and_batches_are_measured_without_a_classifier(
        run_tool, no_children):
    status, out, content = run_tool('--estimator', 'zero', 'zero', '--size',
                                    '32', '32', '--size', '48', '32',
                                    '--batch-size', '1', '2', '--classifier',
                                    'none')
    assert status == 0, out
    assert [(row['size'], row['batch_size'])
            for row in content['rows'][::2]] == [([32, 32], 1), ([32, 32], 2),
                                                 ([48, 32], 1), ([48, 32], 2)]
    assert len(content['rows']) == 8
    assert content['settings']['classifier'] is None
    assert 'to its flow' in content['settings']['definitions']['ms_per_pair']


def test_what_cannot_be_measured_is_a_gap_and_the_exit_status(
        run_tool, no_children):
    status, out, content = run_tool('--estimator', 'uftsn_small', 'zero',
                                    '--size', '16', '32')
    assert status == 1
    gap, row = content['rows']
    assert '16x32 are too small' in gap['failure']
    assert gap['ms_per_pair'] is gap['gmac'] is gap['peak_mb'] is None
    assert row['ms_per_pair'] > 0 and row['ratio'] is None
    assert 'no times of uftsn_small: Frames of 16x32 are too small' in out


def test_memory_that_does_not_suffice_is_a_gap(run_tool, monkeypatch):

    def fail(spec, *_):
        if spec == 'dis':
            raise MemoryError('x')
        return 7.

    monkeypatch.setattr(
        'uftsn_mmaction.experiments.benchmark.run.cpu_peak_mb', fail)
    status, _, content = run_tool('--estimator', 'zero', 'dis', '--size',
                                  '32', '32')
    assert status == 1
    row, gap = content['rows']
    assert row['peak_mb'] == 7 and row['ms_per_pair'] > 0
    # What was too large once is not run again in this process.
    assert gap['failure'] == 'out of memory (x)'
    assert gap['ms_per_pair_rounds'] == []


@pytest.mark.parametrize('arguments, words', [
    (['--estimator', 'zero', 'NoEstimator'], "'NoEstimator' is unknown"),
    (['--estimator', 'zero', '--device', 'gpu'], "device 'gpu'"),
    (['--estimator', 'zero', '--size', '0', '64'], 'size is 0'),
    (['--estimator', 'zero', '--classifier', 'no.py'], "'no.py' does not"),
    (['--estimator', 'uftsn:no.pth'], "'no.pth' of 'uftsn:no.pth' does not"),
])
def test_bad_arguments_end_before_anything_is_measured(run_tool, arguments,
                                                       words):
    status, out, content = run_tool(*arguments)
    assert status.startswith('error: ') and words in status
    assert '\n' not in status
    assert out == '' and content is None


def test_a_file_is_no_folder_for_results(run_tool, tmp_cwd):
    (tmp_cwd / 'out').write_text('mine')
    status, _, _ = run_tool('--estimator', 'zero')
    assert '--out' in status and "'out' is a file" in status
    assert (tmp_cwd / 'out').read_text() == 'mine'
