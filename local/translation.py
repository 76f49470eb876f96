"""The shipped template, as `sam build` left it, made into plain CloudFormation that moto can carry.

What moto's CloudFormation resolves but then drops is added to the stack as outputs: the layers of a function, its file
systems, the managed policies of a role, and the state machine, which moto creates where its own engine does not look. So is
what its CloudFormation does not know at all, though its services do: alarms and metric filters, each as the JSON of its properties.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from local.yaml_text import read_yaml

BUILD_BUCKET = "built-by-sam"  # stands in the translated template for the folder that sam build made
FUNCTION, LAYER = "AWS::Lambda::Function", "AWS::Lambda::LayerVersion"
ROLE, MACHINE = "AWS::IAM::Role", "AWS::StepFunctions::StateMachine"
ALARM, FILTER = "AWS::CloudWatch::Alarm", "AWS::Logs::MetricFilter"
DOCUMENT = "AWS::SSM::Document"
TOLD = (ALARM, FILTER)
"""Kinds that the outputs tell of, and that the services' API makes."""
MACHINE_NEEDS = ("StateMachineName", "DefinitionString", "RoleArn")
LOG_GROUP, LOGS_DATA = "LogGroup", "LogsData"
# The rest of a template (access entries, schedules, policies of a queue) has no counterpart here; tests read it where it stands.
CREATED_HERE = {
    FUNCTION,
    MACHINE,
    ROLE,
    "AWS::Events::Rule",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
}
Template = dict[str, Any]


def translate(build: Path, parameters: Mapping[str, str] | None = None, region: str = "us-east-1") -> Template:
    """Plain CloudFormation. `CodeUri` and `ContentUri` become keys in a bucket that means the build folder."""
    template = read_yaml((build / "template.yaml").read_text())
    places = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
    for resource in template["Resources"].values():
        if place := places.get(resource["Type"]):
            resource["Properties"][place] = f"s3://{BUILD_BUCKET}/{resource['Properties'][place]}"
        if resource["Type"] == "AWS::Serverless::StateMachine" and "DefinitionUri" in resource["Properties"]:
            resource["Properties"]["Definition"] = _definition_file(build, resource["Properties"].pop("DefinitionUri"))
    translator = Translator(None, Parser(), boto_session=boto3.Session(region_name=region))
    translated: Template = translator.translate(template, dict(parameters or {}), get_managed_policy_map=dict)
    translator.metrics.publish()  # to nobody; without this it warns on standard error when the program ends
    return translated


def included(resource: Template, build: Path) -> str:
    """The text of a document that CloudFormation includes."""
    [(_, transform)] = resource["Properties"]["Content"].items()
    return (build / transform["Parameters"]["Location"]).read_text()


def _definition_file(build: Path, path: str) -> Any:
    return read_yaml((build / path).read_text())


def local_part(template: Template, build: Path) -> Template:
    """The resources that are created here, with whole definitions, and beside the template's outputs those that say what moto
    drops. Of a template that has been decided."""
    resources = {key: one for key, one in template["Resources"].items() if one["Type"] in CREATED_HERE}
    layers = {key: folder_of(one, "Content") for key, one in template["Resources"].items() if one["Type"] == LAYER}
    created = {key: _created(one, build) for key, one in resources.items()}
    outputs = {
        key + what: {"Value": value}
        for key, one in resources.items()
        for what, value in _dropped(one["Type"], one.get("Properties", {}) | created[key]["Properties"], layers).items()
    }
    for key, one in template["Resources"].items():
        if one["Type"] in TOLD:
            outputs[key + "Properties"] = {"Value": _text(one["Properties"])}
        if one["Type"] == DOCUMENT:
            outputs[key + "Name"] = {"Value": one["Properties"]["Name"]}
    return template | {"Resources": created, "Outputs": template.get("Outputs", {}) | outputs}


def _dropped(kind: str, properties: Template, layers: Mapping[str, str]) -> Template:
    """CloudFormation resolves these (an Fn::If, a parameter); only what a layer is called is ours to say."""
    if kind == FUNCTION:
        mounts = [one["LocalMountPath"] for one in properties.get("FileSystemConfigs", [])]
        return {"Layers": _joined(_named(properties.get("Layers", []), layers)), "Mounts": _joined(mounts)}
    if kind == ROLE:
        return {"Policies": _joined(properties.get("ManagedPolicyArns", []))}
    return {what: properties[what] for what in MACHINE_NEEDS} | _logging(properties) if kind == MACHINE else {}


def _logging(properties: Template) -> Template:
    """The machine's log: moto's own delivery of it does not work."""
    logging = properties.get("LoggingConfiguration", {})
    groups = [one["CloudWatchLogsLogGroup"]["LogGroupArn"] for one in logging.get("Destinations", [])]
    return {LOG_GROUP: _joined(groups), LOGS_DATA: str(bool(logging.get("IncludeExecutionData"))).lower()}


def _text(properties: Template) -> Template:
    """Their JSON, in which CloudFormation puts what its functions (a Ref, an Fn::Sub, …) come to."""
    functions: list[Template] = []
    pieces: list[Any] = re.split(r"@@(\d+)@@", json.dumps(_marked(properties, functions)))
    pieces[1::2] = [functions[int(index)] for index in pieces[1::2]]
    return {"Fn::Join": ["", pieces]}


def _marked(value: Any, functions: list[Template]) -> Any:
    if isinstance(value, list):
        return [_marked(item, functions) for item in value]
    if isinstance(value, dict) and (list(value) == ["Ref"] or next(iter(value), "").startswith("Fn::")):
        functions.append(value)
        return f"@@{len(functions) - 1}@@"
    return {key: _marked(item, functions) for key, item in value.items()} if isinstance(value, dict) else value


def _joined(items: Any) -> Template:
    return {"Fn::Join": [",", items]}


def _created(resource: Template, build: Path) -> Template:
    properties = resource.get("Properties", {})
    if resource["Type"] == MACHINE:
        properties = _with_definition(properties, build)
    if resource["Type"] == FUNCTION:
        properties = {key: value for key, value in properties.items() if key != "Layers"}
    return resource | {"Properties": properties}


def _named(value: Any, layers: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_named(item, layers) for item in value]
    if isinstance(value, dict):
        return layers.get(value.get("Ref", "")) or {key: _named(item, layers) for key, item in value.items()}
    return value


def folder_of(resource: Template, key: str) -> str:
    return str(resource["Properties"][key]["S3Key"])


def _with_definition(properties: Template, build: Path) -> Template:
    text = _definition_text(properties, build)
    substitutions = properties.get("DefinitionSubstitutions", {})
    pieces = re.split(r"\$\{(\w+)\}", text)
    pieces[1::2] = [substitutions[name] for name in pieces[1::2]]
    kept = {key: value for key, value in properties.items() if not key.startswith("Definition")}
    return kept | {"DefinitionString": {"Fn::Join": ["", pieces]}}


def _definition_text(properties: Template, build: Path) -> str:
    if location := properties.get("DefinitionS3Location"):
        return json.dumps(_definition_file(build, location))
    if "Definition" in properties:
        return json.dumps(properties["Definition"])
    text = properties["DefinitionString"]
    return text if isinstance(text, str) else str(text["Fn::Join"][0].join(text["Fn::Join"][1]))
