"""Routes that cost nothing until they are used."""

from collections.abc import Callable
from functools import cache
from typing import Any

from werkzeug.routing import Rule


class LazyRule(Rule):
    """A route that compiles how its address is written once somebody writes it.

    Werkzeug compiles two functions a route at once: a quarter of the time of making the
    application, for commands and jobs that write few addresses or none.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled = cache(super()._compile_builder)

        def build(rule: Rule, /, **values: Any) -> tuple[str, str]:
            return compiled(append_unknown)(rule, **values)

        return build
