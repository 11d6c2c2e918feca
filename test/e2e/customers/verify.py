"""
Verifies requests as customers do: by standardwebhooks from PyPI, or by hmac of the standard library.
Reads a JSON list of requests from standard input, and writes the list of verdicts, true or false.
"""

import base64
import hashlib
import hmac
import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError


def is_hex_signed(body: bytes, headers: dict, secret: str) -> bool:
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    signatures = [headers["x-webhook-signature"], headers.get("x-webhook-signature-previous", "")]
    return any(hmac.compare_digest(expected, signature) for signature in signatures)


def is_standard_signed(body: bytes, headers: dict, secret: str) -> bool:
    # A secret in whsec format is told by its prefix; of a raw one the bytes are the key.
    key = secret if secret.startswith("whsec_") else secret.encode()
    try:
        Webhook(key).verify(body, headers)
        return True
    except WebhookVerificationError:
        return False


def verdict(request: dict) -> bool:
    body = base64.b64decode(request["body"])
    check = {"hex": is_hex_signed, "standard": is_standard_signed}[request["scheme"]]
    return check(body, request["headers"], request["secret"])


json.dump([verdict(request) for request in json.load(sys.stdin)], sys.stdout)
