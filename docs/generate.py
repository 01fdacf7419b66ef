"""A hook of MkDocs: fills in the help of every command, and keeps figures in one piece."""

from typing import Any

import typer

from bridgevec.cli import app


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in a page; MkDocs calls this."""
    if "{{ help }}" in markdown:
        markdown = markdown.replace("{{ help }}", command_help())
    return markdown.replace(" ±", "\N{NO-BREAK SPACE}±")


def command_help() -> str:
    """Write the help of every command, a section each."""
    return "\n\n".join(_sections(typer.main.get_command(app), "bridgevec", None))


def _sections(command: Any, name: str, parent: Any) -> list[str]:
    context = command.context_class(command, info_name=name, parent=parent, terminal_width=90)
    sections = [f"## {context.command_path}\n\n```text\n{context.get_help()}\n```"]
    if isinstance(command, typer.core.TyperGroup):
        for child in command.list_commands(context):
            sections += _sections(command.get_command(context, child), child, context)
    return sections
