# SPDX-License-Identifier: Apache-2.0
"""The part of JSON Schema 2020-12 that docs/report.schema.json uses; any other keyword is refused."""
import re

IS = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}
SILENT = {"$schema", "$defs", "title", "description"}


def errors(value, schema, root, place="$"):
    """What is wrong with `value`, as a list of texts."""
    found = []
    for word, rule in schema.items():
        if word in SILENT:
            continue
        if word == "$ref":
            found += errors(value, root["$defs"][rule.removeprefix("#/$defs/")], root, place)
        elif word == "anyOf":
            if all(errors(value, option, root, place) for option in rule):
                found.append(f"{place}: fits none of anyOf")
        elif word == "type":
            if not any(IS[t](value) for t in ([rule] if isinstance(rule, str) else rule)):
                found.append(f"{place}: is no {rule}")
        elif word == "const":
            if value != rule:
                found.append(f"{place}: is not {rule!r}")
        elif word == "enum":
            if value not in rule:
                found.append(f"{place}: is none of {rule!r}")
        elif word == "pattern":
            if isinstance(value, str) and not re.search(rule, value):
                found.append(f"{place}: does not match {rule}")
        elif word in ("minimum", "maximum", "exclusiveMinimum"):
            holds = {"minimum": lambda v: v >= rule, "maximum": lambda v: v <= rule,
                     "exclusiveMinimum": lambda v: v > rule}[word]
            if IS["number"](value) and not holds(value):
                found.append(f"{place}: breaks {word} {rule}")
        elif word == "minItems":
            if isinstance(value, list) and len(value) < rule:
                found.append(f"{place}: has fewer than {rule}")
        elif word == "items":
            if isinstance(value, list):
                for i, item in enumerate(value):
                    found += errors(item, rule, root, f"{place}[{i}]")
        elif word == "required":
            if isinstance(value, dict):
                found += [f"{place}: lacks {key}" for key in rule if key not in value]
        elif word == "properties":
            if isinstance(value, dict):
                for key, inner in rule.items():
                    if key in value:
                        found += errors(value[key], inner, root, f"{place}.{key}")
        elif word == "additionalProperties" and rule is False:
            if isinstance(value, dict):
                found += [f"{place}: unknown {key}" for key in value
                          if key not in schema["properties"]]
        else:
            raise ValueError(f"a keyword that this validator does not know: {word}")
    return found
