"""Flask-AppBuilder's screens, one a line, in the order they are registered."""

from app.companies.contact_views import ContactView
from app.companies.views import CompanyView
from app.staff.views import DepartmentView, StaffView
from app.timelog.views import WorkTypeView

SCREENS = (CompanyView, ContactView, DepartmentView, StaffView, WorkTypeView)
