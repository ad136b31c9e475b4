"""Words of the demo agency: invented companies, people, requests. Data only."""

# kind, name, parent, country, currency, zone, terms in days, domain, share of the work
COMPANIES: tuple[tuple[str, str, str, str, str, str, int, str, int], ...] = (
    ("group", "Halden Group", "", "DE", "EUR", "Europe/Berlin", 30, "halden.example", 1),
    ("company", "Halden Logistics", "Halden Group", "DE", "EUR", "Europe/Berlin", 30, "halden-logistics.example", 5),
    ("site", "Halden Logistics Bremen", "Halden Logistics", "DE", "EUR", "Europe/Berlin", 30, "halden-logistics.example", 3),
    ("site", "Halden Logistics Gdańsk", "Halden Logistics", "PL", "EUR", "Europe/Warsaw", 30, "halden-logistics.example", 2),
    ("department", "Halden Dispatch", "Halden Logistics", "DE", "EUR", "Europe/Berlin", 30, "halden-logistics.example", 3),
    ("company", "Halden Freight", "Halden Group", "NL", "EUR", "Europe/Amsterdam", 30, "halden-freight.example", 4),
    ("site", "Halden Freight Rotterdam", "Halden Freight", "NL", "EUR", "Europe/Amsterdam", 30, "halden-freight.example", 3),
    ("company", "Halden Cold Chain", "Halden Group", "DK", "EUR", "Europe/Copenhagen", 30, "halden-cold.example", 3),
    ("department", "Halden Quality", "Halden Cold Chain", "DK", "EUR", "Europe/Copenhagen", 30, "halden-cold.example", 1),
    ("group", "Brightwater Holding", "", "GB", "GBP", "Europe/London", 30, "brightwater.example", 1),
    ("company", "Brightwater Clinics", "Brightwater Holding", "GB", "GBP", "Europe/London", 30, "brightwater-clinics.example", 5),
    ("site", "Brightwater Clinic Leeds", "Brightwater Clinics", "GB", "GBP", "Europe/London", 30, "brightwater-clinics.example", 3),
    ("site", "Brightwater Clinic York", "Brightwater Clinics", "GB", "GBP", "Europe/London", 30, "brightwater-clinics.example", 2),
    ("department", "Brightwater Reception", "Brightwater Clinics", "GB", "GBP", "Europe/London", 30, "brightwater-clinics.example", 2),
    ("company", "Brightwater Labs", "Brightwater Holding", "GB", "GBP", "Europe/London", 30, "brightwater-labs.example", 4),
    ("department", "Brightwater Research", "Brightwater Labs", "GB", "GBP", "Europe/London", 30, "brightwater-labs.example", 2),
    ("company", "Brightwater Care", "Brightwater Holding", "IE", "EUR", "Europe/Dublin", 30, "brightwater-care.example", 2),
    ("site", "Brightwater Care Cork", "Brightwater Care", "IE", "EUR", "Europe/Dublin", 30, "brightwater-care.example", 1),
    ("group", "Cordova Industries", "", "US", "USD", "America/New_York", 45, "cordova.example", 1),
    ("company", "Cordova Machining", "Cordova Industries", "US", "USD", "America/Chicago", 45, "cordova-machining.example", 4),
    ("site", "Cordova Plant Toledo", "Cordova Machining", "US", "USD", "America/New_York", 45, "cordova-machining.example", 3),
    ("site", "Cordova Plant Tulsa", "Cordova Machining", "US", "USD", "America/Chicago", 45, "cordova-machining.example", 2),
    ("company", "Cordova Coatings", "Cordova Industries", "US", "USD", "America/New_York", 45, "cordova-coatings.example", 3),
    ("department", "Cordova Colour Lab", "Cordova Coatings", "US", "USD", "America/New_York", 45, "cordova-coatings.example", 1),
    ("company", "Cordova Robotics", "Cordova Industries", "US", "USD", "America/Los_Angeles", 45, "cordova-robotics.example", 4),
    ("department", "Cordova Firmware", "Cordova Robotics", "US", "USD", "America/Los_Angeles", 45, "cordova-robotics.example", 2),
    ("group", "Lumen Hospitality", "", "AT", "EUR", "Europe/Vienna", 14, "lumen.example", 1),
    ("company", "Lumen Hotels", "Lumen Hospitality", "AT", "EUR", "Europe/Vienna", 14, "lumen-hotels.example", 5),
    ("site", "Hotel Lumen Wien", "Lumen Hotels", "AT", "EUR", "Europe/Vienna", 14, "lumen-hotels.example", 3),
    ("site", "Hotel Lumen Graz", "Lumen Hotels", "AT", "EUR", "Europe/Vienna", 14, "lumen-hotels.example", 2),
    ("site", "Hotel Lumen Bolzano", "Lumen Hotels", "IT", "EUR", "Europe/Rome", 14, "lumen-hotels.example", 2),
    ("department", "Lumen Reservations", "Lumen Hotels", "AT", "EUR", "Europe/Vienna", 14, "lumen-hotels.example", 2),
    ("company", "Lumen Catering", "Lumen Hospitality", "AT", "EUR", "Europe/Vienna", 14, "lumen-catering.example", 2),
    ("company", "Lumen Spa", "Lumen Hospitality", "AT", "EUR", "Europe/Vienna", 14, "lumen-spa.example", 1),
    ("company", "Fjord Dental", "", "NO", "EUR", "Europe/Oslo", 14, "fjord-dental.example", 4),
    ("department", "Fjord Dental Billing", "Fjord Dental", "NO", "EUR", "Europe/Oslo", 14, "fjord-dental.example", 2),
    ("company", "Aster & Vale Architects", "", "DE", "EUR", "Europe/Berlin", 14, "aster-vale.example", 4),
    ("company", "Birchgate School", "", "GB", "GBP", "Europe/London", 30, "birchgate.example", 3),
    ("company", "Copper Lane Bakery", "", "DE", "EUR", "Europe/Berlin", 14, "copperlane.example", 2),
    ("company", "Delmar Shipping", "", "PT", "EUR", "Europe/Lisbon", 30, "delmar.example", 3),
    ("site", "Delmar Terminal Sines", "Delmar Shipping", "PT", "EUR", "Europe/Lisbon", 30, "delmar.example", 2),
    ("company", "Edison Street Studio", "", "DE", "EUR", "Europe/Berlin", 14, "edisonstreet.example", 2),
    ("company", "Fenwick Legal", "", "GB", "GBP", "Europe/London", 14, "fenwick.example", 4),
    ("company", "Grünwald Optik", "", "DE", "EUR", "Europe/Berlin", 14, "gruenwald-optik.example", 2),
    ("company", "Hoshino Instruments", "", "JP", "JPY", "Asia/Tokyo", 30, "hoshino.example", 3),
    ("company", "Iberia Verde", "", "ES", "EUR", "Europe/Madrid", 30, "iberiaverde.example", 2),
    ("company", "Juniper Events", "", "DE", "EUR", "Europe/Berlin", 14, "juniper-events.example", 2),
    ("company", "Keller & Söhne", "", "CH", "CHF", "Europe/Zurich", 30, "keller-soehne.example", 3),
    ("company", "Larkspur Housing", "", "IE", "EUR", "Europe/Dublin", 30, "larkspur.example", 3),
    ("company", "Maison Olivier", "", "FR", "EUR", "Europe/Paris", 30, "maison-olivier.example", 3),
    ("site", "Maison Olivier Lyon", "Maison Olivier", "FR", "EUR", "Europe/Paris", 30, "maison-olivier.example", 2),
    ("company", "Northgate Museum", "", "DE", "EUR", "Europe/Berlin", 30, "northgate-museum.example", 2),
    ("company", "Oakridge Vineyards", "", "US", "USD", "America/Los_Angeles", 30, "oakridge.example", 2),
    ("company", "Pinecrest Veterinary", "", "DE", "EUR", "Europe/Berlin", 14, "pinecrest-vet.example", 2),
    ("company", "Quayside Insurance", "", "GB", "GBP", "Europe/London", 30, "quayside.example", 4),
    ("department", "Quayside Claims", "Quayside Insurance", "GB", "GBP", "Europe/London", 30, "quayside.example", 2),
    ("company", "Riverbend Solar", "", "DE", "EUR", "Europe/Berlin", 14, "riverbend-solar.example", 3),
    ("company", "Silberbach Verlag", "", "DE", "EUR", "Europe/Berlin", 30, "silberbach.example", 3),
    ("company", "Tessera Mosaics", "", "IT", "EUR", "Europe/Rome", 30, "tessera.example", 1),
    ("company", "Umbra Film", "", "DE", "EUR", "Europe/Berlin", 14, "umbra-film.example", 2),
)  # fmt: skip

