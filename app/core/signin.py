"""The sign-in page and signing out. FAB's own would sign out by GET and trust `next=` too far."""

from typing import Any

from flask import flash, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.forms import LoginForm_db
from flask_appbuilder.security.sqla.models import User
from flask_appbuilder.security.views import AuthDBView as StockAuthDBView
from flask_login import current_user, login_user, logout_user

from app.core.credentials import EPOCH, epoch_of, let_in
from app.core.targets import local_or

REFUSED = "This name and password do not fit together. After ten wrong tries an account rests."


def start_session(user: User) -> None:
    """Begin a new session for a user; nothing of the session before is carried over."""
    session.clear()
    login_user(user, remember=False)
    session.permanent = True  # ends after the idle time; each answer begins it anew
    session[EPOCH] = epoch_of(user.id)


class AuthDBView(StockAuthDBView):
    """Its class name is the endpoint that FAB sends anonymous people to."""

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> Any:
        asked = request.args.get("next", "").removeprefix(request.host_url.rstrip("/"))
        target = local_or(asked, self.appbuilder.get_url_for_index)
        if current_user.is_authenticated:
            return redirect(target)
        form = LoginForm_db()
        status = 200
        if form.validate_on_submit():
            user = let_in(form.username.data, form.password.data, channel="web")
            if user is not None:
                start_session(user)
                return redirect(target)
            flash(REFUSED, "warning")
            status = 401
        page = self.render_template(self.login_template, title=self.title, form=form)
        return page, status

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Any:
        logout_user()
        session.clear()
        return redirect(url_for("AuthDBView.login"))
