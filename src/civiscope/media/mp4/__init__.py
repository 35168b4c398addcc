"""MP4 written and read in plain Python: init segments, fragments, plain files (ISO/IEC 14496-12, -14, -15).

Facts in: none. Facts out: none.
Invariants: opens nothing; `ProtocolError` is the only error, whatever bytes come; no length is trusted.
"""

from civiscope.media.mp4.flac import flac_frame
from civiscope.media.mp4.fragment import Sample, fragment, fragment_header, sample_offsets
from civiscope.media.mp4.media_data import find_media_data
from civiscope.media.mp4.movie import init_segment
from civiscope.media.mp4.plain_file import PlainFile, PlainSample, Window
from civiscope.media.mp4.reader import Fragment, parse_fragment, parse_init
from civiscope.media.mp4.sample_entry import codec_string, mse_type

__all__ = [
    "Fragment", "PlainFile", "PlainSample", "Sample", "Window", "codec_string", "flac_frame",
    "find_media_data", "fragment", "fragment_header", "init_segment", "mse_type", "parse_fragment",
    "parse_init",    "sample_offsets",
]  # fmt: skip
