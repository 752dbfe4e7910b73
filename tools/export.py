# SPDX-License-Identifier: Apache-2.0
"""Export an estimator or a motion stream to ONNX or torch.export.

    python tools/export.py --estimator uftsn_plus --to onnx --out flow.onnx
    python tools/export.py configs/uftsn_r18_ucf101.py epoch_80.pth \\
        --to torch --out stream.pt2

Without CONFIG, the file maps pairs of frames to their flow; with CONFIG and
CHECKPOINT, clips to class scores. It is compared with PyTorch on rendered
frames before it is kept. The number of pairs or clips is free, and so are
the height and width of frames, where the estimator allows it.
"""
from __future__ import annotations

from command_line import command, tool_parser

# isort: split
from argparse import Namespace


def parse_args() -> Namespace:
    parser = tool_parser(__doc__)
    add = parser.add_argument
    add('config', nargs='?', metavar='CONFIG',
        help='config of a motion stream, instead of an estimator')
    add('checkpoint', nargs='?', metavar='CHECKPOINT', help='its weights')
    add('--estimator', metavar='SPEC',
        help='estimator as evaluate_flow.py takes it, such as uftsn_plus or '
        'NAME:CHECKPOINT')
    add('--to', required=True, choices=('onnx', 'torch'),
        help='format: ONNX, or the .pt2 of torch.export')
    add('--out', required=True, metavar='FILE', help='.onnx or .pt2')
    add('--size', type=int, nargs=2, default=(128, 192),
        metavar=('H', 'W'),
        help='height and width of the frames where they are fixed, as in a '
        'motion stream, and of the first comparison (default: 128 192)')
    return parser.parse_args()


def run(args: Namespace) -> str:
    # Here, so that --help need not wait for them.
    from uftsn_mmaction.apis.action_inferencer import ActionInferencer
    from uftsn_mmaction.apis.export import FORMATS, check_libraries, export
    from uftsn_mmaction.apis.exportable import (
        ExportableFlow,
        ExportableMotionStream,
    )
    from uftsn_mmaction.apis.flow_inferencer import FlowInferencer
    from uftsn_mmaction.fileio.paths import check_output_file

    if (args.config is None) == (args.estimator is None):
        raise ValueError('name either --estimator or CONFIG and CHECKPOINT, '
                         f'got {"none" if args.config is None else "both"}')
    check_output_file(args.out)
    if not args.out.lower().endswith(FORMATS[args.to]):
        raise ValueError(f'--out is {args.out!r}, but the name of a file of '
                         f'--to {args.to} ends with {FORMATS[args.to]}')
    check_libraries(args.to)
    name = args.estimator or args.config
    if args.config is None:
        part = ExportableFlow(
            FlowInferencer(name, device='cpu').model, name)
        unit = ' px'
    else:
        part = ExportableMotionStream(
            ActionInferencer(name, args.checkpoint, device='cpu').model, name)
        unit = ''
    done = export(part, args.out, args.to, tuple(args.size))
    if 'height' in done.dynamic:
        size = f'any height and width that are multiples of {part.multiple}'
    else:
        size = f'frames of {args.size[0]}x{args.size[1]} alone'
    at = ' and '.join(f'{height}x{width}' for height, width in done.sizes)
    return (f'{args.out}: {", ".join(part.inputs)} to {part.output}, any '
            f'number of {part.batch}, {size}\n'
            f'differs from PyTorch by at most {done.difference:.2g}{unit} at '
            f'{at}, with a mean motion of {done.motion:.1f} px')


@command(RuntimeError)
def main() -> None:
    print(run(parse_args()))


if __name__ == '__main__':
    main()
