"""The number field of generated forms."""

from typing import Any

from wtforms import DecimalField

from app.core.errors import RuleError
from app.core.numbers import read_number


class NumberField(DecimalField):
    """A decimal number, read as in every other form (`read_number`)."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read what was typed. Raises `ValueError`, which WTForms tells beside the field."""
        if not valuelist or not str(valuelist[0]).strip():
            self.data = None
            return
        try:
            self.data = read_number(valuelist[0])
        except RuleError as error:
            self.data = None
            raise ValueError(*error.problems) from error
