"""What each route answers to each role, written by hand. A route without a row fails the build.

To add a route, add a row: "METHOD endpoint" -> five letters for anonymous, Agent, Billing, Manager
and Admin, in this order.

    p   public: answered like this to everybody
    y   answered (a page, a redirect, or the complaint of a form about what it was sent)
    n   refused: 403
    s   sent to sign in (a page), or 401 (anything else)

Addresses with parts take them from VALUES; `test_matrix.py` says which rows stand behind them.
A page that answers 404 to `y` fails unless its row ends with `?`, as "GET mail.kept" does.
"""

ORDER = ("anonymous", "Agent", "Billing", "Manager", "Admin")

VALUES: dict[str, object] = {
    "digest": "0",
    "filename": "css/ab.css",
    "mail_id": 1,
    "name": "Agent",
    "user_id": 1,
    "version": "v1",
}
# Where a part means something else on one endpoint.
OWN_VALUES: dict[str, dict[str, object]] = {
    "assets.serve": {"name": "desk.css"},
    "static": {"filename": "tokens.css"},
}

ROUTES = {
    "GET AuthDBView.login": "ppppp",
    "POST AuthDBView.login": "ppppp",
    "POST AuthDBView.logout": "ppppp",
    "GET DeskOpenApi.get": "snnny",
    "GET IndexView.index": "ppppp",
    "POST SecurityApi.login": "ppppp",
    "POST SecurityApi.refresh": "sssss",  # wants a token, which no browser session is
    "GET UtilView.back": "ppppp",
    "GET account.index": "syyyy",
    "POST account.change_password": "syyyy",
    "POST account.sign_out_everywhere": "syyyy",
    "GET appbuilder.static": "ppppp",
    "GET assets.serve": "ppppp",
    "GET audit.index": "snnny",
    "GET health.healthz": "ppppp",
    "GET health.readyz": "ppppp",
    "GET mail.index": "snyyy",
    "GET mail.kept": "snyyy?",
    "GET mail.show": "snyyy",
    "POST mail.resend": "snyny",
    "POST mail.undo": "snyny",
    "GET roles.index": "snnny",
    "GET roles.show": "snnny",
    "POST roles.change": "snnny",
    "GET static": "ppppp",
    "GET styleguide.index": "snnny",
    "GET users.index": "snnny",
    "GET users.new": "snnny",
    "POST users.create": "snnny",
    "GET users.show": "snnny",
    "POST users.activate": "snnny",
    "POST users.deactivate": "snnny",
    "POST users.reset_password": "snnny",
    "POST users.set_roles": "snnny",
    "POST users.sign_out": "snnny",
}
