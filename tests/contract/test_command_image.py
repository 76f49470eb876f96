"""The image with the command runs on a real engine, which has no network and no other image."""

from collections.abc import Iterator

import pytest
from docker import DockerClient
from docker.errors import ContainerError

from local import release
from local.command_image import NAME, archive
from local.leftovers import Leftovers
from local.swarm.handle import Swarm
from local.swarm.node import MANAGER
from local.swarm.programs import why_not
from tests.whole import only_with_more

pytestmark = [only_with_more, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]
NUMBER = release.version()
ALONE = {"network_mode": "none", "read_only": True, "remove": True}


@pytest.fixture(scope="module")
def packed() -> bytes:
    return archive(NUMBER)


@pytest.fixture(scope="module")
def engine(packed: bytes) -> Iterator[DockerClient]:
    with Leftovers() as run, Swarm(run, (MANAGER,)) as swarm, swarm.client() as client:
        client.images.load(packed)
        yield client


def test_it_says_its_version_as_nobody_in_particular_and_writes_nothing(engine: DockerClient) -> None:
    said = engine.containers.run(f"{NAME}:{NUMBER}", ["--version"], **ALONE)
    assert said.decode() == f"rotation, version {NUMBER.removesuffix('-unreleased')}\n"
    image = engine.images.get(f"{NAME}:{NUMBER}")
    assert image.attrs["Config"]["User"] == "1000:1000"


def test_it_reads_its_own_files_and_asks_aws(engine: DockerClient) -> None:
    """A target's schema; the certificates and descriptions of boto3."""
    asked = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
    with pytest.raises(ContainerError) as stopped:
        engine.containers.run(f"{NAME}:{NUMBER}", ["status"], environment=asked, stderr=True, stdout=False, **ALONE)
    assert stopped.value.exit_status == 2
    assert b"AWS could not be reached for ssm:GetParametersByPath" in stopped.value.stderr


def test_what_is_asked_for_wrongly_is_one_line(engine: DockerClient) -> None:
    with pytest.raises(ContainerError) as stopped:
        engine.containers.run(f"{NAME}:{NUMBER}", ["statsu"], stderr=True, stdout=False, **ALONE)
    assert stopped.value.exit_status == 2
    assert b"No such command 'statsu'" in stopped.value.stderr


def test_the_same_files_make_the_same_bytes(packed: bytes) -> None:
    assert archive(NUMBER) == packed
