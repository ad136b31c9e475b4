"""What is read of a form that is too large to be taken."""

import io

from flask import Request
from werkzeug.test import EnvironBuilder

from app.core.given_back import beside_files

PART = b'--b\r\nContent-Disposition: form-data; name="%d"\r\n\r\ntyped\r\n'


def sent(parts: int) -> tuple[Request, io.BytesIO]:
    stream = io.BytesIO(b"".join(PART % number for number in range(parts)) + b"--b--\r\n")
    builder = EnvironBuilder(
        method="POST", input_stream=stream, content_type="multipart/form-data; boundary=b"
    )
    return Request(builder.get_environ()), stream


def test_the_texts_of_a_form_are_given_back():
    asked, _ = sent(3)
    assert beside_files(asked) == {"0": "typed", "1": "typed", "2": "typed"}


def test_countless_parts_are_not_read_through():
    """Each costs the processor more than a form has to; 25 MB of them would take half a minute."""
    asked, stream = sent(20_000)
    assert len(beside_files(asked)) <= 1_000
    assert stream.read(1)
