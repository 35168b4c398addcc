"""The fixed tables of RTP/JPEG: quantisation (RFC 2435 appendix A) and Huffman (ISO 10918-1 annex K.3)."""

_LUMA = (
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40,
    26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
    56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
    95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
)  # fmt: skip
_CHROMA = (
    17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, 99, 99,
) + (99,) * 48  # fmt: skip


def quantisation_tables(quality: int) -> bytes:
    """Both 64-byte tables in zigzag order for a `Q` of 1 to 99 (RFC 2435 §4.2)."""
    quality = max(1, min(99, quality))
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return bytes(max(1, min(255, (value * scale + 50) // 100)) for value in _LUMA + _CHROMA)


_DC_LUMA = (0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0)
_DC_CHROMA = (0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0)
_AC_LUMA = (0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D)
_AC_CHROMA = (0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77)
_DC_VALUES = bytes(range(12))
_AC_LUMA_VALUES = bytes.fromhex(
    "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728"
    "292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778797a83848586878889"
    "8a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2"
    "e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
)
_AC_CHROMA_VALUES = bytes.fromhex(
    "0001020311040521310612415107617113223281081442 91a1b1c109233352f0156272d10a162434e125f11718191a26"
    "2728292a35363738393a434445464748494a535455565758595a636465666768696a737475767778797a828384858687"
    "88898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9da"
    "e2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
)

HUFFMAN_TABLES: dict[int, bytes] = {
    0x00: bytes(_DC_LUMA) + _DC_VALUES,
    0x10: bytes(_AC_LUMA) + _AC_LUMA_VALUES,
    0x01: bytes(_DC_CHROMA) + _DC_VALUES,
    0x11: bytes(_AC_CHROMA) + _AC_CHROMA_VALUES,
}
"""Class and number (as in DHT) to code lengths and values: RTP/JPEG carries no others (RFC 2435 §4.1)."""
