"""One transaction a unit; effects only after a commit."""

from datetime import timedelta
from io import BytesIO

import pytest
from flask import request
from sqlalchemy import func, select, text

from app.companies.models import Company
from app.core import clock, forms, posting
from app.core.db import after_commit, db, unit_of_work
from app.portal.requests import uploads
from tests import factories as make


def companies() -> int:
    return db.session.scalar(select(func.count()).select_from(Company))


def test_an_inner_unit_joins_the_outer_one(app):
    with pytest.raises(RuntimeError), unit_of_work():
        with unit_of_work():
            make.company()
        raise RuntimeError
    assert companies() == 0


def test_effects_run_after_the_commit_and_only_once(app):
    seen = []
    with unit_of_work():
        make.company()
        after_commit(lambda: seen.append(companies()))
        assert seen == []
    with unit_of_work():
        make.company()
    assert seen == [1]


def test_effects_of_a_rolled_back_unit_never_run(app):
    seen = []
    with pytest.raises(RuntimeError), unit_of_work():
        after_commit(lambda: seen.append(1))
        raise RuntimeError
    with unit_of_work():
        make.company()
    assert seen == []


def test_a_failing_effect_does_not_undo_the_commit(app, caplog):
    with unit_of_work():
        make.company()
        after_commit(lambda: 1 / 0)
    assert companies() == 1
    assert "after-commit effect failed" in caplog.text


def test_a_form_that_meets_a_deadlock_is_carried_out_once_more_with_its_files(app):
    lengths = []
    sent = {"nonce": forms.new_nonce(), "files": (BytesIO(b"four"), "a.txt")}

    def act() -> tuple[str, str]:
        make.company()
        lengths.extend(len(each.content) for each in uploads(request.files.getlist("files")))
        if len(lengths) == 1:
            db.session.execute(text("do $$ begin raise exception sqlstate '40P01'; end $$"))
        return "/there", ""

    with app.test_request_context("/", method="POST", data=sent):
        answer = posting.carry_out(act, person=1, back="/")
    assert answer.location == "/there"
    assert lengths == [4, 4]
    assert companies() == 1


def test_a_form_is_known_again_for_six_weeks(app):
    nonce = forms.new_nonce()
    with unit_of_work():
        assert forms.claim(nonce, user_id=1) is None
        forms.settle(nonce, "/there")
    for days, gone in ((41, 0), (43, 1)):
        with clock.frozen(clock.now() + timedelta(days=days)), unit_of_work():
            assert (forms.claim(nonce, user_id=1), forms.forget()) == ("/there", gone)
