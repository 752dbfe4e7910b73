# SPDX-License-Identifier: Apache-2.0
"""Make every kind of video that a list may hold: sound, broken, hostile.

    python tests/bad_videos.py FOLDER

writes one file of each kind and prints which of them a training can use.
"""
from __future__ import annotations

import io
import os
import socket
import struct
import sys
import wave
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

SIZE = 64, 96  # height and width
NUM_FRAMES = 12


def make_bad_videos(folder: Path) -> dict[str, bool]:
    """Write all kinds into a folder; return by name whether one is usable.

    Usable is what decord can read to its end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    usable = {}
    for kinds, value in ((SOUND, True), (NOT_DECORD, False), (BROKEN, False)):
        for name, make in kinds.items():
            make(folder / name)
            usable[name] = value
    # No file is forbidden to root.
    usable['forbidden.mp4'] = os.access(folder / 'forbidden.mp4', os.R_OK)
    return usable


def draw_frames(number: int = NUM_FRAMES,
                size: tuple[int, int] = SIZE,
                seed: int = 0) -> list[np.ndarray]:
    """Draw a blurred texture that moves by (2, 1) pixels a frame.

    Returns uint8 BGR frames ``(H, W, 3)``.
    """
    height, width = size
    rng = np.random.default_rng(seed)
    noise = rng.integers(
        0, 256, (height + number, width + 2 * number, 3), np.uint8)
    texture = cv2.GaussianBlur(noise, (0, 0), 2)
    return [
        np.ascontiguousarray(texture[t:t + height, 2 * t:2 * t + width])
        for t in range(number)
    ]


# What OpenCV writes


def encode(path: Path,
           codec: str = 'mp4v',
           suffix: str | None = None,
           **frames: int | tuple[int, int]) -> Path:
    """Write a sound video with OpenCV; ``suffix`` sets the container."""
    written = path.with_suffix(suffix or path.suffix)
    images = draw_frames(**frames)
    height, width = images[0].shape[:2]
    writer = cv2.VideoWriter(
        str(written), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*codec), 10,
        (width, height))
    for image in images:
        writer.write(image)
    writer.release()
    return written.rename(path)


def video(codec: str = 'mp4v', **options) -> Callable[[Path], None]:
    return lambda path: encode(path, codec, **options)


def deep(path: Path) -> None:
    """Write a grey video of 16 bits per pixel."""
    height, width = SIZE
    writer = cv2.VideoWriter(
        str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*'FFV1'), 10,
        (width, height), [
            cv2.VIDEOWRITER_PROP_DEPTH, cv2.CV_16U,
            cv2.VIDEOWRITER_PROP_IS_COLOR, 0
        ])
    for image in draw_frames():
        writer.write(image[..., 0].astype(np.uint16) * 257)
    writer.release()


def animation(path: Path) -> None:
    """Write a GIF whose frames last differently long."""
    first, *rest = (Image.fromarray(x[..., ::-1]) for x in draw_frames())
    first.save(
        path, 'GIF', save_all=True, append_images=rest,
        duration=[40 + 20 * t for t in range(NUM_FRAMES)])


def picture(path: Path) -> None:
    _, data = cv2.imencode('.png', draw_frames()[0])
    path.write_bytes(data)


# What is written byte by byte


def chunk(name: bytes, content: bytes) -> bytes:
    """Return a chunk of a RIFF file."""
    size = struct.pack('<I', len(content))
    return name + size + content + b'\0' * (len(content) % 2)


def write_avi(path: Path,
              codec: bytes,
              frames: Sequence[bytes],
              size: tuple[int, int] = SIZE,
              bits: int = 24) -> None:
    """Write encoded frames as an AVI file.

    Args:
        path: File.
        codec: Code of four letters.
        frames: Encoded frames.
        size: Declared height and width.
        bits: Declared bits per pixel.
    """
    height, width = size
    main = struct.pack('<14I', 100_000, 0, 0, 0x10, len(frames), 0, 1, 0,
                       width, height, 0, 0, 0, 0)
    stream = b'vids' + codec + struct.pack(
        '<10I4H', 0, 0, 0, 1, 10, 0, len(frames), 0, 2**32 - 1, 0, 0, 0,
        width, height)
    bitmap = struct.pack('<IiiHH', 40, width, height, 1, bits) + codec
    bitmap += struct.pack('<5I', 0, 0, 0, 0, 0)
    header = chunk(
        b'LIST', b'strl' + chunk(b'strh', stream) + chunk(b'strf', bitmap))
    movie, entries = b'movi', b''
    for frame in frames:
        entries += b'00dc' + struct.pack('<3I', 0x10, len(movie), len(frame))
        movie += chunk(b'00dc', frame)
    parts = (chunk(b'LIST', b'hdrl' + chunk(b'avih', main) + header)
             + chunk(b'LIST', movie) + chunk(b'idx1', entries))
    path.write_bytes(chunk(b'RIFF', b'AVI ' + parts))


def pngs(size: tuple[int, int] = SIZE, alpha: bool = False) -> list[bytes]:
    """Encode the frames as PNG, each a key frame."""
    images = draw_frames(size=size)
    if alpha:
        images = [np.dstack([x, x[..., :1]]) for x in images]
    return [cv2.imencode('.png', image)[1].tobytes() for image in images]


def patched(make: Callable[[Path], None], after: bytes, skip: int,
            value: bytes) -> Callable[[Path], None]:
    """Overwrite some bytes of a file, counted from the first ``after``."""

    def patch(path: Path) -> None:
        make(path)
        data = bytearray(path.read_bytes())
        start = data.index(after) + skip
        data[start:start + len(value)] = value
        path.write_bytes(data)

    return patch


def raw(path: Path, size: tuple[int, int] = SIZE) -> None:
    """Write uncompressed frames under a header that may lie."""
    frames = [image[::-1].tobytes() for image in draw_frames()]
    write_avi(path, bytes(4), frames, size)


def odd(path: Path) -> None:
    write_avi(path, b'MPNG', pngs((65, 97)), (65, 97))


def alpha(path: Path) -> None:
    write_avi(path, b'MPNG', pngs(alpha=True), bits=32)


def ten_bits(path: Path) -> None:
    """Write v210: three values of 10 bits in each little-endian word."""
    frames = []
    for image in draw_frames():
        luma = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype('<u4') * 4
        # Cb Y Cr Y Cb Y ...: chroma of 512 is grey.
        values = np.full((*luma.shape, 2), 512, '<u4')
        values[..., 1] = luma
        words = values.reshape(len(luma), -1, 3)
        frames.append((words[..., 0] | words[..., 1] << 10
                       | words[..., 2] << 20).astype('<u4').tobytes())
    write_avi(path, b'v210', frames, bits=20)


def rotated(degrees: int) -> Callable[[Path], None]:
    """Write a video that a player shall turn clockwise."""

    def make(path: Path) -> None:
        encode(path)
        data = bytearray(path.read_bytes())
        start = data.index(b'tkhd') + 44  # matrix of version 0
        one = 1 << 16
        a, b = {90: (0, one), 180: (-one, 0), 270: (0, -one)}[degrees]
        struct.pack_into('>9i', data, start, a, b, 0, -b, a, 0, 0, 0, 1 << 30)
        path.write_bytes(data)

    return make


def variable_rate(path: Path) -> None:
    """Let half of the frames last three times as long as the others."""
    encode(path)
    data = bytearray(path.read_bytes())
    table = data.index(b'stts')
    duration, = struct.unpack_from('>I', data, table + 16)
    new = struct.pack('>6I', 0, 2, NUM_FRAMES // 2, duration // 2,
                      NUM_FRAMES // 2, duration * 3 // 2)
    data[table + 4:table + 20] = new
    names = b'moov', b'trak', b'mdia', b'minf', b'stbl', b'stts'
    for start in (data.index(name) - 4 for name in names):
        size, = struct.unpack_from('>I', data, start)
        struct.pack_into('>I', data, start, size + len(new) - 16)
    path.write_bytes(data)


def index_first(path: Path) -> None:
    """Move the index of an MP4 file to its begin, as for streaming."""
    encode(path)
    data = path.read_bytes()
    movie = data.index(b'moov') - 4
    media = data.index(b'mdat') - 4
    index = bytearray(data[movie:])
    table = index.index(b'stco')
    number, = struct.unpack_from('>I', index, table + 8)
    for entry in range(table + 12, table + 12 + 4 * number, 4):
        offset, = struct.unpack_from('>I', index, entry)
        struct.pack_into('>I', index, entry, offset + len(index))
    path.write_bytes(data[:media] + index + data[media:movie])


def truncated(share: float,
              make: Callable[[Path], None]) -> Callable[[Path], None]:
    """Keep the first part of a file."""

    def cut(path: Path) -> None:
        make(path)
        data = path.read_bytes()
        path.write_bytes(data[:int(share * len(data))])

    return cut


def corrupt(make: Callable[[Path], None],
            first: float = 0.3,
            last: float = 0.7) -> Callable[[Path], None]:
    """Overwrite the middle of a file with noise."""

    def spoil(path: Path) -> None:
        make(path)
        data = bytearray(path.read_bytes())
        start, stop = (int(share * len(data)) for share in (first, last))
        data[start:stop] = np.random.default_rng(0).bytes(stop - start)
        path.write_bytes(data)

    return spoil


def content(data: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(data)


def sound_only(path: Path) -> None:
    file = io.BytesIO()
    with wave.open(file, 'wb') as audio:
        audio.setparams((1, 2, 8000, 0, 'NONE', ''))
        audio.writeframes(bytes(16000))
    path.write_bytes(file.getvalue())


# What is no file


def bound_socket(path: Path) -> None:
    # A full path may be longer than the name of a socket can be.
    before = os.getcwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(before)


def forbidden(path: Path) -> None:
    encode(path)
    path.chmod(0)


HUGE = struct.pack('<I', 2_000_000_000)
NOISE = np.random.default_rng(0).bytes(20_000)

#: Makers by name of the file.
SOUND = {
    'mpeg4.mp4': video(),
    'UPPER.MP4': video(suffix='.mp4'),
    'xvid.avi': video('XVID'),
    'ffv1.mkv': video('FFV1'),
    'vp8.webm': video('VP80'),
    '走 $x_1$.mp4': video(),
    'new\nline.mp4': video(),
    'one_frame.mp4': video(number=1),
    'two_frames.mp4': video(number=2),
    'three_frames.avi': video('XVID', number=3),
    'ten_bits.avi': ten_bits,
    'sixteen_bits.mkv': deep,
    'alpha.avi': alpha,
    'odd_size.avi': odd,
    'portrait.mp4': video(size=(128, 64)),
    'rotated_90.mp4': rotated(90),
    'rotated_180.mp4': rotated(180),
    'rotated_270.mp4': rotated(270),
    'variable_rate.mp4': variable_rate,
    'index_first.mp4': index_first,
    'no_index.avi': patched(video('XVID'), b'idx1', 0, b'JUNK'),
    'no_rate.avi': patched(video('XVID'), b'strh', 28, bytes(8)),
    # Cut or spoiled, but with frames that can be decoded.
    'truncated_90.avi': truncated(0.9, video('XVID')),
    'truncated_50.mkv': truncated(0.5, video('FFV1')),
    'corrupt.avi': corrupt(video('XVID'), 0.8, 0.9),
}
# Sound, but not for decord.
NOT_DECORD = {
    'animation.gif': animation,
    'width_48.mp4': video(size=(64, 48)),
    'three_bytes.avi': lambda path: write_avi(path, b'MPNG', pngs()),
}
BROKEN = {
    'empty.mp4': content(b''),
    'text.avi': content(b'This is no video.\n' * 100),
    'page.mp4': content(b'<!DOCTYPE html><title>404</title>'),
    'noise.mp4': content(NOISE),
    'zeros.avi': content(bytes(20_000)),
    'truncated_10.mp4': truncated(0.1, video()),
    'truncated_90.mp4': truncated(0.9, video()),
    'truncated_50_index_first.mp4': truncated(0.5, index_first),
    'truncated_05.avi': truncated(0.05, video('XVID')),
    'truncated_50.avi': truncated(0.5, video('XVID')),
    'corrupt.mp4': corrupt(video()),
    'corrupt.mkv': corrupt(video('FFV1')),
    'sound_only.mp4': sound_only,
    'huge_count.avi': patched(
        patched(video('XVID'), b'avih', 24, HUGE), b'strh', 40, HUGE),
    'huge_size.avi': lambda path: raw(path, (65_000, 65_000)),
    'no_frames.avi': lambda path: write_avi(path, b'MPNG', []),
    'picture.png': picture,
    'picture.mp4': picture,
    'pipe.mp4': os.mkfifo,
    'device.mp4': lambda path: path.symlink_to('/dev/zero'),
    'socket.mp4': bound_socket,
    'folder.mp4': Path.mkdir,
    'forbidden.mp4': forbidden,
    'loop.mp4': lambda path: path.symlink_to(path.name),
    'dangling.mp4': lambda path: path.symlink_to('nowhere.mp4'),
}

if __name__ == '__main__':
    for name, usable in make_bad_videos(Path(sys.argv[1])).items():
        print(f'{"sound " if usable else "broken"} {name}')
