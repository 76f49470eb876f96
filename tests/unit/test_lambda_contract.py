"""The contract with a function of the user's own: what may be asked and answered, and what is said of an answer that breaks it."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from rotation.consumers.lambda_function import contract
from rotation.consumers.lambda_function import function as asking
from rotation.consumers.lambda_function.function import Function
from rotation.core.errors import (
    ConsumerFunctionConflict,
    ConsumerFunctionDenied,
    ConsumerFunctionFailed,
    ConsumerFunctionLeaks,
    ConsumerFunctionMissing,
    ConsumerFunctionNoJson,
    ConsumerFunctionRefused,
    ConsumerFunctionThrottled,
    ConsumerFunctionTimedOut,
    ConsumerFunctionUnavailable,
    ConsumerFunctionWrong,
    RotationError,
    TransientError,
)
from rotation.core.model import Password, SecretText

from tests.conformance.consumers import CANARY, refused

ARN = "arn:aws:lambda:us-east-1:123456789012:function:put-it:live"
ID = "11111111-2222-4333-8444-555555555555"
ASKED = {"contract": 1, "verb": "holds", "target": "crm", "rotation": None, "secret": "arn:aws:s:::secret:crm", "version": ID}
PUT = {**ASKED, "verb": "put", "rotation": "run-1.forward", "expects": None, "not_after": "2026-01-01T00:00:00Z"}
PASSWORD = Password('canary-"quoted"/ü')


@pytest.mark.parametrize("request_", [ASKED, PUT, {**PUT, "expects": ID}, {**ASKED, "verb": "check"}])
def test_a_request_of_ours_fits(request_: dict[str, Any]) -> None:
    assert contract.fits(contract.REQUEST, request_) == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {**ASKED, "password": "canary"}, {**ASKED, "expects": ID}, {**ASKED, "contract": 2}, {**ASKED, "verb": "drop"},
        {key: value for key, value in PUT.items() if key != "expects"}, {**PUT, "rotation": None}, {**PUT, "not_after": "soon"},
    ],
)  # fmt: skip
def test_a_request_with_more_or_less_does_not(wrong: dict[str, Any]) -> None:
    assert contract.fits(contract.REQUEST, wrong)


ANSWERS = {
    "holds": [{"version": ID, "settled": True}, {"version": None, "settled": False, "left": 3}],
    "put": [{"version": ID}],
    "check": [{"compares": True}],
}


@pytest.mark.parametrize(("verb", "answer"), [(verb, one) for verb, found in ANSWERS.items() for one in found])
def test_an_answer_that_fits_is_what_the_function_says(verb: str, answer: dict[str, Any]) -> None:
    said = {"contract": 1, **answer}
    assert contract.parse("it", verb, SecretText(json.dumps(said))) == said


WRONG: list[tuple[str, Any, str]] = [
    ("holds", [], "it is no object"),
    ("holds", {"version": ID, "settled": True}, "contract is not 1"),
    ("holds", {"contract": 1, "settled": True}, "version is missing"),
    ("holds", {"contract": 1, "version": "canary canary", "settled": True}, "version has a value"),
    ("holds", {"contract": 1, "version": ID, "settled": "canary"}, "settled has a value"),
    ("put", {"contract": 1, "version": ID, "note": "canary"}, "a key that the contract has not"),
    ("put", {"contract": 1, "refused": "canary"}, "refused has a value"),
    ("holds", {"contract": 1, "refused": "conflict"}, "refused has a value"),
    ("check", {"contract": 1, "compares": None}, "compares has a value"),
]


@pytest.mark.parametrize(("verb", "answer", "said"), WRONG, ids=[said for *_, said in WRONG])
def test_one_that_breaks_it_is_said_by_the_place_alone(verb: str, answer: Any, said: str) -> None:
    with refused(ConsumerFunctionWrong, said):
        contract.parse("it", verb, SecretText(json.dumps(answer)))


def test_one_that_is_no_json_is_not_shown() -> None:
    with refused(ConsumerFunctionNoJson, "no JSON"):
        contract.parse("it", "put", SecretText(CANARY))


@pytest.mark.parametrize(
    "text", [PASSWORD.reveal(), json.dumps({"x": PASSWORD.reveal()}), "Y2FuYXJ5LSJxdW90ZWQiL8O8", "canary-%22quoted%22%2F%C3%BC"]
)
def test_one_that_holds_the_credential_in_some_form_is_named(text: str) -> None:
    with refused(ConsumerFunctionLeaks, "holds the credential"):
        contract.parse("it", "put", SecretText(text), PASSWORD)
    assert isinstance(contract.failed("it", "put", SecretText(text), PASSWORD), ConsumerFunctionLeaks)


def test_a_short_password_is_not_found_in_everything() -> None:
    said = {"contract": 1, "version": ID}
    assert contract.parse("it", "put", SecretText(json.dumps(said)), Password("1")) == said


REFUSALS = {
    "conflict": ConsumerFunctionConflict,
    "late": ConsumerFunctionTimedOut,
    "unavailable": ConsumerFunctionUnavailable,
    "unreadable": ConsumerFunctionRefused,
    "rejected": ConsumerFunctionRefused,
}


def test_each_word_for_a_refusal_is_an_error() -> None:
    words = json.loads(contract.text_of("put.answer.schema.json"))["oneOf"][1]["properties"]["refused"]["enum"]
    assert set(words) == set(REFUSALS) == set(contract.REASONS)
    for word, error in REFUSALS.items():
        with refused(error, word):
            contract.parse("it", "put", SecretText(json.dumps({"contract": 1, "refused": word})))


@pytest.mark.parametrize(
    ("kind", "shown"),
    [("ValueError", "(ValueError)"), ("Runtime.ExitError", "(Runtime.ExitError)"), ("canary 1", ""), ("", ""), ("c4n4ry", "")],
)
def test_of_an_error_of_its_own_only_what_is_nothing_but_a_name_is_shown(kind: str, shown: str) -> None:
    error = contract.failed("it", "put", SecretText(json.dumps({"errorType": kind, "errorMessage": "canary"})))
    assert isinstance(error, ConsumerFunctionFailed)
    assert str(error) == f"it ended with an error of its own{' ' if shown else ''}{shown} when it was asked put: its log says more"


class Lambdas:
    """A client that answers so."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, 0

    def invoke(self, **given: Any) -> Any:
        assert given["FunctionName"] == ARN
        assert given["InvocationType"] == "RequestResponse"
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"Payload": io.BytesIO(self.answer.encode())}


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "canary"}}, "Invoke")


