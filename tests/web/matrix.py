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
    "entity": "company",
    "filename": "css/ab.css",
    "job_id": 1,
    "mail_id": 1,
    "name": "Agent",
    "pk": 1,
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
    "GET CompanyView.add": "syyyy",
    "GET CompanyView.delete": "snnyy",
    "GET CompanyView.edit": "syyyy",
    "GET CompanyView.list": "syyyy",
    "GET CompanyView.show": "syyyy",
    "GET CompanyView.tree": "syyyy",
    "POST CompanyView.add": "syyyy",
    "POST CompanyView.archive": "syyyy",
    "POST CompanyView.bill_to": "syyyy",
    "POST CompanyView.delete": "snnyy",
    "POST CompanyView.edit": "syyyy",
    "GET ContactView.add": "syyyy",
    "GET ContactView.delete": "snnyy",
    "GET ContactView.edit": "syyyy",
    "GET ContactView.list": "syyyy",
    "GET ContactView.show": "syyyy",
    "POST ContactView.add": "syyyy",
    "POST ContactView.archive": "syyyy",
    "POST ContactView.delete": "snnyy",
    "POST ContactView.edit": "syyyy",
    "POST ContactView.places": "syyyy",
    "GET DeskOpenApi.get": "snnny",
    "POST SecurityApi.login": "ppppp",
    "POST SecurityApi.refresh": "sssss",  # wants a token, which no browser session is
    "GET UtilView.back": "ppppp",
    "GET account.index": "syyyy",
    "POST account.change_password": "syyyy",
    "POST account.sign_out_everywhere": "syyyy",
    "GET appbuilder.static": "ppppp",
    "GET assets.serve": "ppppp",
    "GET audit.index": "snnny",
    "GET desk.home": "syyyy",
    "GET desk.lookup": "syyyy",
    "GET health.healthz": "ppppp",
    "GET health.readyz": "ppppp",
    "GET jobs.index": "snyyy",
    "GET jobs.show": "snyyy",
    "POST jobs.retry": "snyny",
    "GET mail.index": "snyyy",
    "GET mail.kept": "snyyy?",
    "GET mail.show": "snyyy",
    "POST mail.resend": "snyny",
    "POST mail.undo": "snyny",
    "GET roles.index": "snnny",
    "GET roles.show": "snnny",
    "POST roles.change": "snnny",
    "GET settings.agency": "snnny",
    "GET settings.logo": "snnny?",
    "POST settings.change_agency": "snnny",
    "GET setup.first": "ppppp?",
    "POST setup.first_post": "ppppp?",
    "GET static": "ppppp",
    "GET styleguide.index": "snnny",
    "GET users.index": "snnny",
    "GET users.new": "snnny",
    "GET users.show": "snnny",
    "POST users.activate": "snnny",
    "POST users.create": "snnny",
    "POST users.deactivate": "snnny",
    "POST users.reset_password": "snnny",
    "POST users.set_roles": "snnny",
    "POST users.sign_out": "snnny",
}