# who pays for another, other than the rule (departments and sites: the nearest company above);
# the second number is the month of the year of data from which on it holds
PAYERS = (
    ("Halden Freight Rotterdam", "Halden Freight Rotterdam", 0),
    ("Halden Cold Chain", "Halden Group", 5),
    ("Hotel Lumen Bolzano", "Hotel Lumen Bolzano", 0),
    ("Lumen Spa", "Lumen Hotels", 3),
    ("Brightwater Care", "Brightwater Care", 0),
)
NO_TAX_ID = ("Copper Lane Bakery", "Umbra Film")
PURCHASE_ORDERS = {"Cordova Machining": "PO-77120", "Quayside Insurance": "QI/2231"}
CITIES = {
    "DE": ("Hamburg", "20095"), "PL": ("Gdańsk", "80-831"), "NL": ("Rotterdam", "3011 AA"),
    "DK": ("Aarhus", "8000"), "GB": ("Leeds", "LS1 4AP"), "IE": ("Cork", "T12 X70A"),
    "US": ("Toledo", "43604"), "AT": ("Wien", "1010"), "IT": ("Bolzano", "39100"),
    "NO": ("Bergen", "5003"), "PT": ("Sines", "7520-101"), "ES": ("Sevilla", "41001"),
    "JP": ("Osaka", "530-0001"), "CH": ("Zürich", "8001"), "FR": ("Lyon", "69001"),
}  # fmt: skip
STREETS = (
    "Harbour Road",
    "Mill Lane",
    "Station Street",
    "Garden Row",
    "Market Square",
    "Quay Side",
)

