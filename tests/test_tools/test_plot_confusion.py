# SPDX-License-Identifier: Apache-2.0
"""The command line that draws figure 3."""
import runpy

import cv2
import numpy as np
import pytest
import torch
from mmengine.fileio import dump

from uftsn_mmaction.scores.score_file import write_score_file

LABELS = torch.tensor([0, 0, 1, 2])
BEFORE = torch.eye(3)[[0, 1, 1, 1]]
AFTER = torch.eye(3)[[0, 0, 1, 0]]
NAMES = ['x/a.avi', 'x/b.avi', 'x/c.avi', 'x/d.avi']


@pytest.fixture
def plot(repo_root, monkeypatch, tmp_cwd, capsys):
    """Runs the tool on two files; returns the call and what it printed."""
    calls = []
    from uftsn_mmaction.visualization import confusion_change
    draw = confusion_change.confusion_change_figure

    def record(*args, **kwargs):
        calls.append((args, kwargs))
        return draw(*args, **kwargs)

    monkeypatch.setattr(confusion_change, 'confusion_change_figure', record)
    write_score_file('a.pkl', BEFORE, LABELS, NAMES)
    write_score_file('b.pkl', AFTER, LABELS, NAMES)

    def plot(*args):
        monkeypatch.setattr('sys.argv', ['plot_confusion.py', *args])
        runpy.run_path(
            str(repo_root / 'tools' / 'plot_confusion.py'),
            run_name='__main__')
        return *calls[-1], capsys.readouterr().out.splitlines()

    return plot


