"""Response bodies of the routes of the second factor."""

from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict, JsonValue

RECOVERY_CODES_EXAMPLE: Final[list[JsonValue]] = [
    *("f7kd-2mwx-9p3c-tq5h-a3ny-8vbe", "w2ph-x9tc-5mfz-7eku-c8gb-6qvr", "t5ew-3hka-z7up-9bnf-y6jr-4dxq"),
    *("h9fn-b7wz-2tek-5pyc-m4vu-8kqe", "d2xc-9ynb-7wgf-3tkp-q7ka-5mje", "n4yd-2jxm-8gcv-k2ma-6zrh-8vcu"),
    *("x3ja-6rhd-k6ju-4gdr-e5wp-7bnt", "u8fh-3kzc-v2ym-9qgd-r7xe-4pja", "g6tn-5wbk-j9cs-2mvf-z8dh-3yqu"),
    "p4ra-7exk-s2gh-6nwd-b9ct-8fvm",
]


class SecondFactorRead(BaseModel):
    """The second factors of the account: whether an authenticator app, how many passkeys, and unused recovery codes."""

    model_config: ClassVar = ConfigDict(
        from_attributes=True, json_schema_extra={"examples": [{"totp": True, "passkeys": 1, "recovery_codes": 9}]}
    )

    totp: bool
    passkeys: int
    recovery_codes: int


class TotpRead(BaseModel):
    """A secret for an authenticator app. Show `provisioning_uri` as a QR code, and `secret` to be typed in."""

    model_config: ClassVar = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
                    "provisioning_uri": (
                        "otpauth://totp/Todo:ada%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Todo"
                    ),
                }
            ]
        },
    )

    secret: str
    provisioning_uri: str


class RecoveryCodesRead(BaseModel):
    """New recovery codes, which are shown only now. Null if the account has codes already."""

    model_config: ClassVar = ConfigDict(
        json_schema_extra={"examples": [{"recovery_codes": RECOVERY_CODES_EXAMPLE}, {"recovery_codes": None}]}
    )

    recovery_codes: list[str] | None
