"""Telephone sound goes into a browser as FLAC, sample by sample the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.media.mp4.clip import decoded

from civiscope.media import Codec, TrackConfig
from civiscope.media.mp4 import Sample, flac_frame, fragment, init_segment, mse_type
from civiscope.media.mp4.flac import _coded_number


def _samples(data: bytes) -> np.ndarray:
    frames = decoded(data, "audio")
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])


@pytest.mark.parametrize("codec", [Codec.PCMU, Codec.PCMA])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("zero", [0, 5_000_000_000])
def test_every_code_is_the_same_sample(codec: Codec, channels: int, zero: int) -> None:
    track = TrackConfig(2, codec, 8_000, sample_rate_hz=8_000, channel_count=channels)
    packets = [bytes(range(256)), bytes(reversed(range(256))), bytes(160)]
    plain, browser, at = [], [], 0
    for data in packets:
        count = len(data) // channels
        plain.append(Sample(2, at, 0, count, True, data))
        browser.append(Sample(2, at, 0, count, True, flac_frame(track, data, zero + at)))
        at += count
    as_it_came = _samples(init_segment([track]) + fragment(1, plain))
    as_flac = _samples(init_segment([track], for_browser=True) + fragment(1, browser))
    assert len(as_flac) == sum(map(len, packets))
    assert (as_it_came == as_flac).all()


def test_browsers_are_told_flac() -> None:
    assert mse_type([TrackConfig(1, Codec.PCMA, 8_000)]) == 'audio/mp4; codecs="flac"'


def test_packets_that_fit_no_frame_are_left_out() -> None:
    track = TrackConfig(2, Codec.PCMU, 8_000)
    assert flac_frame(track, bytes(15), 0) == b""
    assert flac_frame(track, bytes(65_536), 0) == b""


@given(st.integers(0, 0xD7FF) | st.integers(0xE000, 0x10FFFF))
def test_numbers_are_coded_as_utf_8(number: int) -> None:
    assert _coded_number(number) == chr(number).encode()


@given(st.integers(0x10000, (1 << 31) - 1))
def test_long_numbers_are_coded_whole(number: int) -> None:
    lead, *tail = _coded_number(number)
    assert f"{lead:08b}".startswith("1" * (len(tail) + 1) + "0")
    bits = f"{lead:08b}"[len(tail) + 2 :] + "".join(f"{byte & 0x3F:06b}" for byte in tail)
    assert int(bits, 2) == number
