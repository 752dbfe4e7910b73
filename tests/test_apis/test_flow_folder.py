# SPDX-License-Identifier: Apache-2.0
"""A folder of flow records its settings and complete videos."""
import json

import pytest

from uftsn_mmaction.apis.flow_folder import FlowFolder
from uftsn_mmaction.apis.source import Source


@pytest.fixture
def source(tmp_path):
    (tmp_path / 'a.mp4').write_text('1')
    return Source(str(tmp_path / 'a.mp4'), 'b/a')


def test_other_settings_are_refused(tmp_path, source):
    # A run that failed before its first flow binds nobody.
    FlowFolder(tmp_path / 'out', dict(stride=9, size=None))
    FlowFolder(tmp_path / 'out', dict(stride=1, size=None)).begin(source)
    FlowFolder(tmp_path / 'out', dict(stride=1, size=None))
    with pytest.raises(ValueError, match='stride 1, but stride is 2 now'):
        FlowFolder(tmp_path / 'out', dict(stride=2, size=None))


@pytest.mark.parametrize('text', ['', '[1]', '{"a"', '3'])
def test_damaged_settings_are_one_sentence(tmp_path, source, text):
    FlowFolder(tmp_path, dict(stride=1)).begin(source)
    (tmp_path / 'extraction.json').write_text(text)
    with pytest.raises(ValueError, match='is damaged') as info:
        FlowFolder(tmp_path, dict(stride=1))
    assert '\n' not in str(info.value)


def test_records_belong_to_one_state_of_a_file(tmp_path, source):
    folder = FlowFolder(tmp_path / 'out', {})
    assert folder.record(source) == {}
    folder.begin(source)
    assert folder.record(source)['flows'] is None
    folder.finish(source, 7)
    assert folder.record(source)['flows'] == 7
    (tmp_path / 'a.mp4').write_text('another video')
    assert folder.record(source) == {}


@pytest.mark.parametrize('text', ['', '[]', '{"flows"', '4'])
def test_a_damaged_record_is_none(tmp_path, source, text):
    folder = FlowFolder(tmp_path / 'out', {})
    folder.begin(source)
    record, = (tmp_path / 'out/.extraction').rglob('*.json')
    record.write_text(text)
    assert folder.record(source) == {}


def lists(folder, sources, done):
    for source in sources:
        if source.name in done:
            folder.finish(source, 5)
        else:
            folder.begin(source)
    folder.write_lists(sources)
    classes = folder.root / 'classes.txt'
    return ((folder.root / 'list.txt').read_text().splitlines(),
            classes.read_text().splitlines() if classes.exists() else None)


def test_lists_hold_what_is_complete(tmp_path):
    folder = FlowFolder(tmp_path, {})
    sources = [Source(0, 'run/a'), Source(0, 'jump/b'), Source(0, 'run/c/d')]
    assert lists(folder, sources, {'run/a', 'run/c/d'}) == (
        ['run/a 5 1', 'run/c/d 5 1'], ['jump', 'run'])


def test_labels_of_a_list_count(tmp_path):
    folder = FlowFolder(tmp_path, {})
    sources = [Source(0, 'run/a', 7), Source(0, 'run/b', None)]
    assert lists(folder, sources, {'run/a', 'run/b'}) == (
        ['run/a 5 7', 'run/b 5'], None)


def test_videos_without_folders_have_no_label(tmp_path):
    folder = FlowFolder(tmp_path, {})
    sources = [Source(0, 'a'), Source(0, 'run/b')]
    assert lists(folder, sources, {'a', 'run/b'}) == (['a 5', 'run/b 5'],
                                                      None)


def test_settings_can_be_read_by_anyone(tmp_path):
    FlowFolder(tmp_path, dict(estimator='dis', bound=None))
    assert json.loads((tmp_path / 'extraction.json').read_text()) == dict(
        estimator='dis', bound=None)
