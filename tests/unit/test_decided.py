"""A template is decided as CloudFormation decides it."""

from typing import Any

import pytest

from local.decided import Refused, decided, demand

EMPTY = {"Ref": "AWS::NoValue"}
TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Name": {"Type": "String", "Default": "none", "AllowedPattern": "^[a-z]+$"},
        "Size": {"Type": "Number", "MinValue": 1, "MaxValue": 9},
        "Hosts": {"Type": "CommaDelimitedList", "Default": "none", "AllowedPattern": "^[a-z]+$"},
        "Kind": {"Type": "String", "Default": "red", "AllowedValues": ["red", "blue"]},
    },
    "Rules": {
        "BlueIsNamed": {
            "RuleCondition": {"Fn::Equals": [{"Ref": "Kind"}, "blue"]},
            "Assertions": [
                {"Assert": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Name"}, "none"]}]}, "AssertDescription": "blue needs a Name"}
            ],
        }
    },
    "Conditions": {
        "HasName": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Name"}, "none"]}]},
        "IsBig": {"Fn::Equals": [{"Ref": "Size"}, 9]},
        "HasHosts": {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "Hosts"}]}, "none"]}]},
        "Both": {"Fn::And": [{"Condition": "HasName"}, {"Condition": "IsBig"}]},
        "Either": {"Fn::Or": [{"Condition": "HasName"}, {"Condition": "IsBig"}]},
    },
    "Resources": {
        "Always": {
            "Type": "A",
            "Properties": {
                "Items": ["one", {"Fn::If": ["HasName", {"Ref": "Named"}, EMPTY]}],
                "Extra": {"Fn::If": ["IsBig", "big", EMPTY]},
                "Policy": {"Condition": {"StringEquals": {"a": "b"}}},
            },
        },
        "Named": {"Type": "A", "Condition": "HasName", "Properties": {"Big": {"Fn::If": ["IsBig", "yes", "no"]}}},
    },
    "Outputs": {"Name": {"Condition": "Both", "Value": {"Ref": "Named"}}, "Hosts": {"Condition": "HasHosts", "Value": "some"}},
}


def test_what_a_condition_leaves_out_is_not_there() -> None:
    made = decided(TEMPLATE, {"Size": 3})
    assert (list(made["Resources"]), list(made["Outputs"])) == (["Always"], [])
    assert made["Resources"]["Always"]["Properties"] == {"Items": ["one"], "Policy": {"Condition": {"StringEquals": {"a": "b"}}}}


def test_what_the_conditions_take_in_has_no_condition_left() -> None:
    made = decided(TEMPLATE, {"Size": "9", "Name": "x", "Hosts": "a,b"})
    assert made["Resources"]["Named"] == {"Type": "A", "Properties": {"Big": "yes"}}
    assert made["Resources"]["Always"]["Properties"]["Items"] == ["one", {"Ref": "Named"}]
    assert made["Resources"]["Always"]["Properties"]["Extra"] == "big"
    assert list(made["Outputs"]) == ["Name", "Hosts"]
    assert "Conditions" not in made
    assert "Rules" not in made


@pytest.mark.parametrize(
    "reference",
    [{"Ref": "Named"}, {"Fn::GetAtt": ["Named", "Arn"]}, {"Fn::Sub": "x ${Named.Arn}"}, {"Fn::Sub": ["${Named}", {}]}],
)
def test_a_reference_to_what_is_left_out_is_refused(reference: dict[str, Any]) -> None:
    resources = TEMPLATE["Resources"] | {"Other": {"Type": "A", "Properties": {"Of": [reference]}}}
    with pytest.raises(Refused, match="Named"):
        decided(TEMPLATE | {"Resources": resources}, {"Size": 3})


def test_what_depends_on_what_is_left_out_is_refused() -> None:
    resources = TEMPLATE["Resources"] | {"Other": {"Type": "A", "DependsOn": ["Always", "Named"]}}
    with pytest.raises(Refused, match="Named"):
        decided(TEMPLATE | {"Resources": resources}, {"Size": 3})


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({}, "Size"),
        ({"Size": 3, "Other": "x"}, "Other"),
        ({"Size": 10}, "Size"),
        ({"Size": 0}, "Size"),
        ({"Size": 3, "Name": "X"}, "Name"),
        ({"Size": 3, "Hosts": "a,B"}, "Hosts"),
        ({"Size": 3, "Kind": "green"}, "Kind"),
        ({"Size": 3, "Kind": "blue"}, "blue needs a Name"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(parameters: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        demand(TEMPLATE, parameters)


@pytest.mark.parametrize("parameters", [{"Size": 3}, {"Size": "3", "Kind": "blue", "Name": "x", "Hosts": "a,b"}])
def test_parameters_that_fit_are_taken(parameters: dict[str, Any]) -> None:
    demand(TEMPLATE, parameters)


@pytest.mark.parametrize("node", [{"Fn::Select": [0, ["a"]]}, {"Fn::Equals": [{"Fn::Sub": "x"}, "x"]}])
def test_a_condition_that_is_not_known_is_an_error(node: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedError):
        decided(TEMPLATE | {"Conditions": TEMPLATE["Conditions"] | {"HasName": node}}, {"Size": 3})
