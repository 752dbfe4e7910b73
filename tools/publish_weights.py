# SPDX-License-Identifier: Apache-2.0
"""Write the flow estimator of a checkpoint as safetensors, without the rest.

    python tools/publish_weights.py epoch_4.pth --out flow.safetensors

Of several checkpoints it writes the mean of their weights. That helps where
one training went on from the other, and is meaningless otherwise.

The file holds float32 tensors and a description, and no code. It is named
where a checkpoint of an estimator is: NAME:FILE in the tools, or the
estimator's init_cfg=dict(type='Pretrained', checkpoint=FILE) in a config.
"""
from __future__ import annotations

from command_line import command, tool_parser

# isort: split
import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    parser.add_argument(
        'checkpoints', nargs='+', metavar='checkpoint',
        help='checkpoint of a recognizer with a flow estimator')
    parser.add_argument(
        '--out', required=True, metavar='FILE', help='NAME.safetensors')
    parser.add_argument(
        '--about', default='', metavar='TEXT',
        help='data, recipe and licence in a sentence')
    return parser.parse_args()


def publish(args: argparse.Namespace) -> None:
    # Here, so that --help need not wait for them.
    import torch

    from uftsn_mmaction.fileio.paths import check_output_file
    from uftsn_mmaction.fileio.weights_file import save_safetensors
    from uftsn_mmaction.version import __version__

    if not args.out.endswith('.safetensors'):
        raise ValueError(f'--out is {args.out!r}, expected the name of a '
                         '.safetensors file; correct its ending')
    check_output_file(args.out)
    states = [_estimator_of(checkpoint) for checkpoint in args.checkpoints]
    shapes = [{name: value.shape for name, value in state.items()}
              for state in states]
    for checkpoint, other in zip(args.checkpoints, shapes):
        if other != shapes[0]:
            raise ValueError(
                f'the flow estimator of {checkpoint!r} has other tensors than '
                f'that of {args.checkpoints[0]!r}, expected checkpoints of '
                'one plan to average; name those of one training')
    weights = {
        name: torch.stack([state[name] for state in states]).mean(0)
        for name in states[0]
    }
    about = dict(about=args.about, uftsn_mmaction=__version__)
    save_safetensors(weights, args.out, about)
    print(f'{args.out}: {len(weights)} tensors, '
          f'{sum(value.numel() for value in weights.values())} numbers')


def _estimator_of(checkpoint: str) -> dict[str, Tensor]:
    from uftsn_mmaction.fileio.checkpoint import (
        ESTIMATOR_PART,
        read_checkpoint,
    )

    tensors = read_checkpoint(checkpoint, 'the estimator',
                              'name a checkpoint of a recognizer')
    weights = {
        name[len(ESTIMATOR_PART):]: value.float()
        for name, value in tensors.items() if name.startswith(ESTIMATOR_PART)
    }
    if not weights:
        raise ValueError(
            f'checkpoint {checkpoint!r} has no flow estimator (no tensor '
            f'{ESTIMATOR_PART}...); name a checkpoint of a UFTSNRecognizer')
    return weights


@command()
def main() -> None:
    publish(parse_args())


if __name__ == '__main__':
    main()