CALLS: dict[str, tuple[Exception, type[RotationError]]] = {
    "not there": (refusal("ResourceNotFoundException"), ConsumerFunctionMissing),
    "denied": (refusal("AccessDeniedException"), ConsumerFunctionDenied),
    "its key": (refusal("KMSAccessDeniedException"), ConsumerFunctionDenied),
    "throttled": (refusal("TooManyRequestsException"), ConsumerFunctionThrottled),
    "a fault of Lambda's": (refusal("ServiceException"), ConsumerFunctionUnavailable),
    "no answer": (ReadTimeoutError(endpoint_url="https://canary"), ConsumerFunctionTimedOut),
    "not reached": (ConnectTimeoutError(endpoint_url="https://canary"), ConsumerFunctionUnavailable),
}


@pytest.mark.parametrize("what", CALLS)
def test_what_goes_wrong_with_the_call_has_a_name_and_is_asked_once(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raised, error = CALLS[what]
    lambdas = Lambdas(raised)
    monkeypatch.setattr(asking, "asked_once", lambda *_: lambdas)
    with refused(error, "put-it:live"):
        Function(ARN, 5).ask("holds", ASKED)
    assert lambdas.asked == 1
    assert issubclass(error, TransientError) is (what not in ("not there", "denied", "its key"))


def test_the_client_waits_as_long_as_the_target_says_and_asks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from rotation.aws import client

    made: list[Any] = []
    monkeypatch.setattr(client.boto3, "client", lambda service, config: made.append((service, config)))
    client.asked_once.__wrapped__("lambda", 7)
    ((service, config),) = made
    assert (service, config.read_timeout, config.retries["total_max_attempts"]) == ("lambda", 7, 1)


def test_an_answer_without_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "asked_once", lambda *_: Lambdas('"' + "x" * 100_000))
    with refused(ConsumerFunctionNoJson):
        Function(ARN, 5).ask("holds", ASKED)
