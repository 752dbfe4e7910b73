# SPDX-License-Identifier: Apache-2.0
"""Serve a local page: drop in a video, see its motion and its classes.

    python tools/app.py
    python tools/app.py configs/uftsn_fusion_ucf101.py --port 8000

Open the address that it prints in a browser. Without CONFIG the page shows
flow, and compares estimators; with it, and the CHECKPOINT of a single model,
also the classes over time. It needs pip install "uftsn-mmaction[app]".
"""
from __future__ import annotations

from command_line import add_device, check_above_zero, command, tool_parser

# isort: split
from argparse import Namespace


def parse_args() -> Namespace:
    parser = tool_parser(__doc__)
    add = parser.add_argument
    add('config', nargs='?', metavar='CONFIG',
        help='config of a recognizer or of a fusion')
    add('checkpoint', nargs='?', metavar='CHECKPOINT',
        help='its weights; a fusion has those of its streams in the config')
    add('--classes', metavar='FILE',
        help='a class name in each line (default: classes.txt beside the list '
        'of the test set)')
    add('--estimator', nargs='+', default=[], metavar='SPEC',
        help='more estimators to choose from, such as NAME:CHECKPOINT')
    add('--size', type=int, default=240, metavar='S',
        help='shorter side of larger frames in pixels (default: 240)')
    add('--seconds', type=float, default=120, metavar='T',
        help='longest video (default: 120)')
    add('--megabytes', type=float, default=200, metavar='M',
        help='largest video (default: 200)')
    add('--host', default='127.0.0.1',
        help='address to serve at (default: 127.0.0.1, this machine alone)')
    add('--port', type=int, default=7860, help='its port (default: 7860)')
    add_device(parser)
    return parser.parse_args()


def serve(args: Namespace) -> None:
    # Here, so that --help need not wait for them.
    from uftsn_mmaction.apis.action_inferencer import ActionInferencer
    from uftsn_mmaction.apis.page import import_gradio, launch_page
    from uftsn_mmaction.apis.share import device_of_this_process
    from uftsn_mmaction.apis.video_page import VideoPage
    from uftsn_mmaction.experiments.environment import available_device
    from uftsn_mmaction.models.flow_zoo import EstimatorSpec

    check_above_zero(args, 'size', 'seconds', 'megabytes', 'port')
    if args.port > 65535:
        raise ValueError(f'--port must be at most 65535, got {args.port}')
    import_gradio()
    for name in args.estimator:
        EstimatorSpec.parse(name)
    device = available_device(args.device or device_of_this_process())
    actions = args.config and ActionInferencer(
        args.config, args.checkpoint, args.classes, device)
    page = VideoPage(actions or None, args.estimator, device, args.size,
                     args.seconds, int(args.megabytes * 2**20))
    launch_page(page, args.host, args.port)


@command(RuntimeError)
def main() -> None:
    serve(parse_args())


if __name__ == '__main__':
    main()
