"""The block map: block means to the digit, noise is calm, things move, what stopped rests, light is no
motion."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from civiscope.analytics import BlockMap, Box, Motion
from civiscope.base import AppError

Luma = NDArray[np.uint8]
WIDTH, HEIGHT = 640, 360


class Scene:
    """A textured wall with noise, and what a test puts before it."""

    def __init__(self, noise: float = 3.0, seed: int = 1) -> None:
        self._chance = np.random.default_rng(seed)
        self._noises = [self._chance.normal(0, noise, (HEIGHT, WIDTH)).astype(np.float32) for _ in range(3)]
        coarse = self._chance.integers(60, 180, (HEIGHT // 20, WIDTH // 20))
        self.wall = np.kron(coarse, np.ones((20, 20))).astype(np.float32)

    def frame(self, *boxes: tuple[int, int, int, int, int], light: float = 0.0, gain: float = 1.0) -> Luma:
        """Boxes are x, y, width, height, grey level."""
        picture = self.wall.copy()
        for x, y, width, height, level in boxes:
            picture[max(y, 0) : y + height, max(x, 0) : x + width] = level
        noise = np.roll(self._noises[self._chance.integers(3)], int(self._chance.integers(HEIGHT)), 0)
        picture = picture * np.float32(gain) + np.float32(light) + noise
        return np.clip(picture, 0, 255).astype(np.uint8)


def warmed(scene: Scene, frames: int = 25) -> BlockMap:
    map_ = BlockMap(WIDTH, HEIGHT)
    for _ in range(frames):
        map_.look(scene.frame())
    assert map_.is_warm
    return map_


@given(st.integers(32, 300), st.integers(32, 200), st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_block_means_are_those_of_every_second_row(width: int, height: int, pad: int, seed: int) -> None:
    buffer = np.random.default_rng(seed).integers(0, 256, (height, width + pad), dtype=np.uint8)
    luma = buffer[:, :width]
    rows, columns = height // 8, width // 8
    wanted = luma[: rows * 8 : 2, : columns * 8].reshape(rows, 4, columns, 8).mean((1, 3))
    found = BlockMap(width, height)._means(luma)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize(
    ("width", "height"), [(1280, 720), (1920, 1080), (3840, 2160), (352, 288), (2592, 1944)]
)
def test_larger_pictures_have_larger_blocks(width: int, height: int) -> None:
    map_ = BlockMap(width, height)
    assert 40 <= map_.columns <= 90
    white = np.full((height, width), 255, np.uint8)
    assert np.allclose(map_._means(white), 255)


def test_a_tiny_picture_is_refused() -> None:
    with pytest.raises(AppError, match="too small"):
        BlockMap(24, 64)


@pytest.mark.parametrize("noise", [0.0, 2.0, 6.0, 12.0])
def test_noise_is_calm(noise: float) -> None:
    scene = Scene(noise)
    map_ = warmed(scene, 50)
    moving = [map_.look(scene.frame()).is_moving for _ in range(100)]
    assert sum(moving) <= 1


@pytest.mark.parametrize(("size", "noise"), [((16, 24), 2.0), ((24, 48), 6.0), ((80, 120), 12.0)])
def test_what_moves_is_found_where_it_is(size: tuple[int, int], noise: float) -> None:
    scene = Scene(noise)
    map_ = warmed(scene)
    found = 0
    for step in range(20):
        x, y = 40 + 16 * step, 200
        motion = map_.look(scene.frame((x, y, *size, 230)))
        found += motion.touches(Box(x / WIDTH, y / HEIGHT, (x + size[0]) / WIDTH, (y + size[1]) / HEIGHT), 0)
        far = Box(0.0, 0.0, 0.9, 0.3)
        assert not motion.touches(far), "nothing moves there"
    assert found >= 19


def test_boxes_lie_around_each_thing() -> None:
    scene = Scene()
    map_ = warmed(scene)
    motion = Motion(False, np.zeros((1, 1), bool), True)
    for step in range(6):
        motion = map_.look(scene.frame((40 + 16 * step, 40, 40, 80, 230), (400, 200 + 12 * step, 64, 64, 20)))
    boxes = motion.boxes_n
    assert len(boxes) == 2
    assert boxes[0].y1_n > 0.6
    assert boxes[1].y1_n < 0.4


def test_what_stopped_rests_and_its_leaving_is_seen() -> None:
    scene = Scene()
    map_ = warmed(scene)
    for step in range(10):
        map_.look(scene.frame((40 + 16 * step, 200, 60, 100, 230)))
    still = [map_.look(scene.frame((200, 200, 60, 100, 230))).is_moving for _ in range(40)]
    assert still[0]
    assert not any(still[8:])
    gone = [map_.look(scene.frame()).is_moving for _ in range(40)]
    assert gone[0] or gone[1]
    assert not any(gone[15:])


def test_a_slow_thing_moves_all_the_time() -> None:
    scene = Scene()
    map_ = warmed(scene)
    seen = [map_.look(scene.frame((100 + 3 * step, 200, 60, 100, 230))).is_moving for step in range(60)]
    assert sum(seen) >= 57


@pytest.mark.parametrize("change", [{"light": 12.0}, {"light": -25.0}, {"gain": 1.15}, {"gain": 0.8}])
def test_a_change_of_all_light_is_no_motion(change: dict[str, float]) -> None:
    scene = Scene()
    map_ = warmed(scene)
    looks = [map_.look(scene.frame(**change)) for _ in range(20)]
    assert not any(one.is_moving for one in looks[1:])
    moved = [map_.look(scene.frame((100 + 16 * step, 200, 60, 100, 230), **change)) for step in range(5)]
    assert all(one.is_moving for one in moved)


def test_a_lamp_is_another_picture_once() -> None:
    scene = Scene()
    map_ = warmed(scene)
    scene.wall[:, :500] = np.clip(scene.wall[:, :500] * 0.2 + 120, 0, 255)
    looks = [map_.look(scene.frame()) for _ in range(20)]
    assert looks[0].is_new_picture
    assert not any(one.is_moving or one.is_new_picture for one in looks[1:])


def test_a_flickering_sign_is_learnt_as_noise() -> None:
    scene = Scene()
    map_ = warmed(scene)
    chance = np.random.default_rng(3)
    levels = chance.integers(60, 200, 250)
    moving = [map_.look(scene.frame((300, 100, 32, 32, int(level)))).is_moving for level in levels]
    assert sum(moving[-50:]) < sum(moving[:50]) / 2


def test_the_same_frames_give_the_same_map() -> None:
    def run() -> list[bytes]:
        scene = Scene(seed=4)
        map_ = BlockMap(WIDTH, HEIGHT)
        return [map_.look(scene.frame((10 * n, 50, 60, 60, 240))).moving.tobytes() for n in range(30)]

    assert run() == run()
