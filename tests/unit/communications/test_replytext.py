"""What a person wrote, apart from what they quote: in real mails, in many languages, in no time."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.communications.parse import parse
from app.communications.replytext import split


def test_every_expected_reply_of_the_real_mails_is_found(shared_data) -> None:
    folder = shared_data / "mail"
    expected = json.loads((folder / "expected.json").read_text())
    wanted = {
        name: each["expected_reply"] for name, each in expected.items() if "expected_reply" in each
    }
    assert len(wanted) == 12
    found = {name: split(parse((folder / name).read_bytes()).text).visible for name in wanted}
    assert found == {name: reply.strip() for name, reply in wanted.items()}


@pytest.mark.parametrize(
    ("file", "reply"),
    [
        ("correct_sig", "this is an email with a correct -- signature."),
        ("email_1_7", ":+1:"),
        ("email_1_4", "Awesome! I haven't had another problem with it."),
        ("email_2_1", "Outlook with a reply"),
        ("email_2_2", "Outlook with a reply directly above line"),
        ("email_2_3", "Outlook with a reply directly above line"),
        ("email_BlackBerry", "Here is another email"),
        ("email_iPhone", "Here is another email"),
        ("email_multi_word_sent_from_my_mobile_device", "Here is another email"),
        (
            "email_sent_from_my_not_signature",
            "Here is another email\n\nSent from my desk, is much easier then my mobile phone.",
        ),
        (
            "email_sig_delimiter_in_middle_of_line",
            (
                "Hi there!\n\nStuff happened.\n\n"
                "And here is a fix -- this is not a signature.\n\nkthxbai"
            ),
        ),
    ],
)
def test_plain_bodies(shared_data, file: str, reply: str) -> None:
    assert split((shared_data / "mail/replytext" / f"{file}.txt").read_text()).visible == reply


@pytest.mark.parametrize(
    ("file", "begins", "ends"),
    [
        ("greedy_on", "On your remote host", "tunnel is not working."),
        ("email_one_is_not_on", "Thank, this is really helpful.", "when I run..."),
        ("email_1_3", "Oh thanks.", "-Abhishek Kona"),
        ("email_1_5", "One: Here's what I've got.", "for a while."),
        ("email_bullets", "test 2 this should list second", "and another"),
        ("email_1_8", "On Tue, Apr 29, 2014", "> Hey there, this is my signature\n>\n>\n>"),
    ],
)
def test_where_plain_bodies_begin_and_end(shared_data, file: str, begins: str, ends: str) -> None:
    found = split((shared_data / "mail/replytext" / f"{file}.txt").read_text()).visible
    assert found.startswith(begins)
    assert found.endswith(ends)


def test_the_pathological_mail_takes_no_time(shared_data) -> None:
    text = (shared_data / "mail/replytext/pathological.txt").read_text()
    begun = time.process_time()
    found = split(text)
    assert time.process_time() - begun < 0.1
    assert found.visible.startswith("I think you're onto something.")


@pytest.mark.parametrize(
    "line",
    [
        "> ",
        "> On Mon, 1 Jan 2020 at 10:00, x wrote:",
        "On ",
        "On Mon 10:00 wrote",
        "-" * 40,
        "_" * 40,
        "From: a",
        "-- ",
        "Sent from my a b c d e f",
        "a" * 300,
        "",
        " ",
        "Write your answer above",
        "--- Original Message",
        "Sent from my " + "a" * 380,
        "x:",
        "On 1.1.2020 <a@b>:",
    ],
)
def test_time_grows_with_the_text_alone(line: str) -> None:
    begun = time.process_time()
    split(f"{line}\n" * 50_000)
    assert time.process_time() - begun < 4


ABOVE = {
    "English": "On Mon, Apr 2, 2012 at 6:26 PM, Ana Lima <ana@x.example> wrote:",
    "German": "Am 02.04.2012 um 18:26 schrieb Ana Lima <ana@x.example>:",
    "French": "Le lun. 2 avr. 2012 à 18:26, Ana Lima <ana@x.example> a écrit :",
    "Spanish": "El lun, 2 abr 2012 a las 18:26, Ana Lima (<ana@x.example>) escribió:",
    "Italian": "Il giorno lun 2 apr 2012 alle ore 18:26 Ana Lima <ana@x.example> ha scritto:",
    "Dutch": "Op ma 2 apr. 2012 om 18:26 schreef Ana Lima <ana@x.example>:",
    "Portuguese": "Em seg., 2 de abr. de 2012 às 18:26, Ana Lima <ana@x.example> escreveu:",
    "Danish": "Den man. 2. apr. 2012 kl. 18.26 skrev Ana Lima <ana@x.example>:",
    "Polish": "W dniu 02.04.2012 o 18:26, Ana Lima pisze:",
    "Czech": "Dne 2.4.2012 v 18:26 Ana Lima napsal(a):",
    "Russian": "02.04.2012 18:26 пользователь Ana Lima <ana@x.example> написал:",
    "Japanese": "2012年4月2日(月) 18:26 Ana Lima <ana@x.example>:",
    "Chinese": "Ana Lima <ana@x.example> 于2012年4月2日周一 18:26写道：",
    "Wrapped": "On Mon, Apr 2, 2012 at 6:26 PM, Ana Lima\n<ana@x.example> wrote:",
}


@pytest.mark.parametrize("language", ABOVE)
def test_marked_quotes_in_many_languages(language: str) -> None:
    found = split(f"Fine with me.\n\n{ABOVE[language]}\n\n> the old text\n> more\n")
    assert found.visible == "Fine with me."
    assert [piece.rule for piece in found.hidden] == ["quote"]


BLOCKS = {
    "English": "From: A <a@x.example>\nSent: Monday\nTo: B\nSubject: Hi",
    "German": "Von: A <a@x.example>\nGesendet: Montag\nAn: B\nBetreff: Hallo",
    "French": "De : A <a@x.example>\nEnvoyé : lundi\nÀ : B\nObjet : Salut",
    "Spanish": "De: A <a@x.example>\nEnviado: lunes\nPara: B\nAsunto: Hola",
    "Italian": "Da: A <a@x.example>\nInviato: lunedì\nA: B\nOggetto: Ciao",
    "Dutch": "Van: A <a@x.example>\nVerzonden: maandag\nAan: B\nOnderwerp: Hoi",
    "Swedish": "Från: A <a@x.example>\nSkickat: måndag\nTill: B\nÄmne: Hej",
    "Polish": "Od: A <a@x.example>\nWysłano: poniedziałek\nDo: B\nTemat: Cześć",
    "Czech": "Od: A <a@x.example>\nOdesláno: pondělí\nKomu: B\nPředmět: Ahoj",
    "Russian": "От: A <a@x.example>\nОтправлено: понедельник\nКому: B\nТема: Привет",
    "Chinese": "发件人: A <a@x.example>\n发送时间: 2012年\n收件人: B\n主题: 你好",
    "Japanese": "差出人: A <a@x.example>\n送信日時: 2012年\n宛先: B\n件名: こんにちは",
    "bold": "*From:* A <a@x.example>\n*Sent:* Monday\n*To:* B\n*Subject:* Hi",
}


@pytest.mark.parametrize("language", BLOCKS)
@pytest.mark.parametrize("line", ["", "________________________________\n"])
def test_header_blocks_in_many_languages(language: str, line: str) -> None:
    found = split(f"Yes.\n\n{line}{BLOCKS[language]}\n\nthe old text\n")
    assert found.visible == "Yes."
    assert [piece.rule for piece in found.hidden] == ["header-block"]


@pytest.mark.parametrize(
    "line",
    [
        "-----Original Message-----",
        "-----Ursprüngliche Nachricht-----",
        "-------- Original Message --------",
        "----- Message d'origine -----",
        "-----Oorspronkelijk bericht-----",
        "-----Исходное сообщение-----",
        "-----原始邮件-----",
    ],
)
def test_original_message_lines(line: str) -> None:
    assert split(f"Yes.\n\n{line}\nanything\n").visible == "Yes."


def test_an_unmarked_quote_under_its_attribution_is_hidden() -> None:
    found = split(f"Yes.\n\n{ABOVE['German']}\n\nthe old text\nmore of it")
    assert (found.visible, found.hidden[0].rule) == ("Yes.", "attribution")


def test_answers_between_quotes_show_all() -> None:
    text = "> one?\n\nyes\n\n> two?\n\nno"
    assert split(text).visible == text
    assert split(text).hidden == ()


def test_an_answer_under_the_quote_is_found() -> None:
    assert split("On 1.1.2020 10:00 x wrote:\n> Hi\nHello").visible == "Hello"


def test_a_mail_of_quotes_alone_is_shown() -> None:
    text = "> all of it\n> quoted"
    assert split(text).visible == text


def test_what_is_forwarded_is_shown() -> None:
    text = f"See below.\n\n-------- Forwarded Message --------\n{BLOCKS['English']}\n\nPlease help."
    assert split(text).visible == text


def test_a_long_signature_over_the_quote_is_hidden() -> None:
    signature = "-- \nAna\nLima\nA company\nA street\nA town\n"
    found = split(f"Yes.\n\n{signature}\n{ABOVE['English']}\n> old")
    assert found.visible == "Yes."
    assert [piece.rule for piece in found.hidden] == ["signature", "quote"]


PIECES = [
    "> old",
    "Hello",
    "",
    "-- ",
    "On Mon, Apr 2, 2012 at 6:26 PM, Ana wrote:",
    "From: a",
    "Sent: b",
    "To: c",
    "Subject: d",
    "-----Original Message-----",
    "Sent from my iPhone",
    "_" * 30,
    "Write your answer above this line",
    "-------- Forwarded Message --------",
    "x\u2028y",
    "\x0b",
]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=30), max_size=30).map("\n".join))
def test_visible_and_hidden_are_all_of_the_text(text: str) -> None:
    found = split(text)
    assert "".join(piece.text for piece in found.pieces) == text
    assert bool(found.visible) == bool(text.strip())
    assert all(piece.rule for piece in found.hidden)
