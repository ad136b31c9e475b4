"""Raw mails read into plain values: the real ones as expected, hostile ones without harm."""

import base64
import json
import re
import time
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.communications import headers
from app.communications.charsets import decoded
from app.communications.htmltext import as_text
from app.communications.parse import MOST_PARTS, parse
from app.communications.replytext import split


def squashed(text: str) -> str:
    return " ".join(text.split())


def test_every_real_mail_says_what_is_expected(shared_data) -> None:
    expected = json.loads((shared_data / "mail" / "expected.json").read_text())
    assert len(expected) > 20
    for name, wanted in expected.items():
        found = parse((shared_data / "mail" / name).read_bytes())
        assert {
            "subject": found.subject,
            "from_addr": found.sender.address,
            "date_utc": found.date and found.date.isoformat(),
            "message_id": found.message_id,
            "in_reply_to": next(iter(found.in_reply_to), None),
            "attachments": [
                {"name": part.name, "type": part.media_type, "bytes": len(part.content)}
                for part in found.attachments
            ],
            "auto": bool(found.automatic),
            "is_bounce": found.bounce is not None,
        } == {
            **{key: wanted[key] for key in wanted.keys() & EXACT},
            "auto": bool(wanted["auto"]),
        }, name
        if wanted.get("body_start"):
            assert squashed(found.text).startswith(wanted["body_start"]), name
        assert "\0" not in found.text
        assert "�" not in found.text


EXACT = {
    "subject",
    "from_addr",
    "date_utc",
    "message_id",
    "in_reply_to",
    "attachments",
    "is_bounce",
}


def test_the_command_line_answers_as_promised(cli, shared_data) -> None:
    answer = cli("mail", "parse", str(shared_data / "mail" / "talon_sparrow.eml"))
    assert (
        answer["reply"]
        == "Hello \n\n-- \nxxx\nSent with Sparrow (http://www.sparrowmailapp.com/?sig)"
    )
    assert answer["from"] == {"name": "xxx", "address": "xxx@gmail.com"}
    assert answer["date"] == "2012-04-03T12:58:35+00:00"
    assert [part["rule"] for part in answer["hidden"]] == ["quote"]
    assert set(answer) == {
        "subject",
        "from",
        "date",
        "message_id",
        "in_reply_to",
        "attachments",
        "text",
        "reply",
        "hidden",
        "automatic",
        "bounce",
    }


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=3000))
def test_no_bytes_crash_it(raw: bytes) -> None:
    found = parse(raw)
    found.text.encode("utf-8")
    assert "".join(piece.text for piece in split(found.text).pieces) == found.text


TOKENS = [
    b"From: ",
    b"a@b.example",
    b"=?utf-8?q?",
    b"=?iso-2022-jp?b?",
    b"?=",
    b"\r\n",
    b"\n",
    b"\n\n",
    b"Content-Type: multipart/mixed; boundary=x",
    b"Content-Type: text/plain; charset=punycode",
    b"--x",
    b"--x--",
    b"Content-Transfer-Encoding: base64",
    b"Content-Type: message/rfc822",
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=x",
    b"AAAA",
    b"\x00",
    b"Content-Disposition: attachment; filename*1*=utf-8''%E2",
    b"; filename*99999999999=a",
    b"\xff",
    b"Content-Type: text/html",
    b"<blockquote>",
    b"<!--",
    b"> ",
    b"Date: 99 Foo 20000",
    b'"',
    b"(((",
    b"Final-Recipient: rfc822;",
    b"Content-Type: message/delivery-status",
    b"Message-ID: <x>",
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=60).map(b"".join))
def test_no_broken_mail_crashes_it(raw: bytes) -> None:
    found = parse(raw)
    found.text.encode("utf-8")
    for part in found.attachments:
        part.name.encode("utf-8")
    assert found.date is None or found.date.tzinfo is not None


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: multipart/mixed; boundary=x\n\n"
        + b"--x\nContent-Type: text/plain\n\nhi\n" * 20_000,
        b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(5000)
        )
        + b"\nat the bottom\n",
        b"Content-Type: message/rfc822\n\n" * 5000 + b"at the bottom",
        b"From: " + b"(" * 50_000 + b"a@b.example\n\nhi",
        b"Subject: " + b"=?utf-8?q?" * 50_000 + b"\n\nhi",
        b"X: y\n" * 100_000 + b"\nhi",
        b"Content-Type: text/plain; charset=punycode\n\n" + b"a-" * 200_000,
        b"Content-Type: text/html\n\n" + b"<div>" * 100_000 + b"hi",
        b"Content-Type: text/html\n\n" + b"<!--" * 100_000 + b"hi",
    ],
    ids=["parts", "nested", "enclosed", "comments", "words", "headers", "charset", "tags", "torn"],
)
def test_hostile_mails_cost_little_time(raw: bytes) -> None:
    begun = time.process_time()
    found = parse(raw)
    assert time.process_time() - begun < 5
    assert found.text or found.attachments or not found.html
    assert len(found.attachments) <= MOST_PARTS


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("utf-8", "Größe — 日本"),
        ("iso-8859-1", "Größe"),
        ("windows-1252", "“Größe” – 5 €"),
        ("iso-8859-2", "Žluťoučký"),
        ("windows-1250", "Příliš"),
        ("koi8-r", "Привет"),
        ("iso-2022-jp", "ご注文商品"),
        ("shift_jis", "日本語テスト"),
        ("gb2312", "简体中文"),
        ("big5", "繁體中文"),
        ("euc-kr", "한국어"),
        ("utf-16", "hello ü"),
        ("utf-7", "grüße"),
        ("KS_C_5601-1987", "한국어"),
        ("cp1251", "Привет"),
    ],
)
def test_a_named_charset_is_read(label: str, text: str) -> None:
    name = {"KS_C_5601-1987": "euc-kr"}.get(label, label)
    assert decoded(text.encode(name), label) == text