def test_matrices_count_videos_by_true_and_predicted_class(plot):
    (before, after, classes), kwargs, lines = plot(
        'a.pkl', 'b.pkl', '--out', 'new/fig.png')
    assert before.tolist() == [[1, 1, 0], [0, 1, 0], [0, 1, 0]]
    assert after.tolist() == [[2, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert classes == ['0', '1', '2']
    assert tuple(kwargs['names']) == ('RGB stream', 'UF-TSN')
    assert lines == ['new/fig.png']
    picture = cv2.imdecode(
        np.fromfile('new/fig.png', np.uint8), cv2.IMREAD_COLOR)
    assert picture.std() > 10


def test_names_and_parts_are_passed_on(plot, tmp_cwd):
    (tmp_cwd / 'classes.txt').write_text('Run\nPole vault\n\nWalk\n')
    (_, _, classes), kwargs, _ = plot(
        'a.pkl', 'b.pkl', '--out', 'fig.PNG', '--classes', 'classes.txt',
        '--names', 'spatial', 'both', '--subset', 'Walk', 'Pole vault')
    assert classes == ['Run', 'Pole vault', 'Walk']
    assert kwargs == dict(
        names=['spatial', 'both'], top=None, subset=['Walk', 'Pole vault'])
    _, kwargs, _ = plot('a.pkl', 'b.pkl', '--out', 'fig.png', '--top', '2')
    assert kwargs['top'] == 2


def test_videos_in_another_order_are_matched(plot):
    order = [3, 1, 0, 2]
    write_score_file('b.pkl', AFTER[order], LABELS[order],
                     [NAMES[index] for index in order])
    (_, after, _), _, lines = plot('a.pkl', 'b.pkl', '--out', 'fig.png')
    assert after.tolist() == [[2, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert len(lines) == 1
    write_score_file('b.pkl', AFTER, LABELS)
    _, _, lines = plot('a.pkl', 'b.pkl', '--out', 'fig.png')
    assert lines[0].startswith('no video names in b.pkl: only')


@pytest.mark.parametrize('args, words', [
    (['a.pkl', 'b.pkl', '--out', 'fig.pdf'], "--out .*'fig.pdf'.*.png"),
    (['a.pkl', 'b.pkl', '--out', 'a.pkl/fig.png'], "--out .*'a.pkl'"),
    (['a.pkl', 'b.pkl', '--out', 'folder.png'], "--out .*'folder.png'"),
    (['a.pkl', 'c.pkl', '--out', 'fig.png'], "'c.pkl' does not exist"),
    (['a.pkl', 'other.pkl', '--out', 'fig.png'], "'a.pkl' .*'other.pkl'"),
    (['a.pkl', 'b.pkl', '--out', 'fig.png', '--classes', 'two.txt'],
     '--classes .*2 names.* 3 classes'),
    (['a.pkl', 'b.pkl', '--out', 'fig.png', '--classes', 'none.txt'],
     "--classes 'none.txt' does not exist"),
    (['a.pkl', 'b.pkl', '--out', 'fig.png', '--top', '0'], 'top .*0'),
    (['a.pkl', 'b.pkl', '--out', 'fig.png', '--subset', 'x'],
     r"subset .*\['x'\]"),
    (['a.pkl', 'b.pkl', '--out', 'fig.png', '--subset', '1', '0', '1'],
     r"subset .*\['1', '0', '1'\]"),
])
def test_what_cannot_be_drawn_ends_with_one_sentence(plot, tmp_cwd, args,
                                                     words):
    (tmp_cwd / 'two.txt').write_text('Run\nWalk\n')
    (tmp_cwd / 'folder.png').mkdir()
    write_score_file('other.pkl', AFTER, LABELS.flip(0), NAMES)
    with pytest.raises(SystemExit, match=f'^error: .*{words}') as caught:
        plot(*args)
    assert '\n' not in str(caught.value)
    assert not (tmp_cwd / 'fig.png').exists()


def test_names_may_look_like_formulas_and_be_in_any_script(plot, tmp_cwd):
    (tmp_cwd / 'classes.txt').write_text(
        'pay $5_{\nget $x\n\N{CJK UNIFIED IDEOGRAPH-8DD1}\n',
        encoding='utf-8')
    plot('a.pkl', 'b.pkl', '--out', 'fig.png', '--classes', 'classes.txt',
         '--names', 'a $x', '$b_{')
    assert (tmp_cwd / 'fig.png').exists()


@pytest.fixture
def fusion_dump(tmp_cwd):
    """Dump of a fusion of two streams, of which one is always right."""
    dump([dict(pred_score=dict(spatial=before, fusion=right),
               gt_label=label.reshape(1), filename=name)
          for before, right, label, name in zip(
              BEFORE, torch.eye(3)[LABELS], LABELS, NAMES)], 'both.pkl')


@pytest.fixture
def titles(monkeypatch):
    """Titles of the matrices that the tool draws."""
    from uftsn_mmaction.visualization import confusion_matrix
    draw, found = confusion_matrix.draw_matrix, []

    def record(axis, *args, **kwargs):
        draw(axis, *args, **kwargs)
        found.append(axis)

    monkeypatch.setattr(confusion_matrix, 'draw_matrix', record)
    return lambda: [(axis.get_title(), axis.images[0].get_array().tolist())
                    for axis in found]


def run(repo_root, monkeypatch, *args):
    monkeypatch.setattr('sys.argv', ['plot_confusion.py', *args])
    runpy.run_path(str(repo_root / 'tools' / 'plot_confusion.py'),
                   run_name='__main__')


def test_one_dump_is_one_matrix(plot, titles, repo_root, monkeypatch):
    run(repo_root, monkeypatch, 'a.pkl', '--out', 'fig.png')
    assert titles() == [
        ('', [[50, 50, 0], [0, 100, 0], [0, 100, 0]])]
    assert cv2.imread('fig.png').std() > 10


def test_the_dump_of_a_fusion_is_one_of_each_stream(
        fusion_dump, titles, repo_root, monkeypatch):
    run(repo_root, monkeypatch, 'both.pkl', '--out', 'fig.png')
    right = [[100, 0, 0], [0, 100, 0], [0, 0, 100]]
    assert titles() == [
        ('spatial', [[50, 50, 0], [0, 100, 0], [0, 100, 0]]),
        ('fusion', right)]
    run(repo_root, monkeypatch, 'both.pkl:fusion', '--out', 'fig.png')
    assert titles()[2:] == [('fusion', right)]


def test_streams_name_both_matrices(plot, fusion_dump):
    _, kwargs, _ = plot('both.pkl:spatial', 'both.pkl:fusion', '--out',
                        'fig.png')
    assert kwargs['names'] == ['spatial', 'fusion']


@pytest.mark.parametrize('args, words', [
    (['a.pkl', '--top', '2'], 'what a second model changes'),
    (['a.pkl', '--names', 'x', 'y'], 'expected 1 different names'),
    (['a.pkl', 'b.pkl', '--names', 'x', 'x'], 'expected 2 different names'),
])
def test_what_does_not_fit_one_dump(plot, args, words):
    with pytest.raises(SystemExit, match=words):
        plot(*args, '--out', 'fig.png')
