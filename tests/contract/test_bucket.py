"""What a fleet's run writes down, in S3 as the local AWS has it."""

from collections.abc import Callable

import boto3
import pytest
from rotation.aws.bucket import keys, read, write
from rotation.core.errors import TargetStoreUnavailable
from rotation.runtime.fleet import AwsFleet, FleetSettings

from local.aws import LocalAws

BUCKET = "of-a-fleet"


@pytest.fixture(scope="module", autouse=True)
def _bucket(aws: LocalAws) -> None:
    aws.client("s3").create_bucket(Bucket=BUCKET)


@pytest.fixture(autouse=True)
def _environment(aws: LocalAws, adapters_use: Callable[[LocalAws], None]) -> None:
    adapters_use(aws)


def test_what_was_written_is_read_and_listed_and_what_was_not_is_nothing() -> None:
    write(BUCKET, "runs/a/plan.json", {"waves": []})
    write(BUCKET, "runs/a/plan.json", {"waves": [["app"]]})
    assert read(BUCKET, "runs/a/plan.json") == {"waves": [["app"]]}
    assert read(BUCKET, "runs/a/report.json") is None
    assert (keys(BUCKET, "runs/a/"), keys(BUCKET, "runs/b/")) == (["runs/a/plan.json"], [])


@pytest.mark.parametrize(
    "ask", [lambda: read("no-such", "key"), lambda: write("no-such", "key", {}), lambda: keys("no-such", "runs/")], ids="rwl"
)
def test_a_bucket_that_is_not_there_is_said_and_not_taken_for_an_empty_one(ask: Callable[[], object]) -> None:
    with pytest.raises(TargetStoreUnavailable, match="no-such could not be reached"):
        ask()


def test_threads_that_ask_for_many_share_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making one takes more memory than a hundred answers."""
    made: list[str] = []
    make = boto3.client
    monkeypatch.setattr(boto3, "client", lambda service, **more: (made.append(service), make(service, **more))[1])
    keys = [f"runs/many/{number}.json" for number in range(30)]
    fleet = AwsFleet(FleetSettings("", "", "", BUCKET, "", ""))
    fleet.each(lambda key: fleet.write(key, key), keys)
    assert (fleet.each(fleet.read, keys), fleet.each(fleet.read, []), made) == (keys, [], ["s3"])
