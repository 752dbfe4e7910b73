# SPDX-License-Identifier: Apache-2.0
"""Write the flow estimator of a checkpoint as safetensors, without the rest.

    python tools/publish_weights.py epoch_4.pth --out flow.safetensors

The file holds float32 tensors and a description, and no code. Wherever a
checkpoint is named, the .safetensors file can be named as well.
"""
from __future__ import annotations

from command_line import command, tool_parser

# isort: split
import argparse


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    parser.add_argument(
        'checkpoint', help='that of a recognizer with a flow estimator')
    parser.add_argument(
        '--out', required=True, metavar='FILE', help='NAME.safetensors')
    parser.add_argument(
        '--about', default='', metavar='TEXT',
        help='data, recipe and licence in a sentence')
    return parser.parse_args()


def publish(args: argparse.Namespace) -> None:
    # Here, so that --help need not wait for them.
    from uftsn_mmaction.fileio.checkpoint import (
        ESTIMATOR_PART,
        read_checkpoint,
    )
    from uftsn_mmaction.fileio.paths import check_output_file
    from uftsn_mmaction.fileio.weights_file import save_safetensors
    from uftsn_mmaction.version import __version__

    if not args.out.endswith('.safetensors'):
        raise ValueError(f'--out is {args.out!r}, expected the name of a '
                         '.safetensors file; correct its ending')
    check_output_file(args.out)
    tensors = read_checkpoint(args.checkpoint, 'the estimator',
                              'name a checkpoint of a recognizer')
    weights = {
        name[len(ESTIMATOR_PART):]: value.float()
        for name, value in tensors.items() if name.startswith(ESTIMATOR_PART)
    }
    if not weights:
        raise ValueError(
            f'checkpoint {args.checkpoint!r} has no flow estimator (no tensor '
            f'{ESTIMATOR_PART}...); name a checkpoint of a UFTSNRecognizer')
    about = dict(about=args.about, uftsn_mmaction=__version__)
    save_safetensors(weights, args.out, about)
    print(f'{args.out}: {len(weights)} tensors, '
          f'{sum(value.numel() for value in weights.values())} numbers')


@command()
def main() -> None:
    publish(parse_args())


if __name__ == '__main__':
    main()
