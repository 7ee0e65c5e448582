# SPDX-License-Identifier: Apache-2.0
"""No secret, token or full URL leaves the service: the end of a run reads all that it said (conftest.py)."""
import pytest
from leaks import Collector


@pytest.mark.parametrize("said", [
    'level=error msg="POST https://hooks.example/services/T0/B0/0123456789abcdef0123 failed"',
    '{"error":{"message":"cannot reach /services/T0/B0/0123456789abcdef0123"}}',
    '{"url":"https:\\/\\/hooks.example\\/services\\/T0\\/B0\\/0123456789abcdef0123"}',
    "url=https%3A%2F%2Fhooks.example%2Fservices%2FT0%2FB0%2F0123456789abcdef0123",
])
def test_a_planted_url_is_found_however_it_is_spelled(said):
    planted = Collector()
    planted.learn_config({"webhook_url": "https://hooks.example/services/T0/B0/0123456789abcdef0123"})
    planted.hear("innocent log", "level=info msg=started")
    assert planted.leaks() == []
    planted.hear("log", said)
    assert {where for _, where in planted.leaks()} == {"000002-log"}


def test_a_planted_secret_is_found_in_its_own_spelling_and_in_base64():
    planted = Collector()
    planted.learn_config({"secret": "a secret of nobody", "chat_id": "-1001234567890"})
    planted.hear("store", b"\x00\x01YSBzZWNyZXQgb2Ygbm9ib2R5\x02")
    planted.hear("metrics", 'chat{id="-1001234567890"} 1')
    assert planted.leaks() == [("secret", "000001-store")]
