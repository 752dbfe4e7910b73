# SPDX-License-Identifier: Apache-2.0
"""Short clips of moving objects with exactly known optical flow.

A clip shows one or two large textured objects in front of a textured
background that drifts slowly in a random direction. All objects of a clip
share one of eight motions and one of two tints; the pair is the class of the
clip. Optical flow does not show the tint, and a single frame does not show
the motion: see :meth:`MotionRenderer._object_tracks`.

Conventions: image coordinates x to the right, y down, pixel centres at integer
coordinates. Flow ``t`` is given on the pixels of frame ``t`` and points to
frame ``t + 1``, channel 0 = u (right), channel 1 = v (down), in pixels.
"""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .classes import APPEARANCES, MOTIONS, join_label
from .pose import PoseTrack
from .shape import random_shape
from .texture import band_limited_noise

_TEXELS_PER_PIXEL = 3
_MIN_WAVELENGTH = 5.  # pixels; zooming out must not bring it below 2
_MAX_TRAVEL = 0.3  # of the shorter side, from the middle of the clip
_SPEED_RANGE = (0.7, 1.3)  # times the mean speed
_RADIUS = {1: 0.40, 2: 0.30}  # by number of objects, of the shorter side
# A zoom as fast as the other motions would shrink objects too far to show
# any flow at one end of the clip, and fill the frame at the other.
_ZOOM_SLOWDOWN = 0.75


@dataclass(frozen=True)
class RenderedClip:
    """A clip with its flow, object mask and labels."""
    frames: np.ndarray  # uint8 RGB (T, H, W, 3)
    flow: np.ndarray  # float32 (T-1, 2, H, W), pixels
    object_mask: np.ndarray  # bool (T, H, W), true where an object is visible
    motion_label: int
    appearance_label: int

    @property
    def label(self) -> int:
        """Index into ``CLASSES``."""
        return join_label(self.motion_label, self.appearance_label)


