"""`escuta listen`: the page of a few runs, live; the blind test; one file to send to somebody."""

import secrets
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from escuta.errors import SettingsError
from escuta.messages import _

if TYPE_CHECKING:
    from escuta.run.folder import RunFolder


def listen(  # noqa: PLR0913 - a command line, not a function that anybody calls
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.", show_default=False)],
    blind: Annotated[bool, typer.Option("--blind", help="Compare checkpoints without knowing which is which.")] = False,
    export: Annotated[
        Path | None,
        typer.Option(help="Write all of it, sounds too, to this one HTML file, and serve nothing.", show_default=False),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
    port: Annotated[int, typer.Option(help="Of the server; 0 takes one that is free.", min=0, max=65535)] = 0,
    share: Annotated[
        bool, typer.Option("--share", help="Let other machines listen, with the token that is shown.")
    ] = False,
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen on; 127.0.0.1, with --share all.", show_default=False),
    ] = None,
) -> None:
    """See and hear runs in the browser while they train; Ctrl-C ends it."""
    from escuta.report.access import Access, is_loopback, new_token, seen_from_outside
    from escuta.report.export import export_page
    from escuta.report.server import listen_on, make_app, serve
    from escuta.run.folder import RunFolder
    from escuta.terminal import Terminal

    folders = [RunFolder(run) for run in runs]
    for folder in folders:
        folder.read_facts()
    terminal = Terminal()
    if export:
        num_bytes = export_page(folders, export)
        terminal.say(_("Page:  {file} ({megabytes:.1f} MB)").format(file=export, megabytes=num_bytes / 1e6))
        return

    host = host or ("0.0.0.0" if share else "127.0.0.1")
    if not (share or is_loopback(host)):
        raise SettingsError(
            _("--host {host}: other machines could listen; expected 127.0.0.1. Add --share if they may.").format(
                host=host
            )
        )
    sock = listen_on(host, port)
    access = Access(seen_from_outside(host), sock.getsockname()[1], new_token() if share else None)
    address = access.page("blind/0") if blind else access.page()
    terminal.say(_("Listen:  {address}").format(address=address), _("Ctrl-C ends it."))
    if browser:
        # In a thread: one without a window would keep us from answering it. The socket waits until we do.
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    try:
        serve(make_app(folders, access, _export), sock)
    except KeyboardInterrupt:
        return


def _export(run: "RunFolder", name: str, folder: Path) -> None:
    """Write the checkpoint that somebody chose by ear as a model folder."""
    from escuta.cli.export import write_model
    from escuta.run.checkpoints import find_checkpoint

    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.partial")
    write_model(run, find_checkpoint(run, run.checkpoint(name).name), partial)
    partial.rename(folder)
