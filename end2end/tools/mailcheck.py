"""Checks a mail as it arrived: structure, required headers, calendar part.

Usage: mailcheck.py FILE.eml                  any notice
       mailcheck.py --confirmation FILE.eml   the double opt-in mail, which has nothing to unsubscribe from yet
       mailcheck.py --local FILE.eml          accept links without TLS, as a server on this machine sends them

Needs only Python's standard library.
"""

import email
import re
import sys
from email import policy

arguments = sys.argv[1:]
confirmation = "--confirmation" in arguments
link = "https?://" if "--local" in arguments else "https://"
path = [argument for argument in arguments if not argument.startswith("--")][0]

raw = open(path, "rb").read()
message = email.message_from_bytes(raw, policy=policy.SMTP.clone(raise_on_defect=True))
assert raw.isascii(), "not 7-bit clean"
assert max(map(len, raw.split(b"\r\n"))) <= 998, "a line is too long"

headers = "From To Subject Date Message-ID MIME-Version List-Id Auto-Submitted".split()
if not confirmation:
    headers += "List-Unsubscribe List-Unsubscribe-Post".split()
for header in headers:
    assert len(message.get_all(header, [])) == 1, header
assert message["Auto-Submitted"] == "auto-generated"
assert re.fullmatch(r"<[^<>@\s]+@[^<>@\s]+>", message["Message-ID"]), message["Message-ID"]
if not confirmation:
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.match("<" + link, message["List-Unsubscribe"]), message["List-Unsubscribe"]

types = [part.get_content_type() for part in message.walk() if not part.is_multipart()]
assert types[:2] == ["text/plain", "text/html"], types
plain = message.get_body(("plain",)).get_content()
assert re.search(link, plain), "the plain part has no link"
for part in message.walk():
    if part.get_content_type() == "text/calendar":
        assert part.get_content_charset() == "utf-8"
        assert "METHOD:" + part.get_param("method") in part.get_content()
print("ok", message["Subject"])
