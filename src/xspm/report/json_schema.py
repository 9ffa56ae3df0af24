"""The JSON report's schema, derived from its structs and the docstrings under their fields.

`docs/schema/xspm-report-1.schema.json` is what this returns; a test holds them together and rewrites the file when
asked to update golden files.
"""

from __future__ import annotations

from typing import Any

import msgspec

from xspm.model.asset import Asset, Location, Problem
from xspm.model.check import Parameter, Remediation
from xspm.model.schema import field_docs
from xspm.model.verdict import ExceptionRef, Failure, Observed, PolicyRef, Verdict
from xspm.report.json import (
    SCHEMA,
    AssetReport,
    Blocker,
    Counts,
    Gate,
    Report,
    ReportCheck,
    ReportScore,
    Tool,
    Unread,
)

_DESCRIBED = (
    *(Report, Tool, Gate, Blocker, Unread, ReportScore, Counts, AssetReport, ReportCheck),
    *(Asset, Location, Problem, Parameter, Remediation, ExceptionRef, Failure, Observed, PolicyRef, Verdict),
)


def schema() -> dict[str, Any]:
    """Return the schema (JSON Schema 2020-12), with a description for every field that has one."""
    derived = msgspec.json.schema(Report)
    for struct in _DESCRIBED:
        docs = field_docs(struct)
        properties = derived["$defs"][struct.__name__]["properties"]
        for name, encoded in zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True):
            if name in docs:
                properties[encoded]["description"] = docs[name]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:xspm:schema:{SCHEMA}",
        "title": "xspm report, version 1",
        **derived,
    }
