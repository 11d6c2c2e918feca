"""
A customer's endpoint in Python, with nothing but its standard library: takes what is signed, answers
401 to the rest. Reads the secret from the file WEBHOOK_SECRET_FILE; says on standard output, a JSON
object a line, first its port, then what it thinks of each request.
"""

import hashlib
import hmac
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


# Signatures: the headers X-Webhook-Signature and X-Webhook-Signature-Previous.
def is_signed(raw_body: bytes, secret: str, *signatures: str | None) -> bool:
    expected = hmac.new(secret.encode(), raw_body, hashlib.sha256).hexdigest().encode()
    return any(hmac.compare_digest(expected, (given or "").encode()) for given in signatures)


def say(line: dict) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


class Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        raw_body = self.rfile.read(int(self.headers["Content-Length"]))
        status = 500
        try:
            with open(os.environ["WEBHOOK_SECRET_FILE"], encoding="utf-8") as file:
                secret = file.read().strip()
            signature = self.headers["X-Webhook-Signature"]
            previous = self.headers["X-Webhook-Signature-Previous"]
            status = 200 if is_signed(raw_body, secret, signature, previous) else 401
        except OSError as error:
            print(error, file=sys.stderr)
        say(
            {
                "status": status,
                "event": self.headers["X-Webhook-Event"],
                "deliveryId": self.headers["X-Webhook-Delivery-Id"],
                "bodySha256": hashlib.sha256(raw_body).hexdigest(),
            }
        )
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Requests are told on standard output."""


server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
say({"port": server.server_port})
server.serve_forever()