@pytest.mark.parametrize(
    ("content", "label", "text"),
    [
        ("Größe".encode(), "us-ascii", "Größe"),
        ("Größe".encode(), "no-such-charset", "Größe"),
        ("Größe".encode("cp1252"), "utf-8", "Größe"),
        ("Größe".encode("cp1252"), None, "Größe"),
        (b"5 \x80", "iso-8859-1", "5 €"),
        (b"a\x00b", "utf-8", "ab"),
    ],
)
def test_a_wrong_or_missing_charset_is_guessed(
    content: bytes, label: str | None, text: str
) -> None:
    assert decoded(content, label) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("=?utf-8?q?caf=C3?= =?utf-8?q?=A9?=", "café"),
        ("=?UTF-8?B?w6k?=", "é"),
        ("Re: =?iso-8859-1?Q?=E4_b?= c", "Re: ä b c"),
        ("plain\r\n folded", "plain folded"),
        ("=?no-such?q?a?= b", "a b"),
        ("=?utf-8?b?%%%?=", ""),
    ],
)
def test_headers_are_read_as_meant(raw: str, text: str) -> None:
    assert headers.text(raw) == text


@pytest.mark.parametrize(
    ("raw", "name", "address"),
    [
        ('"Lima, Ana" <ana@x.example>', "Lima, Ana", "ana@x.example"),
        ("=?utf-8?q?Lima=2C_Ana?= <ana@x.example>", "Lima, Ana", "ana@x.example"),
        ("ana@x.example (Ana Lima)", "Ana Lima", "ana@x.example"),
        ('"boss@good.example" <evil@bad.example>', "boss@good.example", "evil@bad.example"),
        ('"<boss@good.example>" <evil@bad.example>', "<boss@good.example>", "evil@bad.example"),
        ("Team: ana@x.example;", "", "ana@x.example"),
        ('"torn <ana@x.example>', "", "ana@x.example"),
    ],
)
def test_addresses_are_told_from_names(raw: str, name: str, address: str) -> None:
    assert headers.mailboxes(raw)[0] == headers.Mailbox(name, address)


@pytest.mark.parametrize(
    ("raw", "iso"),
    [
        ("Wed, 13 Sep 2017 13:05:45 +0200", "2017-09-13T11:05:45+00:00"),
        ("13 Sep 17 13:05 GMT", "2017-09-13T13:05:00+00:00"),
        ("Wed, 13 Sep 2017 13:05:45 (no zone)", "2017-09-13T13:05:45+00:00"),
        ("2017-09-13T13:05:45Z", "2017-09-13T13:05:45+00:00"),
        ("Wed, 13 Sep 2017 13:05:45 +9999", "2017-09-13T13:05:45+00:00"),
        ("Wed, 31 Feb 2017 13:05:45 +0000", None),
        ("yesterday", None),
        ("", None),
        ("Mon, 1 Jan 99999 00:00:00 +0000", None),
    ],
)
def test_odd_dates_are_read_or_none(raw: str, iso: str | None) -> None:
    found = headers.moment(raw)
    assert (found and found.isoformat()) == iso


