"""Sign in as a browser would, and see the home page: sign_in.py ADDRESS NAME PASSWORD."""

import json
import re
import sys
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener


def main(address: str, name: str, password: str) -> None:
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    ready = json.load(browser.open(f"{address}/readyz"))
    print(f"{address}/readyz: {ready}")
    form = browser.open(f"{address}/login/").read().decode()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
    if token is None:
        sys.exit("the sign-in form has no token")
    fields = {"csrf_token": token[1], "username": name, "password": password}
    with browser.open(f"{address}/login/", urlencode(fields).encode()) as page:
        if "/login" in page.url:
            sys.exit(f"signing in led to {page.url}")
        print(f"signed in: {page.url}")


if __name__ == "__main__":
    main(*sys.argv[1:])
