"""Settings in a Python file of plain assignments, as the guide has them: read, never run."""

import ast
from pathlib import Path
from typing import Any

from escuta.messages import _
from escuta.settings.schema import setting_names


def read_python(file: Path, text: str, problems: list[str]) -> dict[str, Any]:
    """Read `name: type = value` lines; a name alone finds its section.

    Args:
        file: For messages.
        text: Its content.
        problems: Is told what is wrong with it.

    Returns:
        Dotted names to values.

    Raises:
        SyntaxError: It is no Python at all.
    """
    homes: dict[str, list[str]] = {}
    for full in setting_names():
        homes.setdefault(full.rpartition(".")[2], []).append(full)
    values = {}
    for line in ast.parse(text, file.name).body:
        where = _("{file} line {line}").format(file=file, line=line.lineno)
        match line:
            case ast.Expr(value=ast.Constant()):
                continue  # the docstring
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if _is_plain(value):
                name = name.replace("__", ".")
                candidates = homes.get(name, [name])
                if len(candidates) == 1:
                    values[candidates[0]] = ast.literal_eval(value)
                else:
                    problems.append(
                        _("{where}: {name} is the name of several settings; expected one of {names}.").format(
                            where=where,
                            name=name,
                            names=", ".join(full.replace(".", "__") for full in candidates),
                        )
                    )
            case _:
                problems.append(
                    _("{where}: {code}; expected a name and a plain value, as epochs = 10.").format(
                        where=where, code=ast.unparse(line).splitlines()[0]
                    )
                )
    return values


def _is_plain(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError):
        return False
    return True