class MotionRenderer:
    """Renderer of clips of one size, length and speed.

    Arguments are those of :class:`MotionSetSettings`.

    Raises:
        ValueError: If a setting is out of range, or if the objects would
            travel out of the frame.
    """

    def __init__(self, size: tuple[int, int] = (64, 64), num_frames: int = 12,
                 speed: float = 2.0, background_speed: float = 0.5) -> None:
        if len(size) != 2 or min(size) < 32 or any(n % 2 for n in size):
            raise ValueError(
                f'size is {size!r}, expected (height, width) in pixels, both '
                'even and 32 or more')
        if num_frames < 2:
            raise ValueError(f'num_frames is {num_frames}, expected 2 or '
                             'more, since flow needs a pair of frames')
        if speed <= 0 or background_speed < 0:
            raise ValueError(
                f'speed is {speed} and background_speed {background_speed}, '
                'expected pixels per frame, above 0 and from 0 up')
        travel = speed * _SPEED_RANGE[1] * (num_frames - 1) / 2
        if travel > _MAX_TRAVEL * min(size):
            raise ValueError(
                f'num_frames {num_frames} at speed {speed} lets an object '
                f'travel {travel:.0f} px from the middle of the clip to its '
                f'end, expected at most {_MAX_TRAVEL * min(size):.0f} px for '
                f'size {tuple(size)}; use fewer frames, a lower speed or a '
                'larger size')
        self.size = (int(size[0]), int(size[1]))
        self.num_frames = num_frames
        self.speed = speed
        self.background_speed = background_speed

    def render(self, rng: np.random.Generator, motion_label: int,
               appearance_label: int) -> RenderedClip:
        """Render a clip of the given indices in MOTIONS and APPEARANCES.

        Equal states of ``rng`` give equal clips, and the random numbers drawn
        do not depend on the labels.
        """
        frames, flow = self._background(rng)
        object_mask = np.zeros(frames.shape[:3], bool)
        tint = tuple(APPEARANCES.values())[appearance_label]
        for radius, track in self._object_tracks(rng, motion_label):
            signed_distance = random_shape(rng, radius)
            surface = self._surface(rng, tint * rng.uniform(25, 45), track)
            local = track.to_local(self._pixel_grid())  # (T, 2, H, W)
            # Anti-aliasing to first order: the outline is locally a straight
            # line, whose distance from its centre says how much of a pixel
            # is covered.
            coverage = np.clip(
                0.5 + track.scale[:, None, None] *
                signed_distance(local[:, 0], local[:, 1]), 0, 1)
            alpha = coverage[..., None].astype(np.float32)  # (T, H, W, 1)
            frames = alpha * surface + (1 - alpha) * frames
            in_front = coverage >= 0.5
            own_flow = track.flow(self._pixel_grid())
            flow = np.where(in_front[:-1, None], own_flow, flow)
            object_mask |= in_front
        frames = np.clip(np.rint(frames), 0, 255).astype(np.uint8)
        return RenderedClip(frames, flow.astype(np.float32), object_mask,
                            motion_label, appearance_label)

    def _background(
            self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Render frames and flow of the drifting background."""
        tint = rng.normal(0, 6)
        direction = rng.uniform(0, 2 * np.pi)
        step = self.background_speed * rng.uniform(0.5, 1.5)
        velocity = step * np.array([np.cos(direction), np.sin(direction)])
        time = np.arange(self.num_frames)
        track = PoseTrack(
            centre=time[:, None] * velocity,
            angle=np.zeros(self.num_frames),
            scale=np.ones(self.num_frames))
        return self._surface(rng, tint, track), track.flow(self._pixel_grid())

    def _object_tracks(self, rng: np.random.Generator,
                       motion_label: int) -> list[tuple[float, PoseTrack]]:
        """Draw the radius and the poses of each object.

        With tau the time from the middle of the clip, the moving degree of
        freedom is at ``sign * rate * tau``. The others stay at
        ``rate * tau'``, with tau' the time of a random frame. In a random
        frame of a random clip, position, size and angle thus have the same
        distribution for all motions.
        """
        height, width = self.size
        dof, sign = tuple(MOTIONS.values())[motion_label]
        tau = np.arange(self.num_frames) - (self.num_frames - 1) / 2
        step = self.speed * rng.uniform(*_SPEED_RANGE)
        # The mean distance of a disc's points from its centre is 2/3 of its
        # radius, so the pixels of an object move about as far in all motions.
        turn = step / (2 / 3 * _RADIUS[1] * min(height, width))
        rates = dict(
            x=step, y=step, angle=turn, log_scale=_ZOOM_SLOWDOWN * turn)
        moved = {}
        for name, rate in rates.items():
            still = np.full(self.num_frames, rng.choice(tau))
            moved[name] = rate * (sign * tau if name == dof else still)

        count = int(rng.integers(1, 3))
        bearing = rng.uniform(0, 2 * np.pi)
        tracks = []
        for index in range(count):
            spread = 0.25 * (count - 1) * (-1)**index
            offset = spread * np.array([np.cos(bearing), np.sin(bearing)])
            offset += rng.uniform(-0.1, 0.1, 2)
            centre = (0.5 + offset) * (width, height) - 0.5
            radius = _RADIUS[count] * min(height, width)
            radius *= rng.uniform(0.85, 1.15)
            track = PoseTrack(
                centre=centre + np.stack([moved['x'], moved['y']], -1),
                angle=rng.uniform(0, 2 * np.pi) + moved['angle'],
                scale=np.exp(moved['log_scale']))
            tracks.append((radius, track))
        return tracks

    def _surface(self, rng: np.random.Generator, tint: float,
                 track: PoseTrack) -> np.ndarray:
        """Render a textured plane at every pose, float32 ``(T, H, W, 3)``.

        Every frame is sampled from the texture, not from another frame, so
        that no blur builds up over the clip.
        """
        height, width = self.size
        period = round(1.5 * max(self.size))
        noise = band_limited_noise(
            rng, period, _MIN_WAVELENGTH, _TEXELS_PER_PIXEL, channels=2)
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        noise = np.stack([
            cv2.warpAffine(noise, to_texels, (width, height), flags=flags,
                           borderMode=cv2.BORDER_WRAP)
            for to_texels in track.inverse_matrices(_TEXELS_PER_PIXEL)
        ])  # (T, H, W, 2)
        # The axis from green to magenta is orthogonal to that of the tint: it
        # makes the flow easier to estimate and says nothing of the class.
        contrast = rng.uniform(26, 40)
        colours = np.array([[contrast] * 3, [4, -8, 4]])
        mean = rng.uniform(105, 150) + np.array([tint, 0, -tint])
        return noise @ colours.astype(np.float32) + mean.astype(np.float32)

    def _pixel_grid(self) -> np.ndarray:
        """Return the pixel centres, x before y, ``(2, H, W)``."""
        y, x = np.indices(self.size, dtype=np.float64)
        return np.stack([x, y])
