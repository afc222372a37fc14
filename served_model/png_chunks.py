"""The parts of a PNG file that are no pixels, and can be larger than a reader trusts."""

from __future__ import annotations

import struct

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXT_AND_PROFILE = (b"iCCP", b"iTXt", b"tEXt", b"zTXt")
AROUND = 12  # bytes of each chunk beside its content: length, name and checksum


def without_text_and_profile(content: bytes) -> bytes | None:
    """Return a PNG file without its texts and its colour profile; none if it is no PNG file, or has none of these."""
    if not content.startswith(SIGNATURE):
        return None
    kept = [chunk for name, chunk in _chunks(content) if name not in TEXT_AND_PROFILE]
    bare = SIGNATURE + b"".join(kept)
    return bare if len(bare) < len(content) else None


def has_profile(content: bytes) -> bool:
    """Return whether a PNG file has a colour profile."""
    return any(name == b"iCCP" for name, _ in _chunks(content))


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    """Return name and bytes of each chunk, those of a last one that is cut off too."""
    found, place = [], len(SIGNATURE)
    while place + AROUND <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        end = place + AROUND + length
        found.append((content[place + 4 : place + 8], content[place:end]))
        place = end
    return found
