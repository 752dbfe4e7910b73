# SPDX-License-Identifier: Apache-2.0
import re

import pytest

from uftsn_mmaction.datasets import official_splits
from uftsn_mmaction.datasets.official_splits import (
    SPLIT_FOLDERS,
    OfficialCounts,
    read_official_splits,
)

# The index of UCF101 is not in alphabetical order here, and the classes of
# HMDB51 are not in that of their files.
UCF101 = {
    'classInd.txt': '1 Yo\r\n2 Archery\r\n',
    'trainlist01.txt': 'Archery/v_a1.avi 2\r\nYo/v_y1.avi 1\r\n',
    'testlist01.txt': 'Yo/v_y2.avi\r\n',
    'trainlist02.txt': 'Yo/v_y2.avi 1\r\n',
    'testlist02.txt': 'Archery/v_a1.avi\r\nYo/v_y1.avi\r\n\r\n',
}
HMDB51 = {
    'sword_test_split1.txt': 'a#(b)[c]&.avi 1 \nx.avi 2 \nu.avi 0 \n',
    'sword_test_split2.txt': 'u.avi 2 \na#(b)[c]&.avi 0 \nx.avi 1 \n',
    'sword_exercise_test_split1.txt': 'p.avi 2 \nq.avi 1 \n',
    'sword_exercise_test_split2.txt': 'p.avi 1 \nq.avi 2 \n',
    'classes.txt': 'not one of the official files',
}
FILES = dict(ucf101=UCF101, hmdb51=HMDB51)


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Reads miniature split files with some of them replaced."""
    monkeypatch.setitem(official_splits.COUNTS, 'ucf101',
                        OfficialCounts(2, ((2, 1), (1, 2))))
    monkeypatch.setitem(official_splits.COUNTS, 'hmdb51',
                        OfficialCounts(2, ((2, 2), (2, 2))))

    def read(name, changes=(), folder=''):
        (tmp_path / folder).mkdir(exist_ok=True)
        for file, text in {**FILES[name], **dict(changes)}.items():
            if text is not None:
                (tmp_path / folder / file).write_bytes(
                    text.encode('latin-1'))
        return read_official_splits(name, str(tmp_path))

    return read


@pytest.fixture
def failure(read):
    """Function that returns the message of an error."""

    def failure(name, changes, error=ValueError):
        with pytest.raises(error) as caught:
            read(name, changes)
        text = str(caught.value)
        assert '\n' not in text
        assert re.search('; .+', text)
        return text

    return failure


def test_ucf101_labels_are_those_of_its_index(read):
    classes, parts = read('ucf101')
    assert classes == ['Yo', 'Archery']
    assert list(parts) == [
        'train_split_1', 'val_split_1', 'train_split_2', 'val_split_2'
    ]
    assert list(parts['train_split_1'].items()) == [('Archery/v_a1.avi', 1),
                                                    ('Yo/v_y1.avi', 0)]
    assert parts['val_split_1'] == {'Yo/v_y2.avi': 0}
    assert parts['val_split_2'] == {'Archery/v_a1.avi': 1, 'Yo/v_y1.avi': 0}


def test_hmdb51_labels_follow_the_alphabet_and_flags_the_split(read):
    classes, parts = read('hmdb51')
    assert classes == ['sword', 'sword_exercise']
    assert parts == {
        'train_split_1': {'sword/a#(b)[c]&.avi': 0, 'sword_exercise/q.avi': 1},
        'val_split_1': {'sword/x.avi': 0, 'sword_exercise/p.avi': 1},
        'train_split_2': {'sword/x.avi': 0, 'sword_exercise/p.avi': 1},
        'val_split_2': {'sword/u.avi': 0, 'sword_exercise/q.avi': 1},
    }  # yapf: disable


@pytest.mark.parametrize('name', FILES)
def test_folder_of_the_archive_is_looked_into(read, name):
    inside = read(name, folder=SPLIT_FOLDERS[name])
    assert inside == read(name)


@pytest.mark.parametrize('name', FILES)
def test_folder_without_split_files_is_named(tmp_path, name):
    for folder in (tmp_path, tmp_path / 'none'):
        with pytest.raises(FileNotFoundError) as caught:
            read_official_splits(name, str(folder))
        assert repr(str(folder)) in str(caught.value)
        assert SPLIT_FOLDERS[name] in str(caught.value)


def test_unknown_data_set_is_refused(tmp_path):
    with pytest.raises(ValueError, match="'ucf50', expected one of"):
        read_official_splits('ucf50', str(tmp_path))


@pytest.mark.parametrize('name, changes, words', [
    ('ucf101', {'classInd.txt': '1 Yo\n'},
     ["classInd.txt' holds 1 classes", 'expected 2']),
    ('ucf101', {'trainlist01.txt': 'Archery/v_a1.avi 2\n'},
     ["trainlist01.txt' holds 1 videos", 'expected 2']),
    ('ucf101', {'testlist02.txt': 'Yo/a.avi\nYo/b.avi\nYo/c.avi\n'},
     ["testlist02.txt' holds 3 videos", 'expected 2']),
    ('hmdb51', {'sword_test_split2.txt': 'x.avi 1\n'},
     ["sword_test_split2.txt' holds 0 test videos", 'expected 1']),
    ('hmdb51', {'sword_test_split1.txt': 'x.avi 1\ny.avi 1\nz.avi 2\n'},
     ["sword_test_split1.txt' holds 2 training videos", 'expected 1']),
    ('hmdb51', {'wave_test_split1.txt': 'w.avi 1\n'},
     ['holds 3 classes', 'expected 2']),
])  # yapf: disable
def test_incomplete_download_is_told_by_its_counts(failure, name, changes,
                                                   words):
    text = failure(name, changes)
    assert all(word in text for word in words), text


@pytest.mark.parametrize('name, file', [
    ('ucf101', 'testlist02.txt'),
    ('hmdb51', 'sword_exercise_test_split2.txt'),
])
def test_missing_split_file_is_named(failure, name, file):
    text = failure(name, {file: None}, FileNotFoundError)
    assert f"{file}' does not exist" in text


@pytest.mark.parametrize('file, text, line, words', [
    ('classInd.txt', '1 Yo\n3 Archery\n', 2, 'number 3, expected .* number 2'),
    ('classInd.txt', '1 Yo\n2 Yo\n', 2, "class 'Yo'"),
    ('classInd.txt', '1 Yo\n2 ..\n', 2, 'expected "number Class"'),
    ('classInd.txt', '0 Yo\n1 Archery\n', 1, 'number 0, expected .* 1;'),
    ('trainlist01.txt', 'Archery/a.avi 2\n\nYo/y.avi 2\n', 3,
     "label 2 for class 'Yo', expected 1"),
    ('trainlist01.txt', 'Archery/a.avi 2\nyo/y.avi 1\n', 2, "class 'yo'"),
    ('trainlist01.txt', 'Archery/a.avi\n', 1, '"Class/video.avi label"'),
    ('trainlist01.txt', 'Archery/a.avi two\n', 1, '"Class/video.avi label"'),
    ('trainlist01.txt', 'Archery/a.avi ' + 5000 * '9' + '\n', 1, 'label"'),
    ('trainlist01.txt', 'Yo/my video.avi 1\n', 1, 'blanks'),
    ('testlist01.txt', 'Yo/v_y2.avi 1\n', 1, '"Class/video.avi"'),
    ('testlist01.txt', 'Yo/../../v_y2.avi\n', 1, '"Class/video.avi"'),
    ('testlist01.txt', '../v_y2.avi\n', 1, '"Class/video.avi"'),
    ('testlist01.txt', 'Yo/v_y', 1, '"Class/video.avi"'),
    ('testlist01.txt', 'Yo/v_y1.avi\n', 1, 'lists .* as line 2 of .*train'),
    ('testlist01.txt', 'Yo/v_y1.mp4\n', 1, 'lists .* as line 2 of .*train'),
    ('testlist02.txt', 'Yo/v_y1.avi\nYo/v_y1.avi\n', 2, 'lists .* as line 1'),
    ('sword_test_split1.txt', 'a.avi 1\nb.avi 3\n', 2, 'flag of 0, 1 or 2'),
    ('sword_test_split1.txt', 'a.avi 1\nb.avi\n', 2, '"video.avi flag"'),
    ('sword_test_split1.txt', 'my video.avi 1\n', 1, 'blanks'),
    ('sword_test_split1.txt', '../a.avi 1\n', 1, '"video.avi flag"'),
    ('sword_test_split1.txt', 'a.avi 1\na.avi 2\n', 2, 'lists .* as line 1'),
])
def test_bad_line_is_named(read, failure, file, text, line, words):
    name = 'ucf101' if file in UCF101 else 'hmdb51'
    said = failure(name, {file: text})
    assert f'line {line} of ' in said and file in said
    with pytest.raises(ValueError, match=words):
        read(name, {file: text})


def test_binary_file_is_no_text(failure):
    text = failure('ucf101', {'classInd.txt': '\x1f\x8b\xff'})
    assert "classInd.txt'" in text and 'UTF-8' in text
