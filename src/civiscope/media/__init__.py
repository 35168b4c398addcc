"""Coded and decoded pictures and sound as values; parsers bytes → messages, no I/O but reading a media file.

Facts in: none. Facts out: none.
Invariants: `media.wire` opens nothing and raises `ProtocolError` only; PyAV is imported in this room alone.
"""

from civiscope.media.decoder import DecodeError, Frame, PictureDecoder
from civiscope.media.encoder import EncoderSettings, PlanarPicture, encode_clip, recode_clip
from civiscope.media.files import FileUnits, VideoFacts, read_duration_us, read_tracks, read_video_facts
from civiscope.media.foreign import ForeignOrders, ForeignReader, ForeignTrack, LiveUnit
from civiscope.media.model import (
    VIDEO_CODECS,
    AccessUnit,
    Codec,
    SenderClock,
    TrackConfig,
    TrackKind,
    UnitFlags,
)
from civiscope.media.packets import CodedPacket, annexb_packet
from civiscope.media.signing_sei import SigningDocument, parse_signing_sei
from civiscope.media.signing_walk import HashState, SignedStretch, SigningWalk
from civiscope.media.still import Still, decode_key_frame
from civiscope.media.transcoder import Transcoded, Transcoder

__all__ = [
    "DecodeError", "Frame", "PictureDecoder",
    "EncoderSettings", "PlanarPicture", "encode_clip", "recode_clip",
    "FileUnits", "VideoFacts", "read_duration_us", "read_tracks", "read_video_facts",
    "HashState", "SignedStretch", "SigningDocument", "SigningWalk", "parse_signing_sei",
    "Still", "decode_key_frame",
    "CodedPacket", "annexb_packet", "Transcoded", "Transcoder",
    "ForeignOrders", "ForeignReader", "ForeignTrack", "LiveUnit",
    "VIDEO_CODECS", "AccessUnit", "Codec", "SenderClock", "TrackConfig", "TrackKind", "UnitFlags",
]  # fmt: skip
