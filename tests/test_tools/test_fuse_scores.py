# SPDX-License-Identifier: Apache-2.0
"""The command line that fuses dumps."""
import runpy
import sys
from pathlib import Path

import mmaction
import pytest
import torch

from uftsn_mmaction.scores.score_file import (
    read_score_file,
    write_score_file,
)

LABELS = torch.tensor([0, 1, 2, 3])
# The first model is sure of two classes, the second one of the others.
SPATIAL = torch.tensor([[3., 0, 0, 0], [0, 3, 0, 0], [0, 0, 0, 1],
                        [0, 0, 1, 0]])
TEMPORAL = torch.tensor([[0., 1, 0, 0], [1, 0, 0, 0], [0, 0, 3, 0],
                         [0, 0, 0, 3]])
NAMES = ['x/a.avi', 'x/b.avi', 'x/c.avi', 'x/d.avi']


@pytest.fixture
def fuse(repo_root, monkeypatch, capsys, tmp_cwd):
    """Runs the tool in an empty folder and returns the lines it prints."""

    def fuse(*args):
        monkeypatch.setattr('sys.argv', ['fuse_scores.py', *args])
        runpy.run_path(
            str(repo_root / 'tools' / 'fuse_scores.py'), run_name='__main__')
        return capsys.readouterr().out.splitlines()

    return fuse


@pytest.fixture
def dumps(tmp_cwd):
    write_score_file('a.pkl', SPATIAL, LABELS, NAMES)
    write_score_file('b.pkl', TEMPORAL, LABELS, NAMES)


def rows(lines):
    """The table: numbers by the first word of its rows."""
    start = next(i for i, line in enumerate(lines) if 'top1' in line)
    return {
        line.split()[0]: line.split()[1:]
        for line in lines[start + 1:] if line.split()[-1][0].isdigit()
    }


def test_the_fusion_is_compared_with_its_parts(fuse, dumps):
    lines = fuse('a.pkl', 'b.pkl')
    assert lines[0] == 'averaged: class scores'
    assert lines[1] == 'weights: 1 1'
    assert rows(lines) == {
        'a.pkl': ['0.5000', '1.0000', '0.5000'],
        'b.pkl': ['0.5000', '1.0000', '0.5000'],
        'fusion': ['1.0000', '1.0000', '1.0000']
    }
    # 1 * 1 > 0.2 * 3: the second model decides nothing any more.
    lines = fuse('a.pkl', 'b.pkl', '--weights', '1', '0.2')
    assert rows(lines)['fusion'][0] == '0.5000'


def test_weights_are_chosen_on_other_videos(fuse, dumps):
    # There the second model is noise, which only small weights keep down.
    write_score_file('a_val.pkl', SPATIAL[:2], LABELS[:2])
    write_score_file('b_val.pkl', 5 * SPATIAL[[1, 0]], LABELS[:2])
    lines = fuse('a.pkl', 'b.pkl', '--search', 'a_val.pkl', 'b_val.pkl')
    assert 'weights chosen on 2 videos: top-1 there 1.0000' in lines
    assert 'weights: 0.85 0.15' in lines
    assert rows(lines)['fusion'][0] == '0.5000'
    assert not any('no test result' in line for line in lines)
    assert sum('no video names in a_val.pkl, b_val.pkl' in line
               for line in lines) == 1
    assert sum('check' in line and 'a_val.pkl, b_val.pkl' in line
               for line in lines) == 1
    for name, scores in (('a', SPATIAL[:2]), ('b', SPATIAL[[1, 0]])):
        write_score_file(f'{name}_val.pkl', scores, LABELS[:2],
                         ['x/e.avi', 'x/f.avi'])
    lines = fuse('a.pkl', 'b.pkl', '--search', 'a_val.pkl', 'b_val.pkl')
    assert not any('no test result' in line or 'check' in line
                   for line in lines)


@pytest.mark.parametrize('search', [('a.pkl', 'b.pkl'), ('c.pkl', 'd.pkl')])
def test_weights_chosen_on_the_same_videos_are_no_test(fuse, dumps, search):
    # The same videos in another folder, one of them beside new ones.
    names = ['/data/b.mp4', 'y/e.mp4', 'y/f.mp4', 'y/g.mp4']
    write_score_file('c.pkl', SPATIAL, LABELS, names)
    write_score_file('d.pkl', TEMPORAL, LABELS, names)
    lines = fuse('a.pkl', 'b.pkl', '--search', *search)
    assert sum('no test result' in line for line in lines) == 1
    assert not any('check' in line for line in lines)


def test_videos_in_another_order_are_matched(fuse, dumps):
    order = [2, 0, 3, 1]
    write_score_file('b.pkl', TEMPORAL[order], LABELS[order],
                     [NAMES[index] for index in order])
    lines = fuse('a.pkl', 'b.pkl')
    assert rows(lines)['fusion'][0] == '1.0000'
    assert not any('no video names' in line for line in lines)


