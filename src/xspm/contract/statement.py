"""in-toto statements: what is signed, as canonical JSON.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md. The payload is RFC 8785 canonical JSON and must
be when it is read back, so that one statement has one digest.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

from xspm.errors import ContractError, ModelError
from xspm.model.digest import Digest, canonical

STATEMENT: Final = "https://in-toto.io/Statement/v1"
CONTRACT: Final = "https://xspm.dev/predicates/contract/v1"

Predicate = TypeVar("Predicate")


class Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a statement speaks about."""

    name: str
    digest: dict[str, str]
    """By algorithm, in hex."""


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The outer form of everything that is signed."""

    type: str = msgspec.field(name="_type")
    predicate_type: str = msgspec.field(name="predicateType")
    subject: tuple[Subject, ...]
    predicate: dict[str, Any]


def subject(name: str, digest: Digest) -> Subject:
    """A subject named by a digest of ours."""
    algorithm, _, value = digest.partition(":")
    return Subject(name, {algorithm: value})


def encode_statement(predicate_type: str, subjects: tuple[Subject, ...], predicate: msgspec.Struct) -> bytes:
    """Return a statement's payload."""
    return canonical(
        {
            "_type": STATEMENT,
            "predicateType": predicate_type,
            "subject": msgspec.to_builtins(subjects),
            "predicate": msgspec.to_builtins(predicate),
        }
    )


def decode_statement(
    payload: bytes, predicate_type: str, kind: type[Predicate], file: str
) -> tuple[tuple[Subject, ...], Predicate]:
    """Read a statement of one type.

    Raises:
        ContractError: it is none, is of another type, or is not written canonically.
    """
    statement = read_statement(payload, file)
    if statement.predicate_type != predicate_type:
        raise ContractError(f"it states {statement.predicate_type!r}, not {predicate_type}", file=file)
    try:
        predicate = msgspec.convert(statement.predicate, kind)
    except msgspec.ValidationError as error:
        raise ContractError(f"the signed statement is malformed: {error}", file=file) from error
    return statement.subject, predicate


def read_statement(payload: bytes, file: str) -> Statement:
    """Read a statement of whatever type.

    Raises:
        ContractError: it is none, or is not written canonically.
    """
    try:
        statement = msgspec.json.decode(payload, type=Statement)
        if statement.type != STATEMENT:
            raise ContractError(f"the payload is no in-toto statement v1 but {statement.type!r}", file=file)
        if canonical(msgspec.json.decode(payload)) != payload:
            raise ContractError("the statement is not canonical JSON (RFC 8785)", file=file)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ModelError) as error:
        raise ContractError(f"the signed statement is malformed: {error}", file=file) from error
    return statement
