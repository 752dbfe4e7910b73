# SPDX-License-Identifier: Apache-2.0
"""tools/check_videos.py: what it says of every kind, and what it writes."""
import csv
import sys

import pytest


@pytest.fixture
def kinds_list(kinds_of_video, tmp_path):
    """List of every kind of video, and by line whether it is usable."""
    usable = {f'{name} 7': value for name, value in kinds_of_video[1].items()
              if '\n' not in name and ' ' not in name}
    path = tmp_path / 'list.txt'
    path.write_text(''.join(f'{line}\n' for line in usable), encoding='utf-8')
    return path, usable


def test_reasons_table_and_clean_list(repo_root, kinds_of_video, kinds_list,
                                      tmp_path, run_command):
    path, usable = kinds_list
    command = [sys.executable, '-W', 'ignore',
               repo_root / 'tools' / 'check_videos.py', path, '--root',
               kinds_of_video[0], '--out', tmp_path / 'out/clean.txt',
               '--table', tmp_path / 'out/table.csv']  # yapf: disable
    done = run_command(command, status=1, fork=True)
    sound = [line for line, value in usable.items() if value]
    clean = (tmp_path / 'out/clean.txt').read_text(encoding='utf-8')
    assert clean.splitlines() == sound
    assert f'{len(sound)} of {len(usable)} videos' in done.stdout
    for line, value in usable.items():
        assert (f'bad  {line}: ' in done.stdout) != value
    with open(tmp_path / 'out/table.csv', encoding='utf-8') as file:
        rows = {row['line']: row for row in csv.DictReader(file)}
    assert list(rows) == list(usable)
    row = rows['rotated_90.mp4 7']
    assert (row['frames'], row['height'], row['width'], row['rate'],
            row['rotation'], row['reason']) == ('12', '96', '64', '10.0',
                                                '90', '')
    assert 'truncated' in rows['truncated_90.avi 7']['note']
    assert 'pipe' in rows['pipe.mp4 7']['reason']
    # The clean list is clean.
    run_command([*command[:4], tmp_path / 'out/clean.txt', '--root',
                 kinds_of_video[0]], fork=True)  # yapf: disable


def test_a_missing_list_is_one_sentence(repo_root, tmp_path, run_command):
    done = run_command([sys.executable, '-W', 'ignore',
                        repo_root / 'tools' / 'check_videos.py',
                        tmp_path / 'none.txt'], status=2)  # yapf: disable
    assert done.stderr.startswith('error: list ')
    assert 'Traceback' not in done.stderr
