"""Flask-AppBuilder's screens, one a line, in the order they are registered."""

from app.companies.contact_views import ContactView
from app.companies.views import CompanyView

SCREENS = (CompanyView, ContactView)
