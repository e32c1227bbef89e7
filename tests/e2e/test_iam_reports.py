"""The credential report."""

from __future__ import annotations

import csv
import io

from harness.clients import Aws, allow, refused
from harness.process import ACCOUNT, Server


def test_the_credential_report(own_server: Server):
    root = Aws(own_server, own_server.root)
    with refused("ReportNotPresent", status=410):
        root.iam.get_credential_report()
    user = root.user("reporter", allow("iam:ListUsers"))
    root.iam.create_login_profile(UserName="reporter", Password="Correct-horse-7")
    user.iam.list_users()
    root.iam.create_user(UserName="bare")
    first = root.iam.generate_credential_report()
    assert first["State"] == "STARTED" and "report generation" in first["Description"]
    assert root.iam.generate_credential_report()["State"] == "COMPLETE"
    answer = root.iam.get_credential_report()
    assert answer["ReportFormat"] == "text/csv"
    rows = {row["user"]: row for row in csv.DictReader(io.StringIO(answer["Content"].decode()))}
    assert set(rows) == {"<root_account>", "reporter", "bare"} and len(rows["bare"]) == 22
    mine = rows["reporter"]
    assert mine["arn"] == f"arn:aws:iam::{ACCOUNT}:user/reporter" and mine["password_enabled"] == "true"
    assert mine["access_key_1_active"] == "true" and mine["access_key_1_last_used_service"] == "iam"
    assert mine["access_key_2_active"] == "false" and mine["password_last_changed"].endswith("+00:00")
    assert rows["bare"]["access_key_1_last_used_date"] == "N/A" and rows["bare"]["mfa_active"] == "false"
    assert rows["<root_account>"]["access_key_1_last_used_service"] == "iam"
    with refused("AccessDenied"):
        user.iam.get_credential_report()
