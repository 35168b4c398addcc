"""Any feed message, for property tests."""

from uuid import UUID

from hypothesis import strategies as st

from civiscope.base import RunId, StreamId
from civiscope.ingest.feed_wire import (
    FeedDropped,
    FeedEnded,
    FeedHello,
    FeedMessage,
    FeedRun,
    FeedStart,
    FeedSubscribe,
    FeedUnit,
    FeedUnsubscribe,
    FeedWatch,
)
from civiscope.media import AccessUnit, Codec, TrackConfig, UnitFlags

_i64 = st.integers(-(2**63), 2**63 - 1)
_u64 = st.integers(0, 2**64 - 1)
_u32 = st.integers(0, 2**32 - 1)
_stream = st.uuids().map(StreamId)
_run = st.uuids().filter(lambda run: run != UUID(int=0)).map(RunId)
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)

tracks = st.builds(
    TrackConfig, _u32, st.sampled_from(Codec), _u32, _u32,
    st.lists(st.binary(max_size=20), max_size=4).map(tuple), st.binary(max_size=20), _u32, _u32, _u32, _u32,
)  # fmt: skip
units = st.builds(
    AccessUnit, st.integers(0, 255), _u64, _i64, _i64, _i64, _i64,
    st.integers(0, 15).map(UnitFlags), _u32, st.binary(max_size=200),
)  # fmt: skip
messages: st.SearchStrategy[FeedMessage] = st.one_of(
    st.builds(FeedHello, _text),
    st.builds(FeedSubscribe, _stream, st.sampled_from(FeedStart), st.none() | _run, _u64),
    st.builds(FeedUnsubscribe, _stream),
    st.builds(FeedWatch, _stream, st.booleans()),
    st.builds(FeedRun, _stream, _run, _i64, st.lists(tracks, max_size=3).map(tuple)),
    st.builds(FeedUnit, _stream, _run, units),
    st.builds(FeedDropped, _stream, _run, _u64, _u32),
    st.builds(FeedEnded, _stream, st.none() | _run, _i64, _text, _text),
)
