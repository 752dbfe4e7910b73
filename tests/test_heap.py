# SPDX-License-Identifier: Apache-2.0
import os
import sys

import pytest

# Page faults of ten arrays of 32 MB, after the first one.
FAULTS = """
import resource, runpy, sys
import numpy as np
done = sys.argv[2] == 'keep' and runpy.run_path(sys.argv[1])['keep_heap']()
np.ones(1 << 22)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    np.ones(1 << 22)
print(done, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.fixture
def faults(run_command, repo_root, monkeypatch):
    """Function that returns what keep_heap does, and the page faults."""
    for name in [name for name in os.environ if name.startswith('MALLOC_')]:
        monkeypatch.delenv(name)

    def count(order, env=None):
        done, number = run_command(
            [sys.executable, '-c', FAULTS,
             repo_root / 'uftsn_mmaction' / 'heap.py', order],
            env=env).stdout.split()
        return done == 'True', int(number)

    return count


@pytest.mark.skipif(
    not sys.platform.startswith('linux') or not os.confstr(
        'CS_GNU_LIBC_VERSION'), reason='needs glibc')
def test_freed_memory_is_used_again(faults):
    _, usual = faults('leave')
    kept, few = faults('keep')
    assert kept and few < usual / 10


def test_the_environment_has_the_last_word(faults):
    assert not faults('keep', dict(MALLOC_ARENA_MAX='2'))[0]
    assert not faults('keep', dict(LD_PRELOAD='libjemalloc.so'))[0]
