"""What every generated screen owes: explicit columns, no drop-down of all rows, no own saving."""

import pytest
from flask_appbuilder import ModelView
from sqlalchemy.inspection import inspect

from app.core.crud import DeskInterface, DeskModelView
from app.core.db import unit_of_work
from app.roles import PERMISSIONS
from app.screens import SCREENS
from tests import factories as make
from tests.web.people import person, signed_in

EXPLICIT = (
    "list_columns",
    "show_columns",
    "add_columns",
    "edit_columns",
    "search_columns",
    "order_columns",
)
NEEDS = {"add_columns": "create", "edit_columns": "edit"}


@pytest.fixture(params=SCREENS, ids=lambda screen: screen.__name__)
def screen(request):
    return request.param


def relations(screen) -> set[str]:
    return set(inspect(screen.datamodel.obj).relationships.keys())


def test_each_model_view_of_the_application_is_a_screen_of_ours(app):
    found = [view for view in app.appbuilder.baseviews if isinstance(view, ModelView)]
    assert {type(view) for view in found} == set(SCREENS)


def test_columns_are_explicit(screen):
    assert issubclass(screen, DeskModelView)
    assert isinstance(screen.datamodel, DeskInterface)
    for name in EXPLICIT:
        if NEEDS.get(name, "see") in screen.verbs:
            assert getattr(screen, name), f"{screen.__name__} does not say its {name}"


def test_forms_and_filters_load_no_relation(screen):
    for name in ("add_columns", "edit_columns", "search_columns"):
        assert not relations(screen) & set(getattr(screen, name) or ()), name


def test_nothing_is_ordered_by_a_relation(screen):
    assert not relations(screen) & set(screen.order_columns)


def test_the_permissions_exist(screen):
    assert set(screen.verbs) <= set(PERMISSIONS[screen.resource])


def fill(rows: int) -> None:
    with unit_of_work():
        for number in range(rows):
            company = make.company(billing_city=f"Town {number}")
            make.contact(company)
            make.department()
            make.staff()
            make.work_type()


def test_each_list_and_form_asks_as_little_of_ten_rows_as_of_a_hundred(app, statements):
    admin = signed_in(app, person("Admin"))

    def asked() -> dict[str, int]:
        found = {}
        for screen in SCREENS:
            for path in ["list/", *(["add"] if "create" in screen.verbs else [])]:
                with statements() as seen:
                    assert admin.get(f"{screen.route_base}/{path}").status_code == 200
                found[f"{screen.__name__} {path}"] = len(seen)
        return found

    fill(10)
    few = asked()
    fill(90)
    assert asked() == few
    assert max(few.values()) <= 10, few