# name, sign-in, role, department, zone
STAFF = (
    ("Mara Lindqvist", "manager", "Manager", "Projects", "Europe/Berlin"),
    ("Bilal Yilmaz", "billing", "Billing", "Office", "Europe/Berlin"),
    ("Agnes Kowalski", "agent", "Agent", "Support", "Europe/Berlin"),
    ("Adam Reyes", "admin", "Admin", "Infrastructure", "Europe/Berlin"),
    ("Chiara Conti", "", "", "Support", "Europe/Rome"),
    ("Dev Patel", "", "", "Support", "Europe/London"),
    ("Elin Haugen", "", "", "Infrastructure", "Europe/Oslo"),
    ("Farid Nasser", "", "", "Projects", "Europe/Berlin"),
)
DEPARTMENTS = ("Support", "Infrastructure", "Projects", "Office")

# name, billable, hourly rate in EUR, minimum and increment in minutes, rounding, department
WORK_TYPES = (
    ("Remote support", True, 96, 15, 15, "up", "Support"),
    ("On-site support", True, 118, 60, 30, "up", "Support"),
    ("Server administration", True, 112, 0, 6, "nearest", "Infrastructure"),
    ("Development", True, 128, 0, 6, "nearest", "Projects"),
    ("Consulting", True, 145, 30, 15, "up", "Projects"),
    ("Internal", False, 0, 0, 0, "exact", "Office"),
)
# units of the currency for one EUR, in hundredths; rates are rounded to whole units
EXCHANGE = {"EUR": 100, "GBP": 86, "USD": 109, "JPY": 16_500, "CHF": 96}

