"""PDFs made by hand, byte by byte: a letter, a scan, a locked one, and some that nobody means well with."""

from __future__ import annotations

import zlib
from io import BytesIO

from pypdf import PdfReader, PdfWriter


def pdf(words: str, *, packed: int = 1) -> bytes:
    """A letter of one page, its words in a stream that is compressed so many times."""
    lines = "".join(f"({_escaped(line)}) Tj T*\n" for line in words.split("\n"))
    return _file(f"BT /F1 12 Tf 14 TL 72 720 Td\n{lines}ET".encode("latin-1"), packed=packed)


def scan() -> bytes:
    """A page that is a picture."""
    return _file(b"q 595 0 0 842 0 0 cm /I1 Do Q", packed=1)


def bomb(*, mebibytes: int = 400) -> bytes:
    """A few kilobytes that unpack to as many mebibytes, packed twice over."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(mebibytes)) + packer.flush()
    return _made(zlib.compress(packed, 9), filters=2)


def endless() -> bytes:
    """A tree of pages that holds itself."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 1 /Kids [2 0 R 2 0 R] >>"]
    return _whole(objects)


def locked(words: str, *, password: str) -> bytes:
    """Encrypted, so that nobody reads it without the password; with an empty one everybody does."""
    writer = PdfWriter()
    writer.append(PdfReader(BytesIO(pdf(words))))
    writer.encrypt(password, "owner", algorithm="RC4-128")
    written = BytesIO()
    writer.write(written)
    return written.getvalue()


def long(*, pages: int) -> bytes:
    kids = b" ".join(b"3 0 R" for _ in range(pages))
    return pdf("Page after page").replace(b"/Kids [3 0 R] /Count 1", b"/Kids [%b] /Count %d" % (kids, pages))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _file(drawing: bytes, *, packed: int) -> bytes:
    for _ in range(packed):
        drawing = zlib.compress(drawing)
    return _made(drawing, filters=packed)


def _made(stream: bytes, *, filters: int) -> bytes:
    names = b" ".join([b"/FlateDecode"] * filters)
    picture = b"<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8 "
    return _whole(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
            b"/Resources << /Font << /F1 5 0 R >> /XObject << /I1 6 0 R >> >> >>",
            b"<< /Length %d /Filter [%b] >>\nstream\n%b\nendstream" % (len(stream), names, stream),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            picture + b"/Length 1 >>\nstream\n\x00\nendstream",
        ]
    )


def _whole(objects: list[bytes]) -> bytes:
    content = b"%PDF-1.4\n"
    places = []
    for number, each in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return (
        content
        + b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (
            size,
            table,
            size,
            len(content),
        )
    )
