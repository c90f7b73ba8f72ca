"""The encryption of push messages, by the example of RFC 8291."""

from base64 import urlsafe_b64decode

from cryptography.hazmat.primitives.asymmetric import ec

from todo_core.reminders.push_subscriptions import NewSubscription
from todo_core.web_push_keys import decode
from todo_delivery.push.encryption import encrypt_with

CONTENT = b"When I grow up, I want to be a watermelon"
SUBSCRIPTION = NewSubscription(
    "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
    decode("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
    decode("BTBZMqHH6r4Tts7J_aSIgg"),
)
OWN_KEY = ec.derive_private_key(int.from_bytes(decode("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")), ec.SECP256R1())
SALT = decode("DGv6ra1nlYgDCS1FRnbzlw")
ENCRYPTED = urlsafe_b64decode(
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
    "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_the_standard_is_encrypted_as_there() -> None:
    assert encrypt_with(CONTENT, SUBSCRIPTION, OWN_KEY, SALT) == ENCRYPTED