def test_files_without_names_are_told(fuse, dumps):
    write_score_file('b.pkl', TEMPORAL, LABELS)
    lines = fuse('a.pkl', 'b.pkl')
    assert sum('no video names in b.pkl:' in line for line in lines) == 1


def test_what_is_written_goes_through_the_stock_report(
        fuse, dumps, monkeypatch, capsys):
    write_score_file('a.pkl', SPATIAL, LABELS)
    fuse('a.pkl', 'b.pkl', '--weights', '1', '4', '--out', 'out/f.pkl')
    file = read_score_file('out/f.pkl')
    torch.testing.assert_close(file.scores, (SPATIAL + 4 * TEMPORAL) / 5)
    assert file.filenames == tuple(NAMES)
    report = Path(mmaction.__file__).parent / '.mim/tools/analysis_tools'
    if not report.is_dir():
        pytest.skip('this MMAction2 was installed without its scripts')
    monkeypatch.setattr('sys.argv', [
        'report_accuracy.py', '--preds', 'out/f.pkl', '--coefficients', '1'
    ])
    runpy.run_path(str(report / 'report_accuracy.py'), run_name='__main__')
    assert 'Top 1 Accuracy: 0.5000' in capsys.readouterr().out


def test_probabilities_and_scores_are_not_mixed_unasked(fuse, dumps):
    write_score_file('p.pkl', TEMPORAL.softmax(1), LABELS, NAMES)
    with pytest.raises(SystemExit, match='error: a.pkl .*p.pkl'):
        fuse('a.pkl', 'p.pkl')
    lines = fuse('a.pkl', 'p.pkl', '--average', 'prob', '--out', 'f.pkl')
    assert 'probabilities' in lines[0] and 'scores in a.pkl' in lines[0]
    assert 'model.average=prob' in lines[1]
    torch.testing.assert_close(
        read_score_file('f.pkl').scores,
        (SPATIAL.softmax(1) + TEMPORAL.softmax(1)) / 2)
    with pytest.raises(SystemExit, match='error: p.pkl'):
        fuse('a.pkl', 'p.pkl', '--average', 'score')
    with pytest.raises(SystemExit, match='error: .*p.pkl'):
        fuse('a.pkl', 'b.pkl', '--search', 'a.pkl', 'p.pkl')


@pytest.mark.parametrize('args, words', [
    (['a.pkl'], 'two files.* 1$'),
    (['a.pkl', 'none.pkl'], "'none.pkl'"),
    (['a.pkl', 'b.pkl', '--weights', '1'], '1 weights.* 2'),
    (['a.pkl', 'b.pkl', '--weights', '0', '0'], r'weights .*\[0.0, 0.0\]'),
    (['a.pkl', 'b.pkl', '--search', 'a.pkl'], '--search .*1 .* 2'),
    (['a.pkl', 'b.pkl', '--search', 'few.pkl', 'few.pkl'],
     "'a.pkl' .*4 classes.*'few.pkl' of --search 2"),
    (['a.pkl', 'b.pkl', '--out', './b.pkl'], "--out './b.pkl'"),
    (['a.pkl', 'b.pkl', '--out', 'b.txt'], "--out .*'b.txt'.*.pkl"),
    (['a.pkl', 'b.pkl', '--out', 'a.pkl/c.pkl'], "--out .*'a.pkl'"),
    (['a.pkl', 'other.pkl'], "'a.pkl' and 'other.pkl'"),
])
def test_what_cannot_be_fused_ends_with_one_sentence(fuse, dumps, args,
                                                     words):
    write_score_file('few.pkl', torch.eye(2), torch.tensor([0, 1]))
    write_score_file('other.pkl', SPATIAL, LABELS.flip(0), NAMES)
    with pytest.raises(SystemExit, match=f'^error: .*{words}') as caught:
        fuse(*args)
    assert '\n' not in str(caught.value)
    assert torch.equal(read_score_file('b.pkl').scores, TEMPORAL)


def test_weights_and_search_exclude_one_another(fuse, dumps, capsys):
    with pytest.raises(SystemExit):
        fuse('a.pkl', 'b.pkl', '--weights', '1', '2', '--search', 'a.pkl',
             'b.pkl')
    assert 'not allowed with argument --weights' in capsys.readouterr().err


@pytest.mark.slow
def test_it_runs_as_a_command(dumps, tmp_cwd, repo_root, run_command):
    paths = [str(tmp_cwd / name) for name in ('a.pkl', 'b.pkl:top')]
    done = run_command(
        [sys.executable, '-W', 'ignore', 'tools/fuse_scores.py', *paths],
        status=2,
        cwd=repo_root)
    last = done.stderr.strip().split('\n')[-1]
    assert last.startswith('error: ') and f"'{tmp_cwd / 'b.pkl'}'" in last