def test_names_of_files_in_every_manner() -> None:
    def named(disposition: str) -> str:
        raw = (
            "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: application/pdf\n"
            f"Content-Disposition: {disposition}\n\nabc\n--x--\n"
        )
        return parse(raw.encode()).attachments[0].name

    assert named("attachment; filename*=utf-8''%C3%A4%20b.pdf") == "ä b.pdf"
    assert named("attachment; filename*0*=utf-8''%C3%A4; filename*1=.pdf") == "ä.pdf"
    assert named('attachment; filename="=?utf-8?q?=C3=A4.pdf?="') == "ä.pdf"
    assert named('attachment; filename="..\\..\\etc/passwd"') == "passwd"
    assert named("attachment") == "attachment-1.pdf"


def test_pictures_within_the_text_carry_their_content_id() -> None:
    mail = EmailMessage()
    mail["From"] = "a@b.example"
    mail.set_content("see below")
    mail.add_alternative('<p>see <img src="cid:pic@x"></p>', subtype="html")
    mail.get_payload()[1].add_related(b"\x89PNG", "image", "png", cid="<pic@x>")
    found = parse(mail.as_bytes())
    assert [(part.content_id, part.content) for part in found.attachments] == [
        ("pic@x", b"\x89PNG")
    ]


def test_an_html_mail_reads_as_text_with_its_quotes_marked() -> None:
    html = (
        "<html><head><style>p{}</style><title>t</title></head><body><p>Hello&nbsp;<b>you</b></p>"
        "<ul><li>one<li>two</ul><script>evil()</script>"
        "<blockquote>old<br><blockquote>older</blockquote></blockquote></body></html>"
    )
    assert as_text(html) == "Hello you\n\n- one\n- two\n\n> old\n> > older"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (
            'See <a class=x href="https://share.example/f?a=1&amp;b=2">the <b>folder</b></a> now.',
            "See the folder (https://share.example/f?a=1&b=2) now.",
        ),
        (
            "<a href='http://evil.example/login'>www.bank.example</a>",
            "www.bank.example (http://evil.example/login)",
        ),
        (
            '<a href="https://bank.example">https://bank.example.org</a>',
            "https://bank.example.org (https://bank.example)",
        ),
        ('<a href="https://www.bank.example/">www.bank.example</a>.', "www.bank.example."),
        ('<a href="https://a.example/x">https://a.example/x </a>!', "https://a.example/x !"),
        ("<a href=https://a.example/x>here </a>there", "here (https://a.example/x) there"),
        ('<a href="https://a.example/"><img src="go.png"></a>', "(https://a.example/)"),
        ('<a href="https://a.example/">one<a href="https://b.example"> two', "one (A) two (B)"),
        ('<a href="mailto:ana@x.example?subject=Hi">write me</a>', "write me <ana@x.example>"),
        ('&lt;<a href="mailto:ana@x.example">ana@x.example</a>&gt;', "<ana@x.example>"),
        ('<a href="#top">up</a> <a name=top>top</a> <a href="https://a.example"></a>', "up top"),
        ('<a href="javascript:evil()">press</a>', "press"),
        (f'<a href="https://a.example/{"x" * 3000}">long</a>', f"long (A{'x' * 982}…)"),
    ],
)
def test_where_a_link_leads_is_told_behind_its_words(html: str, text: str) -> None:
    text = text.replace("(A", "(https://a.example/").replace("(B", "(https://b.example")
    assert as_text(html) == text


def parts(*each: bytes, kind: bytes = b"mixed") -> bytes:
    bodies = b"".join(b"--%s\r\n%s\r\n" % (kind, part) for part in each)
    return b"Content-Type: multipart/%s; boundary=%s\r\n\r\n%s--%s--\r\n" % (
        kind, kind, bodies, kind,
    )  # fmt: skip


