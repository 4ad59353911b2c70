"""A mail relay that keeps what it gets.

Usage: smtpd.py PORT FOLDER        needs the Python package aiosmtpd

Each mail becomes FOLDER/NNNNN.eml, exactly as it came, and FOLDER/NNNNN.json with its envelope.
"""

import asyncio
import itertools
import json
import os
import sys

from aiosmtpd.smtp import SMTP

port, folder = int(sys.argv[1]), sys.argv[2]
numbers = itertools.count(1)


class Keeper:
    async def handle_DATA(self, server, session, envelope):
        number = next(numbers)
        path = os.path.join(folder, f"{number:05}")
        with open(path + ".eml", "wb") as file:
            file.write(envelope.original_content)
        # The envelope comes last and at once: who sees it may read the mail.
        with open(path + ".part", "w") as file:
            json.dump({"from": envelope.mail_from, "to": envelope.rcpt_tos}, file)
        os.rename(path + ".part", path + ".json")
        return "250 kept"


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Keeper(), hostname="relay.test"), "127.0.0.1", port)
    print("listening", flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
