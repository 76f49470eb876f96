"""OpenEMR's sqlconf.php, read and rewritten as bytes: only the five values change, every other byte stays.

Written by hand because no Python library parses PHP and keeps its bytes. It understands the one thing it rewrites,
a variable assigned a plain literal at the top level of the file, and refuses, naming the line, whatever could make
PHP read another value than the one we put there.
"""

import re
from dataclasses import dataclass

from rotation.core.errors import SqlconfUnsupported
from rotation.core.model import Credential, Password

VARIABLES = (b"host", b"port", b"login", b"pass", b"dbase")

_TOKEN = re.compile(
    rb"(?P<space>[ \t\r\n]+)"
    rb"|(?P<comment>/\*.*?\*/|(?://|\#(?!\[))(?:(?!\?>)[^\r\n])*)"
    rb"|(?P<close>\?>)"
    rb"|(?P<unfinished>/\*|<<<)"
    rb"|(?P<single>'(?:\\.|[^'\\])*')"
    rb'|(?P<double>"(?:\\.|[^"\\])*")'
    rb"|(?P<variable>\$[A-Za-z_\x80-\xff][\w\x80-\xff]*)"
    rb"|(?P<word>[A-Za-z_\x80-\xff\\][\w\x80-\xff\\]*)"
    rb"|(?P<number>[0-9]+)"
    rb"|(?P<operator>=>|===?|!==?|<=|>=|(?:\*\*|\?\?|<<|>>|[-+*/.%&|^])=|->|::|[!-~])",
    re.DOTALL,
)
_UNREADABLE = {
    b"extract", b"parse_str", b"list", b"eval", b"unset", b"include", b"include_once", b"require", b"require_once", b"$globals",
    b"$",  # a variable variable
    # what makes the order of the file another than the order in which it runs
    b"goto", b"return", b"exit", b"die", b"throw", b"__halt_compiler",
    b"endif", b"endwhile", b"endfor", b"endforeach", b"endswitch", b"enddeclare",
}  # fmt: skip
_OPEN = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?php(?=[ \t\r\n])", re.IGNORECASE)
_INTERPOLATED = re.compile(rb"(?:[^\\]|\\.)*?(?:\$[A-Za-z_{\x80-\xff]|\{\$|\\[0-7xXu])", re.DOTALL)
_DOUBLE_ESCAPES = {
    b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"e": b"\x1b", b"f": b"\f", b"\\": b"\\", b"$": b"$", b'"': b'"',
}  # fmt: skip


@dataclass(frozen=True)
class _Token:
    kind: str
    text: bytes
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True)
class _Assignment:
    """`$name = literal;` somewhere in the file."""

    name: bytes
    literal: _Token


def read(content: bytes) -> Credential:
    """The credential that PHP would read from the file."""
    values = _values(content)
    try:
        texts = {name.decode(): value.decode() for name, value in values.items()}
    except UnicodeDecodeError:
        raise SqlconfUnsupported("sqlconf.php holds a value that is not UTF-8") from None
    if texts["port"] and not _is_plain(texts["port"].encode()):
        raise SqlconfUnsupported("sqlconf.php: $port is not a number")
    return Credential(texts["login"], Password(texts["pass"]), texts["host"], int(texts["port"] or 3306), texts["dbase"])


def render(content: bytes, credential: Credential) -> bytes:
    """The file with that credential in it; refuses to return anything that does not read back equal."""
    values = {
        b"host": credential.host,
        b"port": str(credential.port),
        b"login": credential.username,
        b"pass": credential.password.reveal(),
        b"dbase": credential.dbname,
    }
    rendered = bytearray(content)
    for assignment in reversed(_assignments(content)):
        literal = assignment.literal
        rendered[literal.start : literal.end] = _literal(literal, values[assignment.name].encode())
    if read(bytes(rendered)) != credential:
        raise SqlconfUnsupported("sqlconf.php would not read back as it was to be written")
    return bytes(rendered)


def in_setup(content: bytes) -> bool:
    """Whether OpenEMR shows its setup in place of the application: the last plain value of `$config` is another than 1."""
    code = _code(content)
    windows = zip(code, code[1:], code[2:], code[3:], strict=False)
    assigned = [(value, end) for name, sign, value, end in windows if (name.text, sign.text) == (b"$config", b"=")]
    value, end = assigned[-1] if assigned else (_END, _END)
    return value.kind in ("single", "double", "number") and end.text == b";" and _unquote(value) != b"1"


def _values(content: bytes) -> dict[bytes, bytes]:
    """What each variable holds in the end: the last assignment wins."""
    values = {a.name: _unquote(a.literal) for a in _assignments(content)}
    missing = [name.decode() for name in VARIABLES if name not in values]
    if missing:
        raise SqlconfUnsupported(f"sqlconf.php does not assign ${', $'.join(missing)}")
    return values


def _assignments(content: bytes) -> list[_Assignment]:
    """Every assignment to one of the five variables; refuses any use of them that could change their value."""
    tokens = _code(content)
    found: list[_Assignment] = []
    depth = 0
    copied: set[bytes] = set()
    for index, token in enumerate(tokens):
        if token.kind == "operator":
            depth += _DEPTH.get(token.text, 0)
        name = token.text[1:]
        if token.kind == "variable" and name in VARIABLES and not _is_copied(tokens, index):
            if name in copied:
                raise _unsupported(content, token, f"${name.decode()} is assigned after it was copied")
            found.append(_assignment(content, tokens, index, depth))
        elif token.kind == "variable" and name in VARIABLES:
            copied.add(name)
        elif token.text == b"$sqlconf":
            _check_array(content, tokens, index)
        elif token.text.lower().lstrip(b"\\") in _UNREADABLE:
            raise _unsupported(content, token, f"with `{token.text.decode()}` the values are not sure")
    return found


