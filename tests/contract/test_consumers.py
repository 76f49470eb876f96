"""What the steps rely on in a place that holds the credential: the same tests on the file itself and on what stands in for it.

What only a file can show (owner, mode, who reads it meanwhile, a write that is killed) is in test_sqlconf_file.
"""

from pathlib import Path

import pytest
from rotation.consumers.sqlconf.adapter import SqlconfFile
from rotation.core.model import Credential, Password
from rotation.ports import CredentialConsumer

from tests.worlds.invocation import Invocation, Ports
from tests.worlds.living import PHP, LivingWorld
from tests.worlds.world import MARK, SECRET, SQLCONF, MemoryWorld, credential

A, B = credential("openemr_a", "canary-a-1"), credential("openemr_b", "canary-b-22")
PASSWORDS = {
    "quotes": 'it\'s "a" `x`',
    "backslashes": "a\\1\\g<1>\\\\",
    "what PHP would replace": "$pass {$x} ${y}",
    "what ends a statement": "'; ?> <?php //",
    "beyond ASCII": "pässwörd-€-密码",
    "what formats": "%s {0} %%",
}


@pytest.fixture(params=["file", "small world", "living world", "small world: Secret", "living world: Secret"])
def consumer(request: pytest.FixtureRequest, tmp_path: Path) -> CredentialConsumer:
    kind, _, secret = str(request.param).partition(": ")
    if kind == "file":
        (tmp_path / "sqlconf.php").write_bytes(PHP)
        return SqlconfFile(tmp_path, "sqlconf.php")
    index = SECRET if secret else SQLCONF
    if kind == "small world":
        return MemoryWorld().credential(index)
    return Ports(Invocation(LivingWorld(), "publish", {"execution": {"id": "arn"}}, "test")).credential(index, "")


def read(consumer: CredentialConsumer) -> Credential:
    """A Kubernetes Secret may name no port."""
    return consumer.read().at_place_of(A)


def test_what_was_published_is_read_back(consumer: CredentialConsumer) -> None:
    for published in (A, B, A):
        consumer.publish(published, MARK)
        assert read(consumer) == published


def test_what_is_there_already_is_not_written_again(consumer: CredentialConsumer) -> None:
    consumer.publish(A, MARK)
    assert [consumer.publish(one, MARK) for one in (A, B, B, A)] == [False, True, False, True]


@pytest.mark.parametrize("password", PASSWORDS.values(), ids=PASSWORDS)
def test_a_password_of_any_characters_is_read_back_as_it_was(consumer: CredentialConsumer, password: str) -> None:
    odd = Credential(A.username, Password(password), A.host, A.port, A.dbname)
    assert consumer.publish(odd, MARK)
    assert read(consumer) == odd
    assert not consumer.publish(odd, MARK)


def test_another_host_or_schema_is_another_credential(consumer: CredentialConsumer) -> None:
    consumer.publish(A, MARK)
    for other in (
        Credential(A.username, A.password, "elsewhere.example", A.port, A.dbname),
        Credential(A.username, A.password, A.host, A.port, "elsewhere"),
    ):
        assert consumer.publish(other, MARK)
        assert read(consumer) == other
