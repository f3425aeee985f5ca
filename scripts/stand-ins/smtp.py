"""Mail servers (aiosmtpd) on free ports: plain, STARTTLS demanded, TLS from the first byte.

smtp.py FOLDER: FOLDER has server.pem and server.key; gets inbox/<server>-<n>.eml and, once they serve, urls.json.

The mailbox decides: `later@` is put off once (451), `never@` is refused (550), the connection of `dropped@` breaks
once after its DATA; everybody else gets their mail.
"""

import asyncio
import json
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP


class Inbox:
    def __init__(self, name, folder):
        self.name, self.folder, self.count, self.once = name, folder, 0, set()

    def first(self, address):
        known = address in self.once
        self.once.add(address)
        return not known

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("never@"):
            return "550 no such mailbox"
        if address.startswith("later@") and self.first(address):
            return "451 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        (self.folder / f"{self.name}-{self.count}.eml").write_bytes(envelope.original_content)
        if any(to.startswith("dropped@") and self.first(to) for to in envelope.rcpt_tos):
            server.transport.abort()
        return "250 taken"


async def main(folder):
    inbox = folder / "inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "server.pem", folder / "server.key")
    loop = asyncio.get_running_loop()
    ways = {
        "plain": ("smtp://127.0.0.1:{}?tls=none", {}, None),
        "starttls": ("smtp://localhost:{}", {"tls_context": tls, "require_starttls": True}, None),
        "tls": ("smtps://localhost:{}", {}, tls),
    }
    urls, servers = {}, []
    for name, (url, options, wrapped) in ways.items():
        handler = Inbox(name, inbox)
        make = lambda handler=handler, options=options: SMTP(handler, enable_SMTPUTF8=True, **options)
        server = await loop.create_server(make, "127.0.0.1", 0, ssl=wrapped)
        servers.append(server)
        urls[name] = url.format(server.sockets[0].getsockname()[1])
    draft = folder / "urls.json.new"
    draft.write_text(json.dumps(urls))
    draft.rename(folder / "urls.json")
    await asyncio.gather(*(server.serve_forever() for server in servers))


asyncio.run(main(pathlib.Path(sys.argv[1])))
