"""What a file is by its first bytes, never by its name or what a browser claims; pure.

Only types that do nothing when they are opened have a name; all else is plain bytes.
"""

BYTES = "application/octet-stream"
SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
)
WEBP = (b"RIFF", b"WEBP")


def of(content: bytes) -> str:
    """The media type of some bytes."""
    for signature, media_type in SIGNATURES:
        if content.startswith(signature):
            return media_type
    if content[:4] == WEBP[0] and content[8:12] == WEBP[1]:
        return "image/webp"
    return BYTES
