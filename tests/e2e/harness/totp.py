"""What a virtual MFA device shows (RFC 6238), by the standard library alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import time

from .clients import Aws

STEP = 30


def codes(seed: str | bytes, first_step: int, count: int = 2) -> list[str]:
    """What a device with this seed shows at these steps."""
    key = base64.b32decode(seed)
    shown = []
    for step in range(first_step, first_step + count):
        digest = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
        at = digest[-1] & 15
        shown.append(f"{(int.from_bytes(digest[at:at + 4], 'big') & 0x7fffffff) % 1_000_000:06}")
    return shown


def step_now() -> int:
    return int(time.time()) // STEP


def make_device(root: Aws, user: str, name: str) -> tuple[str, bytes, int]:
    """A device of the user's, its seed, and the step of the last code that it took to enable it."""
    made = root.iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
    first = step_now() - 1
    one, two = codes(made["Base32StringSeed"], first)
    root.iam.enable_mfa_device(UserName=user, SerialNumber=made["SerialNumber"],
                               AuthenticationCode1=one, AuthenticationCode2=two)
    return made["SerialNumber"], made["Base32StringSeed"], first + 1
