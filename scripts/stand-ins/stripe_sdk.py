"""Drives the sandbox Stripe with Stripe's own SDK. Arguments: the base URL and the secret key."""

import http.server
import json
import sys
import threading
import time
import urllib.request

import stripe

base, key = sys.argv[1:]
client = stripe.StripeClient(key, base_addresses={"api": base}, max_network_retries=0)
v1 = client.v1
SECRET = "whsec_sdk"
deliveries = []


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        deliveries.append((body, self.headers["stripe-signature"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def order(control, body):
    data = json.dumps(body).encode()
    request = urllib.request.Request(f"{base}/_sandbox/{control}", data, {"content-type": "application/json"})
    urllib.request.urlopen(request).read()


receiver = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
order("webhooks", {"url": f"http://127.0.0.1:{receiver.server_port}/", "secrets": [SECRET]})

account = v1.accounts.create({
    "country": "US",
    "controller": {
        "fees": {"payer": "application"}, "losses": {"payments": "application"},
        "requirement_collection": "stripe", "stripe_dashboard": {"type": "express"},
    },
    "capabilities": {"transfers": {"requested": True}},
})
assert account.requirements.currently_due
link = v1.account_links.create({
    "account": account.id, "refresh_url": f"{base}/_sandbox/requests", "return_url": f"{base}/_sandbox/requests",
    "type": "account_onboarding",
})
urllib.request.urlopen(link.url + "?complete=1").read()
account = v1.accounts.retrieve(account.id)
assert account.capabilities.transfers == "active" and not account.requirements.currently_due

intent = v1.payment_intents.create({
    "amount": 100_000, "currency": "usd", "payment_method_types": ["card"], "transfer_group": "contract_1",
    "metadata": {"milestone": "m1"},
})
intent = v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_bypassPending"})
assert intent.status == "succeeded"
try:
    v1.payment_intents.create({
        "amount": 5_000, "currency": "usd", "payment_method": "pm_card_chargeDeclined", "confirm": True,
        "payment_method_types": ["card"],
    })
    raise SystemExit("a declined card paid")
except stripe.CardError as error:
    assert error.code == "card_declined" and error.json_body["error"]["decline_code"] == "generic_decline"

options = {"idempotency_key": "transfer-1"}
params = {
    "amount": 50_000, "currency": "usd", "destination": account.id, "source_transaction": intent.latest_charge,
    "transfer_group": "contract_1",
}
transfer = v1.transfers.create(params, options)
assert v1.transfers.create(params, options).id == transfer.id
try:
    v1.transfers.create({**params, "amount": 1}, options)
    raise SystemExit("a key took two bodies")
except stripe.IdempotencyError:
    pass
reversal = v1.transfers.reversals.create(transfer.id, {"amount": 10_000})
assert v1.transfers.retrieve(transfer.id).amount_reversed == 10_000
payout = v1.payouts.create({"amount": 20_000, "currency": "usd"}, {"stripe_account": account.id})
assert payout.status == "pending"
refund = v1.refunds.create({"payment_intent": intent.id, "amount": 7_500, "metadata": {"command": "r1"}})
assert refund.status == "succeeded" and refund.amount == 7_500
try:
    v1.refunds.create({"payment_intent": intent.id, "amount": 100_000})
    raise SystemExit("too much was refunded")
except stripe.InvalidRequestError as error:
    assert error.param == "amount"

for number in range(35):
    v1.payment_intents.create({"amount": 1_000 + number, "currency": "usd"})
seen = [found.amount for found in v1.payment_intents.list({"limit": 10}).auto_paging_iter()]
assert len(seen) == 37 and seen[:35] == list(range(1_034, 999, -1)), seen
assert sum(one.net for one in v1.balance_transactions.list({"limit": 3}).auto_paging_iter()) == sum(
    part.amount for part in [*v1.balance.retrieve().available, *v1.balance.retrieve().pending]
)
charge = v1.charges.retrieve(intent.latest_charge)
assert charge.amount_refunded == 7_500

for _ in range(100):
    if len(deliveries) >= 45:
        break
    time.sleep(0.1)
kinds = set()
for body, signature in deliveries:
    kinds.add(client.construct_event(body, signature, SECRET).type)
assert {"payment_intent.succeeded", "transfer.created", "transfer.reversed", "charge.refunded"} <= kinds, kinds
try:
    client.construct_event(body + b" ", signature, SECRET)
    raise SystemExit("an altered body was believed")
except stripe.SignatureVerificationError:
    pass
print(f"stripe {stripe.VERSION}: every flow walked, {len(deliveries)} deliveries believed, {len(kinds)} types of events")
