# SPDX-License-Identifier: Apache-2.0
"""Score files against dumps that MMEngine writes."""
import pickle

import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample
from mmengine.evaluator import DumpResults, Evaluator

from uftsn_mmaction.scores.score_file import (
    ScoreFile,
    read_score_file,
    write_score_file,
)

SCORES = torch.tensor([[1., 2., -3.], [0., 4., 1.]])


def dump(path, scores, labels, **metainfo):
    """The dump of a test run; ``metainfo`` has a list for each key."""
    evaluator = Evaluator(DumpResults(str(path)))
    for index, (score, label) in enumerate(zip(scores, labels)):
        sample = ActionDataSample(metainfo=dict(
            img_shape=(64, 64),
            **{key: values[index]
               for key, values in metainfo.items()}))
        sample.set_gt_label(label)
        sample.set_field(score, 'pred_score')
        evaluator.process([sample])
    evaluator.evaluate(len(labels))
    return str(path)


def pickled(path, content, protocol=2):
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return str(path)


def entry(**kwargs):
    return dict(dict(pred_score=SCORES[0], gt_label=torch.tensor([1])),
                **kwargs)


@pytest.mark.parametrize('dtype', [
    torch.float16, torch.bfloat16, torch.float32, torch.float64
])
def test_a_dump_of_a_test_run_is_read(tmp_path, dtype):
    path = dump(
        tmp_path / 'a.pkl',
        SCORES.to(dtype), [1, 2],
        filename=['x/one.avi', 'x/two.avi'])
    file = read_score_file(path)
    assert torch.equal(file.scores, SCORES)
    assert file.scores.dtype == torch.float32
    assert file.labels.tolist() == [1, 2]
    assert file.filenames == ('x/one.avi', 'x/two.avi')
    assert file.stems == ['one', 'two']