_DEPTH = {b"{": 1, b"}": -1, b"(": 1, b")": -1, b"[": 1, b"]": -1}


def _is_copied(tokens: list[_Token], index: int) -> bool:
    """`… = $pass;`: the one way of reading a variable that can do nothing to it."""
    before, after = tokens[index - 1], (*tokens[index + 1 : index + 2], _END)[0]
    return before.text == b"=" and after.text == b";"


def _assignment(content: bytes, tokens: list[_Token], index: int, depth: int) -> _Assignment:
    """The assignment that this mention of a variable must be."""
    before, variable = tokens[index - 1], tokens[index]
    operator, value, end = (*tokens[index + 1 : index + 4], *[_END] * 3)[:3]
    name = variable.text.decode()
    if operator.text not in (b"=", b".=", b"??="):
        raise _unsupported(content, variable, f"{name} is used in a way that could change it")
    if operator.text != b"=" or value.kind not in ("single", "double", "number") or end.text != b";":
        raise _unsupported(content, variable, f"{name} is not assigned one plain literal")
    if depth or before.text not in (b";", b"}", b"<?php"):
        raise _unsupported(content, variable, f"{name} is assigned conditionally")
    if value.kind == "double" and _INTERPOLATED.match(value.text[1:-1]):
        raise _unsupported(content, variable, f"{name} is assigned an interpolated string")
    if value.kind == "number" and not _is_plain(value.text):
        raise _unsupported(content, variable, f"{name} is assigned a number that PHP reads as another")
    return _Assignment(variable.text[1:], value)


def _is_plain(number: bytes) -> bool:
    """PHP takes a leading zero for octal, and makes a float of what does not fit 64 bits."""
    return number.isdigit() and str(int(number)).encode() == number and int(number) < 2**63


def _check_array(content: bytes, tokens: list[_Token], index: int) -> None:
    """`$sqlconf["pass"]` may only be `$pass`: any other value would win over the variable we rewrite."""
    before = tokens[index - 1].text
    texts = [token.text for token in tokens[index + 1 : index + 7]]
    key = texts[1].strip(b"'\"") if len(texts) > 1 else b""
    made = texts[:5] == [b"=", b"array", b"(", b")", b";"] or texts[:4] == [b"=", b"[", b"]", b";"]
    filled = len(texts) == 6 and texts[0] == b"[" and texts[2:4] == [b"]", b"="] and texts[1][:1] != b"$"
    if before == b"global" or made:
        return
    if not filled or (key in VARIABLES and (texts[4] != b"$" + key or texts[5] != b";")):
        what = f"$sqlconf[{key.decode()!r}]" if key in VARIABLES else "a value of it"  # any other token may be a password
        raise _unsupported(content, tokens[index], f"$sqlconf is used in a way that could make {what} differ")


_END = _Token("end", b"", 0)


def _code(content: bytes) -> list[_Token]:
    """The PHP tokens that mean something, the opening tag first."""
    opening = _OPEN.match(content)
    if not opening:
        raise SqlconfUnsupported("sqlconf.php does not begin with <?php")
    tokens, position = [_Token("operator", b"<?php", 0)], opening.end()
    while position < len(content):
        match = _TOKEN.match(content, position)
        if match is None or match.lastgroup is None:
            raise SqlconfUnsupported("sqlconf.php cannot be read")
        token = _Token(match.lastgroup, match.group(), position)
        position = token.end
        if token.kind == "close":
            _check_tail(content, token)
            break
        if token.kind == "unfinished" or token.text in (b"'", b'"', b"`"):
            raise _unsupported(content, token, "a comment that does not end, or a text that is not a simple quoted string")
        if token.kind not in ("space", "comment"):
            tokens.append(token)
    return tokens


def _check_tail(content: bytes, close: _Token) -> None:
    if b"<?" in content[close.end :]:
        raise _unsupported(content, close, "more PHP follows a closing tag")


def _unquote(literal: _Token) -> bytes:
    """The bytes that PHP makes of the literal."""
    if literal.kind == "number":
        return literal.text
    inner = literal.text[1:-1]
    if literal.kind == "single":
        return re.sub(rb"\\([\\'])", lambda match: match.group(1), inner)
    return re.sub(rb"\\(.)", lambda match: _DOUBLE_ESCAPES.get(match.group(1), match.group()), inner, flags=re.DOTALL)


def _literal(old: _Token, value: bytes) -> bytes:
    """The value in the quotes that the file has; a bare number stays bare."""
    if old.kind == "number" and _is_plain(value):
        return value
    if old.kind == "double":
        return b'"' + re.sub(rb'([\\"$])', lambda match: b"\\" + match.group(1), value) + b'"'
    return b"'" + re.sub(rb"([\\'])", lambda match: b"\\" + match.group(1), value) + b"'"


def _unsupported(content: bytes, token: _Token, what: str) -> SqlconfUnsupported:
    line = content.count(b"\n", 0, token.start) + 1
    return SqlconfUnsupported(f"sqlconf.php, line {line}: {what}")
