# SPDX-License-Identifier: Apache-2.0
"""Open and decode a video with torchcodec, on a CPU or a GPU."""
from __future__ import annotations

import numpy as np
from mmaction.datasets.transforms import DecordDecode
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from .video_path import path_of_video


@TRANSFORMS.register_module()
class TorchCodecInit(BaseTransform):
    """``DecordInit`` of MMAction2 with torchcodec in place of decord.

    Required Keys: filename

    Added Keys: video_reader, total_frames, avg_fps

    Args:
        num_threads: Threads of FFmpeg.
        device: Where to decode; a GPU needs a build of torchcodec for it, and
            loaders that start by ``spawn``.

    Raises:
        ImportError: If torchcodec or FFmpeg is missing.
    """

    def __init__(self, num_threads: int = 1, device: str = 'cpu') -> None:
        self.num_threads = num_threads
        self.device = device
        try:
            import torchcodec.decoders  # noqa: F401
        except (ImportError, RuntimeError) as error:
            raise _missing() from error

    def transform(self, results: dict) -> dict:
        """Open a video.

        Raises:
            BrokenVideoError: If the path does not lead to a file.
        """
        from torchcodec.decoders import VideoDecoder
        filename = path_of_video(results['filename'])
        try:
            reader = VideoDecoder(
                filename, dimension_order='NHWC', device=self.device,
                num_ffmpeg_threads=self.num_threads)
        except RuntimeError as error:
            # It looks for FFmpeg when it is first used.
            if 'libtorchcodec' in str(error):
                raise _missing() from error
            raise
        results['video_reader'] = reader
        results['total_frames'] = len(reader)
        results['avg_fps'] = reader.metadata.average_fps
        return results

    def __repr__(self) -> str:
        return (f'{self.__class__.__name__}(num_threads={self.num_threads}, '
                f'device={self.device!r})')


@TRANSFORMS.register_module()
class TorchCodecDecode(DecordDecode):
    """``DecordDecode`` of MMAction2 for the reader of ``TorchCodecInit``.

    Required Keys: video_reader, frame_inds

    Added Keys: imgs, original_shape, img_shape
    """

    def __init__(self) -> None:
        super().__init__()

    def _decord_load_frames(self, container: object,
                            frame_inds: np.ndarray) -> list[np.ndarray]:
        frames = container.get_frames_at(indices=frame_inds.tolist())
        return list(frames.data.cpu().numpy())


def _missing() -> ImportError:
    return ImportError(
        'TorchCodecInit needs torchcodec and the shared libraries of FFmpeg 4 '
        'to 9; run `pip install torchcodec` and install FFmpeg, or set '
        'DecordPathInit and DecordDecode in the pipeline')
