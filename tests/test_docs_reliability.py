# SPDX-License-Identifier: Apache-2.0
"""The tests that hold the promises exist, and are named beside each."""
import re


def test_each_promise_names_tests_that_exist(repo_root):
    text = (repo_root / 'docs' / 'reliability.md').read_text(encoding='utf-8')
    rows = [line for line in text.splitlines()
            if line.startswith('| ') and not re.match(r'\| (promise|---)',
                                                      line)]
    assert len(rows) > 20
    for row in rows:
        found = re.findall(r'`([\w/]*(?:\.py)?(?:::\w+)?)`', row.split('|')[2])
        assert found, row
        path = None
        for name in found:
            file, _, test = name.partition('::')
            path = repo_root / 'tests' / file if file else path
            assert f'\ndef {test}' in path.read_text(encoding='utf-8'), name
