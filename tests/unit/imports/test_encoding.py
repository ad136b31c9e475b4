"""Encodings are told apart by the letters that words of a language have."""

import io

import pytest

from app.core.errors import UnusableInputError
from app.imports import encoding

CENTRAL = [
    "Kovář, Příbram, společnost s ručením omezeným, Česká Lípa",
    "KOVÁŘ STAVEBNÍ ŘEZNICTVÍ",
    "Łódź Gdańsk spółka z ograniczoną odpowiedzialnością",
    "Győr Zrt. Fővárosi Közgyűlés Műszaki Erdő",
    "Ľubomír Žiar nad Hronom ďalší",
    "Braşov Societate Timişoara",
    "Đurđevac Čakovec Žarko Perić d.o.o. Šibenik",
    "Węgiel Świętokrzyskie Paweł",
    "Bańka Poznań",
]
WESTERN = [
    "Société Générale Frères à côté, Liège",
    "HÔTEL DE LA FORÊT À PÂQUES",
    "Møller Ærø Åse Østergård København",
    "Crème Brûlée S.à r.l. août",
    "Señor Muñoz España, Nº 12 Mª José",
    "São Paulo Irmãos Lda Comunicações",
    "Caffè Nero più virtù",
    "Malmö Göteborg Västerås Ångström",
    "Þór Guðmundsson Ísafjörður",
    "Müller GmbH Straße Köln",
    "Björk £100 Café",
]


@pytest.mark.parametrize("text", CENTRAL)
def test_central_european_words_are_cp1250(text: str) -> None:
    assert encoding.detect(io.BytesIO(f"Name\n{text}\n".encode("cp1250"))) == "cp1250"


@pytest.mark.parametrize("text", WESTERN)
def test_western_words_are_cp1252(text: str) -> None:
    assert encoding.detect(io.BytesIO(f"Name\n{text}\n".encode("cp1252"))) == "cp1252"


@pytest.mark.parametrize(
    ("codec", "expected"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_unicode_proves_itself(codec: str, expected: str) -> None:
    raw = "Firma;Ort\r\nMüller;Köln – Łódź\r\n".encode(codec)
    assert encoding.detect(io.BytesIO(raw)) == expected


def test_a_letter_cut_by_a_block_is_still_utf8() -> None:
    raw = b"Name\n" + b"a" * (encoding.CHUNK - 6) + "é\n".encode()
    assert encoding.detect(io.BytesIO(raw)) == "utf-8"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b" \r\n \n", "empty"),
        (b"PK\x03\x04rest", "workbook"),
        (b"%PDF-1.7", "PDF"),
        (b"\x00\x01\x02\x03" * 50, "not text"),
        (bytes(range(1, 32)) * 40, "not text"),
        ("Name\nÅse\nØrn\nÆgir\n".encode() + b"caf\xe9\n", "line 5"),
    ],
)
def test_a_file_that_is_no_text_is_refused_with_its_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(UnusableInputError, match=reason):
        encoding.detect(io.BytesIO(raw))


def test_the_real_files(shared_data) -> None:
    gleif = shared_data / "companies-gleif"
    with (gleif / "companies_cp1250_tab.txt").open("rb") as file:
        assert encoding.detect(file) == "cp1250"
    western = (gleif / "companies_utf8_semicolon.csv").read_text("utf-8")
    assert encoding.detect(io.BytesIO(western.encode("cp1252", "ignore"))) == "cp1252"
