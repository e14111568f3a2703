"""Secrets at rest, and keys that rotate."""

import pytest

from socialsync.db.encryption import Cipher
from socialsync.errors import Permanent


def test_what_is_encrypted_can_be_decrypted_and_not_read():
    stored = Cipher(["key"]).encrypt("EAAtoken")
    assert b"EAAtoken" not in stored
    assert Cipher(["key"]).decrypt(stored) == "EAAtoken"


def test_an_older_key_still_opens_and_rotation_moves_to_the_new_one():
    stored = Cipher(["old"]).encrypt("EAAtoken")
    both = Cipher(["new", "old"])
    assert both.decrypt(stored) == "EAAtoken"
    assert Cipher(["new"]).decrypt(both.rotate(stored)) == "EAAtoken"


def test_a_lost_key_says_what_to_do():
    with pytest.raises(Permanent) as lost:
        Cipher(["other"]).decrypt(Cipher(["key"]).encrypt("EAAtoken"))
    assert "SOCIALSYNC_SECRET_KEY" in str(lost.value)