def test_tensors_of_a_gpu_come_to_the_cpu(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr('torch.serialization.location_tag', lambda _: 'cuda:0')
        path = dump(tmp_path / 'a.pkl', SCORES, [1, 2])
    assert b'cuda:0' in (tmp_path / 'a.pkl').read_bytes()
    file = read_score_file(path)
    assert torch.equal(file.scores, SCORES)


def test_a_stream_of_a_fusion_is_chosen_after_the_last_colon(tmp_path):
    folder = tmp_path / 'run:1'
    folder.mkdir()
    streams = [
        dict(spatial=score, fusion=score + 1, fusion_prob=score.softmax(0))
        for score in SCORES
    ]
    path = dump(folder / 'a.pkl', streams, [1, 2])
    assert torch.equal(read_score_file(f'{path}:fusion').scores, SCORES + 1)
    assert torch.equal(read_score_file(f'{path}:spatial').scores, SCORES)
    with pytest.raises(ValueError) as caught:
        read_score_file(path)
    assert f'{path}:spatial, {path}:fusion, {path}:fusion_prob' in str(
        caught.value)
    with pytest.raises(ValueError, match='motion') as caught:
        read_score_file(f'{path}:motion')
    assert f'{path}:fusion' in str(caught.value)


def test_a_file_whose_name_has_a_colon_is_that_file(tmp_path):
    dump(tmp_path / 'a.pkl', SCORES, [1, 2])
    (tmp_path / 'a.pkl').rename(tmp_path / 'b')
    dump(tmp_path / 'a.pkl', SCORES + 1, [1, 2])
    (tmp_path / 'a.pkl').rename(tmp_path / 'b:spatial')
    file = read_score_file(str(tmp_path / 'b:spatial'))
    assert torch.equal(file.scores, SCORES + 1)


def test_a_stream_of_a_file_without_streams_is_refused(tmp_path):
    path = dump(tmp_path / 'a.pkl', SCORES, [1, 2])
    with pytest.raises(ValueError, match="'spatial'.*:spatial"):
        read_score_file(f'{path}:spatial')


@pytest.mark.parametrize('content, words', [
    ([], 'list'),
    (dict(a=1), 'list'),
    ([SCORES], 'list'),
    ([entry(), dict(gt_label=torch.tensor([0]))],
     r"video 2 .*pred_score.*\['gt_label'\]"),
    ([dict(pred_score=SCORES[0])], 'video 1 .*gt_label'),
    ([entry(gt_label=torch.tensor([0, 1, 1]))], r'gt_label \[0, 1, 1\]'),
    ([entry(gt_label=torch.tensor([1., 0., 1.]))],
     r'gt_label \[1.0, 0.0, 1.0\]'),
    ([entry(gt_label=torch.tensor([0.5]))], 'gt_label .*0.5'),
    ([entry(gt_label=3)], 'gt_label 3'),
    ([entry(gt_label=torch.tensor([3]))], 'label 3.* 3 classes'),
    ([entry(gt_label=torch.tensor([-1]))], 'label -1'),
    ([entry(), entry(pred_score=torch.ones(4))],
     'video 2 .* 4 classes.* 3'),
    ([entry(pred_score=torch.tensor([1., np.nan]))], 'video 1 .*not finite'),
    ([entry(), entry(pred_score=torch.tensor([1., 0., np.inf]))],
     'video 2 .*not finite'),
    ([entry(pred_score=SCORES)], r'\(2, 3\) as pred_score.*average_clips'),
    ([entry(pred_score=[1., 2.])], 'list as pred_score'),
    ([entry(pred_score=np.ones(3))], 'as pred_score'),
    ([entry(pred_score=torch.ones(0))], r'\(0,\) as pred_score'),
    ([entry(filename='a.avi'), entry()], 'filename'),
])
def test_what_is_no_dump_is_named(tmp_path, content, words):
    path = pickled(tmp_path / 'a.pkl', content)
    with pytest.raises(ValueError, match=words) as caught:
        read_score_file(path)
    assert path in str(caught.value) and '\n' not in str(caught.value)


def test_a_missing_file_is_named_as_given_and_absolute(tmp_cwd):
    with pytest.raises(FileNotFoundError) as caught:
        read_score_file('runs/a.pkl:spatial')
    assert "'runs/a.pkl:spatial'" in str(caught.value)
    assert str(tmp_cwd / 'runs') in str(caught.value)
    with pytest.raises(ValueError, match='IsADirectoryError'):
        read_score_file(str(tmp_cwd))


@pytest.mark.parametrize('scores, kind', [
    (SCORES, 'score'),
    (SCORES.softmax(1), 'prob'),
    (SCORES.softmax(1).half().float(), 'prob'),
    (SCORES.softmax(1) * 1.01, 'score'),
    (torch.tensor([[2., -1., 0.]]), 'score'),
    (torch.tensor([[0.5, 0.5], [0.5, 0.6]]), 'score'),
])
def test_distributions_are_told_from_scores(scores, kind):
    labels = torch.zeros(len(scores), dtype=torch.long)
    assert ScoreFile('a', 'a', scores, labels).kind == kind


def test_what_is_written_is_a_dump(tmp_path):
    path = str(tmp_path / 'new' / 'fused.pkl')
    write_score_file(path, SCORES, torch.tensor([1, 2]), ['a.avi', 'b.avi'])
    file = read_score_file(path)
    assert torch.equal(file.scores, SCORES)
    assert file.labels.tolist() == [1, 2]
    assert file.filenames == ('a.avi', 'b.avi')
    stock = pickle.loads(
        open(dump(tmp_path / 'stock.pkl', SCORES, [1, 2]), 'rb').read())
    ours = pickle.loads(open(path, 'rb').read())
    for one, two in zip(ours, stock):
        for key in ('pred_score', 'gt_label'):
            assert torch.equal(one[key], two[key])
            assert one[key].dtype == two[key].dtype
    assert [one['pred_label'].tolist() for one in ours] == [[1], [1]]


def test_a_written_row_does_not_bring_the_whole_matrix(tmp_path):
    scores = torch.rand(100, 1000)
    path = tmp_path / 'a.pkl'
    write_score_file(str(path), scores, torch.zeros(100, dtype=torch.long))
    assert path.stat().st_size < 3 * scores.nbytes
    with pytest.raises(ValueError, match='.pkl or .pickle'):
        write_score_file(str(tmp_path / 'a.txt'), SCORES, torch.zeros(2))
