"""`xspm contract`: the agreement between parties, from the first draft to the version in force."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from xspm.app import contract as app
from xspm.app.contract_init import init as write_first
from xspm.app.scan import now
from xspm.app.trust import ROOT_VARIABLE, open_contract
from xspm.cli import contract_view as view
from xspm.cli.console import OUTPUT, heading, print_json, print_table, print_text
from xspm.cli.contracting import CONTRACT, KEY, ROOT, signer
from xspm.cli.passphrase import PASSPHRASE_FILE
from xspm.contract.changes import changes
from xspm.errors import UsageError


@click.group("contract")
def contract() -> None:
    """Agree on parties, keys, rules and policies, so that nobody changes them alone.

    \b
    Examples:
      xspm contract init
      xspm contract propose
      xspm contract sign --key alice.key
      xspm contract accept
      xspm contract show
    """


@contract.command("init", short_help="Write a commented contract.yaml.")
@click.argument("folder", default="contract")
@click.option("--name", default="acme", show_default=True, help="The contract's name.")
@click.option(
    "--member", "members", multiple=True, metavar="PARTY:NAME=FILE", help="A person's public key; repeatable."
)
def init(folder: str, name: str, members: tuple[str, ...]) -> None:
    """Write a commented contract.yaml into FOLDER.

    Without --member it has people in it who stand for yours. With it, their public keys are copied into keys/; a person
    named again has several. Nothing that is there is written over.

    \b
    Examples:
      xspm contract init
      xspm contract init --name acme --member platform:dave=dave.pub --member security:alice=alice.pub
    """
    for path in write_first(Path(folder), name, members, now()[:10]):
        click.echo(f"wrote {path}")
    print_text("next: edit it, then xspm contract propose")


@contract.command("propose", short_help="Make contract.yaml the next version, to be signed.")
@click.option("--bundle", metavar="FILE", help="A policy bundle to bring into force: xspm policy bundle.")
@click.option("--replace", is_flag=True, help="Begin anew, though somebody signed other terms for this version.")
@CONTRACT
@ROOT
@OUTPUT
def propose(bundle: str | None, contract: str | None, root: str | None, output: str, *, replace: bool) -> None:
    """Make contract.yaml the next version, say what it changes and whose signatures that takes.

    The proposal is a file in proposed/ that gathers signatures. Nothing is in force yet. One that brings a bundle, and
    changes nothing else, needs those who publish policies, and for a weaker one also those who weaken them.

    \b
    Examples:
      xspm contract propose
      xspm contract propose --bundle acme.bundle.json
    """
    folder = app.find_folder(contract)
    made = app.propose(folder, root, bundle=bundle, today=now()[:10], replace=replace)
    if output == "json":
        print_json(view.proposal_json(made))
        return
    view.print_proposal(made, app.pinned(root))
    click.echo(f"\nwrote {made.path}")


@contract.command("sign", short_help="Sign a proposal, after looking at what it changes.")
@click.argument("file", required=False)
@KEY
@PASSPHRASE_FILE
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("-o", "--output", "out", metavar="FILE", help="Where to write it, if not into the file that was read.")
@CONTRACT
@ROOT
def sign(  # noqa: PLR0917 - each is another option
    file: str | None,
    key: str,
    passphrase_file: str | None,
    out: str | None,
    contract: str | None,
    root: str | None,
    *,
    yes: bool,
) -> None:
    """Show what a proposal changes, ask, and sign it.

    FILE is the proposal; without it, the one in the contract's folder. The file with your signature can travel by git,
    mail or USB stick, and xspm contract merge brings copies together.

    \b
    Examples:
      xspm contract sign --key alice.key
      xspm contract sign 0002.dsse.json --key agent:alice@laptop -o alice.dsse.json
    """
    folder = app.find_folder(contract)
    proposal = app.current(folder, root, file)
    app.demand_bundle(folder, proposal)
    view.print_proposal(proposal, app.pinned(root))
    click.echo()
    question = f"Sign version {proposal.new.version} of {proposal.new.name}?"
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("there is no terminal to ask at", hint="--yes signs without asking")
        if not click.confirm(question):
            raise UsageError("not signed")
    opened = signer(key, passphrase_file)
    who = app.signer_of(proposal, opened)
    signed = app.sign(proposal, opened, Path(out) if out else None)
    click.echo(f"signed by {who}: {signed.path}")
    _missing(signed)


def _missing(proposal: app.Proposal) -> None:
    """Say what is left to do."""
    missing = [one for one in proposal.needs if one.missing]
    if missing:
        view.print_needs(missing)
    else:
        click.echo("its rules are met: xspm contract accept")


@contract.command("merge", short_help="Bring the signatures on copies of a proposal together.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("-o", "--output", "out", metavar="FILE", help="Where to write it, if not as the folder's proposal.")
@CONTRACT
@ROOT
def merge(files: tuple[str, ...], out: str | None, contract: str | None, root: str | None) -> None:
    """Bring the signatures on copies of one proposal, exception or change together.

    Every signature is verified first, and copies of different texts are refused.

    \b
    Examples:
      xspm contract merge alice.dsse.json dave.dsse.json
      xspm contract merge alice.dsse.json dave.dsse.json -o both.dsse.json
    """
    folder = app.find_folder(contract)
    if not app.is_version(files[0]):
        path, signed = app.merged_approvals(folder, root, files, out)
        click.echo(f"signed by {signed.shown()}: {path}")
        return
    found = app.merged(folder, root, files, out)
    click.echo(f"signed by {found.signed.shown()}: {found.path}")
    _missing(found)


@contract.command("accept", short_help="Put a proposal into force, if its rules are met.")
@click.argument("file", required=False)
@CONTRACT
@ROOT
def accept(file: str | None, contract: str | None, root: str | None) -> None:
    """Put a proposal into force, if the rules of the version before it are met.

    FILE is the proposal; without it, the one in the contract's folder. Whoever reads the contract checks all of it
    again: accepting gives it a place and no trust.

    \b
    Examples:
      xspm contract accept
    """
    found = app.accept(app.find_folder(contract), root, file, now())
    new = found.new
    click.echo(f"version {new.version} of {new.name} is in force until {new.expires}: {found.path}")
    if found.before is None:
        digest = found.link.digest
        print_text("\nThis digest is the root of the contract. Hand it to every reader yourself, not by this folder:\n")
        click.echo(f"  {digest}\n")
        print_text("A reader pins it in one of three ways:\n")
        click.echo(f"  mkdir -p ~/.config/xspm && echo {digest} \\\n    > ~/.config/xspm/contract-root")
        click.echo(f"  export {ROOT_VARIABLE}={digest}")
        click.echo(f"  xspm contract verify --root {digest}")


@contract.command("show", short_help="Show who may do what, with how many signatures, until when.")
@click.option(
    "--at", metavar="VERSION|FILE", help="A version's number, `proposed`, a proposal's file or a contract.yaml."
)
@CONTRACT
@ROOT
@OUTPUT
def show(at: str | None, contract: str | None, root: str | None, output: str) -> None:
    """Show who may do what, with how many signatures, until when, and where powers meet that should be apart.

    \b
    Examples:
      xspm contract show
      xspm contract show --at proposed
      xspm contract show --at 1 --output json
    """
    folder = app.find_folder(contract)
    side = app.side(folder, root, at)
    trusted = app.opened(folder, root)
    pinned = trusted.root if trusted else None
    if output == "json":
        print_json(view.side_json(side, pinned))
        return
    view.print_side(side, pinned, now()[:10])


@contract.command("diff", short_help="Show in words what one version changes against another.")
@click.argument("old", required=False)
@click.argument("new", required=False)
@CONTRACT
@ROOT
@OUTPUT
def diff(old: str | None, new: str | None, contract: str | None, root: str | None, output: str) -> None:
    """Show in words what one version changes against another: by default the proposal against the version in force.

    OLD and NEW are numbers of versions, `proposed`, files of proposals or a contract.yaml.

    \b
    Examples:
      xspm contract diff
      xspm contract diff 1 2
      xspm contract diff 2 contract.yaml --output json
    """
    folder = app.find_folder(contract)
    before, after = app.side(folder, root, old), app.side(folder, root, new or "proposed")
    if output == "json":
        print_json(view.diff_json(folder, before, after))
        return
    found = changes(before.terms, after.terms)
    heading(f"{after.terms.name}: {before.title} → {after.title}")
    view.print_changes(found)
    if not found:
        click.echo("  nothing changes")
    click.echo()
    view.print_policies(folder, before.terms, after.terms)


@contract.command("verify", short_help="Follow every version from the root that you pinned.")
@CONTRACT
@ROOT
@OUTPUT
def verify(contract: str | None, root: str | None, output: str) -> None:
    """Follow every version from the root that you pinned, and say who signed it.

    It needs nothing but the folder and the digest. Exit codes: 0 the contract holds, 2 it does not.

    \b
    Examples:
      xspm contract verify --root sha256:…
      xspm contract verify --contract /mnt/usb/contract --output json
    """
    trusted = open_contract(str(app.find_folder(contract)), root, now())
    links = [(one.link.terms, one.link.digest, one.signed) for one in trusted.accepted]
    if output == "json":
        versions = [
            {"version": terms.version, "digest": digest, "expires": terms.expires, "signed": signed.people}
            for terms, digest, signed in links
        ]
        print_json({"name": trusted.terms.name, "root": trusted.root, "versions": versions})
        return
    heading(f"{trusted.terms.name} holds: version {trusted.terms.version}, until {trusted.terms.expires}")
    click.echo(f"  root  {trusted.root}\n  this  {trusted.digest}\n")
    rows = [(str(terms.version), digest[7:19], terms.expires, signed.shown()) for terms, digest, signed in links]
    print_table(rows, ("VERSION", "SHA-256", "UNTIL", "SIGNED BY"))


COMMAND = contract
