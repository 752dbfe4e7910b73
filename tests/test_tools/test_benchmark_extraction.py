# SPDX-License-Identifier: Apache-2.0
"""tools/benchmark_extraction.py; no test asserts a time."""
import json
import runpy

import cv2
import pytest
import torch
from bad_videos import encode


@pytest.fixture
def measure(repo_root, monkeypatch, capsys, tmp_cwd):
    """Function that runs the tool; its sentence or table, and the rows."""
    threads = torch.get_num_threads(), cv2.getNumThreads()

    def measure(*args):
        monkeypatch.setattr('sys.argv', ['benchmark_extraction.py', *args,
                                         '--out', 'out'])
        try:
            runpy.run_path(
                str(repo_root / 'tools' / 'benchmark_extraction.py'),
                run_name='__main__')
        except SystemExit as end:
            return str(end), None
        with open('out/extraction.json') as file:
            return capsys.readouterr().out, json.load(file)['rows']

    yield measure
    torch.set_num_threads(threads[0])
    cv2.setNumThreads(threads[1])


@pytest.fixture
def videos(tmp_cwd):
    (tmp_cwd / 'clips').mkdir()
    for seed, name in enumerate('ab'):
        encode(tmp_cwd / f'clips/{name}.mp4', number=4, seed=seed)
    return 'clips'


def test_each_estimator_writes_each_format(measure, videos):
    text, rows = measure(videos, '--estimator', 'dis_fast', 'zero', '--to',
                         'npy', 'rawframes')
    assert [(row['estimator'], row['format'], row['pairs']) for row in rows
            ] == [(name, to, 6) for name in ('dis_fast', 'zero')
                  for to in ('npy', 'rawframes')]
    assert all(row['pairs_per_second'] > 0 for row in rows)
    # A header of 128 bytes and two float32 of each of 64 x 96 pixels.
    assert rows[0]['mb'] == pytest.approx((128 + 8 * 64 * 96) / 1000)
    assert rows[1]['mb'] < rows[0]['mb'] / 4
    assert len(text.strip().splitlines()) == 5


def test_flow_that_is_there_is_not_measured(measure, videos):
    args = (videos, '--estimator', 'zero', '--to', 'npy')
    measure(*args)
    text, _ = measure(*args)
    assert text.startswith('error: --out') and 'choose another' in text
