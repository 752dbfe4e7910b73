# SPDX-License-Identifier: Apache-2.0
import torch

from uftsn_mmaction.experiments.benchmark.account import account


def test_the_longest_operation_is_first_and_nothing_is_counted_twice():
    large, small = torch.rand(600, 600), torch.rand(8)

    def run():
        for _ in range(3):
            # Calls mm, whose time is not that of matmul.
            torch.matmul(large, large)
        for operation in (torch.sin, torch.cos, torch.exp, torch.sqrt,
                          torch.abs, torch.tanh, torch.neg, torch.floor,
                          torch.ceil, torch.round):
            operation(small)

    run()
    times = account(run, pairs=3)
    names = list(times)
    assert names[0] == 'aten::mm' and names[-1] == 'others'
    assert len(names) == 9 and min(times.values()) > 0
    assert list(times.values())[:-1] == sorted(
        list(times.values())[:-1], reverse=True)