HTML, FOOT = b"Content-Type: text/html\r\n\r\n<p>Hello there</p>", b"\r\n\r\nfoot of a list"
PLAIN = b"Content-Type: text/plain\r\n\r\nHello there"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (parts(HTML, FOOT), "Hello there\nfoot of a list"),
        (parts(parts(PLAIN, HTML, kind=b"alternative"), FOOT), "Hello there\nfoot of a list"),
        (parts(parts(FOOT[:2], HTML, kind=b"alternative"), FOOT), "Hello there\nfoot of a list"),
        (parts(PLAIN, parts(HTML, FOOT), kind=b"alternative"), "Hello there\nfoot of a list"),
        (parts(PLAIN, HTML), "Hello there"),
    ],
)
def test_what_is_said_is_read_whatever_stands_beside_it(raw: bytes, text: str) -> None:
    assert re.sub(r"\n+", "\n", parse(raw).text) == text


def test_a_mail_that_is_encoded_within_the_mail_can_be_opened() -> None:
    inner = b"Content-Type: message/rfc822; name=a.eml\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    found = parse(parts(PLAIN, inner + base64.encodebytes(b"Subject: hi\n\nhello\n")))
    assert [(each.name, each.content) for each in found.attachments] == [
        ("a.eml", b"Subject: hi\n\nhello\n")
    ]


def test_a_report_that_a_person_passes_on_is_no_bounce() -> None:
    report = (
        b"Content-Type: message/delivery-status; name=details.txt\r\n"
        b"Content-Disposition: attachment\r\n\r\n"
        b"Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; a@b.example\r\nAction: failed\r\n"
    )
    raw = b"From: ana@b.example\r\n" + parts(PLAIN, report)
    found = parse(raw)
    assert (found.bounce, found.text) == (None, "Hello there")
    assert [each.name for each in found.attachments] == ["details.txt"]
    assert parse(raw.replace(b"ana@", b"mailer-daemon@")).bounce is not None
    for mark in (b"Return-Path: <>", b"Auto-Submitted: auto-replied"):
        assert parse(mark + b"\r\n" + raw).bounce is not None


def test_the_entries_of_a_list_keep_their_numbers() -> None:
    html = "<ol><li>one<ul><li>dot</ul><li>two</ol><ol start=7><li>seven</ol></ol><li>loose"
    assert as_text(html) == "1. one\n\n- dot\n\n2. two\n\n7. seven\n\n- loose"


def test_an_html_reply_is_found() -> None:
    raw = (
        "Content-Type: text/html; charset=utf-8\n\n<div>Done.</div><div class=gmail_quote>"
        "On Mon, Apr 2, 2012 at 6:26 PM, Ana wrote:<blockquote>Hi</blockquote></div>"
    )
    assert split(parse(raw.encode()).text).visible == "Done."


@pytest.mark.parametrize(
    "line",
    [
        'Sent from <a href="https://go.example/fwlink/?LinkId=550986">Mail</a> for Windows',
        'Sent with <a href="https://proton.example/mail/home">Proton Mail</a> secure email',
    ],
)
def test_a_link_does_not_hide_that_a_device_signed(line: str) -> None:
    assert split(as_text(f"Done.<br><br>{line}")).visible == "Done."


REPORT = """\
From: MAILER-DAEMON@mx.example
Return-Path: <>
Content-Type: multipart/report; report-type=delivery-status; boundary=x

--x
Content-Type: text/plain

Sorry.
--x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; gone@client.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 no such user here

--x
Content-Type: message/rfc822

Message-ID: <sent-1@desk.example>
Subject: Hello

text
--x--
"""


def test_a_bounce_names_who_failed_and_which_mail() -> None:
    found = parse(REPORT.format(action="failed", status="5.1.1").encode()).bounce
    assert found is not None
    assert (found.recipients, found.is_final, found.status, found.said, found.original_id) == (
        ("gone@client.example",),
        True,
        "5.1.1",
        "550 no such user here",
        "<sent-1@desk.example>",
    )
    delayed = parse(REPORT.format(action="delayed", status="4.4.1").encode()).bounce
    assert delayed is not None
    assert not delayed.is_final


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Precedence: bulk",
        "X-Auto-Response-Suppress: All",
        "List-Id: <l.example>",
        "Return-Path: <>",
        "X-Autoreply: yes",
        "Auto-submitted: AUTO-GENERATED",
    ],
)
def test_marks_of_machines_are_seen(header: str) -> None:
    assert parse(f"From: a@b.example\n{header}\n\nhi".encode()).automatic


@pytest.mark.parametrize("header", ["Auto-Submitted: no", "Precedence: first-class", "X: y"])
def test_people_are_not_taken_for_machines(header: str) -> None:
    assert not parse(f"From: a@b.example\n{header}\n\nhi".encode()).automatic