FIRST_NAMES = (
    "Ana Bruno Clara Daniel Elena Felix Greta Hugo Ines Jonas Karin Leo Maria Nils Olga Pavel "
    "Rosa Samuel Teresa Viktor Wanda Yusuf Zoe Anton Beatrix Cyril Dora Emil Frida Gustav"
)
LAST_NAMES = (
    "Alvarez Bauer Costa Dubois Engel Fischer Garcia Horvat Ivanov Jansen Klein Larsen Moreau "
    "Novak Olsen Petrov Quinn Rossi Schmid Tanaka Ulrich Vasquez Weber Young Zimmer"
)
TITLES = ("Office manager", "Head of IT", "Accountant", "Operations", "Director", "Coordinator")

# work type -> subjects; {thing} is taken from THINGS
SUBJECTS = {
    "Remote support": (
        "Cannot sign in to {thing}", "{thing} is slow since this morning",
        "New laptop for a colleague", "Mail does not reach {thing}", "Password of {thing} expired",
        "Printer in {thing} prints blank pages", "Shared calendar shows the wrong zone",
        "Error while opening {thing}", "Phone does not ring", "Access to {thing} for a new starter",
    ),
    "On-site support": (
        "Replace the switch near {thing}", "Meeting room screen stays dark",
        "Move six desks to {thing}", "Cable new workplaces in {thing}", "Scanner at {thing} jams",
    ),
    "Server administration": (
        "Renew the certificate of {thing}", "Disk of {thing} almost full",
        "Restore a folder from last week", "Update {thing} outside office hours",
        "Backup of {thing} failed", "Firewall rule for {thing}",
    ),
    "Development": (
        "Add a field to {thing}", "Export of {thing} to the bookkeeper",
        "Report of {thing} by region", "Import prices into {thing}", "Two-step sign-in for {thing}",
    ),
    "Consulting": (
        "Plan the move of {thing} to new hardware", "Review who may see {thing}",
        "Compare offers for {thing}", "Yearly plan and budget",
    ),
    "Internal": ("Team meeting", "Training", "Write down how we do it"),
}  # fmt: skip
THINGS = (
    "the booking system", "the file server", "the web shop", "the warehouse scanner", "the ledger",
    "the reception", "the second floor", "the phone system", "the intranet", "the time clock",
    "the CRM", "the print room", "the archive", "the staff portal", "the mail gateway",
)  # fmt: skip
WORDS_OF_CLIENTS = (
    "Hello, could you have a look at this? It stops two of us from working.",
    "This started yesterday after lunch. A restart did not help.",
    "It is not urgent, but it should be done before the end of the month.",
    "Please call me before you start; the office is closed on Friday afternoon.",
    "As agreed on the phone. Thank you!",
)
WORDS_OF_STAFF = (
    "Thank you for writing. I am looking into it now and will tell you what I find.",
    "I have found the cause and put it right. Please try again and tell me if it comes back.",
    "We do this on Thursday between 17:00 and 18:00; nothing is needed from you.",
    "The part is ordered and should be here within two days.",
    "Done and checked together with you. I close the ticket; an answer opens it again.",
)
NOTES = (
    "Same cause as last month: the update resets the setting.",
    "The licence ends in spring, mention it in the yearly plan.",
    "Key for the cabinet is at the reception.",
    "Ask the manager before ordering more of these.",
)
DONE = (
    "Found the cause and mended it", "Checked the logs", "Call with the client", "Installed and tested",
    "Prepared the change", "Remote session", "Documented the steps", "Follow-up and check",
    "Research", "Configured and handed over",
)  # fmt: skip
REASONS = ("Goodwill", "Our own mistake", "Part of the offer", "Training of a colleague")
