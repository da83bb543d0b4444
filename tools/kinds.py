"""What a file is that is no text, told from its first bytes."""

from __future__ import annotations

__all__ = ["kind_of"]

_MARKS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"GIF8", "a GIF picture"),
    (8, b"WEBP", "a WebP picture"),
    (8, b"WAVE", "a WAV recording"),
    (0, b"ID3", "an MP3 recording"),
    (0, b"OggS", "an Ogg recording"),
    (0, b"fLaC", "a FLAC recording"),
    (4, b"ftyp", "an MP4 film"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive, or a document that is one (.docx, .xlsx, .jar, .whl)"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ", "an xz archive"),
    (0, b"7z\xbc\xaf", "a 7-Zip archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"SQLite format 3\0", "an SQLite database"),
    (0, b"\x7fELF", "a compiled program"),
    (0, b"MZ", "a Windows program"),
    (0, b"\0asm", "a WebAssembly module"),
    (0, b"\xff\xfe", "text in UTF-16"),
    (0, b"\xfe\xff", "text in UTF-16"),
)
"""Where a mark stands, the mark, and what it says; the signatures are those of file(1)."""


def kind_of(content: bytes) -> str:
    """Return what some bytes that are not UTF-8 text most likely are, as part of a sentence."""
    for place, mark, kind in _MARKS:
        if content.startswith(mark, place):
            return kind
    return "binary data" if b"\0" in content[:8192] else "text in another encoding than UTF-8"
